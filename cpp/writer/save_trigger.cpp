#include "writer/save_trigger.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <limits>
#include <utility>

#include "core/report.hpp"

namespace attolog {

namespace {

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

std::int64_t later(std::int64_t ns, std::int64_t by) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(ns, by, &sum)) return sum;
  using Limits = std::numeric_limits<std::int64_t>;
  return by < 0 ? Limits::min() : Limits::max();
}

}  // namespace

std::string fill_in_path(std::string path, std::uint64_t n) {
  replace_all(path, "{pid}", std::to_string(::getpid()));
  if (n != 0) replace_all(path, "{n}", std::to_string(n));
  if (path.find("{time}") == std::string::npos) return path;
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
  replace_all(path, "{time}", text);
  return path;
}

SaveTrigger::SaveTrigger(const SaveTriggerOptions& options) : options_(options) {
  if (!options_.condition.empty()) when_.emplace(options_.condition);
}

// Captures that a condition asks for keep their distance: what it is true of meanwhile belongs to
// the next one.
std::int64_t SaveTrigger::due_by_when(std::int64_t time_ns, bool is_stamped) {
  std::int64_t due = later(time_ns, options_.after_ns);
  const bool has_last = by_when_ > 1 && is_last_stamped_ == is_stamped && time_ns >= last_by_when_;
  if (has_last) due = std::max(due, later(last_by_when_, kSpacingNs));
  last_by_when_ = due;
  is_last_stamped_ = is_stamped;
  return due;
}

std::string SaveTrigger::open(std::int64_t time_ns, std::string_view reason, bool is_stamped,
                              Cause cause) {
  if (!open_) {
    if (cause == Cause::when && ++by_when_ > kMostCaptures) {
      if (by_when_ == kMostCaptures + 1) {
        report("the circular log has saved itself " + std::to_string(kMostCaptures) +
               " times by when=; from now on it does when it is asked to, and on exceptions");
      }
      return "";
    }
    static std::atomic<std::uint64_t> number{0};  // no two logs of a process save to one path
    Capture& capture = open_.emplace();
    capture.path = fill_in_path(options_.path, number.fetch_add(1, std::memory_order_relaxed) + 1);
    if (options_.before_ns >= 0) capture.since_ns = later(time_ns, -options_.before_ns);
    if (options_.after_ns > 0) capture.until_ns = later(time_ns, options_.after_ns);
    due_ns_ = cause == Cause::when ? due_by_when(time_ns, is_stamped) : INT64_MAX;
    is_stamped_.store(is_stamped, std::memory_order_relaxed);
    is_waiting_.store(true, std::memory_order_relaxed);
  }
  if (cause == Cause::asked) {
    const bool is_at_once = options_.after_ns == 0;
    due_ns_ = is_at_once ? INT64_MIN : std::min(due_ns_, later(time_ns, options_.after_ns));
  }
  if (open_->triggers.size() < kMostTriggers) {
    open_->triggers.push_back({time_ns, std::string(reason)});
  }
  return open_->path;
}

bool SaveTrigger::on_record(const Record& record) {
  if (record.is_stamped || !is_stamped_.load(std::memory_order_relaxed)) {
    last_seen_ns_.store(record.time_ns, std::memory_order_relaxed);
  }
  const bool is_match = when_ && when_->matches(record);
  // relaxed: one that is opened just now is seen with the next record.
  if (!is_match && !is_waiting_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(mutex_);
  if (is_match) open(record.time_ns, options_.when, record.is_stamped, Cause::when);
  return open_ && record.is_stamped == is_stamped_.load(std::memory_order_relaxed) &&
         record.time_ns >= due_ns_;
}

std::string SaveTrigger::trigger(std::int64_t time_ns, bool is_stamped, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  return open(time_ns, reason, is_stamped, Cause::asked);
}

std::optional<Capture> SaveTrigger::pop_due(std::int64_t now_ns, bool at_once) {
  const std::lock_guard lock(mutex_);
  if (!open_) return std::nullopt;
  const std::int64_t seen = last_seen_ns_.load(std::memory_order_relaxed);
  const std::int64_t reached =
      is_stamped_.load(std::memory_order_relaxed) ? seen : std::max(now_ns, seen);
  if (!at_once && reached < due_ns_) return std::nullopt;
  is_waiting_.store(false, std::memory_order_relaxed);
  std::ranges::stable_sort(open_->triggers, {}, &TriggerEvent::time_ns);
  return std::exchange(open_, std::nullopt);
}

}  // namespace attolog
