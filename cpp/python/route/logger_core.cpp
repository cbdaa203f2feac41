#include "python/route/logger_core.hpp"

#include <algorithm>
#include <utility>

#include "core/clock.hpp"
#include "core/report.hpp"

namespace attolog::python {

namespace {

constexpr double kBudgetNs = 100e6;  // how often a budget is divided anew
constexpr double kSkipNs = 25;       // what a call costs that is left out

// Messages from here on are sampled only where a rule names them.
constexpr std::uint8_t kNotSampled = kWarning;

// As with the overrides, no thread holds it around a fork.
std::mutex loggers_mutex;
std::vector<std::weak_ptr<LoggerCore>> loggers;

void add(RecordCounts& sum, const RecordCounts& more) {
  sum.written += more.written;
  sum.waiting += more.waiting;
  sum.dropped += more.dropped;
  sum.sampled_out += more.sampled_out;
  sum.aggregated += more.aggregated;
  sum.overwritten += more.overwritten;
}

void add(std::vector<std::uint64_t>& sums, const std::vector<std::uint64_t>& more) {
  if (sums.size() < more.size()) sums.resize(more.size());
  for (std::size_t site = 0; site < more.size(); ++site) sums[site] += more[site];
}

// As much of `from` as there is, up to what is left.
std::uint64_t take(std::uint64_t from, std::uint64_t& left) {
  const std::uint64_t taken = std::min(from, left);
  left -= taken;
  return taken;
}

// Comes back once every call that had found the channel in a core is done with it. A call lets
// other threads run only with the channel pinned. No lock of ours may be held.
void wait_until_unused(Channel& channel) {
  if (!quiesce_threads()) channel.pin();  // it is kept until the process ends
}

}  // namespace

std::vector<std::shared_ptr<LoggerCore>> living_loggers() {
  const std::lock_guard lock(loggers_mutex);
  std::vector<std::shared_ptr<LoggerCore>> living;
  for (const auto& each : loggers) {
    if (auto core = each.lock()) living.push_back(std::move(core));
  }
  return living;
}

LoggerCore::~LoggerCore() {
  // The writer may be the last that looked at it, for ctl; it has no part in Python's counts.
  if (watcher_ != nullptr && PyGILState_Check() != 0) Py_DECREF(watcher_);
  if (channel_.load(std::memory_order_relaxed) != nullptr) owner_->close_async();
}

// ---- where records go ---------------------------------------------------------------------------

bool LoggerCore::is_on() const {
  return (is_relaying_ || channel_.load(std::memory_order_relaxed) != nullptr) && is_enabled();
}

void LoggerCore::update_mode() {
  const bool is_special = has_time_.load(std::memory_order_relaxed);
  const bool has_rules = is_relaying_ || !strategies_.empty() ||
                         policy_.kind != Policy::Kind::all || !rules_.empty() ||
                         !environment_.empty() || has_overrides();
  is_routed_.store(has_rules, std::memory_order_relaxed);
  mode_.store(!is_on()     ? Mode::off
              : is_special ? Mode::special
              : has_rules  ? Mode::routed
                           : Mode::on,
              std::memory_order_relaxed);
  change_routes();
}

void LoggerCore::set_channel(Channel* channel) {
  channel_.store(channel, std::memory_order_release);  // pairs with channel()
  channel_id_.store(channel == nullptr ? 0 : channel->id, std::memory_order_relaxed);
}

void LoggerCore::attach_channel(std::shared_ptr<Channel> next) {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex_);
    begin_anew_in_child();
    if (channel_.load(std::memory_order_relaxed) != nullptr) before = owner_;
    if (owner_) former_.push_back(std::move(owner_));
    std::erase_if(former_, [this](const auto& old) {
      if (!old->is_released() && !old->is_forked()) return false;
      if (old->is_forked()) return true;
      add(past_, old->counts());
      add(past_by_site_, old->written_by_site());
      return true;
    });
    owner_ = std::move(next);
    is_closed_.store(false, std::memory_order_relaxed);
    is_lost_.store(false, std::memory_order_relaxed);
    set_channel(owner_.get());
    register_logger();
    update_mode();
  }
  // The writer finishes the channel that had the records so far.
  if (before == nullptr || before->is_forked()) return;
  wait_until_unused(*before);
  before->close_async();
}

