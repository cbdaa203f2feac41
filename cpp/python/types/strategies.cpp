#include "python/types/strategies.hpp"

#include <structmember.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/value.hpp"
#include "python/call/dispatch.hpp"
#include "python/call/fast.hpp"
#include "python/call/slow_call.hpp"
#include "python/docstrings.hpp"
#include "python/helpers.hpp"
#include "python/refusal.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/logger_object.hpp"
#include "python/route/routes.hpp"
#include "python/route/rules.hpp"
#include "python/types/logger.hpp"
#include "python/types/opening.hpp"
#include "python/types/options.hpp"
#include "python/values/objects.hpp"
#include "python/values/text.hpp"
#include "python/without_gil.hpp"
#include "strategies/policy.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

namespace {

Helper read_sampled{"attolog._native.constructor_arguments", "sampled"};
Helper read_stats{"attolog._native.constructor_arguments", "stats"};
Helper read_window{"attolog._native.constructor_arguments", "window_of"};
Helper install_recorder{"attolog._native.save_triggers", "install"};

PyObject* new_async_file(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  ChannelOptions options;
  Rules rules;
  if (!take_file(args, kwargs, options, rules)) return nullptr;
  PyObject* logger = new_logger(type);
  if (logger == nullptr) return nullptr;
  as_logger(logger)->core->set_rules(std::move(rules));
  if (!open_channel(*as_logger(logger)->core, options)) Py_CLEAR(logger);
  return logger;
}

// The arguments of a strategy's constructor, taken apart in Python.
class ParsedArguments {
 public:
  ParsedArguments(Helper& read, PyObject* args, PyObject* kwargs)
      : parts_(call_helper(read, "(OO)", args, kwargs == nullptr ? Py_None : kwargs)) {}
  ParsedArguments(const ParsedArguments&) = delete;
  ParsedArguments& operator=(const ParsedArguments&) = delete;
  ~ParsedArguments() { Py_XDECREF(parts_); }

  // A logger of that strategy; null with an exception set. `channel` says what a log without a path
  // is.
  PyObject* make(PyTypeObject* type, ChannelOptions& channel) const {
    PyObject* target = nullptr;
    const char* policy = nullptr;
    PyObject* rules = nullptr;
    unsigned long long seed = 0;
    unsigned long long key_seed = 0;
    PyObject* options = nullptr;
    if (parts_ == nullptr || !PyArg_ParseTuple(parts_, "OsOKKO!", &target, &policy, &rules, &seed,
                                               &key_seed, &PyDict_Type, &options)) {
      return nullptr;
    }
    Policy own;
    Rules own_rules;
    if (!take_policy("strategy", policy, own) || !take_rules(rules, own_rules)) return nullptr;
    PyObject* logger = new_logger(type);
    if (logger == nullptr) return nullptr;
    LoggerCore& core = *as_logger(logger)->core;
    core.set_seeds(seed, key_seed);
    core.set_policy(own);
    if (!attach_target(as_logger(logger), target, options, channel) ||
        !check_fit(core, "strategy", own) || !check_fit(core, own_rules)) {
      Py_CLEAR(logger);
      return nullptr;
    }
    core.set_rules(std::move(own_rules));
    return logger;
  }

