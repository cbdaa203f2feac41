#include "strategies/sampler.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"

namespace {

using attolog::BudgetPool;
using attolog::hash_key;
using attolog::Policy;
using attolog::Sampler;
using attolog::Ticks;
using attolog::Value;

constexpr int kSeeds = 1000;

Policy policy_of(std::string_view text) {
  std::string complaint;
  return attolog::parse_policy(text, complaint).value();
}

// One call, the quick way first; its weight.
double call(Sampler& sampler, const Sampler::Moment& now = {}) {
  return sampler.skips() ? 0 : sampler.decide(now).weight;
}

// That the mean of what `estimate` gives for many seeds is `truth`, within three standard errors.
void is_unbiased(double truth, const std::function<double(std::uint64_t seed)>& estimate,
                 const std::source_location& where = std::source_location::current()) {
  double sum = 0;
  double squares = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const double value = estimate(seed);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kSeeds;
  const double error = std::sqrt((squares / kSeeds - mean * mean) / kSeeds);
  check::that(std::abs(mean - truth) <= 3 * error + 1e-9 * truth, where);
}

const check::Test sample{
    "sample: counts and sums by weight are right on average, and nothing goes uncounted", [] {
      for (const double p : {0.01, 0.3, 0.999}) {
        const std::string text = "sample:" + std::to_string(p);
        const auto total = [&](bool sums, std::uint64_t seed) {
          Sampler sampler(policy_of(text), seed, nullptr);
          double sum = 0;
          for (int i = 1; i <= 2000; ++i) sum += call(sampler) * (sums ? i : 1);
          check::equal(sampler.left_out() + sampler.kept(), std::uint64_t{2000});
          return sum;
        };
        is_unbiased(2000, [&](std::uint64_t seed) { return total(false, seed); });
        is_unbiased(2000 * 2001 / 2.0, [&](std::uint64_t seed) { return total(true, seed); });
      }
    }};

const check::Test gaps{"sample: a call's fate does not depend on its neighbour's", [] {
                         // Both of two neighbours are kept with p squared.
                         is_unbiased(0.09 * 999, [](std::uint64_t seed) {
                           Sampler sampler(policy_of("sample:0.3"), seed, nullptr);
                           bool before = false;
                           double pairs = 0;
                           for (int i = 0; i < 1000; ++i) {
                             const bool kept = call(sampler) != 0;
                             pairs += kept && before ? 1 : 0;
                             before = kept;
                           }
                           return pairs;
                         });
                       }};

const check::Test every{"every: each n-th call, from a random one on", [] {
                          is_unbiased(1003, [](std::uint64_t seed) {
                            Sampler sampler(policy_of("every:10"), seed, nullptr);
                            double sum = 0;
                            int last = -1;
                            for (int i = 0; i < 1003; ++i) {
                              const double weight = call(sampler);
                              sum += weight;
                              if (weight == 0) continue;
                              check::equal(weight, 10.0);
                              check::that(last < 0 ? i < 10 : i == last + 10);
                              last = i;
                            }
                            check::equal(sampler.left_out() + sampler.kept(), std::uint64_t{1003});
                            return sum;
                          });
                        }};

const check::Test key{
    "sample by key: all calls of a key or none, the same for every sampler of the seed", [] {
      is_unbiased(5 * 300, [](std::uint64_t seed) {
        Sampler sampler(policy_of("sample:0.1@task"), seed, nullptr);
        double sum = 0;
        for (int task = 0; task < 300; ++task) {
          double of_task = 0;
          for (int i = 0; i < 5; ++i) {
            of_task += sampler.decide_key(hash_key(Value::of_int(task), seed)).weight;
          }
          check::that(of_task == 0 || std::abs(of_task - 50) < 1e-9);
          sum += of_task;
        }
        check::equal(sampler.left_out() + sampler.kept(), std::uint64_t{1500});
        return sum;
      });
    }};

const check::Test quick_key{
    "sample by key: the quick way leaves out the same calls, and counts them", [] {
      Sampler quick(policy_of("sample:0.1@task"), 7, nullptr);
      Sampler sampler(policy_of("sample:0.1@task"), 7, nullptr);
      for (int task = 0; task < 1000; ++task) {
        const std::uint64_t hash = hash_key(Value::of_int(task), 7);
        const bool is_kept = sampler.decide_key(hash).weight != 0;
        check::equal(quick.skips_key(hash), !is_kept);
      }
      check::equal(quick.left_out(), sampler.left_out());
      check::equal(quick.kept(), std::uint64_t{0});  // what it lets pass is decided later
    }};

const check::Test hashes{
    "equal keys have equal hashes, other ones others", [] {
      Value real;
      real.tag = attolog::Tag::float64;
      real.f = 7.0;
      Value narrow = Value::of_int(7);
      narrow.tag = attolog::Tag::int16;
      const std::uint64_t seven = hash_key(Value::of_int(7), 0);
      check::equal(hash_key(real, 0), seven);
      check::equal(hash_key(narrow, 0), seven);
      check::that(hash_key(Value::of_str("7"), 0) != seven);
      check::that(hash_key(Value::of_int(8), 0) != seven);
      check::that(hash_key(Value::of_int(7), 1) != seven);
      // Of another version or another machine: children and later runs agree.
      check::equal(hash_key(Value::of_int(7), 0), std::uint64_t{0x68ecf1cacb69f37b});
      check::equal(hash_key(Value::of_str("task"), 0), std::uint64_t{0xf0bce73da7b4eb8f});
    }};

Sampler::Moment stamped(std::int64_t ns) {
  return {0, ns, true};
}

const check::Test first{
    "first: the first n of an interval, then every m-th; weights and remainder make all calls", [] {
      Sampler sampler(policy_of("first:3,4,1s"), 1, nullptr);
      std::uint64_t calls = 0;
      double told = 0;
      std::string kept;
      for (std::int64_t second = 5; second < 9; ++second) {
        for (int i = 0; i < 13; ++i) {
          const auto verdict = sampler.decide(stamped(second * 1'000'000'000 + i));
          ++calls;
          told += verdict.weight + static_cast<double>(verdict.remainder);
          if (second == 6) kept += verdict.weight != 0 ? 'k' : '.';
        }
      }
      told += static_cast<double>(sampler.flush_skipped());
      check::equal(kept, std::string("kkk...k...k.."));
      check::equal(told, static_cast<double>(calls));
      check::equal(sampler.left_out(), std::uint64_t{4 * 8});
      check::equal(sampler.flush_skipped(), std::uint64_t{0});
    }};

const check::Test cap{
    "cap: so many a second, and an interval without calls ends all the same", [] {
      Sampler sampler(policy_of("cap:5"), 1, nullptr);
      const auto second = static_cast<Ticks>(1e9 / attolog::tick_ns());
      const Sampler::Moment start{1000, 0, false};
      int kept = 0;
      for (int i = 0; i < 20; ++i) {
        kept += sampler.decide(start).weight != 0 ? 1 : 0;
      }
      check::equal(kept, 5);
      check::equal(sampler.flush_skipped_if_due(1000 + second / 2), std::uint64_t{0});
      check::equal(sampler.flush_skipped_if_due(1001 + second), std::uint64_t{15});
      check::that(sampler.decide({2000 + second, 0, false}).weight == 1);
    }};

const check::Test back{"an interval ends where the program sets its time back", [] {
                         Sampler sampler(policy_of("first:1"), 1, nullptr);
                         sampler.decide(stamped(50'000'000'000));
                         check::equal(sampler.decide(stamped(50'000'000'001)).weight, 0.0);
                         const auto verdict = sampler.decide(stamped(1'000'000'000));
                         check::equal(verdict.weight, 1.0);
                         check::equal(verdict.remainder, std::uint64_t{1});
                       }};

// Calls every `between` ticks; a kept one takes `price` more. The share of the time that went into
// logging, after a start, and the estimate of all calls from the weights.
struct Spent {
  double share;
  double estimate;
};
Spent simulate(double budget, double between, double price, double skip_cost, double seconds,
               std::uint64_t seed, int sites = 1) {
  constexpr double kTicksPerSecond = 1e9;
  auto pool =
      std::make_shared<BudgetPool>(budget, static_cast<Ticks>(kTicksPerSecond / 10), skip_cost);
  std::vector<std::unique_ptr<Sampler>> samplers;
  for (int i = 0; i < sites; ++i) {
    samplers.push_back(std::make_unique<Sampler>(policy_of("budget:" + std::to_string(budget)),
                                                 seed + static_cast<std::uint64_t>(i), pool));
  }
  double now = 1;
  double cost = 0;
  double calls = 0;
  double weights = 0;
  for (std::size_t i = 0; now < seconds * kTicksPerSecond; ++i) {
    Sampler& sampler = *samplers[i % samplers.size()];
    now += between + skip_cost;
    cost += skip_cost;
    const double weight = call(sampler, {static_cast<Ticks>(now), 0, false});
    ++calls;
    weights += weight;
    if (weight == 0) continue;
    sampler.spend(static_cast<Ticks>(price));
    now += price;
    cost += price;
  }
  return {cost / now, weights / calls};
}

const check::Test budget{
    "budget: logging takes its share of the time at rates ten-fold apart, by one site or several",
    [] {
      for (const double between : {50'000.0, 5'000.0}) {  // ns: 20,000 and 200,000 calls a second
        for (const int sites : {1, 3}) {
          const Spent spent = simulate(0.01, between, 5'000, 20, 20, 7, sites);
          check::that(std::abs(spent.share - 0.01) <= 0.003);
        }
      }
      // What does not reach the budget is kept whole.
      const Spent whole = simulate(0.01, 10'000'000, 5'000, 20, 20, 7);
      check::equal(whole.estimate, 1.0);
    }};

const check::Test budget_weights{"budget: weights are right on average while p changes", [] {
                                   is_unbiased(1.0, [](std::uint64_t seed) {
                                     return simulate(0.01, 20'000, 5'000, 20, 0.5, seed).estimate;
                                   });
                                 }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