std::shared_ptr<Channel> LoggerCore::detach_channel(bool closes) {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex_);
    if (channel_.load(std::memory_order_relaxed) == nullptr && !is_relaying_) return nullptr;
    if (closes) is_closed_.store(true, std::memory_order_relaxed);
    is_relaying_ = false;
    if (channel_.load(std::memory_order_relaxed) != nullptr) before = owner_;
    set_channel(nullptr);
    update_mode();
  }
  if (before != nullptr) wait_until_unused(*before);
  return before;
}

void LoggerCore::lose_channel() {
  is_late_said_.store(true, std::memory_order_relaxed);
  is_lost_.store(true, std::memory_order_relaxed);
  detach_channel(true);
}

void LoggerCore::replace_channel() {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex_);
    if (channel_.load(std::memory_order_relaxed) == nullptr || owner_->is_forked()) return;
    before = owner_;
    former_.push_back(before);
    owner_ = before->successor();
    set_channel(owner_.get());
    update_mode();
  }
  wait_until_unused(*before);
  before->close_async();
}

std::shared_ptr<Channel> LoggerCore::last_channel() const {
  const std::lock_guard lock(mutex_);
  return owner_;
}

std::shared_ptr<Channel> LoggerCore::open_channel() const {
  const std::lock_guard lock(mutex_);
  return channel_.load(std::memory_order_relaxed) == nullptr ? nullptr : owner_;
}

std::vector<std::shared_ptr<Channel>> LoggerCore::unfinished() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Channel>> channels;
  for (const auto& channel : former_) {
    if (!channel->is_forked() && !channel->is_released()) channels.push_back(channel);
  }
  return channels;
}

bool LoggerCore::has_output() const {
  const std::lock_guard lock(mutex_);
  return is_relaying_ || channel_.load(std::memory_order_relaxed) != nullptr;
}

std::string LoggerCore::path() const {
  const std::lock_guard lock(mutex_);
  return owner_ && !is_circular_ ? owner_->path() : "";  // a box has a name, and no file
}

void LoggerCore::relay() {
  const std::lock_guard lock(mutex_);
  is_relaying_ = true;
  register_logger();
  update_mode();
}

// Before it looks for overrides: of one that comes later it is told.
void LoggerCore::register_logger() {
  if (is_registered_) return;
  is_registered_ = true;
  const std::lock_guard lock(loggers_mutex);
  std::erase_if(loggers, [](const auto& each) { return each.expired(); });
  loggers.push_back(weak_from_this());
}

// ---- what becomes of its sites ------------------------------------------------------------------

void LoggerCore::set_enabled(bool enabled) {
  const std::lock_guard lock(mutex_);
  is_enabled_.store(enabled, std::memory_order_relaxed);
  update_mode();
}

void LoggerCore::set_level(int to) {
  level_.store(to, std::memory_order_relaxed);
  change_routes();
}

void LoggerCore::set_time(std::optional<std::int64_t> ns) {
  const std::lock_guard lock(mutex_);
  if (ns) time_ns_.store(*ns, std::memory_order_relaxed);
  // acq_rel: pairs with time(). A simulation sets the time all the time: only the switch is news.
  if (has_time_.exchange(ns.has_value(), std::memory_order_acq_rel) != ns.has_value())
    update_mode();
}

void LoggerCore::set_policy(const Policy& policy) {
  const std::lock_guard lock(mutex_);
  policy_ = policy;
  update_mode();
}

Policy LoggerCore::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

void LoggerCore::set_rules(Rules rules) {
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  update_mode();
}

void LoggerCore::set_environment(Rules rules) {
  const std::lock_guard lock(mutex_);
  environment_ = std::move(rules);
  update_mode();
}

void LoggerCore::add_strategy(std::uint32_t site, const Policy& policy) {
  const std::lock_guard lock(mutex_);
  strategies_.insert_or_assign(site, policy);
  update_mode();
}

