// The part that a logger, its bound loggers and its events share: where records go now, and what is
// let through. So all of them follow when it is turned on, off or over to another file.
//
//   Logger (logger_object.hpp) --+
//   event (event.cpp)          --+--> LoggerCore --> Channel (rings, writer, file), null while off
//                                               +--> or the LoggerCores of other loggers
//
// Strategies are rules of the core (rules.hpp).
#pragma once

#include "python/compat.hpp"

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/site.hpp"
#include "python/route/rules.hpp"
#include "strategies/policy.hpp"
#include "strategies/sampler.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

// Counts every change that may concern a route (routes.hpp). relaxed where there is a GIL, which
// orders it; otherwise a change is seen at a thread's next safe point.
inline std::atomic<std::uint64_t> routes_epoch{1};
inline void change_routes() {
  routes_epoch.fetch_add(1, std::memory_order_acq_rel);
}

// The most bytes of a text where no channel says.
inline constexpr std::size_t kDefaultMaxRecord = ChannelOptions{}.max_record;

// The work of a call. `routed`: its site's route says; `special`: all of it is the slow path's
// business.
enum class Mode : std::uint8_t { off, on, routed, special };

// Where there is a GIL, its holder alone counts.
inline void add_count(std::atomic<std::uint64_t>& count, std::uint64_t n) {
  if constexpr (kHasGil) {
    count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  } else {
    count.fetch_add(n, std::memory_order_relaxed);
  }
}

class LoggerCore : public std::enable_shared_from_this<LoggerCore> {
 public:
  LoggerCore() = default;
  LoggerCore(const LoggerCore&) = delete;
  LoggerCore& operator=(const LoggerCore&) = delete;
  // The writer finishes the file of a family of loggers that was never closed by itself.
  ~LoggerCore();

  // ---- what each call asks ----------------------------------------------------------------------

  // relaxed, with GIL builds in mind: the GIL orders it. Free-threaded callers may see the old
  // state for a moment; a channel taken out of use waits for them (wait_until_unused).
  Mode mode() const { return mode_.load(std::memory_order_relaxed); }
  // acquire: pairs with the changes of the channel, where no GIL orders them. Null while off.
  Channel* channel() const { return channel_.load(std::memory_order_acquire); }
  // That channel's id; 0 while off. relaxed: it is compared with what the thread noted itself.
  std::uint64_t channel_id() const { return channel_id_.load(std::memory_order_relaxed); }
  int level() const { return level_.load(std::memory_order_relaxed); }
  bool is_enabled() const { return is_enabled_.load(std::memory_order_relaxed); }
  // By the user, as opposed to not opened yet.
  bool is_closed() const { return is_closed_.load(std::memory_order_relaxed); }
  // Whether its sites have routes.
  bool is_routed() const { return is_routed_.load(std::memory_order_relaxed); }
  // The time of set_time(). acquire: pairs with set_time.
  std::optional<std::int64_t> time() const {
    if (!has_time_.load(std::memory_order_acquire)) return std::nullopt;
    return time_ns_.load(std::memory_order_relaxed);
  }
  // The most bytes of a text, of the logger as it is now.
  std::size_t longest_text() const;
  // Counts a call that came after close, and reports it once.
  void count_late();
  // Counts a record that does not even reach the ring.
  void count_dropped();
  // Counts a call that was passed on: targets took it so often, samplers of theirs left it out.
  void count_passed(std::uint64_t taken, std::uint64_t left_out) {
    add_count(passed_, taken);
    add_count(left_out_, left_out);
  }

  // ---- where records go -------------------------------------------------------------------------

  // From now on records go to `next`.
  void attach_channel(std::shared_ptr<Channel> next);
  // Takes the channel out of use, for good if `closes`; it is still asked for its counts. Null:
  // there was none.
  std::shared_ptr<Channel> detach_channel(bool closes = false);
  // A forked child could not open its file, and has reported it: its calls are dropped.
  void lose_channel();
  // The channel closes, and the next call opens its file anew: the end of the process has come, and
  // some thread may still log.
  void replace_channel();
  // The channel of now, or the last one; null where there never was one.
  std::shared_ptr<Channel> last_channel() const;
  // The channel, while records go to it; null otherwise.
  std::shared_ptr<Channel> open_channel() const;
  // Those before this one that still finish their files.
  std::vector<std::shared_ptr<Channel>> unfinished() const;
  // Whether records go anywhere: to a channel or to other loggers.
  bool has_output() const;
  // The log file of now, or of last; "" where there never was one.
  std::string path() const;

  // Other loggers, in place of a channel. They never change once there are calls.
  void add_target(std::shared_ptr<LoggerCore> target) { targets_.push_back(std::move(target)); }
  const std::vector<std::shared_ptr<LoggerCore>>& targets() const { return targets_; }
  // From now on records go to the targets.
  void relay();

  // ---- what becomes of its sites ----------------------------------------------------------------

  void set_enabled(bool enabled);
  void set_level(int level);
  void set_time(std::optional<std::int64_t> ns);
  void set_policy(const Policy& policy);
  Policy policy() const;
  void set_rules(Rules rules);
  void set_environment(Rules rules);  // ATTOLOG_RULES
  void add_strategy(std::uint32_t site, const Policy& policy);
  // Of samplers that chance decides for, and of those that a key decides for. Before any call.
  void set_seeds(std::uint64_t seed, std::uint64_t key_seed);
  // Makes it a circular log, before any call: it keeps what is not left out. `watcher`: its `when`,
  // if that is Python's; null otherwise.
  void make_circular(const Policy& policy, PyObject* watcher);
  bool is_circular() const { return is_circular_; }
  // Whether all its records end in circular logs, its own or those of its targets.
  bool ends_in_circular_logs() const;
  PyObject* watcher() const { return watcher_; }  // borrowed
  // The watcher has raised. Whether that is the first time.
  bool note_watcher_failure() { return !has_watcher_failed_.exchange(true); }
  // The rules of the whole process have changed.
  void invalidate_routes();

