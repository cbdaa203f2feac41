#include "reader/quantiles.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace attolog {

void Quantiles::Side::add_octave(std::size_t exponent) {
  if (octaves_.empty()) first_ = exponent;
  if (exponent < first_) {
    std::vector<std::unique_ptr<Octave>> more(first_ - exponent);
    std::ranges::move(octaves_, std::back_inserter(more));
    octaves_ = std::move(more);
    first_ = exponent;
  }
  if (exponent - first_ >= octaves_.size()) octaves_.resize(exponent - first_ + 1);
  octaves_[exponent - first_] = std::make_unique<Octave>();
}

void Quantiles::Side::merge(const Side& other) {
  for (std::size_t i = 0; i < other.octaves_.size(); ++i) {
    if (other.octaves_[i] == nullptr) continue;
    const std::size_t exponent = other.first_ + i;
    const std::size_t at = exponent - first_;
    if (at >= octaves_.size() || octaves_[at] == nullptr) add_octave(exponent);
    Octave& octave = *octaves_[exponent - first_];
    for (std::size_t j = 0; j < kBuckets; ++j) octave[j] += (*other.octaves_[i])[j];
  }
}

// The value with the smallest relative error for all that the bucket can hold: 2 / (1/low +
// 1/high).
double Quantiles::Side::value_in(std::uint64_t bucket) {
  const auto low = std::bit_cast<double>(bucket << (52 - kBits));
  const auto high = std::bit_cast<double>((bucket + 1) << (52 - kBits));
  return std::isfinite(high) ? low * (2 / (1 + low / high)) : low;
}

template <class Visit>
bool Quantiles::Side::visit(bool down, const Visit& visit) const {
  const std::size_t n = octaves_.size() * kBuckets;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = down ? n - 1 - i : i;
    const Octave* const octave = octaves_[at / kBuckets].get();
    if (octave == nullptr || (*octave)[at % kBuckets] == 0) continue;
    if (visit(value_in(first_ * kBuckets + at), (*octave)[at % kBuckets])) return true;
  }
  return false;
}

void Quantiles::merge(const Quantiles& other) {
  count_ += other.count_;
  zeros_ += other.zeros_;
  positive_.merge(other.positive_);
  negative_.merge(other.negative_);
}

double Quantiles::at(double q) const {
  double found = std::numeric_limits<double>::quiet_NaN();
  double seen = 0;
  const double rank = q * count_;
  const auto reached = [&](double value, double count) {
    seen += count;
    found = value;
    return seen >= rank;
  };
  const auto negated = [&](double value, double count) { return reached(-value, count); };
  if (negative_.visit(true, negated)) return found;
  if (zeros_ != 0 && reached(0, zeros_)) return found;
  positive_.visit(false, reached);
  return found;  // the last one, where fractional weights were rounded
}

}  // namespace attolog
