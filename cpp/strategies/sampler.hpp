// Samplers: which calls of a site are kept, decided before anything is encoded, and how many calls
// each kept one stands for.
//
//   sample       each call by itself, with probability p: the gaps between kept calls are geometric
//                (Devroye, Non-Uniform Random Variate Generation, 1986, X.2), so that a call that
//                is left out costs a countdown. Weight 1/p.
//   sample@key   all calls with one value of a field or none: kept where a seeded hash of the
//                value, equal in every process, is below p. Weight 1/p.
//   every        every n-th call, starting at random. Weight n.
//   budget       as `sample`, with a p that follows what kept calls cost. Weight 1/p.
//   first, cap   the first n calls of each interval, then every m-th. Weight: the calls since the
//                site's last kept one; what is left when the interval ends is told apart.
//
// A sampler belongs to one logger and one site. Its caller sees to it that one thread at a time is
// in it (the GIL, or a lock); only counts are read from anywhere.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/value.hpp"
#include "strategies/policy.hpp"

namespace attolog {

// xoshiro-quality is not needed: splitmix64 (Steele, Lea, Flood 2014), one state word.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  double unit();                         // in (0, 1]
  std::uint64_t below(std::uint64_t n);  // in [0, n)
  std::int64_t gap(double p);            // geometric, from 1

 private:
  std::uint64_t state_;
};

// The hash that `sample@key` decides by. Equal ints and floats have equal hashes, whatever their
// width.
std::uint64_t hash_key(const Value& value, std::uint64_t seed);
inline bool is_below(std::uint64_t hash, double share) {
  return static_cast<double>(hash >> 11) * 0x1p-53 < share;
}

class BudgetPool;

class Sampler {
 public:
  // `pool`: the budget that the sites of one logger share; null for other policies.
  Sampler(const Policy& policy, std::uint64_t seed, std::shared_ptr<BudgetPool> pool);

  // When a call is made: by the clock's ticks, or by the program's own time (set_time).
  struct Moment {
    Ticks ticks = 0;
    std::int64_t stamp_ns = 0;
    bool is_stamped = false;
  };
  // What becomes of a call.
  struct Verdict {
    double weight = 0;            // 0: left out
    std::uint64_t remainder = 0;  // calls of the interval before that nothing stands for yet
  };

  // The quick way for those that count down: true means left out. False decides nothing.
  bool skips() {
    const std::int64_t left = left_.load(std::memory_order_relaxed);
    if (left <= 1) return false;
    left_.store(left - 1, std::memory_order_relaxed);
    return true;
  }
  // The quick way for those with a key: true means left out. False decides nothing.
  bool skips_key(std::uint64_t hash) {
    if (is_below(hash, policy_.share)) return false;
    out_.store(out_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return true;
  }
  bool counts_down() const { return counts_down_; }

  // Decides one call that `skips` did not.
  Verdict decide(const Moment& now);
  // Decides such a call by the hash of the key's value.
  Verdict decide_key(std::uint64_t hash);
  // What a kept call has cost, for a budget.
  void spend(Ticks cost);

  // The calls since the last kept one, for which something else has to stand now. From any thread.
  std::uint64_t flush_skipped() { return pending_.exchange(0, std::memory_order_acq_rel); }
  // As flush_skipped, if the interval of those calls is over and none came since; 0 otherwise.
  std::uint64_t flush_skipped_if_due(Ticks now);
  // When the interval ends, by the program's own time; nothing by the clock's.
  std::optional<std::int64_t> end_ns() const {
    if (!is_stamped_.load(std::memory_order_relaxed)) return std::nullopt;
    return static_cast<std::int64_t>(until_.load(std::memory_order_relaxed));
  }
  bool has_intervals() const {
    return policy_.kind == Policy::Kind::first || policy_.kind == Policy::Kind::cap;
  }

  // How many calls were left out so far. From any thread.
  std::uint64_t left_out() const;
  // The weight of a kept call, where all have one; else 1.
  double usual_weight() const {
    return policy_.kind == Policy::Kind::sample  ? 1 / policy_.share
           : policy_.kind == Policy::Kind::every ? static_cast<double>(policy_.n)
                                                 : 1.0;
  }
  std::uint64_t kept() const { return kept_.load(std::memory_order_relaxed); }
  const Policy& policy() const { return policy_; }
  std::uint64_t seed() const { return seed_; }

 private:
  friend class BudgetPool;
  static constexpr std::int64_t kLook = 64;  // a budget looks at the clock after so many calls

  std::int64_t next_gap();
  void reload();
  void set_probability(double p);
  Verdict decide_interval(const Moment& now);
  void start_interval(const Moment& now);

  const Policy policy_;
  const std::uint64_t seed_;
  const bool counts_down_;
  // Relaxed, all of them: one thread at a time writes, and what others read are counts.
  std::atomic<std::int64_t> left_{0};     // calls to the next that `decide` sees, itself included
  std::atomic<std::uint64_t> loaded_{0};  // sum of all that `left_` ever began with
  std::atomic<std::uint64_t> kept_{0};
  std::atomic<std::uint64_t> out_{0};  // left out, where nothing counts down
  // Since the last kept call; the writer may take it. acq_rel: each count goes one way only.
  std::atomic<std::uint64_t> pending_{0};
  Random random_;
  std::int64_t beyond_ = 0;  // of the gap, behind `left_`
  double p_ = 1.0;

  // The interval.
  std::atomic<bool> is_stamped_{false};
  std::atomic<Ticks> until_{0};  // or ns, where the program sets the time
  std::uint64_t in_interval_ = 0;

  // In the pool's interval.
  std::shared_ptr<BudgetPool> pool_;
  std::uint64_t calls_ = 0;
  std::uint64_t paid_ = 0;  // of them, those whose cost is in `spent_`
  Ticks spent_ = 0;
  double price_ = 0;  // of a kept call, in ticks, as of last
};

// What the sites of one logger may cost together, as a share of the time. After each interval the
// sites' probabilities are set from what they asked for in it: equal parts, and what one does not
// need goes to the others. What was spent too much is taken off the next intervals.
class BudgetPool {
 public:
  // In ticks. `skip_cost`: of a call that is left out.
  BudgetPool(double share, Ticks interval, double skip_cost);

 private:
  friend class Sampler;
  void update(Ticks now);
  double close_interval();
  void divide(double budget);

  const double share_;
  const Ticks interval_;
  const double skip_cost_;
  Ticks started_ = 0;
  double debt_ = 0;
  Ticks spent_ = 0;
  std::vector<Sampler*> samplers_;
};

}  // namespace attolog
