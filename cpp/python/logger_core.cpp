#include <algorithm>

#include "core/say.hpp"
#include "python/control.hpp"
#include "python/logger.hpp"

namespace attolog::python {

namespace {

void add(Counts& sum, const Counts& more) {
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

// Comes back once every call that had found the channel in a LoggerCore is done with it: none keeps
// hold of one that is not pinned while it lets other threads run. No lock of ours may be held.
void wait_until_unused(Channel& channel) {
  if (!quiesce_threads()) channel.pin();  // it is kept for ever
}

}  // namespace

LoggerCore::~LoggerCore() {
  // The writer may be the last that looked at it, for ctl; it has no part in Python's counts.
  if (watcher != nullptr && PyGILState_Check() != 0) Py_DECREF(watcher);
  if (channel.load(std::memory_order_relaxed) != nullptr) owner->let_go();
}

bool LoggerCore::is_on() const {
  return (is_relaying || channel.load(std::memory_order_relaxed) != nullptr) &&
         is_enabled.load(std::memory_order_relaxed);
}

void LoggerCore::update_mode() {
  const bool is_special = has_time.load(std::memory_order_relaxed);
  const bool has_rules = is_relaying || !strategies.empty() || policy.kind != Policy::Kind::all ||
                         !rules.empty() || !environment.empty() || has_overrides();
  is_routed.store(has_rules, std::memory_order_relaxed);
  mode.store(!is_on()     ? Mode::off
             : is_special ? Mode::special
             : has_rules  ? Mode::routed
                          : Mode::on,
             std::memory_order_relaxed);
  change_routes();
}

void LoggerCore::use(std::shared_ptr<Channel> next) {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex);
    begin_anew_in_child();
    if (channel.load(std::memory_order_relaxed) != nullptr) before = owner;
    if (owner) former.push_back(std::move(owner));
    std::erase_if(former, [this](const auto& old) {
      if (!old->is_finished() && !old->is_forked()) return false;
      if (old->is_forked()) return true;
      add(past, old->counts());
      add(past_by_site, old->written_by_site());
      return true;
    });
    owner = std::move(next);
    is_closed.store(false, std::memory_order_relaxed);
    is_lost.store(false, std::memory_order_relaxed);
    channel.store(owner.get(), std::memory_order_release);
    register_logger();
    update_mode();
  }
  // What had the records so far is finished by the writer.
  if (before == nullptr || before->is_forked()) return;
  wait_until_unused(*before);
  before->let_go();
}

std::shared_ptr<Channel> LoggerCore::take_down(bool closes) {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex);
    if (channel.load(std::memory_order_relaxed) == nullptr && !is_relaying) return nullptr;
    if (closes) is_closed.store(true, std::memory_order_relaxed);
    is_relaying = false;
    if (channel.load(std::memory_order_relaxed) != nullptr) before = owner;
    channel.store(nullptr, std::memory_order_release);
    update_mode();
  }
  if (before != nullptr) wait_until_unused(*before);
  return before;
}

void LoggerCore::succeed() {
  std::shared_ptr<Channel> before;
  {
    const std::lock_guard lock(mutex);
    if (channel.load(std::memory_order_relaxed) == nullptr || owner->is_forked()) return;
    before = owner;
    former.push_back(before);
    owner = before->successor();
    channel.store(owner.get(), std::memory_order_release);
    update_mode();
  }
  wait_until_unused(*before);
  before->let_go();
}

void LoggerCore::relay() {
  const std::lock_guard lock(mutex);
  is_relaying = true;
  register_logger();
  update_mode();
}

// Before it looks for overrides: of one that comes later it is told.
void LoggerCore::register_logger() {
  if (!is_registered_) python::register_logger(weak_from_this());
  is_registered_ = true;
}

void LoggerCore::set_enabled(bool enabled) {
  const std::lock_guard lock(mutex);
  is_enabled.store(enabled, std::memory_order_relaxed);
  update_mode();
}

void LoggerCore::set_level(int to) {
  level.store(to, std::memory_order_relaxed);
  change_routes();
}

void LoggerCore::set_policy(const Policy& now) {
  const std::lock_guard lock(mutex);
  policy = now;
  update_mode();
}

void LoggerCore::set_rules(Rules now) {
  const std::lock_guard lock(mutex);
  rules = std::move(now);
  update_mode();
}

void LoggerCore::tell_remainders() const {
  for (const auto& target : targets) {
    std::shared_ptr<Channel> channel;
    {
      const std::lock_guard lock(target->mutex);
      channel = target->owner;
    }
    if (channel != nullptr && !channel->is_forked()) channel->tell_remainders();
    target->tell_remainders();
  }
}

