// What is known of the values of a column: counts, bounds, quantiles, the most frequent texts.
#pragma once

#include <cstdint>
#include <limits>

#include "core/value.hpp"
#include "reader/frequencies.hpp"
#include "reader/quantiles.hpp"

namespace attolog {

// A sum by Neumaier's summation: as if added exactly and rounded once, where nothing overflows.
class ExactSum {
 public:
  void add(double value);
  void merge(const ExactSum& other);
  double value() const;

 private:
  double sum_ = 0;
  double compensation_ = 0;
};

struct ColumnStats {
  enum class Kind : std::uint8_t { other, number, boolean, text };

  // Takes in the value of a record that stands for `weight` calls.
  void add(const Value& value, double weight);
  void merge(const ColumnStats& other);

  // What all values are, None not counted; `other` where they are several, or none of the three.
  Kind kind() const;
  double mean() const { return sum.value() / quantiles.count(); }
  // Within the bounds, so that the quantiles of equal values are exact.
  double quantile(double q) const;

  std::uint64_t values = 0;  // None not counted
  // Of ints and floats that are finite:
  std::uint64_t numbers = 0;
  bool is_whole = true;  // all were ints of 64 bits
  std::int64_t least_whole = std::numeric_limits<std::int64_t>::max();
  std::int64_t greatest_whole = std::numeric_limits<std::int64_t>::min();
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  ExactSum sum;                  // weighted
  Quantiles quantiles;           // weighted
  std::uint64_t not_finite = 0;  // floats that are NaN or infinite, and ints beyond any float
  double trues = 0;              // weighted
  double falses = 0;
  Frequencies texts;  // weighted

 private:
  static constexpr std::uint8_t kNumbers = 1, kBools = 2, kTexts = 4, kOthers = 8;

  void add_other(const Value& value, double weight);
  void add_number(double number, double weight);

  std::uint8_t kinds_ = 0;
};

}  // namespace attolog
