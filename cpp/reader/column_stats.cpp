#include "reader/column_stats.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace attolog {

void ExactSum::add(double value) {
  const double sum = sum_ + value;
  compensation_ += std::abs(sum_) >= std::abs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
  sum_ = sum;
}

void ExactSum::merge(const ExactSum& other) {
  add(other.sum_);
  compensation_ += other.compensation_;
}

double ExactSum::value() const {
  return std::isfinite(sum_) ? sum_ + compensation_ : sum_;
}

void ColumnStats::add(const Value& value, double weight) {
  switch (value.tag) {
    case Tag::none: return;
    case Tag::int64:
      ++values;
      least_whole = std::min(least_whole, value.i);
      greatest_whole = std::max(greatest_whole, value.i);
      return add_number(static_cast<double>(value.i), weight);
    case Tag::float64:
      ++values;
      is_whole = false;
      return add_number(value.f, weight);
    case Tag::str:
      ++values;
      kinds_ |= value.is_nested ? kOthers : kTexts;
      if (!value.is_nested) texts.add(value.text, weight);
      return;
    default: add_other(value, weight);
  }
}

void ColumnStats::add_other(const Value& value, double weight) {
  ++values;
  switch (value.kind()) {
    case ValueClass::boolean:
      kinds_ |= kBools;
      (value.tag == Tag::true_ ? trues : falses) += weight;
      return;
    case ValueClass::real: is_whole = false; return add_number(value.f, weight);
    case ValueClass::whole:
      if (value.is_beyond_int64()) {
        is_whole = false;
        return add_number(static_cast<double>(static_cast<std::uint64_t>(value.i)), weight);
      }
      least_whole = std::min(least_whole, value.i);
      greatest_whole = std::max(greatest_whole, value.i);
      return add_number(static_cast<double>(value.i), weight);
    case ValueClass::digits: {
      is_whole = false;
      // Hexadecimal ones are beyond any float.
      double number = std::numeric_limits<double>::infinity();
      const char* const end = value.text.data() + value.text.size();
      const auto [stop, error] = std::from_chars(value.text.data(), end, number);
      if (error != std::errc{} || stop != end) number = std::numeric_limits<double>::infinity();
      return add_number(number, weight);
    }
    default: kinds_ |= kOthers;
  }
}

void ColumnStats::add_number(double number, double weight) {
  kinds_ |= kNumbers;
  if (!std::isfinite(number)) {
    ++not_finite;
    return;
  }
  ++numbers;
  least = std::min(least, number);
  greatest = std::max(greatest, number);
  sum.add(number * weight);
  quantiles.add(number, weight);
}

void ColumnStats::merge(const ColumnStats& other) {
  values += other.values;
  numbers += other.numbers;
  is_whole = is_whole && other.is_whole;
  least_whole = std::min(least_whole, other.least_whole);
  greatest_whole = std::max(greatest_whole, other.greatest_whole);
  least = std::min(least, other.least);
  greatest = std::max(greatest, other.greatest);
  sum.merge(other.sum);
  quantiles.merge(other.quantiles);
  not_finite += other.not_finite;
  trues += other.trues;
  falses += other.falses;
  texts.merge(other.texts);
  kinds_ |= other.kinds_;
}

ColumnStats::Kind ColumnStats::kind() const {
  switch (kinds_) {
    case kNumbers: return Kind::number;
    case kBools: return Kind::boolean;
    case kTexts: return Kind::text;
    default: return Kind::other;
  }
}

double ColumnStats::quantile(double q) const {
  return std::clamp(quantiles.at(q), least, greatest);
}

}  // namespace attolog
