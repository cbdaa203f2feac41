// The strategies' public types, and what makes loggers of others.
#include "python/logger.hpp"

#include <structmember.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "core/folder.hpp"
#include "python/encode.hpp"
#include "python/fast.hpp"
#include "python/helpers.hpp"
#include "python/objects.hpp"
#include "python/options.hpp"
#include "python/text.hpp"
#include "python/without_gil.hpp"
#include "writer/writer.hpp"

namespace attolog::python {

namespace {

Helper read_sampled{"attolog._strategies", "sampled"};
Helper read_stats{"attolog._strategies", "stats"};
Helper read_circular{"attolog._strategies", "circular"};
Helper read_window{"attolog._strategies", "window_of"};
Helper install_recorder{"attolog._recorder", "install"};

bool open_channel(Root& root, const ChannelOptions& options) {
  if (!load_helpers() || !close_at_end_of_children() || (options.echo && !drain_echoes_in_time())) {
    return false;
  }
  std::shared_ptr<Channel> channel;
  // The log folder may be on a slow disk, and what dead processes left is written first.
  if (!without_gil(options.path.c_str(), [&] { channel = Writer::get().open(options); }))
    return false;
  root.use(std::move(channel));
  return true;
}

// Takes `name` out of `kwargs`, which may be null: a new reference, null where it is not there.
PyObject* pop_option(PyObject* kwargs, const char* name) {
  PyObject* value = kwargs == nullptr ? nullptr : PyDict_GetItemString(kwargs, name);
  Py_XINCREF(value);
  if (value != nullptr && PyDict_DelItemString(kwargs, name) != 0) Py_CLEAR(value);
  return value;
}

// The path and options of a logger with a file of its own. `kwargs` may be null.
bool take_file(PyObject* args, PyObject* kwargs, ChannelOptions& options, Rules& rules) {
  PyObject* own = kwargs == nullptr ? nullptr : PyDict_Copy(kwargs);
  if (kwargs != nullptr && own == nullptr) return false;
  PyObject* given = pop_option(own, "rules");
  const bool done =
      !PyErr_Occurred() && take_rules(given, rules) && parse_options(args, own, options);
  Py_XDECREF(given);
  Py_XDECREF(own);
  return done;
}

PyObject* new_async_file(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  ChannelOptions options;
  Rules rules;
  if (!take_file(args, kwargs, options, rules)) return nullptr;
  PyObject* logger = new_logger(type);
  if (logger == nullptr) return nullptr;
  as_logger(logger)->root->rules = std::move(rules);
  if (!open_channel(*as_logger(logger)->root, options)) Py_CLEAR(logger);
  return logger;
}

// Lets the logger write to `target`: another logger, or a path with options.
bool aim(Logger* logger, PyObject* target, PyObject* options, ChannelOptions& channel) {
  Root& root = *logger->root;
  if (PyObject_TypeCheck(target, types.logger)) {
    if (PyDict_GET_SIZE(options) != 0) {
      PyObject* key = nullptr;
      Py_ssize_t at = 0;
      PyDict_Next(options, &at, &key, nullptr);
      PyErr_Format(PyExc_TypeError, "%R is an option of files, and the target is a logger", key);
      return false;
    }
    root.targets.push_back(as_logger(target)->shares->root);
    root.relay();
    return true;
  }
  // Without a file the path is but a name by which the other options are read.
  const bool has_path = target != Py_None;
  PyObject* path = has_path ? PyTuple_Pack(1, target) : Py_BuildValue("(s)", "none.log");
  const Format format = channel.format;
  const bool is_read = path != nullptr && parse_options(path, options, channel);
  Py_XDECREF(path);
  if (!is_read) return false;
  if (!has_path) {
    if (channel.echo) {
      PyErr_SetString(PyExc_ValueError, "echo is for files; without a path this is shown already");
      return false;
    }
    channel.path.clear();
    channel.format = format;
  }
  return open_channel(root, channel);
}

// What the constructor of a strategy was called with, taken apart in Python.
class Described {
 public:
  Described(Helper& read, PyObject* args, PyObject* kwargs)
      : parts_(call_helper(read, "(OO)", args, kwargs == nullptr ? Py_None : kwargs)) {}
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;
  ~Described() { Py_XDECREF(parts_); }

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
    PyObject* logger = new_logger(type);
    if (logger == nullptr) return nullptr;
    Root& root = *as_logger(logger)->root;
    root.seed = seed;
    root.key_seed = key_seed;
    if (!take_policy("strategy", policy, root.policy) || !take_rules(rules, root.rules) ||
        !aim(as_logger(logger), target, options, channel)) {
      Py_CLEAR(logger);
    }
    return logger;
  }

