// How values are distributed, in a few hundred bytes: a base-2 exponential histogram in the layout
// of OpenTelemetry (opentelemetry-specification, metrics/data-model.md, "ExponentialHistogram").
//
// At scale s the base is 2^(2^-s), and bucket i counts what lies in (base^i, base^(i+1)]. Negative
// values have buckets of their own, by magnitude; zeros are counted apart. Once the values span
// more buckets than there are, neighbours are merged in pairs, which is one scale less. So the
// scale and every count follow from what was added alone, not from its order or from merges.
//
// Saved, with numbers as in varint.hpp and doubles as they lie in memory (little-endian):
//
//   zigzag scale | count of all | count of zeros | f64 sum | f64 its compensation | f64 min | f64
//   max | buckets of positive values | buckets of negative values
//
//   buckets: varint n | if n > 0: zigzag index of the first | n counts
//   count:   varint 2n where it is a whole n below 2^53, else varint 1 | f64
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "core/buffer.hpp"
#include "core/varint.hpp"

namespace attolog {

class Sketch {
 public:
  static constexpr std::size_t kMaxBuckets = 160;  // for each sign
  static constexpr int kMaxScale = 20;
  static constexpr int kMinScale = -10;  // OpenTelemetry's; all doubles fit at -4 already

  // The counts of bucket `offset` and of those behind it. First and last are never untouched.
  struct Buckets {
    std::int32_t offset = 0;
    std::vector<double> counts;
  };

  // `value` must be finite, `weight` above 0 and finite: as how many values it counts.
  void add(double value, double weight = 1);
  // As if all that was added to `other` had been added here; only sum() may round differently.
  void merge(const Sketch& other);

  // Counts are exact as long as weights are whole and they stay below 2^53.
  double count() const { return count_; }
  double zeros() const { return zeros_; }
  // By Neumaier's summation: as if added exactly and rounded once, where nothing overflows.
  double sum() const;
  // NaN where nothing was added, as are min, max and quantiles.
  double mean() const { return sum() / count_; }
  double min() const { return count_ > 0 ? min_ : std::numeric_limits<double>::quiet_NaN(); }
  double max() const { return count_ > 0 ? max_ : std::numeric_limits<double>::quiet_NaN(); }
  // By nearest rank: the smallest value v for which at least q * count() values are at most v, off
  // by relative_error() at most (subnormal ones by their last bit too). Never outside [min, max],
  // so exact where all values are equal, and for q = 0 and q = 1.
  double quantile(double q) const;
  double relative_error() const;  // (base - 1) / (base + 1)

  int scale() const { return scale_; }
  const Buckets& positive() const { return positive_; }
  const Buckets& negative() const { return negative_; }

  void save(Buffer& out) const;
  // Takes a sketch off the front of `bytes`, which may be damaged. False: they are, and neither
  // argument has changed.
  static bool load(std::string_view& bytes, Sketch& sketch);

 private:
  void make_room(Buckets& buckets, std::int32_t lowest, std::int32_t highest);
  void coarsen(int steps);
  void add_sum(double value);
  double value_in(std::int32_t bucket) const;
  bool load_buckets(ByteReader& in, Buckets& buckets) const;

  int scale_ = kMaxScale;
  double count_ = 0;
  double zeros_ = 0;
  double sum_ = 0;
  double compensation_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = -std::numeric_limits<double>::infinity();
  Buckets positive_;
  Buckets negative_;
};

}  // namespace attolog
