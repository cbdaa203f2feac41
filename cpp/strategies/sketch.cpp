#include "strategies/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/value.hpp"

namespace attolog {

namespace {

constexpr double kPerOctave = 1 << Sketch::kMaxScale;
// Indices of the smallest and the largest double's buckets at the finest scale.
constexpr std::int32_t kLowest = -1074 * (1 << Sketch::kMaxScale) - 1;
constexpr std::int32_t kHighest = 1024 * (1 << Sketch::kMaxScale) - 1;

// The bucket of `magnitude` at the finest scale; those of all others follow from it by shifts, so
// that a value's place never depends on when the sketch became coarser. Powers of two are bounds
// and exact, since log2(1) is 0; no other double is a bound. A double within the rounding of log2
// (some 2^-53 relative) of a bound may be counted beyond it, as OpenTelemetry allows.
std::int32_t finest_index(double magnitude) {
  int exponent = 0;
  const double mantissa = 2 * std::frexp(magnitude, &exponent);  // in [1, 2)
  const double position = std::log2(mantissa) * kPerOctave;
  auto ceiling = static_cast<std::int32_t>(position);
  if (ceiling < position) ++ceiling;
  return (exponent - 1) * (1 << Sketch::kMaxScale) + ceiling - 1;
}

std::int32_t last_of(const Sketch::Buckets& buckets) {
  return buckets.offset + static_cast<std::int32_t>(buckets.counts.size()) - 1;
}

double& bucket_at(Sketch::Buckets& buckets, std::int32_t index) {
  return buckets.counts[static_cast<std::size_t>(index - buckets.offset)];
}

void coarsen_buckets(Sketch::Buckets& buckets, int steps) {
  if (buckets.counts.empty()) return;
  const std::int32_t offset = buckets.offset >> steps;
  std::vector<double> merged(static_cast<std::size_t>((last_of(buckets) >> steps) - offset) + 1);
  for (std::size_t i = 0; i < buckets.counts.size(); ++i) {
    const std::int32_t index = (buckets.offset + static_cast<std::int32_t>(i)) >> steps;
    merged[static_cast<std::size_t>(index - offset)] += buckets.counts[i];
  }
  buckets = {offset, std::move(merged)};
}

void put_count(Buffer& out, double count) {
  if (count < kWholeDoubles) {
    const auto whole = static_cast<std::uint64_t>(count);
    if (static_cast<double>(whole) == count) return append_varint(out, 2 * whole);
  }
  append_varint(out, 1);
  append_double(out, count);
}

void put_buckets(Buffer& out, const Sketch::Buckets& buckets) {
  append_varint(out, buckets.counts.size());
  if (buckets.counts.empty()) return;
  append_zigzag(out, buckets.offset);
  for (const double count : buckets.counts) put_count(out, count);
}

double read_count(ByteReader& in) {
  const std::uint64_t number = in.varint();
  const double count = (number & 1) == 0 ? static_cast<double>(number / 2) : in.float64();
  if (!(count >= 0) || !std::isfinite(count)) throw FormatError("a count is none");
  return count;
}

}  // namespace

void Sketch::add(double value, double weight) {
  count_ += weight;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  add_sum(value * weight);
  if (value == 0) {
    zeros_ += weight;
    return;
  }
  Buckets& buckets = value > 0 ? positive_ : negative_;
  const std::int32_t finest = finest_index(std::abs(value));
  const std::int32_t index = finest >> (kMaxScale - scale_);
  // In 64 bits: indices lie further apart than 32 hold.
  const auto at = static_cast<std::uint64_t>(std::int64_t{index} - buckets.offset);
  if (at < buckets.counts.size()) {
    buckets.counts[at] += weight;
    return;
  }
  make_room(buckets, index, index);
  bucket_at(buckets, finest >> (kMaxScale - scale_)) += weight;
}

void Sketch::add_sum(double value) {
  const double sum = sum_ + value;
  compensation_ += std::abs(sum_) >= std::abs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
  sum_ = sum;
}

double Sketch::sum() const {
  return std::isfinite(sum_) ? sum_ + compensation_ : sum_;
}

// Makes `buckets` reach from `lowest` to `highest` (of the present scale) too, at a coarser scale
// if need be.
void Sketch::make_room(Buckets& buckets, std::int32_t lowest, std::int32_t highest) {
  if (!buckets.counts.empty()) {
    lowest = std::min(lowest, buckets.offset);
    highest = std::max(highest, last_of(buckets));
  }
  int steps = 0;
  constexpr auto kMost = static_cast<std::int64_t>(kMaxBuckets);
  while (std::int64_t{highest >> steps} - (lowest >> steps) >= kMost) ++steps;
  coarsen(steps);
  lowest >>= steps;
  highest >>= steps;
  if (buckets.counts.empty()) buckets.offset = lowest;
  const auto in_front = static_cast<std::size_t>(buckets.offset - lowest);
  buckets.counts.insert(buckets.counts.begin(), in_front, 0.0);
  buckets.counts.resize(static_cast<std::size_t>(highest - lowest) + 1);
  buckets.offset = lowest;
}

void Sketch::coarsen(int steps) {
  if (steps == 0) return;
  scale_ -= steps;
  coarsen_buckets(positive_, steps);
  coarsen_buckets(negative_, steps);
}

void Sketch::merge(const Sketch& other) {
  count_ += other.count_;
  zeros_ += other.zeros_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  add_sum(other.sum_);
  compensation_ += other.compensation_;
  coarsen(std::max(0, scale_ - other.scale_));
  for (const auto part : {&Sketch::positive_, &Sketch::negative_}) {
    const Buckets& from = other.*part;
    if (from.counts.empty()) continue;
    int steps = other.scale_ - scale_;
    make_room(this->*part, from.offset >> steps, last_of(from) >> steps);
    steps = other.scale_ - scale_;
    for (std::size_t i = 0; i < from.counts.size(); ++i) {
      const std::int32_t index = from.offset + static_cast<std::int32_t>(i);
      bucket_at(this->*part, index >> steps) += from.counts[i];
    }
  }
}

double Sketch::relative_error() const {
  return std::tanh(std::numbers::ln2 / 2 * std::ldexp(1.0, -scale_));
}

// The value with the smallest relative error for all that `bucket` can hold: 2 / (1/low + 1/high).
// Together with log2(1 + error) in the exponent, since the lower bound alone may be too small for a
// double.
double Sketch::value_in(std::int32_t bucket) const {
  const double exponent =
      std::ldexp(static_cast<double>(bucket), -scale_) + std::log2(1 + relative_error());
  return std::max(std::exp2(exponent), std::numeric_limits<double>::denorm_min());
}

double Sketch::quantile(double q) const {
  if (!(count_ > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (q <= 0) return min_;
  if (q >= 1) return max_;
  const double rank = q * count_;
  double seen = 0;
  const auto reached = [&](double count) {
    seen += count;
    return count > 0 && seen >= rank;
  };
  const auto within = [&](double value) { return std::max(min_, std::min(max_, value)); };
  for (std::size_t i = negative_.counts.size(); i-- > 0;) {
    if (!reached(negative_.counts[i])) continue;
    return within(-value_in(negative_.offset + static_cast<std::int32_t>(i)));
  }
  if (reached(zeros_)) return within(0);
  for (std::size_t i = 0; i < positive_.counts.size(); ++i) {
    if (!reached(positive_.counts[i])) continue;
    return within(value_in(positive_.offset + static_cast<std::int32_t>(i)));
  }
  return max_;  // the rounding of fractional weights
}

void Sketch::save(Buffer& out) const {
  append_zigzag(out, scale_);
  put_count(out, count_);
  put_count(out, zeros_);
  for (const double value : {sum_, compensation_, min_, max_}) append_double(out, value);
  put_buckets(out, positive_);
  put_buckets(out, negative_);
}

bool Sketch::load_buckets(ByteReader& in, Buckets& buckets) const {
  const std::size_t n = in.count(kMaxBuckets);
  if (n == 0) return true;
  const std::int64_t offset = in.signed_varint();
  const int steps = kMaxScale - scale_;
  const std::int64_t last = kHighest >> steps;
  // With every index where a double can lead to, no later sum of indices overflows.
  if (offset < (kLowest >> steps) || offset > last - static_cast<std::int64_t>(n) + 1) return false;
  buckets.offset = static_cast<std::int32_t>(offset);
  for (std::size_t i = 0; i < n; ++i) buckets.counts.push_back(read_count(in));
  return true;
}

bool Sketch::load(std::string_view& bytes, Sketch& sketch) {
  try {
    ByteReader in(bytes);
    Sketch loaded;
    const std::int64_t scale = in.signed_varint();
    if (scale < kMinScale || scale > kMaxScale) return false;
    loaded.scale_ = static_cast<int>(scale);
    loaded.count_ = read_count(in);
    loaded.zeros_ = read_count(in);
    for (double* value : {&loaded.sum_, &loaded.compensation_, &loaded.min_, &loaded.max_}) {
      *value = in.float64();
    }
    const bool has_range = std::isfinite(loaded.min_) && std::isfinite(loaded.max_);
    if (loaded.count_ > 0 && !(has_range && loaded.min_ <= loaded.max_)) return false;
    if (!loaded.load_buckets(in, loaded.positive_) || !loaded.load_buckets(in, loaded.negative_)) {
      return false;
    }
    bytes.remove_prefix(bytes.size() - in.left());
    sketch = std::move(loaded);
    return true;
  } catch (const FormatError&) {
    return false;
  }
}

}  // namespace attolog