 private:
  PyObject* parts_;
};

PyObject* new_sampled(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  ChannelOptions channel;
  return Described(read_sampled, args, kwargs).make(type, channel);
}

// ---- statistics -------------------------------------------------------------------------------

PyObject* new_stats(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  ChannelOptions channel;
  channel.format = Format::summary;  // where there is no target
  return Described(read_stats, args, kwargs).make(type, channel);
}

PyObject* log_event(PyObject* self, PyObject*) {
  Logger* logger = as_logger(self);
  const Routes& routes = logger->sites->plain_routes(Kind::event);
  const Root* root = logger->root;
  // Always routed, or special: its own strategy is one.
  if (root->mode.load(std::memory_order_relaxed) == Mode::routed &&
      take_fast(Mode::routed, root, logger->bound, 0, routes, nullptr, 0, kAcceptEverything)) {
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
struct KeptRow {
  explicit KeptRow(std::span<const Value> given) : values(given.begin(), given.end()) {
    for (Value& value : values) {
      if (value.tag != Tag::str && value.tag != Tag::bytes) continue;
      texts.push_back(std::make_unique<std::string>(value.text));
      value.text = *texts.back();
    }
  }
  std::vector<Value> values;
  std::vector<std::unique_ptr<std::string>> texts;
};

void collect(const Root& root, std::vector<KeptRow>& rows) {
  std::shared_ptr<Channel> channel;
  {
    const std::lock_guard lock(root.mutex);
    channel = root.owner;
  }
  if (channel != nullptr && !channel->is_forked() && !channel->is_finished()) {
    channel->snapshot(
        [&](std::span<const Value> values, std::int64_t) { rows.emplace_back(values); });
  }
  for (const auto& target : root.targets) collect(*target, rows);
}

PyObject* snapshot(PyObject* self, PyObject*) {
  std::vector<KeptRow> rows;
  outside_gil([&] { collect(*as_logger(self)->root, rows); });
  PyObject* list = PyList_New(0);
  for (std::size_t i = 0; list != nullptr && i < rows.size(); ++i) {
    PyObject* row = dict_of(rows[i].values);
    if (row == nullptr || PyList_Append(list, row) != 0) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

PyObject* get_window(PyObject* self, void*) {
  const Root& root = *as_logger(self)->root;
  const std::lock_guard lock(root.mutex);
  return PyFloat_FromDouble(static_cast<double>(root.policy.period_ns) / 1e9);
}

int set_window(PyObject* self, PyObject* value, void*) {
  PyObject* spelled =
      call_helper(read_window, "(Os)", value == nullptr ? Py_None : value, "window_sec");
  if (spelled == nullptr) return -1;
  Root& root = *as_logger(self)->root;
  Policy policy;
  {
    const std::lock_guard lock(root.mutex);
    policy = root.policy;
  }
  const auto period = parse_period(take_wtf8(spelled));
  if (period) policy.period_ns = *period;
  root.set_policy(policy);
  return 0;
}

// ---- the circular log -------------------------------------------------------------------------

// Lets the logger save itself; false with an exception set.
bool install(PyObject* logger, PyObject* signals) {
  PyObject* done = call_helper(install_recorder, "(OO)", logger, signals);
  Py_XDECREF(done);
  return done != nullptr;
}

PyObject* new_circular(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  PyObject* described =
      call_helper(read_circular, "(OO)", args, kwargs == nullptr ? Py_None : kwargs);
  if (described == nullptr) return nullptr;
  unsigned long long max_size = 0;
  unsigned long long max_bytes = 0;
  const char* when = nullptr;
  PyObject* call = nullptr;
  double before = 0;
  double after = 0;
  PyObject* path = nullptr;
  PyObject* signals = nullptr;
  PyObject* rules = nullptr;
  PyObject* options = nullptr;
  PyObject* logger = nullptr;
  if (PyArg_ParseTuple(described, "KKsOddOOOO!", &max_size, &max_bytes, &when, &call, &before,
                       &after, &path, &signals, &rules, &PyDict_Type, &options)) {
    ChannelOptions channel;
    channel.format = Format::none;
    channel.ring_bytes = std::size_t{2} << 20;  // a burst of 10,000 fits into half of it
    channel.box = {max_size, max_bytes};
    channel.recorder = {when, before < 0 ? -1 : std::llround(before * 1e9),
                        std::llround(after * 1e9), to_wtf8(path)};
    logger = new_logger(type);
    if (logger == nullptr) {
      Py_DECREF(described);
      return nullptr;
    }
    Root& root = *as_logger(logger)->root;
    root.policy.kind = Policy::Kind::last;
    root.policy.n = max_size;
    root.keeps_all = true;
    if (call != Py_None) root.watcher = Py_NewRef(call);
    // What it opens comes last: then nothing is left open where something else fails.
    if (!take_rules(rules, root.rules) || !install(logger, signals) ||
        !aim(as_logger(logger), Py_None, options, channel)) {
      Py_CLEAR(logger);
    }
  }
  Py_DECREF(described);
  return logger;
}

// The channel that still holds the records; null with a ValueError set once it is closed.
std::shared_ptr<Channel> open_box(const Root& root) {
  const std::lock_guard lock(root.mutex);
  if (root.channel.load(std::memory_order_relaxed) != nullptr && !root.owner->is_forked()) {
    return root.owner;
  }
  PyErr_SetString(PyExc_ValueError, "the circular log is closed, and holds nothing any more");
  return nullptr;
}

PyObject* save(PyObject* self, PyObject* args, PyObject* kwargs) {
  ChannelOptions options;
  if (!parse_copy_options(args, kwargs, options)) return nullptr;
  const auto channel = open_box(*as_logger(self)->root);
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
  const Root& root = *as_logger(self)->root;
  const auto channel = open_box(root);
  if (channel == nullptr) return nullptr;
  const std::string path = trigger_box(root, *channel, to_wtf8(reason));
  return PyUnicode_DecodeFSDefault(path.c_str());
}

Py_ssize_t length(PyObject* self) {
  const Root& root = *as_logger(self)->root;
  if (root.channel.load(std::memory_order_relaxed) == nullptr) return 0;
  const auto channel = open_box(root);
  if (channel == nullptr) return -1;
  std::uint64_t records = 0;
  try {
    outside_gil([&] { records = channel->records_held(); });
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

// A strategy's public type. Methods are its own: an inherited one costs 10 ns more a call.
PyTypeObject* make_type(PyObject* module, const char* name, newfunc make, const char* doc,
                        PyMethodDef* methods, PyGetSetDef* properties = nullptr,
                        lenfunc length = nullptr) {
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
      PyType_FromModuleAndSpec(module, &spec, reinterpret_cast<PyObject*>(types.logger));
  const char* short_name = std::strrchr(name, '.') + 1;
  if (type != nullptr && PyModule_AddObjectRef(module, short_name, type) != 0) Py_CLEAR(type);
  return reinterpret_cast<PyTypeObject*>(type);
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
    {"window_sec", get_window, set_window, "The length of a window in seconds.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

std::string trigger_box(const Root& root, Channel& channel, const std::string& reason) {
  const bool is_stamped = root.has_time.load(std::memory_order_acquire);
  const std::int64_t time = is_stamped ? root.time_ns.load(std::memory_order_relaxed)
                                       : static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
  std::string path;
  outside_gil([&] { path = channel.trigger(time, is_stamped, reason); });
  return path;
}

PyObject* make_default_logger() {
  PyObject* logger = new_logger(types.logger);
  // What ATTOLOG lets chance decide is decided otherwise in each process.
  if (logger != nullptr) as_logger(logger)->root->seed = std::stoull(random_hex(), nullptr, 16);
  return logger;
}

PyObject* open_logger(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject* self = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
  if (!PyObject_TypeCheck(self, types.logger)) {
    PyErr_SetString(PyExc_TypeError, "open() takes a logger, a path and options");
    return nullptr;
  }
  ChannelOptions options;
  Rules rules;
  Policy policy;
  Root& root = *as_logger(self)->root;
  PyObject* rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
  PyObject* own = kwargs == nullptr ? PyDict_New() : PyDict_Copy(kwargs);
  PyObject* strategy = pop_option(own, "strategy");
  const bool is_open = rest != nullptr && own != nullptr && !PyErr_Occurred() &&
                       take_strategy(strategy, policy) && take_file(rest, own, options, rules) &&
                       open_channel(root, options);
  Py_XDECREF(strategy);
  Py_XDECREF(own);
  Py_XDECREF(rest);
  if (!is_open) return nullptr;
  root.set_rules(std::move(rules));
  root.set_policy(policy);
  Py_RETURN_NONE;
}

PyObject* set_environment(PyObject*, PyObject* args) {
  PyObject* logger = nullptr;
  PyObject* given = nullptr;
  if (!PyArg_ParseTuple(args, "O!O:set_environment", types.logger, &logger, &given)) return nullptr;
  Rules rules;
  if (!take_rules(given, rules)) return nullptr;
  as_logger(logger)->root->set_environment(std::move(rules));
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
  PyObject* logger = new_logger(types.logger);
  if (logger == nullptr) return nullptr;
  Root& root = *as_logger(logger)->root;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* const target = PyTuple_GET_ITEM(args, i);
    if (!PyObject_TypeCheck(target, types.logger)) {
      PyErr_Format(PyExc_TypeError, "tee() takes loggers, not %s", Py_TYPE(target)->tp_name);
      Py_DECREF(logger);
      return nullptr;
    }
    root.targets.push_back(as_logger(target)->shares->root);
  }
  root.rules = std::move(rules);
  root.relay();
  return logger;
}

bool add_strategy_types(PyObject* module) {
  // For as long as there is a process.
  static std::vector<PyMethodDef> stats_methods = with_methods(
      {{"log_event", log_event, METH_NOARGS, "Count one event that has no name of its own."},
       {"snapshot", guarded_simple<snapshot>, METH_NOARGS,
        "The rows of the windows that are open, as dicts."}});
  static std::vector<PyMethodDef> circular_methods = with_methods(
      {{"save", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<save>)),
        METH_VARARGS | METH_KEYWORDS, "Write what the log holds to a file; how many records."},
       {"trigger", guarded_simple<trigger>, METH_O,
        "Have the log save itself, once what comes after has been logged. Where."}});
  PyMethodDef* const plain = common_methods();
  types.async_file =
      make_type(module, "attolog.AsyncFileLogger", guarded_new<new_async_file>,
                "Strategy 1: everything is kept, written to a file in the background.", plain);
  types.sampled = make_type(module, "attolog.SampledLogger", guarded_new<new_sampled>,
                            "Strategy 2: a share is kept, each record with its weight.", plain);
  types.stats = make_type(module, "attolog.StatsLogger", guarded_new<new_stats>,
                          "Strategy 3: statistics for each window of time.", stats_methods.data(),
                          stats_properties);
  types.circular = make_type(module, "attolog.CircularLogger", guarded_new<new_circular>,
                             "Strategy 4: the last records, saved when it is wanted.",
                             circular_methods.data(), nullptr, length);
  return types.async_file != nullptr && types.sampled != nullptr && types.stats != nullptr &&
         types.circular != nullptr;
}

}  // namespace attolog::python