void LoggerCore::set_seeds(std::uint64_t seed, std::uint64_t key_seed) {
  seed_ = seed;
  key_seed_ = key_seed;
}

void LoggerCore::make_circular(const Policy& policy, PyObject* watcher) {
  policy_ = policy;
  is_circular_ = true;
  watcher_ = Py_XNewRef(watcher);
}

bool LoggerCore::ends_in_circular_logs() const {
  if (targets_.empty()) return is_circular_;
  return std::ranges::all_of(targets_,
                             [](const auto& target) { return target->ends_in_circular_logs(); });
}

void LoggerCore::invalidate_routes() {
  const std::lock_guard lock(mutex_);
  update_mode();
}

std::optional<LoggerCore::Step> LoggerCore::step_for(const SiteFacts& facts, bool is_first,
                                                     bool decides, std::uint64_t depth) {
  const std::lock_guard lock(mutex_);
  begin_anew_in_child();
  // Calls that are passed on to a logger without its file are counted there.
  const bool is_lost = !is_first && is_lost_.load(std::memory_order_relaxed) && is_enabled();
  if (!is_on() && !is_lost) return std::nullopt;
  const int rank = is_message(facts.kind) ? std::max<int>(facts.level, kDebug) : kAlways;
  if (rank < level()) return std::nullopt;
  if (!decides) return Step{};
  Step step{policy_of(facts, is_first), nullptr};
  if (step.policy.kind == Policy::Kind::off) return std::nullopt;
  if (step.policy.samples()) step.sampler = sampler_of(facts, step.policy, depth);
  return step;
}

Policy LoggerCore::policy_for(SiteFacts facts, bool is_first) const {
  const std::lock_guard lock(mutex_);
  const auto declared = strategies_.find(facts.site);
  if (declared != strategies_.end()) facts.strategy = &declared->second;
  return policy_of(facts, is_first);
}

Policy LoggerCore::policy_of(const SiteFacts& facts, bool is_first) const {
  const auto decreed = find_override(facts);
  const auto chosen = [&]() -> RuleMatch {
    if (decreed && is_first) return *decreed;
    if (const auto found = environment_.find(facts)) return *found;
    if (is_first && facts.strategy != nullptr && *facts.strategy) return {**facts.strategy, true};
    if (const auto found = rules_.find(facts)) return *found;
    return {policy_, false};
  }();
  const bool has_say = !decreed || is_first;
  if (!has_say && (chosen.policy.samples() || chosen.policy.kind == Policy::Kind::off)) return {};
  const bool is_kept = is_message(facts.kind) && facts.level >= kNotSampled && !chosen.is_exact;
  return chosen.policy.samples() && is_kept ? Policy{} : chosen.policy;
}

std::shared_ptr<Sampler> LoggerCore::sampler_of(const SiteFacts& facts, const Policy& policy,
                                                std::uint64_t depth) {
  Policy used = policy;
  const bool has_key = facts.fields != nullptr &&
                       std::ranges::find(*facts.fields, policy.key) != facts.fields->end();
  if (!has_key) used.key.clear();  // chance decides where there is no key
  const std::string text = to_text(used);
  std::shared_ptr<Sampler>& sampler = samplers_[{facts.site, depth, text}];
  if (sampler != nullptr) return sampler;
  std::shared_ptr<BudgetPool> pool;
  if (used.kind == Policy::Kind::budget) {
    std::shared_ptr<BudgetPool>& shared = pools_[text];
    if (shared == nullptr) {
      shared = std::make_shared<BudgetPool>(used.share, static_cast<Ticks>(kBudgetNs / tick_ns()),
                                            kSkipNs / tick_ns());
    }
    pool = shared;
  }
  // Keys hash alike at all sites and in all processes, but not for a sampler behind another: its
  // share would be one of what that has chosen by this hash. Else each site has chances of its own,
  // equal in all runs with one seed.
  const std::uint64_t own = used.key.empty()
                                ? hash_key(Value::of_str(facts.name), seed_ + samplers_.size())
                                : key_seed_ + depth;
  sampler = std::make_shared<Sampler>(used, own, std::move(pool));
  return sampler;
}