 private:
  PyObject* parts_;
};

PyObject* new_sampled(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  ChannelOptions channel;
  return ParsedArguments(read_sampled, args, kwargs).make(type, channel);
}

// ---- statistics -------------------------------------------------------------------------------

PyObject* new_stats(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  ChannelOptions channel;
  channel.format = Format::summary;  // where there is no target
  return ParsedArguments(read_stats, args, kwargs).make(type, channel);
}

PyObject* log_event(PyObject* self, PyObject*) {
  Logger* logger = as_logger(self);
  const RouteCache& routes = logger->sites->plain_routes(SiteKind::event);
  const LoggerCore* core = logger->core;
  // Always routed, or special: its own strategy is one.
  if (core->mode() == Mode::routed &&
      log_fast(Mode::routed, core, logger->bound, 0, routes, nullptr, 0, kAllFastTypes)) {
    Py_RETURN_NONE;
  }
  return call_any_event(logger);
}

// A row of statistics as a dict.
PyObject* dict_of(std::span<const Value> values) {
  PyObject* row = PyDict_New();
  for (std::size_t i = 1; row != nullptr && i + 1 < values.size(); i += 2) {
    PyObject* name = from_wtf8(values[i].text);
    PyObject* value = name == nullptr ? nullptr : to_object(values[i + 1]);
    if (value == nullptr || PyDict_SetItem(row, name, value) != 0) Py_CLEAR(row);
    Py_XDECREF(name);
    Py_XDECREF(value);
  }
  return row;
}

// Everything that a row refers to, kept beyond the drain's mutex.
struct RowCopy {
  explicit RowCopy(std::span<const Value> given) : values(given.begin(), given.end()) {
    for (Value& value : values) {
      if (value.tag != Tag::str && value.tag != Tag::bytes) continue;
      texts.push_back(std::make_unique<std::string>(value.text));
      value.text = *texts.back();
    }
  }
  std::vector<Value> values;
  std::vector<std::unique_ptr<std::string>> texts;
};

void collect(const LoggerCore& core, std::vector<RowCopy>& rows) {
  const auto channel = core.last_channel();
  if (channel != nullptr && !channel->is_forked() && !channel->is_released()) {
    channel->snapshot(
        [&](std::span<const Value> values, std::int64_t) { rows.emplace_back(values); });
  }
  for (const auto& target : core.targets()) collect(*target, rows);
}

PyObject* snapshot(PyObject* self, PyObject*) {
  std::vector<RowCopy> rows;
  outside_gil([&] { collect(*as_logger(self)->core, rows); });
  PyObject* list = PyList_New(0);
  for (std::size_t i = 0; list != nullptr && i < rows.size(); ++i) {
    PyObject* row = dict_of(rows[i].values);
    if (row == nullptr || PyList_Append(list, row) != 0) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

PyObject* get_window(PyObject* self, void*) {
  const Policy policy = as_logger(self)->core->policy();
  return PyFloat_FromDouble(static_cast<double>(policy.period_ns) / 1e9);
}

int set_window(PyObject* self, PyObject* value, void*) {
  PyObject* spelled =
      call_helper(read_window, "(Os)", value == nullptr ? Py_None : value, "window_sec");
  if (spelled == nullptr) return -1;
  LoggerCore& core = *as_logger(self)->core;
  Policy policy = core.policy();
  const auto period = parse_period(steal_wtf8(spelled));
  if (period) policy.period_ns = *period;
  core.set_policy(policy);
  return 0;
}

// ---- the circular log -------------------------------------------------------------------------

// Lets the logger save itself; false with an exception set.
bool install(PyObject* logger, PyObject* signals) {
  PyObject* done = signals == nullptr ? call_helper(install_recorder, "(O())", logger)
                                      : call_helper(install_recorder, "(OO)", logger, signals);
  Py_XDECREF(done);
  return done != nullptr;
}

PyObject* new_circular(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  CircularArguments given;
  Rules rules;
  if (!parse_circular(args, kwargs, given) || !take_rules(given.rules, rules)) return nullptr;
  PyObject* logger = new_logger(type);
  if (logger == nullptr) return nullptr;
  Policy policy;
  policy.kind = Policy::Kind::last;
  policy.n = given.channel.circular_buffer.max_records;
  LoggerCore& core = *as_logger(logger)->core;
  core.make_circular(policy, given.watcher);
  const bool is_fit = check_fit(core, rules);
  core.set_rules(std::move(rules));
  // The channel is opened last: then nothing is left open where something else fails.
  if (!is_fit || !install(logger, given.signals) ||
      !attach_target(as_logger(logger), Py_None, given.ring_options.get(), given.channel)) {
    Py_CLEAR(logger);
  }
  return logger;
}

// The channel that still holds the records; null with a ValueError set once it is closed.
std::shared_ptr<Channel> open_box(const LoggerCore& core) {
  auto channel = core.open_channel();
  if (channel != nullptr && !channel->is_forked()) return channel;
  PyErr_SetString(PyExc_ValueError, "the circular log is closed, and holds nothing any more");
  return nullptr;
}

PyObject* save(PyObject* self, PyObject* args, PyObject* kwargs) {
  ChannelOptions options;
  if (!parse_copy_options(args, kwargs, options)) return nullptr;
  const auto channel = open_box(*as_logger(self)->core);
  if (channel == nullptr) return nullptr;
  std::uint64_t records = 0;
  const bool is_done = without_gil(
      options.path.c_str(), [&] { records = channel->save(target_of(options, options.path)); });
  if (!is_done) return nullptr;
  return PyLong_FromUnsignedLongLong(records);
}

PyObject* trigger(PyObject* self, PyObject* reason) {
  if (!PyUnicode_Check(reason)) {
    refuse_type("reason", "a str", reason);
    return nullptr;
  }
  const LoggerCore& core = *as_logger(self)->core;
  const auto channel = open_box(core);
  if (channel == nullptr) return nullptr;
  const std::string path = trigger_save(core, *channel, to_wtf8(reason));
  return PyUnicode_DecodeFSDefault(path.c_str());
}

Py_ssize_t length(PyObject* self) {
  const LoggerCore& core = *as_logger(self)->core;
  if (core.channel() == nullptr) return 0;
  const auto channel = open_box(core);
  if (channel == nullptr) return -1;
  std::uint64_t records = 0;
  try {
    outside_gil([&] { records = channel->buffered_records(); });
  } catch (const std::exception&) {
    PyErr_NoMemory();
    return -1;
  }
  return static_cast<Py_ssize_t>(records);
}

// No memory becomes MemoryError here too.
template <PyObject* (*make)(PyTypeObject*, PyObject*, PyObject*)>
PyObject* guarded_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  try {
    return make(type, args, kwargs);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

// ---- types ------------------------------------------------------------------------------------

// Adds a strategy's public type. Methods are its own: an inherited one costs 10 ns more a call.
// False with an exception set.
bool make_type(PyObject* module, const char* name, newfunc make, const char* doc,
               PyMethodDef* methods, PyGetSetDef* properties = nullptr, lenfunc length = nullptr) {
  static PyMemberDef members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(Logger, vectorcall), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr}};
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(make)},
                         {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                         {Py_tp_methods, methods},
                         {Py_tp_members, members},
                         {Py_tp_doc, const_cast<char*>(doc)},
                         {0, nullptr},
                         {0, nullptr},
                         {0, nullptr}};
  std::size_t last = 5;
  if (properties != nullptr) slots[last++] = {Py_tp_getset, properties};
  if (length != nullptr) slots[last] = {Py_sq_length, reinterpret_cast<void*>(length)};
  PyType_Spec spec = {name, sizeof(Logger), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
                      slots};
  PyObject* type =
      PyType_FromModuleAndSpec(module, &spec, reinterpret_cast<PyObject*>(logger_type));
  const char* short_name = std::strrchr(name, '.') + 1;
  const bool is_added = type != nullptr && PyModule_AddObjectRef(module, short_name, type) == 0;
  Py_XDECREF(type);
  return is_added;
}

// The methods of all loggers, and those of a strategy.
std::vector<PyMethodDef> with_methods(std::initializer_list<PyMethodDef> own) {
  std::vector<PyMethodDef> all(own);
  const PyMethodDef* common = common_methods();
  do {
    all.push_back(*common);
  } while ((common++)->ml_name != nullptr);
  return all;
}

PyGetSetDef stats_properties[] = {
    {"window_sec", get_window, set_window, docs::StatsLogger_window_sec, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

PyObject* set_environment(PyObject*, PyObject* args) {
  PyObject* logger = nullptr;
  PyObject* given = nullptr;
  if (!PyArg_ParseTuple(args, "O!O:set_environment", logger_type, &logger, &given)) return nullptr;
  Rules rules;
  if (!take_rules(given, rules)) return nullptr;
  as_logger(logger)->core->set_environment(std::move(rules));
  Py_RETURN_NONE;
}

PyObject* make_tee(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject* given = kwargs == nullptr ? nullptr : PyDict_GetItemString(kwargs, "rules");
  if (kwargs != nullptr && PyDict_GET_SIZE(kwargs) != (given == nullptr ? 0 : 1)) {
    PyErr_SetString(PyExc_TypeError, "tee() takes loggers, and rules=");
    return nullptr;
  }
  Rules rules;
  if (PyTuple_GET_SIZE(args) == 0) {
    PyErr_SetString(PyExc_TypeError, "tee() needs at least one logger");
    return nullptr;
  }
  if (!take_rules(given, rules)) return nullptr;
  PyObject* logger = new_logger(logger_type);
  if (logger == nullptr) return nullptr;
  LoggerCore& core = *as_logger(logger)->core;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* const target = PyTuple_GET_ITEM(args, i);
    if (!PyObject_TypeCheck(target, logger_type)) {
      PyErr_Format(PyExc_TypeError, "tee() takes loggers, not %s", Py_TYPE(target)->tp_name);
      Py_DECREF(logger);
      return nullptr;
    }
    core.add_target(as_logger(target)->parts->core);
  }
  if (!check_fit(core, rules)) {
    Py_DECREF(logger);
    return nullptr;
  }
  core.set_rules(std::move(rules));
  core.relay();
  return logger;
}

bool add_strategy_types(PyObject* module) {
  // For as long as there is a process.
  static std::vector<PyMethodDef> stats_methods = with_methods(
      {{"log_event", log_event, METH_NOARGS, docs::StatsLogger_log_event},
       {"snapshot", guarded_simple<snapshot>, METH_NOARGS, docs::StatsLogger_snapshot}});
  static std::vector<PyMethodDef> circular_methods =
      with_methods({{"save", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<save>)),
                     METH_VARARGS | METH_KEYWORDS, docs::CircularLogger_save},
                    {"trigger", guarded_simple<trigger>, METH_O, docs::CircularLogger_trigger}});
  PyMethodDef* const plain = common_methods();
  return make_type(module, "attolog.AsyncFileLogger", guarded_new<new_async_file>,
                   docs::AsyncFileLogger, plain) &&
         make_type(module, "attolog.SampledLogger", guarded_new<new_sampled>, docs::SampledLogger,
                   plain) &&
         make_type(module, "attolog.StatsLogger", guarded_new<new_stats>, docs::StatsLogger,
                   stats_methods.data(), stats_properties) &&
         make_type(module, "attolog.CircularLogger", guarded_new<new_circular>,
                   docs::CircularLogger, circular_methods.data(), nullptr, length);
}

}  // namespace attolog::python