void LoggerCore::set_environment(Rules now) {
  const std::lock_guard lock(mutex);
  environment = std::move(now);
  update_mode();
}

void LoggerCore::add_strategy(std::uint32_t site, const Policy& its) {
  const std::lock_guard lock(mutex);
  strategies.insert_or_assign(site, its);
  update_mode();
}

void LoggerCore::invalidate_routes() {
  const std::lock_guard lock(mutex);
  update_mode();
}

void LoggerCore::set_time(std::optional<std::int64_t> ns) {
  const std::lock_guard lock(mutex);
  if (ns) time_ns.store(*ns, std::memory_order_relaxed);
  // release: pairs with submit. A simulation sets the time all the time: only the switch is news.
  if (has_time.exchange(ns.has_value(), std::memory_order_acq_rel) != ns.has_value()) update_mode();
}

std::string LoggerCore::path() const {
  const std::lock_guard lock(mutex);
  return owner && !keeps_all ? owner->path() : "";  // a box has a name, and no file
}

std::vector<std::shared_ptr<Channel>> LoggerCore::unfinished() const {
  const std::lock_guard lock(mutex);
  std::vector<std::shared_ptr<Channel>> channels;
  for (const auto& channel : former) {
    if (!channel->is_forked() && !channel->is_finished()) channels.push_back(channel);
  }
  return channels;
}

// The child of a fork counts its own calls, as its channels do; what its parent's samplers have not
// told yet is told by the parent.
void LoggerCore::begin_anew_in_child() {
  if (pid == ::getpid()) return;
  pid = ::getpid();
  samplers.clear();
  pools.clear();
  past = {};
  past_by_site.clear();
  late.store(0, std::memory_order_relaxed);
  passed.store(0, std::memory_order_relaxed);
  left_out.store(0, std::memory_order_relaxed);
}

// What it left out itself, and what became of calls in its channels.
void LoggerCore::add_own(Counts& sum) {
  const std::lock_guard lock(mutex);
  begin_anew_in_child();
  add(sum, past);
  for (const auto& channel : former) {
    if (!channel->is_forked()) add(sum, channel->counts());
  }
  if (owner && !owner->is_forked()) add(sum, owner->counts());
  for (const auto& [key, sampler] : samplers) sum.sampled_out += sampler->left_out();
  sum.dropped += late.load(std::memory_order_relaxed);
}

Counts LoggerCore::counts() {
  Counts sum;
  add_own(sum);
  if (targets.empty()) return sum;
  // What became of the targets' calls tells what became of those passed on: exactly, where no other
  // logger passes any to them.
  Counts theirs;
  std::uint64_t left = passed.load(std::memory_order_relaxed);
  for (const auto& target : targets) add(theirs, target->counts());
  sum.dropped += take(theirs.dropped, left);
  sum.waiting += take(theirs.waiting, left);
  sum.sampled_out += left_out.load(std::memory_order_relaxed);
  sum.aggregated += take(theirs.aggregated, left);
  sum.overwritten += take(theirs.overwritten, left);
  sum.written += left;
  return sum;
}

std::map<std::uint32_t, LoggerCore::SiteCounts> LoggerCore::by_site() const {
  std::map<std::uint32_t, SiteCounts> result;
  std::vector<std::uint64_t> written;
  {
    const std::lock_guard lock(mutex);
    written = past_by_site;
    for (const auto& channel : former) {
      if (!channel->is_forked()) add(written, channel->written_by_site());
    }
    if (owner && !owner->is_forked()) add(written, owner->written_by_site());
    for (const auto& [key, sampler] : samplers)
      result[std::get<0>(key)].left_out += sampler->left_out();
  }
  for (std::uint32_t site = 0; site < written.size(); ++site) {
    if (written[site] != 0) result[site].written = written[site];
  }
  const std::lock_guard lock(routes_mutex);
  for (const std::uint32_t site : routed_sites) result[site].is_first = true;
  return result;
}

void LoggerCore::count_late() {
  {
    const std::lock_guard lock(mutex);
    begin_anew_in_child();
  }
  late.fetch_add(1, std::memory_order_relaxed);
  if (is_late_said.exchange(true, std::memory_order_relaxed)) return;
  say("a call came after the logger was closed; it is counted as dropped, and so are later ones");
}

void LoggerCore::lose() {
  if (Channel* now = channel.load(std::memory_order_acquire)) {
    now->drop(1);
  } else {
    count_late();
  }
}

std::size_t LoggerCore::longest_text() const {
  const Channel* now = channel.load(std::memory_order_acquire);
  return now == nullptr ? ChannelOptions{}.max_record : now->options().max_record;
}

}  // namespace attolog::python
