// The objects behind a log call.
//
//   Logger (what the user calls) --+
//   Event (a declared event)     --+--> Root: where records go now, and what is let through
//                                        |
//                                        +--> Channel (rings, writer, file), null while off
//                                        +--> or the Roots of other loggers
//
// A logger, its bound loggers and its events share one Root, so all of them follow when it is
// turned on, off or over to another file. Strategies are rules of the Root (routes.hpp).
#pragma once

#include "python/compat.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/site.hpp"
#include "python/call_sites.hpp"
#include "python/routes.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

// What a call has to do. `routed`: its site's plan says; `special`: all of it is the slow path's
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

struct Root : std::enable_shared_from_this<Root> {
  // relaxed, with GIL builds in mind: the GIL orders it. Free-threaded callers may see the old
  // state for a moment; a channel taken out of use waits for them (wait_until_unused).
  std::atomic<Mode> mode{Mode::off};
  std::atomic<Channel*> channel{nullptr};
  std::atomic<int> level{kDebug};
  std::atomic<bool> is_enabled{true};
  std::atomic<bool> has_time{false};  // set_time
  std::atomic<std::int64_t> time_ns{0};

  // The channel, also after it was closed: its counts are still asked for.
  mutable std::mutex mutex;  // all down to `past`; and whatever changes the mode
  std::shared_ptr<Channel> owner;
  std::vector<std::shared_ptr<Channel>> former;  // before this one, while they finish their files
  Counts past;                                   // of those that have
  std::vector<std::uint64_t> past_by_site;       // likewise
  std::atomic<std::uint64_t> late{0};            // calls after close
  std::atomic<bool> is_late_said{false};         // that there are such calls, and why
  std::atomic<bool> is_lost{false};              // closed, as a forked child could not open it
  std::atomic<bool> is_closed{false};            // by the user, as opposed to not opened yet

  // What becomes of its sites. Under the mutex, but for what never changes once there are calls.
  Policy policy;                                              // where no rule says otherwise
  Rules rules;                                                // the program's
  Rules environment;                                          // ATTOLOG_RULES
  std::map<std::uint32_t, std::optional<Policy>> strategies;  // of declared events, by site
  bool keeps_all = false;       // a circular log: what is not left out is kept; fixed
  PyObject* watcher = nullptr;  // its `when`, if that is Python's; owned, fixed
  std::atomic<bool> has_watcher_failed{false};  // and it was said
  std::vector<std::shared_ptr<Root>> targets;   // other loggers, in place of a channel; fixed
  bool is_relaying = false;                     // to them
  std::uint64_t seed = 0;                       // of samplers that chance decides for; fixed
  std::uint64_t key_seed = 0;                   // of those that a key decides for; likewise
  std::map<std::tuple<std::uint32_t, std::uint64_t, std::string>, std::shared_ptr<Sampler>>
      samplers;  // by site, how many samplers are before it, and policy
  std::map<std::string, std::shared_ptr<BudgetPool>> pools;
  ::pid_t pid = ::getpid();         // whose calls the samplers and counts are of
  mutable std::mutex plans_mutex;   // `planned`, and the Routes of its call sites and events
  std::set<std::uint32_t> planned;  // sites that there ever was a plan for
  std::mutex sampler_mutex;         // where no GIL keeps the samplers' callers apart
  // Calls that targets have taken, and those that their samplers left out. Relaxed: counts.
  std::atomic<std::uint64_t> passed{0};
  std::atomic<std::uint64_t> left_out{0};

  // The writer finishes the file of a family of loggers that was never closed by itself.
  ~Root();
  // From now on records go to `next`.
  void use(std::shared_ptr<Channel> next);
  // Takes the channel out of use, for good if `closes`; it is still asked for its counts. Null:
  // there was none.
  std::shared_ptr<Channel> take_down(bool closes = false);
  // The channel closes, and the next call opens its file anew: the end of the process has come, and
  // some thread may still log.
  void succeed();
  // Those before this one that still finish their files.
  std::vector<std::shared_ptr<Channel>> unfinished() const;
  // From now on records go to the targets.
  void relay();
  void set_enabled(bool enabled);
  void set_level(int level);
  void set_policy(const Policy& policy);
  void set_rules(Rules rules);
  // What intervals of its samplers have left out, told now.
  void tell_remainders() const;
  void set_environment(Rules rules);
  void add_strategy(std::uint32_t site, const Policy& policy);
  // The rules of the whole process have changed.
  void look_again();
  // What applies to a site, and the sampler for it. Under the mutex.
  Policy policy_of(const SiteFacts& facts, bool is_first) const;
  std::shared_ptr<Sampler> sampler_of(const SiteFacts& facts, const Policy& policy,
                                      std::uint64_t depth);
  bool is_on() const;
  // In a forked child: forgets what its parent did. Under the mutex.
  void begin_anew_in_child();
  // Whether its sites have plans.
  std::atomic<bool> is_routed{false};
  void count_passed(std::uint64_t taken, std::uint64_t by_targets) {
    add_count(passed, taken);
    add_count(left_out, by_targets);
  }
  void set_time(std::optional<std::int64_t> ns);
  // The log file of now, or of last; "" where there never was one.
  std::string path() const;
  Counts counts();
  // What became of the calls of one site, as far as this logger alone can tell.
  struct OfSite {
    std::uint64_t written = 0;
    std::uint64_t left_out = 0;
    bool is_planned = false;  // it is the first one on their way
  };
  // By number of site, or of variant.
  std::map<std::uint32_t, OfSite> by_site() const;
  // A call that came after close: counted, and said once.
  void count_late();
  // Counts a record that does not even reach the ring.
  void lose();
  // The most bytes of a text, of the logger as it is now.
  std::size_t longest_text() const;