  // A logger's decision about the calls of a site.
  struct Step {
    Policy policy;
    std::shared_ptr<Sampler> sampler;  // null: all of them pass
  };
  // As things are now; nothing where no call passes. `decides`: false where a logger before it has
  // settled what becomes of the record. `depth`: how many samplers are before it.
  std::optional<Step> step_for(const SiteFacts& facts, bool is_first, bool decides,
                               std::uint64_t depth);
  // The policy for a site, declared events by their own.
  Policy policy_for(SiteFacts facts, bool is_first) const;
  // Notes that there is a route for the site. Its RouteCaches may change while the lock is held.
  std::unique_lock<std::mutex> lock_routes(std::uint32_t site);

  // ---- what became of calls ---------------------------------------------------------------------

  RecordCounts counts();
  // The counts of one site's calls, as far as this logger alone has them.
  struct SiteCounts {
    std::uint64_t written = 0;
    std::uint64_t left_out = 0;
    bool is_first = false;  // it is the first one on their way
  };
  // By number of site, or of variant.
  std::map<std::uint32_t, SiteCounts> by_site() const;
  // Writes the numbers of calls that intervals of its samplers have left out.
  void flush_skipped_counts() const;

 private:
  friend class SamplerLock;
  using SamplerKey = std::tuple<std::uint32_t, std::uint64_t, std::string>;

  // All of these under the mutex.
  void update_mode();
  void set_channel(Channel* channel);
  void register_logger();
  bool is_on() const;
  // In a forked child: forgets what its parent did.
  void begin_anew_in_child();
  Policy policy_of(const SiteFacts& facts, bool is_first) const;
  std::shared_ptr<Sampler> sampler_of(const SiteFacts& facts, const Policy& policy,
                                      std::uint64_t depth);

  void add_own(RecordCounts& sum);

  // Each call reads these two: 16 bytes of one cache line.
  std::atomic<Mode> mode_{Mode::off};
  std::atomic<std::uint64_t> channel_id_{0};
  std::atomic<Channel*> channel_{nullptr};
  std::atomic<int> level_{kDebug};
  std::atomic<bool> is_enabled_{true};
  std::atomic<bool> has_time_{false};
  std::atomic<std::int64_t> time_ns_{0};

  mutable std::mutex mutex_;        // all down to `past_by_site_`; and whatever changes the mode
  std::shared_ptr<Channel> owner_;  // of the channel, also after it was closed: it has counts
  std::vector<std::shared_ptr<Channel>> former_;  // before this one, while they finish their files
  RecordCounts past_;                             // of those that have
  std::vector<std::uint64_t> past_by_site_;       // of those that have
  std::atomic<std::uint64_t> late_{0};            // calls after close
  std::atomic<bool> is_late_said_{false};         // that there are such calls, and why
  std::atomic<bool> is_lost_{false};              // closed, as a forked child could not open it
  std::atomic<bool> is_closed_{false};

  // Under the mutex; but what is fixed never changes once there are calls.
  Policy policy_;                                              // where no rule says otherwise
  Rules rules_;                                                // the program's
  Rules environment_;                                          // ATTOLOG_RULES
  std::map<std::uint32_t, std::optional<Policy>> strategies_;  // of declared events, by site
  bool is_circular_ = false;                                   // fixed
  PyObject* watcher_ = nullptr;                                // owned, fixed
  std::atomic<bool> has_watcher_failed_{false};                // and it was reported
  std::vector<std::shared_ptr<LoggerCore>> targets_;           // fixed
  bool is_relaying_ = false;                                   // to them
  std::uint64_t seed_ = 0;                                     // fixed
  std::uint64_t key_seed_ = 0;                                 // fixed
  std::map<SamplerKey, std::shared_ptr<Sampler>> samplers_;  // by site, samplers before it, policy
  std::map<std::string, std::shared_ptr<BudgetPool>> pools_;
  ::pid_t pid_ = ::getpid();              // whose calls the samplers and counts are of
  mutable std::mutex routes_mutex_;       // of `routed_sites_`, and of its sites' RouteCaches
  std::set<std::uint32_t> routed_sites_;  // sites that there ever was a route for
  std::mutex sampler_mutex_;              // where no GIL keeps the samplers' callers apart
  // Calls that targets have taken, and those that their samplers left out. Relaxed: counts.
  std::atomic<std::uint64_t> passed_{0};
  std::atomic<std::uint64_t> left_out_{0};
  std::atomic<bool> is_routed_{false};
  bool is_registered_ = false;
};

// One thread at a time is in a logger's samplers: the GIL's, where there is one.
class SamplerLock {
 public:
  explicit SamplerLock(LoggerCore& core) : mutex_(core.sampler_mutex_) {
    if constexpr (!kHasGil) mutex_.lock();
  }
  SamplerLock(const SamplerLock&) = delete;
  SamplerLock& operator=(const SamplerLock&) = delete;
  ~SamplerLock() {
    if constexpr (!kHasGil) mutex_.unlock();
  }

 private:
  std::mutex& mutex_;
};

// The loggers of this process that have a file, or have had one.
std::vector<std::shared_ptr<LoggerCore>> living_loggers();

}  // namespace attolog::python