std::unique_lock<std::mutex> LoggerCore::lock_routes(std::uint32_t site) {
  std::unique_lock lock(routes_mutex_);
  routed_sites_.insert(site);
  return lock;
}

// ---- what became of calls -----------------------------------------------------------------------

// The child of a fork counts its own calls, as its channels do; what its parent's samplers have not
// told yet is told by the parent.
void LoggerCore::begin_anew_in_child() {
  if (pid_ == ::getpid()) return;
  pid_ = ::getpid();
  samplers_.clear();
  pools_.clear();
  past_ = {};
  past_by_site_.clear();
  late_.store(0, std::memory_order_relaxed);
  passed_.store(0, std::memory_order_relaxed);
  left_out_.store(0, std::memory_order_relaxed);
}

// The calls that it left out itself, and the counts of its channels.
void LoggerCore::add_own(RecordCounts& sum) {
  const std::lock_guard lock(mutex_);
  begin_anew_in_child();
  add(sum, past_);
  for (const auto& channel : former_) {
    if (!channel->is_forked()) add(sum, channel->counts());
  }
  if (owner_ && !owner_->is_forked()) add(sum, owner_->counts());
  for (const auto& [key, sampler] : samplers_) sum.sampled_out += sampler->left_out();
  sum.dropped += late_.load(std::memory_order_relaxed);
}

RecordCounts LoggerCore::counts() {
  RecordCounts sum;
  add_own(sum);
  if (targets_.empty()) return sum;
  // What became of the targets' calls tells what became of those passed on: exactly, where no other
  // logger passes any to them.
  RecordCounts theirs;
  std::uint64_t left = passed_.load(std::memory_order_relaxed);
  for (const auto& target : targets_) add(theirs, target->counts());
  sum.dropped += take(theirs.dropped, left);
  sum.waiting += take(theirs.waiting, left);
  sum.sampled_out += left_out_.load(std::memory_order_relaxed);
  sum.aggregated += take(theirs.aggregated, left);
  sum.overwritten += take(theirs.overwritten, left);
  sum.written += left;
  return sum;
}

std::map<std::uint32_t, LoggerCore::SiteCounts> LoggerCore::by_site() const {
  std::map<std::uint32_t, SiteCounts> result;
  std::vector<std::uint64_t> written;
  {
    const std::lock_guard lock(mutex_);
    written = past_by_site_;
    for (const auto& channel : former_) {
      if (!channel->is_forked()) add(written, channel->written_by_site());
    }
    if (owner_ && !owner_->is_forked()) add(written, owner_->written_by_site());
    for (const auto& [key, sampler] : samplers_)
      result[std::get<0>(key)].left_out += sampler->left_out();
  }
  for (std::uint32_t site = 0; site < written.size(); ++site) {
    if (written[site] != 0) result[site].written = written[site];
  }
  const std::lock_guard lock(routes_mutex_);
  for (const std::uint32_t site : routed_sites_) result[site].is_first = true;
  return result;
}

void LoggerCore::flush_skipped_counts() const {
  for (const auto& target : targets_) {
    const auto channel = target->last_channel();
    if (channel != nullptr && !channel->is_forked()) channel->flush_skipped_counts();
    target->flush_skipped_counts();
  }
}

void LoggerCore::count_late() {
  {
    const std::lock_guard lock(mutex_);
    begin_anew_in_child();
  }
  late_.fetch_add(1, std::memory_order_relaxed);
  if (is_late_said_.exchange(true, std::memory_order_relaxed)) return;
  report(
      "a call came after the logger was closed; it is counted as dropped, and so are later ones");
}

void LoggerCore::count_dropped() {
  if (Channel* now = channel()) {
    now->drop(1);
  } else {
    count_late();
  }
}

std::size_t LoggerCore::longest_text() const {
  const Channel* now = channel();
  return now == nullptr ? kDefaultMaxRecord : now->options().max_record;
}

}  // namespace attolog::python
