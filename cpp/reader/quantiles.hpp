// How numbers are distributed: counts in buckets that are 1/64 of an octave wide, so that every
// quantile is off by less than one percent.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace attolog {

// A Sketch (strategies/sketch.hpp) must be small, as it lies in rings and files: it becomes coarse
// where values differ much. This one keeps its error and grows, by 512 bytes for each octave that
// has values. A bucket is named by the exponent and the first bits of a double, so that adding
// takes no logarithm. Every count follows from what was added alone, not from its order or from
// merges.
class Quantiles {
 public:
  // The most that a quantile is off, relative to its value; of numbers below 1e-307 it may be more.
  static constexpr double kError = 0.01;

  // `value` must be finite, `weight` above 0 and finite.
  void add(double value, double weight) {
    count_ += weight;
    if (value == 0) {
      zeros_ += weight;
    } else {
      (value > 0 ? positive_ : negative_).count_of(std::abs(value)) += weight;
    }
  }
  void merge(const Quantiles& other);

  double count() const { return count_; }
  // The smallest value v for which at least q * count() values are at most v, nearly. NaN where
  // nothing was added.
  double at(double q) const;

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kBuckets = std::size_t{1} << kBits;
  using Octave = std::array<double, kBuckets>;

  // Of the values of one sign, by magnitude.
  class Side {
   public:
    double& count_of(double magnitude) {
      const std::uint64_t bucket = std::bit_cast<std::uint64_t>(magnitude) >> (52 - kBits);
      const std::size_t octave = (bucket >> kBits) - first_;
      if (octave >= octaves_.size() || octaves_[octave] == nullptr) add_octave(bucket >> kBits);
      return (*octaves_[(bucket >> kBits) - first_])[bucket % kBuckets];
    }
    void merge(const Side& other);
    // Goes over (a value of the bucket, its count) in order of magnitude, down or up, until `visit`
    // says that it has seen enough.
    template <class Visit>
    bool visit(bool down, const Visit& visit) const;

   private:
    void add_octave(std::size_t exponent);
    static double value_in(std::uint64_t bucket);

    std::size_t first_ = 0;  // the exponent of octaves_[0]
    std::vector<std::unique_ptr<Octave>> octaves_;
  };

  double count_ = 0;
  double zeros_ = 0;
  Side positive_;
  Side negative_;
};

}  // namespace attolog
