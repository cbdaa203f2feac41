#include "strategies/sampler.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace attolog {

namespace {

constexpr std::int64_t kLongestGap = std::int64_t{1} << 62;

// The finalizer of MurmurHash3 (Appleby, public domain): every bit of the input changes half of the
// output's.
std::uint64_t mix(std::uint64_t h) {
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t h) {
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return h;
}

}  // namespace

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

double Random::unit() {
  return (static_cast<double>(next() >> 11) + 1) * 0x1p-53;
}

std::uint64_t Random::below(std::uint64_t n) {
  return static_cast<std::uint64_t>((static_cast<__uint128_t>(next()) * n) >> 64);
}

std::int64_t Random::gap(double p) {
  if (p >= 1) return 1;
  const double gap = std::floor(std::log(unit()) / std::log1p(-p)) + 1;
  return gap < static_cast<double>(kLongestGap) ? static_cast<std::int64_t>(gap) : kLongestGap;
}

std::uint64_t hash_key(const Value& value, std::uint64_t seed) {
  if (value.is<ValueClass::text, ValueClass::bytes, ValueClass::digits>()) {
    return mix(fnv1a(value.text, mix(seed + static_cast<std::uint64_t>(value.tag))));
  }
  auto number = static_cast<std::uint64_t>(value.i);
  if (value.is<ValueClass::real>()) {
    const bool is_whole = value.f >= -0x1p63 && value.f < 0x1p63 && value.f == std::trunc(value.f);
    number = is_whole ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value.f))
                      : std::bit_cast<std::uint64_t>(value.f);
  } else if (value.tag == Tag::none || value.tag == Tag::false_) {
    number = 0;
  } else if (value.tag == Tag::true_) {
    number = 1;
  }
  return mix(mix(seed) ^ mix(number + 1));
}

Sampler::Sampler(const Policy& policy, std::uint64_t seed, std::shared_ptr<BudgetPool> pool)
    : policy_(policy),
      seed_(seed),
      counts_down_((policy.kind == Policy::Kind::sample && policy.key.empty()) ||
                   policy.kind == Policy::Kind::every || policy.kind == Policy::Kind::budget),
      random_(seed),
      pool_(std::move(pool)) {
  if (policy_.kind == Policy::Kind::sample) p_ = policy_.share;
  if (policy_.kind == Policy::Kind::every) p_ = 1.0 / static_cast<double>(policy_.n);
  if (pool_) pool_->samplers_.push_back(this);
  if (!counts_down_) return;
  beyond_ = policy_.kind == Policy::Kind::every
                ? static_cast<std::int64_t>(random_.below(policy_.n)) + 1
                : next_gap();
  reload();
}

std::int64_t Sampler::next_gap() {
  return policy_.kind == Policy::Kind::every ? static_cast<std::int64_t>(policy_.n)
                                             : random_.gap(p_);
}

// The next part of the gap becomes the countdown.
void Sampler::reload() {
  const std::int64_t part = pool_ ? std::min(beyond_, kLook) : beyond_;
  beyond_ -= part;
  calls_ += static_cast<std::uint64_t>(part);
  loaded_.store(loaded_.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(part),
                std::memory_order_relaxed);
  left_.store(part, std::memory_order_relaxed);
}

// Begins a new gap in place of what is left of this one, which is as good: gaps have no memory.
void Sampler::set_probability(double p) {
  const auto left = static_cast<std::uint64_t>(left_.load(std::memory_order_relaxed));
  loaded_.store(loaded_.load(std::memory_order_relaxed) - left, std::memory_order_relaxed);
  p_ = p;
  beyond_ = next_gap();
  reload();
}

