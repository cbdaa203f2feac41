// From one call to the channels that take it, where that needs more than one look.
#pragma once

#include "python/compat.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer.hpp"
#include "core/clock.hpp"
#include "python/route/bound_fields.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/routes.hpp"
#include "python/route/rules.hpp"

namespace attolog::python {

// Which channels take one call, and what it weighs there.
class Dispatch {
 public:
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
  // Commits the encoded values for all recipients; `names_travel`: each behind its name. False with
  // an exception set if a signal handler raised.
  bool submit(Buffer& values, bool names_travel = false) const;
  // Lets circular logs that took it ask Python whether they are to save themselves. False with an
  // exception set that must pass.
  bool ask_watchers(const SiteFacts& facts, std::span<PyObject* const> values) const;
  // The record is lost after all: each recipient counts it as dropped.
  void count_dropped() const;

 private:
  struct Recipient {
    LoggerCore* to;
    std::uint32_t site;
    double weight;  // 0: the site has none
  };
  struct Values {
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
  Outcome walk(const RouteNode& node, const Values& call, double weight);
  Sampler::Verdict ask_sampler(const RouteNode& node, const Values& call);

  LoggerCore& core_;  // the caller's
  std::vector<Recipient> recipients_;
  std::vector<const RouteNode*> budgets_;  // which learn what it cost
  Ticks start_ = 0;
  bool failed_ = false;
};

// Lets the circular log behind the channel save itself. Where; "" where it does not any more.
std::string trigger_save(const LoggerCore& core, Channel& channel, const std::string& reason);

}  // namespace attolog::python
