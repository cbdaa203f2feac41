#include "strategies/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

namespace {

using attolog::Buffer;
using attolog::Sketch;

constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

using Random = std::mt19937_64;
using Draw = std::function<double(Random&)>;

struct Distribution {
  const char* name;
  Draw draw;
};

double uniform(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

double any_size(Random& random) {
  return std::exp2(uniform(random, -1021, 1023));
}

const std::vector<Distribution> kDistributions{
    {"uniform", [](Random& random) { return uniform(random, 0, 100); }},
    {"narrow", [](Random& random) { return uniform(random, 1000, 1000.001); }},
    {"lognormal", [](Random& random) { return std::lognormal_distribution(0.0, 3.0)(random); }},
    {"pareto", [](Random& random) { return std::pow(1 - uniform(random, 0, 1), -1 / 1.1); }},
    {"mixed signs", [](Random& random) { return std::normal_distribution(0.5, 10.0)(random); }},
    {"negative", [](Random& random) { return -1 - uniform(random, 0, 5); }},
    {"small whole numbers", [](Random& random) { return std::floor(uniform(random, -3, 9)); }},
    {"two points", [](Random& random) { return random() % 10 == 0 ? 1e6 : 1e-6; }},
    {"constant", [](Random&) { return 0.1; }},
    {"zero", [](Random&) { return 0.0; }},
    {"of any size", any_size},
    {"of any size and sign",
     [](Random& random) { return random() % 2 == 0 ? any_size(random) : -any_size(random); }},
    {"huge", [](Random& random) { return uniform(random, 0.5, 1) * kMax; }},
};

std::vector<double> drawn(const Distribution& distribution, std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values(n);
  for (double& value : values) value = distribution.draw(random);
  return values;
}

Sketch sketch_of(std::span<const double> values) {
  Sketch sketch;
  for (const double value : values) sketch.add(value);
  return sketch;
}

std::string saved(const Sketch& sketch) {
  Buffer out;
  sketch.save(out);
  return std::string(out.view());
}

// The bucket of `value` at `scale`.
std::int32_t index_of(double value, int scale) {
  Sketch sketch;
  sketch.add(value);
  return sketch.positive().offset >> (Sketch::kMaxScale - scale);
}

void equal_buckets(const Sketch::Buckets& actual, const Sketch::Buckets& expected) {
  check::equal(actual.offset, expected.offset);
  check::that(actual.counts == expected.counts);
}

const check::Test powers{
    "a power of two is the upper bound of its bucket, and the next value is beyond, at any scale",
    [] {
      for (int scale = -4; scale <= Sketch::kMaxScale; ++scale) {
        for (int exponent = -1074; exponent <= 1023; ++exponent) {
          const double power = std::ldexp(1.0, exponent);
          const auto expected = [&](int beyond) {
            const std::int64_t finest = std::int64_t{exponent} * (1 << Sketch::kMaxScale);
            return static_cast<std::int32_t>((finest - 1 + beyond) >> (Sketch::kMaxScale - scale));
          };
          check::equal(index_of(power, scale), expected(0));
          // Subnormal values lie so far apart that the next one is not in the next bucket.
          if (exponent >= -1022) {
            check::equal(index_of(std::nextafter(power, kMax), scale), expected(1));
            check::equal(index_of(std::nextafter(power, 0.0), scale), expected(0));
          }
        }
      }
    }};

const check::Test bounds{"a value lies between the bounds of its bucket", [] {
                           for (const Distribution& distribution : kDistributions) {
                             for (const double value : drawn(distribution, 1000, 1)) {
                               if (value <= 0) continue;
                               const long double finest = index_of(value, Sketch::kMaxScale);
                               const long double place =
                                   std::log2(static_cast<long double>(value)) *
                                   (1 << Sketch::kMaxScale);
                               check::that(finest - 1e-6L <= place && place <= finest + 1 + 1e-6L);
                             }
                           }
                         }};

const check::Test quantiles{
    "quantiles are those of the sorted values, within the relative error", [] {
      for (const Distribution& distribution : kDistributions) {
        for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
          std::vector<double> values = drawn(distribution, n, n);
          const Sketch sketch = sketch_of(values);
          std::ranges::sort(values);
          for (const double q : {0.0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0}) {
            const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(n)));
            const double exact = values[std::max<std::size_t>(rank, 1) - 1];
            const double error = std::abs(sketch.quantile(q) - exact) / std::abs(exact);
            const double allowed = sketch.relative_error() * (1 + 1e-9) + 1e-15;
            if (exact == 0 ? sketch.quantile(q) == 0 : error <= allowed) continue;
            check::fail(std::string(distribution.name) + ", q = " + std::to_string(q) + ": " +
                            std::to_string(sketch.quantile(q)) + " for " + std::to_string(exact),
                        std::source_location::current());
          }
        }
      }
    }};

