// From a call to the channels it goes to. A logger has rules (from names of sites to policies) and
// either a channel of its own or other loggers as targets. For one place that logs they are worked
// out once, as a route, and kept beside that place until something changes.
//
//   RouteCache (of a call site, an event) -> Route -> RouteNode (a logger) -> ... -> leaf: a
//   channel
#pragma once

#include "python/compat.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "python/route/logger_core.hpp"
#include "python/route/rules.hpp"
#include "strategies/sampler.hpp"

namespace attolog::python {

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

// The way of all calls of one place. Never changed, its epoch aside, and never freed while its
// logger lives.
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
    // acquire: pairs with current_route.
    return epoch.load(std::memory_order_acquire) == routes_epoch.load(std::memory_order_relaxed);
  }
};

// The routes of one place. `now` is the last one used.
struct RouteCache {
  std::atomic<const Route*> now{nullptr};   // release/acquire: the route is complete
  std::vector<std::unique_ptr<Route>> all;  // by lock_routes; one for each outcome there was
};

// The route for a place as things are now.
const Route* current_route(RouteCache& routes, LoggerCore& core, const SiteFacts& facts);

// The loggers at the end of the ways that begin with the node.
void find_leaves(const RouteNode& node, std::vector<LoggerCore*>& leaves);

}  // namespace attolog::python