Sampler::Verdict Sampler::decide(const Moment& now) {
  if (!counts_down_) return decide_interval(now);
  const bool is_kept = beyond_ == 0;
  const double weight = is_kept ? 1 / p_ : 0;
  left_.store(0, std::memory_order_relaxed);
  if (is_kept) {
    kept_.store(kept_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    beyond_ = next_gap();
  }
  reload();
  if (pool_) pool_->update(now.ticks);
  return {weight, 0};
}

Sampler::Verdict Sampler::decide_key(std::uint64_t hash) {
  const bool is_kept = is_below(hash, policy_.share);
  std::atomic<std::uint64_t>& count = is_kept ? kept_ : out_;
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return {is_kept ? 1 / policy_.share : 0, 0};
}

void Sampler::start_interval(const Moment& now) {
  is_stamped_.store(now.is_stamped, std::memory_order_relaxed);
  in_interval_ = 0;
  const Ticks length = now.is_stamped
                           ? static_cast<Ticks>(policy_.period_ns)
                           : static_cast<Ticks>(static_cast<double>(policy_.period_ns) / tick_ns());
  const Ticks start = now.is_stamped ? static_cast<Ticks>(now.stamp_ns) : now.ticks;
  until_.store(start + length, std::memory_order_relaxed);
}

Sampler::Verdict Sampler::decide_interval(const Moment& now) {
  Verdict verdict;
  const Ticks at = now.is_stamped ? static_cast<Ticks>(now.stamp_ns) : now.ticks;
  const auto to_end = static_cast<std::int64_t>(until_.load(std::memory_order_relaxed) - at);
  const bool is_over = to_end <= 0 ||
                       now.is_stamped != is_stamped_.load(std::memory_order_relaxed) ||
                       (now.is_stamped && to_end > policy_.period_ns);  // time was set back
  if (is_over) {
    verdict.remainder = flush_skipped();
    start_interval(now);
  }
  ++in_interval_;
  const bool is_kept = in_interval_ <= policy_.n ||
                       (policy_.then != 0 && (in_interval_ - policy_.n) % policy_.then == 0);
  if (is_kept) {
    kept_.store(kept_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    verdict.weight = static_cast<double>(flush_skipped() + 1);
  } else {
    pending_.fetch_add(1, std::memory_order_acq_rel);
    out_.store(out_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  return verdict;
}

std::uint64_t Sampler::flush_skipped_if_due(Ticks now) {
  if (is_stamped_.load(std::memory_order_relaxed)) return 0;  // that clock only calls move
  const Ticks until = until_.load(std::memory_order_relaxed);
  return until != 0 && now >= until ? flush_skipped() : 0;
}

std::uint64_t Sampler::left_out() const {
  if (!counts_down_) return out_.load(std::memory_order_relaxed);
  // Read in the reverse order of writing; between two of them it may be off by the calls meanwhile.
  const std::uint64_t kept = kept_.load(std::memory_order_relaxed);
  const auto left = static_cast<std::uint64_t>(left_.load(std::memory_order_relaxed));
  const std::uint64_t seen = loaded_.load(std::memory_order_relaxed) - left;
  return seen - std::min(seen, kept);
}

void Sampler::spend(Ticks cost) {
  ++paid_;
  spent_ += cost;
  if (pool_) pool_->spent_ += cost;
}

// ---- the budget -------------------------------------------------------------------------------

BudgetPool::BudgetPool(double share, Ticks interval, double skip_cost)
    : share_(share), interval_(interval), skip_cost_(skip_cost) {}

// Ends the interval if its time is over, or its budget was spent before.
void BudgetPool::update(Ticks now) {
  if (started_ == 0) started_ = now;
  const auto elapsed = static_cast<double>(now - started_);
  const auto whole = static_cast<double>(interval_);
  const bool is_spent = static_cast<double>(spent_) >= share_ * whole;
  // A part that is too short tells no rate.
  if (elapsed < (is_spent ? whole / 64 : whole)) return;
  const double allowed = share_ * elapsed;
  debt_ = std::max(0.0, debt_ + close_interval() - allowed);
  // A debt is paid back over some ten intervals, by at most nine tenths of each.
  divide(allowed - std::min(debt_ / 10 * std::min(elapsed / whole, 1.0), 0.9 * allowed));
  started_ = now;
  spent_ = 0;
}

// What the interval's calls cost in all.
double BudgetPool::close_interval() {
  auto cost = static_cast<double>(spent_);
  for (Sampler* sampler : samplers_) {
    // What is counted down but not called yet is of the next interval.
    const auto ahead = static_cast<std::uint64_t>(sampler->left_.load(std::memory_order_relaxed));
    sampler->calls_ -= std::min(sampler->calls_, ahead);
    cost += static_cast<double>(sampler->calls_) * skip_cost_;
  }
  return cost;
}

// Shares `budget` among the sites that were called, and sets their probabilities.
void BudgetPool::divide(double budget) {
  struct Demand {
    Sampler* sampler;
    double calls;
    double full;  // what keeping all of them would cost
  };
  std::vector<Demand> demands;
  for (Sampler* sampler : samplers_) {
    if (sampler->paid_ != 0) {
      sampler->price_ = static_cast<double>(sampler->spent_) / static_cast<double>(sampler->paid_);
    }
    const auto calls = static_cast<double>(sampler->calls_);
    budget -= calls * skip_cost_;
    if (sampler->calls_ != 0) demands.push_back({sampler, calls, calls * sampler->price_});
    sampler->paid_ = 0;
    sampler->spent_ = 0;
    sampler->calls_ = static_cast<std::uint64_t>(sampler->left_.load(std::memory_order_relaxed));
  }
  std::ranges::sort(demands, {}, &Demand::full);
  double left = std::max(budget, 0.0);
  for (std::size_t i = 0; i < demands.size(); ++i) {
    const auto& [sampler, calls, full] = demands[i];
    const double granted = std::min(full, left / static_cast<double>(demands.size() - i));
    left -= granted;
    sampler->calls_ = 0;
    // At least one call of an interval, so that there is something to see.
    sampler->set_probability(full > granted ? std::clamp(granted / full, 1 / calls, 1.0) : 1.0);
  }
}

}  // namespace attolog