 private:
  void update_mode();  // under the mutex
  void enlist();       // likewise
  bool is_enlisted_ = false;
  void add_own(Counts& sum);
};

// One thread at a time is in a logger's samplers: the GIL's, where there is one.
class SamplerLock {
 public:
  explicit SamplerLock(Root& root) : mutex_(root.sampler_mutex) {
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

// Fields that bind() added: their names are part of each site, their values of each record.
struct Bound {
  std::vector<std::string> names;
  std::string values;             // encoded
  std::vector<std::size_t> ends;  // of each value in `values`

  // Names and values, for a record that carries its names.
  void append_named(Buffer& out) const;
};

struct Logger {
  PyObject_HEAD vectorcallfunc vectorcall;
  Root* root;        // of `shared`, at hand
  CallSites* sites;  // of `bound` or of the root logger, at hand
  Bound* bound;      // null: none
  PyObject* weakrefs;
  struct Shares* shares;  // what keeps the three above alive
};

// Loggers that bind the same names share their call sites, however many there are.
class SitesByNames {
 public:
  std::shared_ptr<CallSites> of(const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<CallSites>& sites = sites_[names];
    if (!sites) sites = std::make_shared<CallSites>(names);
    return sites;
  }

 private:
  std::mutex mutex_;
  std::map<std::vector<std::string>, std::shared_ptr<CallSites>> sites_;
};

struct Shares {
  std::shared_ptr<Root> root;
  std::shared_ptr<CallSites> sites;
  std::unique_ptr<Bound> bound;
  std::shared_ptr<SitesByNames> sites_by_names;
};

struct Types {
  PyTypeObject* logger = nullptr;  // the base of them all
  PyTypeObject* async_file = nullptr;
  PyTypeObject* sampled = nullptr;
  PyTypeObject* stats = nullptr;
  PyTypeObject* circular = nullptr;
  PyTypeObject* event = nullptr;
  PyTypeObject* counts = nullptr;
  PyTypeObject* reader = nullptr;
};
extern Types types;

inline Logger* as_logger(PyObject* object) {
  return reinterpret_cast<Logger*>(object);
}

// A declared event: the `self` of a builtin function object.
struct Event {
  PyObject_HEAD Root* root;  // the logger's, at hand
  const Bound* bound;        // likewise
  Py_ssize_t n_fields;       // of its own, without bound ones
  std::uint32_t site;        // kInlineEventSite: its names travel in the record
  Routes* routes;            // of `text`, at hand
  PyObject* logger;
  struct EventText* text;
};

// What an event is called by; kept for as long as its function object.
struct EventText {
  std::string name;
  std::string doc;
  std::vector<std::string> fields;
  PyObject* field_names = nullptr;  // tuple, by which keywords are matched
  PyObject* defaults = nullptr;     // tuple, of the last fields
  PyMethodDef method{};
  std::vector<std::string> all_fields;  // those of bind() too
  std::optional<Policy> strategy;
  Routes routes;
  Routes inline_routes;  // where names travel in the record
};

// The calls (call.cpp, event.cpp).
PyObject* call_logger(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* kwnames);
PyObject* call_debug(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_info(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_warning(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_error(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_critical(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_exception(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames);
PyObject* call_text(PyObject* self, PyObject* text);  // .log(text)
PyObject* call_print(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* declare_event(PyObject* self, PyObject* args, PyObject* kwargs);

PyObject* call_any_event(Logger* logger);  // StatsLogger.log_event(), slowly
PyObject* flush(PyObject* self, PyObject* args, PyObject* kwargs);  // lifetime.cpp
PyObject* close_logger(PyObject* self, PyObject* args, PyObject* kwargs);
// Waits until all that was logged is shown. False with an exception set: interrupted.
bool show_all(const Root& root, const Deadline& deadline, bool& is_done);
// From now on echoes are drained before the process ends, and before others write to the screen.
// False with an exception set.
bool drain_echoes_in_time();
// From now on the end of multiprocessing's children, os._exit(), is an end for their loggers. False
// with an exception set.
bool close_at_end_of_children();
PyObject* enter(PyObject* self, PyObject*);
PyObject* leave(PyObject* self, PyObject*, PyObject*);

PyObject* new_logger(PyTypeObject* type);  // one that is off
PyMethodDef* common_methods();             // of all loggers
// Lets the circular log behind the channel save itself. Where; "" where it does not any more.
std::string trigger_box(const Root& root, Channel& channel, const std::string& reason);

// Functions of the module (strategies.cpp).
PyObject* make_default_logger();  // off, until it is opened
PyObject* open_logger(PyObject*, PyObject* args,
                      PyObject* kwargs);  // open(logger, path, **options)
PyObject* open_file(PyObject* self, PyObject* args, PyObject* kwargs);  // .open(path, **options)
PyObject* make_tee(PyObject*, PyObject* args, PyObject* kwargs);        // tee(*loggers, rules=None)
PyObject* set_environment(PyObject*, PyObject* args);  // set_environment(logger, rules)

PyObject* recover_log(PyObject*, PyObject* args, PyObject* kwargs);  // recover.cpp
PyObject* recover_place(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* places_of_log(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* rescue_log(PyObject*, PyObject* args, PyObject* kwargs);

bool add_logger_types(PyObject* module);
bool add_strategy_types(PyObject* module);
bool add_event_type(PyObject* module);
bool add_reader_type(PyObject* module);

}  // namespace attolog::python
