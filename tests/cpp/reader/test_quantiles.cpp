#include "reader/quantiles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"

using attolog::Quantiles;

namespace {

constexpr double kShares[]{0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 1.0};

// Numbers of many magnitudes and of both signs, zeros among them.
std::vector<double> numbers(unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> magnitude(0, 40);
  std::vector<double> all(5000);
  for (double& each : all) {
    const auto kind = random() % 10;
    each = kind == 0 ? 0 : (kind < 4 ? -1 : 1) * std::exp(magnitude(random));
  }
  return all;
}

double by_rank(std::vector<double> all, double q) {
  std::ranges::sort(all);
  const double rank = std::ceil(q * static_cast<double>(all.size()));
  return all[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

bool is_near(double found, double expected) {
  return std::abs(found - expected) <= std::abs(expected) * Quantiles::kError;
}

}  // namespace

static const check::Test errors{"every quantile is off by one percent at most", [] {
                                  for (unsigned seed = 1; seed < 20; ++seed) {
                                    const auto all = numbers(seed);
                                    Quantiles quantiles;
                                    for (const double each : all) quantiles.add(each, 1);
                                    for (const double q : kShares) {
                                      check::that(is_near(quantiles.at(q), by_rank(all, q)));
                                    }
                                  }
                                }};

static const check::Test merges{"what is merged is as if it had been added, whatever the order",
                                [] {
                                  const auto all = numbers(7);
                                  Quantiles one;
                                  std::vector<Quantiles> parts(7);
                                  for (std::size_t i = 0; i < all.size(); ++i) {
                                    one.add(all[i], 1);
                                    parts[i % 7].add(all[i], 1);
                                  }
                                  Quantiles merged;
                                  for (std::size_t i = parts.size(); i-- > 0;)
                                    merged.merge(parts[i]);
                                  check::equal(merged.count(), one.count());
                                  for (const double q : kShares)
                                    check::equal(merged.at(q), one.at(q));
                                }};

static const check::Test weights{"a weight counts a value several times", [] {
                                   Quantiles quantiles;
                                   quantiles.add(1, 97);
                                   quantiles.add(1000, 2.5);
                                   quantiles.add(-5, 0.5);
                                   check::equal(quantiles.count(), 100.0);
                                   check::that(is_near(quantiles.at(0.004), -5));
                                   check::that(is_near(quantiles.at(0.5), 1));
                                   check::that(is_near(quantiles.at(0.99), 1000));
                                 }};

static const check::Test extremes{
    "the largest and smallest doubles have their places", [] {
      using Limits = std::numeric_limits<double>;
      Quantiles quantiles;
      check::that(std::isnan(quantiles.at(0.5)));
      for (const double each : {Limits::max(), Limits::lowest(), Limits::denorm_min(), 1.0, 0.0}) {
        quantiles.add(each, 1);
      }
      check::that(is_near(quantiles.at(0.2), Limits::lowest()));
      check::equal(quantiles.at(0.4), 0.0);
      check::that(quantiles.at(0.6) < Limits::min());
      check::that(is_near(quantiles.at(0.8), 1));
      check::that(std::isfinite(quantiles.at(1)) && is_near(quantiles.at(1), Limits::max()));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