const check::Test precise{
    "the relative error is that of the scale, and small where values are of a size", [] {
      for (const Distribution& distribution : kDistributions) {
        const Sketch sketch = sketch_of(drawn(distribution, 10'000, 2));
        const double base = std::exp2(std::exp2(-sketch.scale()));
        check::that(std::abs(sketch.relative_error() - (base - 1) / (base + 1)) < 1e-12);
      }
      // OpenTelemetry's own promise for 160 buckets: a range of 1 to 100,000 at 5 % or better.
      check::that(sketch_of(std::vector<double>{1, 100'000}).relative_error() < 0.05);
      check::equal(sketch_of(std::vector<double>{3, 3}).scale(), Sketch::kMaxScale);
    }};

const check::Test extremes{
    "the smallest and the largest double fit together, of both signs", [] {
      const Sketch sketch = sketch_of(std::vector<double>{-kMax, -kTiny, 0, kTiny, kMax});
      check::equal(sketch.scale(), -4);
      check::equal(sketch.quantile(0), -kMax);
      check::equal(sketch.quantile(0.4), -kTiny);
      check::equal(sketch.quantile(0.6), 0.0);
      check::that(sketch.quantile(0.8) >= kTiny && sketch.quantile(0.8) < 1e-300);
      check::equal(sketch.quantile(1), kMax);
      check::equal(sketch.sum(), 0.0);
    }};

const check::Test figures{"count, sum, minimum, maximum and mean are exact", [] {
                            Sketch sketch;
                            check::that(std::isnan(sketch.mean()) && std::isnan(sketch.min()) &&
                                        std::isnan(sketch.quantile(0.5)));
                            for (int i = 0; i < 1'000'000; ++i) sketch.add(0.1);
                            sketch.add(1e16);
                            sketch.add(-1e16);
                            check::equal(sketch.count(), 1'000'002.0);
                            check::that(std::abs(sketch.sum() - 100'000) < 1e-9);
                            check::equal(sketch.min(), -1e16);
                            check::equal(sketch.max(), 1e16);
                            Sketch large;
                            for (int i = 0; i < 3; ++i) large.add(kMax);
                            check::equal(large.sum(), std::numeric_limits<double>::infinity());
                          }};

const check::Test weights{"a weight counts as that many equal values", [] {
                            Sketch weighted;
                            Sketch repeated;
                            Random random(3);
                            for (int i = 0; i < 1000; ++i) {
                              const double value = static_cast<double>(random() % 1000) - 300;
                              const int weight = static_cast<int>(random() % 5) + 1;
                              weighted.add(value, weight);
                              for (int j = 0; j < weight; ++j) repeated.add(value);
                            }
                            check::that(saved(weighted) == saved(repeated));
                            weighted.add(1, 0.25);
                            check::equal(weighted.count(), repeated.count() + 0.25);
                          }};

// What a sketch of `scale` would hold of `values`, by the definition.
Sketch::Buckets buckets_of(std::span<const double> values, int scale) {
  Sketch::Buckets buckets;
  for (const double value : values) {
    if (value <= 0) continue;
    const std::int32_t index = index_of(value, scale);
    if (buckets.counts.empty()) buckets.offset = index;
    for (; index < buckets.offset; --buckets.offset)
      buckets.counts.insert(buckets.counts.begin(), 0);
    const auto at = static_cast<std::size_t>(index - buckets.offset);
    if (at >= buckets.counts.size()) buckets.counts.resize(at + 1);
    ++buckets.counts[at];
  }
  return buckets;
}

const check::Test merges{
    "a merge is what adding everything to one sketch is, whichever way round", [] {
      Random random(4);
      for (int round = 0; round < 500; ++round) {
        const auto one_of = [&]() -> const Distribution& {
          return kDistributions[random() % kDistributions.size()];
        };
        const auto left = drawn(one_of(), random() % 200, random());
        const auto right = drawn(one_of(), random() % 200, random());
        std::vector<double> both = left;
        both.insert(both.end(), right.begin(), right.end());
        const Sketch whole = sketch_of(both);
        Sketch merged = sketch_of(left);
        merged.merge(sketch_of(right));
        Sketch reversed = sketch_of(right);
        reversed.merge(sketch_of(left));
        for (const Sketch* each : {&merged, &reversed}) {
          check::equal(each->scale(), whole.scale());
          check::equal(each->count(), whole.count());
          check::equal(each->zeros(), whole.zeros());
          equal_buckets(each->positive(), whole.positive());
          equal_buckets(each->negative(), whole.negative());
          check::that(both.empty() || (each->min() == whole.min() && each->max() == whole.max() &&
                                       each->quantile(0.5) == whole.quantile(0.5)));
        }
        equal_buckets(whole.positive(), buckets_of(both, whole.scale()));
        check::that(whole.positive().counts.size() <= Sketch::kMaxBuckets);
      }
      Sketch twice = sketch_of(drawn(kDistributions[2], 100, 5));
      const double sum = twice.sum();
      twice.merge(twice);
      check::equal(twice.count(), 200.0);
      check::equal(twice.sum(), 2 * sum);
    }};

const check::Test round_trips{
    "what was saved is loaded bit by bit, and goes on alike", [] {
      for (const Distribution& distribution : kDistributions) {
        for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{500}}) {
          Sketch sketch = sketch_of(drawn(distribution, n, 6));
          if (n == 500) sketch.add(5, 2.5);
          const std::string bytes = saved(sketch) + "rest";
          std::string_view in(bytes);
          Sketch loaded;
          check::that(Sketch::load(in, loaded));
          check::equal(in, std::string_view("rest"));
          check::that(saved(loaded) == saved(sketch));
          for (const double value : drawn(distribution, 50, 7)) {
            sketch.add(value);
            loaded.add(value);
          }
          check::that(saved(loaded) == saved(sketch));
        }
      }
    }};

const check::Test small{"a sketch of values of a size is small", [] {
                          const Sketch sketch = sketch_of(drawn(kDistributions[2], 1000, 8));
                          check::that(saved(sketch).size() < 220);
                          check::that(saved(sketch_of(std::vector<double>{1.5})).size() < 45);
                        }};

const check::Test damage{
    "damaged bytes are refused, or load as some sketch that works", [] {
      Random random(9);
      const std::string whole = saved(sketch_of(drawn(kDistributions[4], 500, 10)));
      for (std::size_t size = 0; size < whole.size(); ++size) {
        std::string_view cut(whole.data(), size);
        Sketch sketch;
        check::that(!Sketch::load(cut, sketch));
        check::equal(cut.size(), size);
      }
      int loaded = 0;
      for (int round = 0; round < 20'000; ++round) {
        std::string bytes = whole;
        for (std::uint64_t i = 0; i <= random() % 4; ++i) {
          bytes[random() % (round % 2 == 0 ? 10 : bytes.size())] = static_cast<char>(random());
        }
        std::string_view in(bytes);
        Sketch sketch;
        if (!Sketch::load(in, sketch)) continue;
        ++loaded;
        for (const double value : {kMax, -kMax, kTiny, 0.0, 1.0}) sketch.add(value);
        sketch.merge(sketch_of(std::vector<double>{3, -3}));
        check::that(sketch.positive().counts.size() <= Sketch::kMaxBuckets);
        check::that(!std::isnan(sketch.quantile(0.5)));
      }
      check::that(loaded > 0);
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
