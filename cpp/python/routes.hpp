// From a call to the channels it goes to. A logger has rules (from names of sites to policies) and
// either a channel of its own or other loggers as targets. What they come to for one place that
// logs is worked out once, as a route, and kept beside that place until something changes.
//
//   RouteCache (of a call site, an event) -> Route -> RouteNode (a logger's policy) -> ... -> leaf:
//   a channel
#pragma once

#include "python/compat.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/buffer.hpp"
#include "core/site.hpp"
#include "strategies/policy.hpp"
#include "strategies/sampler.hpp"

namespace attolog::python {

struct LoggerCore;
struct BoundFields;

// Counts every change that may concern a route. relaxed where there is a GIL, which orders it;
// otherwise what must be seen is seen at a thread's next safe point.
inline std::atomic<std::uint64_t> routes_epoch{1};
inline void change_routes() {
  routes_epoch.fetch_add(1, std::memory_order_acq_rel);
}

// What a policy is chosen by.
struct SiteFacts {
  std::uint32_t site = 0;
  Kind kind = Kind::event;
  std::uint8_t level = kNone;
  std::string_view name;                             // event's name or template
  const std::vector<std::string>* fields = nullptr;  // bound ones last; null: not known
  std::size_t n_bound = 0;
  const std::optional<Policy>* strategy = nullptr;  // of a declared event
};

// From names to policies: the exact name before the longest pattern (of fnmatch) before `*`.
// Messages go by their template or their level, texts by LOG, prints by PRINT.
class Rules {
 public:
  struct Match {
    const Policy* policy = nullptr;
    bool is_exact = false;
  };
  Match find(const SiteFacts& facts) const;
  void set(std::string name, const Policy& policy);
  bool remove(const std::string& name);  // false: there was none
  bool empty() const { return entries_.empty(); }
  const std::vector<std::pair<std::string, Policy>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, Policy>> entries_;
};

// Which value of a call a sampler's key is.
struct Key {
  std::size_t index = 0;  // among its own values, or those of bind()
  bool is_bound = false;
  bool operator==(const Key&) const = default;
};

// One logger on a call's way.
struct RouteNode {
  LoggerCore* core = nullptr;
  std::shared_ptr<Sampler> sampler;  // null: everything passes
  std::optional<Key> key;            // none: chance decides
  std::vector<RouteNode> next;       // its targets; empty at a leaf, whose channel is the core's
  std::uint32_t site = 0;            // at a leaf: as what the record is written there
};

// What is the same for all calls of one place. Never changed but for its epoch, and never freed
// while its logger lives.
struct Route {
  enum class Action : std::uint8_t {
    off,        // nothing passes
    write,      // all of it, into the logger's own channel
    pass,       // all of it, into that of another
    countdown,  // a sampler that counts down decides first
    keyed,      // one that decides by one of the call's own values
    mixed,
  };
  std::atomic<std::uint64_t> epoch{0};  // up to date if it is that of all routes
  Action action = Action::off;
  std::uint32_t site = 0;        // write, pass
  LoggerCore* to = nullptr;      // pass: whose channel
  LoggerCore* passes = nullptr;  // pass: whose call it is
  Sampler* sampler = nullptr;    // countdown, keyed
  std::size_t key = 0;           // keyed: which value
  std::optional<RouteNode> top;  // none: off

  bool is_current() const {
    return epoch.load(std::memory_order_acquire) == routes_epoch.load(std::memory_order_relaxed);
  }
};

// The routes of one place. `now` is the last one used.
struct RouteCache {
  std::atomic<const Route*> now{nullptr};  // release/acquire: the route is complete
  std::vector<std::unique_ptr<Route>>
      all;  // under the core's mutex; one for each outcome there was
};

// The route for a place as things are now.
const Route* current_route(RouteCache& routes, LoggerCore& core, const SiteFacts& facts);

// Rules of the whole process (ctl), before all others: the first logger on a call's way decides by
// them, and those behind it sample no more. Each LoggerCore has to be told to look again.
void set_override(const std::string& name, const Policy& policy);
bool remove_override(const std::string& name);  // false: there was none
Rules overrides_now();
bool has_overrides();

// Which channels take one call, and what it weighs there.
class Dispatch {
 public:
  struct Recipient {
    LoggerCore* to;
    std::uint32_t site;
    double weight;  // 0: the site has none
  };
  // Without policies: all goes into the core's own channel.
  Dispatch(LoggerCore& core, std::uint32_t site) : core_(core) {
    recipients_.push_back({&core, site, 0});
  }
  // By a route, which must outlive the dispatch. `values` are the call's own, in the order of the
  // fields, and may hold null. The key of a sampler may be an object whose str() is taken: look at
  // `failed` then.
  Dispatch(LoggerCore& core, const Route& route, std::string_view name,
           std::span<PyObject* const> values, const BoundFields* bound);

  bool empty() const { return recipients_.empty(); }
  bool failed() const { return failed_; }  // an exception is set that must pass
  // Commits the encoded values wherever they are taken; `names_travel`: each behind its name. False
  // with an exception set if a signal handler raised.
  bool submit(Buffer& values, bool names_travel = false) const;
  // Lets circular logs that took it ask Python whether they are to save themselves. False
  // with an exception set that must pass.
  bool ask_watchers(const SiteFacts& facts, std::span<PyObject* const> values) const;
  // The record is lost after all: counted where it was taken.
  void lose() const;

 private:
  struct Call {
    std::string_view name;
    std::span<PyObject* const> values;
    const BoundFields* bound;
    Sampler::Moment now;
  };
  // How many channels take the call below the node, and how many samplers there left it out.
  struct Outcome {
    std::uint64_t taken = 0;
    std::uint64_t left_out = 0;
  };
  Outcome walk(const RouteNode& node, const Call& call, double weight);
  Sampler::Verdict ask_sampler(const RouteNode& node, const Call& call);

  LoggerCore& core_;  // the caller's
  std::vector<Recipient> recipients_;
  std::vector<const RouteNode*> budgets_;  // which learn what it cost
  Ticks start_ = 0;
  bool failed_ = false;
};

}  // namespace attolog::python
