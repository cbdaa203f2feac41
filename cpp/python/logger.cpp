// The logger types: construction, properties, everything but the log calls themselves.
#include "python/logger.hpp"

#include <structmember.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "core/folder.hpp"
#include "python/encode.hpp"
#include "python/options.hpp"
#include "python/text.hpp"
#include "writer/writer.hpp"

namespace attolog::python {

Types types;

namespace {

constexpr const char* kLevels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

PyObject* new_logger(PyTypeObject* type) {
  auto* logger = reinterpret_cast<Logger*>(type->tp_alloc(type, 0));
  if (logger == nullptr) return nullptr;
  try {
    auto shares = std::make_unique<Shares>();
    shares->root = std::make_shared<Root>();
    shares->sites = std::make_shared<CallSites>(std::vector<std::string>{});
    shares->sites_by_names = std::make_shared<SitesByNames>();
    logger->vectorcall = call_logger;
    logger->root = shares->root.get();
    logger->sites = shares->sites.get();
    logger->bound = nullptr;
    logger->shares = shares.release();
  } catch (const std::bad_alloc&) {
    Py_DECREF(logger);
    return PyErr_NoMemory();
  }
  return reinterpret_cast<PyObject*>(logger);
}

// What log calls import, imported before there are any: a forked child could wait for ever for the
// import that another thread of its parent was at.
bool import_helpers() {
  for (const char* name : {"attolog._names", "attolog._declare", "attolog._print", "linecache",
                           "tokenize", "traceback"}) {
    PyObject* module = PyImport_ImportModule(name);
    // A program that may not read its own library logs all the same, without names of values.
    if (module == nullptr && !clear_if_ordinary()) return false;
    Py_XDECREF(module);
  }
  return true;
}

bool open_channel(Root& root, const ChannelOptions& options) {
  if (!import_helpers()) return false;
  std::shared_ptr<Channel> channel;
  std::string failure;
  int error_number = 0;
  // No GIL: the log folder may be on a slow disk, and what dead processes left is written first.
  PyThreadState* state = PyEval_SaveThread();
  try {
    channel = Channel::open(options);
  } catch (const std::system_error& error) {
    error_number = error.code().value();
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  PyEval_RestoreThread(state);
  if (error_number != 0) {
    errno = error_number;
    PyErr_SetFromErrnoWithFilename(PyExc_OSError, options.path.c_str());
    return false;
  }
  if (channel == nullptr) {
    PyErr_SetString(PyExc_OSError, failure.c_str());
    return false;
  }
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
  try {
    if (!take_file(args, kwargs, options, rules)) return nullptr;
    PyObject* logger = new_logger(type);
    if (logger == nullptr) return nullptr;
    as_logger(logger)->root->rules = std::move(rules);
    if (!open_channel(*as_logger(logger)->root, options)) Py_CLEAR(logger);
    return logger;
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

// Lets the logger write to `target`: another logger, or a path with options.
bool aim(Logger* logger, PyObject* target, PyObject* options) {
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
  PyObject* path = PyTuple_Pack(1, target);
  ChannelOptions channel;
  const bool done =
      path != nullptr && parse_options(path, options, channel) && open_channel(root, channel);
  Py_XDECREF(path);
  return done;
}

// A logger of a strategy, whose arguments `read` of attolog._strategies takes apart: (target,
// policy, rules, seed or None, options).
PyObject* new_strategy(PyTypeObject* type, const char* read, PyObject* args, PyObject* kwargs) {
  PyObject* described =
      call_helper("attolog._strategies", read, "(OO)", args, kwargs == nullptr ? Py_None : kwargs);
  if (described == nullptr) return nullptr;
  PyObject* target = nullptr;
  const char* policy = nullptr;
  PyObject* rules = nullptr;
  unsigned long long seed = 0;
  unsigned long long key_seed = 0;
  PyObject* options = nullptr;
  PyObject* logger = nullptr;
  if (PyArg_ParseTuple(described, "OsOKKO!", &target, &policy, &rules, &seed, &key_seed,
                       &PyDict_Type, &options)) {
    logger = new_logger(type);
  }
  if (logger != nullptr) {
    Root& root = *as_logger(logger)->root;
    root.seed = seed;
    root.key_seed = key_seed;
    if (!take_policy("strategy", policy, root.policy) || !take_rules(rules, root.rules) ||
        !aim(as_logger(logger), target, options)) {
      Py_CLEAR(logger);
    }
  }
  Py_DECREF(described);
  return logger;
}

PyObject* new_sampled(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  try {
    return new_strategy(type, "sampled", args, kwargs);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

void free_logger(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Logger* logger = as_logger(self);
  if (logger->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  std::unique_ptr<Shares>(logger->shares).reset();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* represent_logger(PyObject* self) {
  const Root& root = *as_logger(self)->root;
  const std::string path = root.path();
  const bool is_off = root.channel.load(std::memory_order_relaxed) == nullptr && !root.is_relaying;
  const char* state = is_off ? " (off)" : "";
  if (path.empty()) return PyUnicode_FromFormat("<%s%s>", Py_TYPE(self)->tp_name, state);
  return PyUnicode_FromFormat("<%s '%s'%s>", Py_TYPE(self)->tp_name, path.c_str(), state);
}

int is_on(PyObject* self) {
  return as_logger(self)->root->mode.load(std::memory_order_relaxed) != Mode::off ? 1 : 0;
}

// ---- methods ------------------------------------------------------------------------------------

constexpr const char* kTimeout = "None or seconds, 0 or more";

// As a double; infinite where that holds no number so large. False with an exception set.
bool take_number(PyObject* timeout, double& seconds) {
  seconds = PyFloat_AsDouble(timeout);
  if (seconds != -1.0 || PyErr_Occurred() == nullptr) return true;
  if (PyErr_ExceptionMatches(PyExc_TypeError)) {
    PyErr_Clear();
    return refuse_type("timeout", kTimeout, timeout);
  }
  if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return false;
  PyErr_Clear();
  const int is_negative = PyObject_RichCompareBool(timeout, Py_False, Py_LT);  // False: zero
  seconds = is_negative != 0 ? -HUGE_VAL : HUGE_VAL;
  return is_negative >= 0;
}

// From now; none for ever, which is also what more seconds than anybody waits mean. False with an
// exception set.
bool take_deadline(PyObject* timeout, Deadline& deadline) {
  deadline.reset();
  if (timeout == Py_None) return true;
  double seconds = 0;
  if (!take_number(timeout, seconds)) return false;
  if (!(seconds >= 0)) return refuse("timeout", kTimeout, timeout);
  if (seconds >= kLongest) return true;
  deadline =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
  return true;
}

// Waits in slices, so that Ctrl-C gets through: false then, with the exception set.
bool flush_channel(Channel& channel, const Deadline& deadline, bool& is_done) {
  if (channel.is_forked()) return true;  // nothing was logged here yet
  bool is_through = false;
  bool is_over = false;
  bool is_interrupted = false;
  channel.pin();
  while (!is_through && !is_over && !is_interrupted) {
    const auto now = std::chrono::steady_clock::now();
    const auto slice = now + std::chrono::milliseconds(100);
    is_over = deadline && *deadline <= slice;
    PyThreadState* state = PyEval_SaveThread();
    is_through = channel.flush(is_over ? *deadline : slice);
    is_over = is_over || channel.is_failing() || channel.is_finished();
    PyEval_RestoreThread(state);
    is_interrupted = PyErr_CheckSignals() != 0;
  }
  channel.unpin();
  is_done = is_done && is_through;
  return !is_interrupted;
}

// All channels that records of the logger go to. False with an exception set: interrupted.
bool flush_all(const Root& root, const Deadline& deadline, bool& is_done) {
  for (const auto& before : root.unfinished()) {
    if (!flush_channel(*before, deadline, is_done)) return false;
  }
  Channel* channel = root.channel.load(std::memory_order_acquire);
  if (channel != nullptr && !flush_channel(*channel, deadline, is_done)) return false;
  return std::ranges::all_of(
      root.targets, [&](const auto& target) { return flush_all(*target, deadline, is_done); });
}

PyObject* flush(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"timeout", nullptr};
  PyObject* timeout = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:flush", const_cast<char**>(names), &timeout))
    return nullptr;
  Deadline deadline;
  if (!take_deadline(timeout, deadline)) return nullptr;
  bool is_done = true;
  if (!flush_all(*as_logger(self)->root, deadline, is_done)) return nullptr;
  return PyBool_FromLong(is_done ? 1 : 0);
}

bool close_channel(const std::shared_ptr<Channel>& channel, const Deadline& deadline) {
  PyThreadState* state = PyEval_SaveThread();
  const bool is_done = channel->close(deadline);
  PyEval_RestoreThread(state);
  return is_done;
}

Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(5);
}

// Closes what records go to, and waits for the files they went to before; flushes what belongs to
// other loggers. `is_done`: whether all is written. False with an exception set: interrupted.
bool close_all(Root& root, const Deadline& deadline, bool& is_done) {
  const auto channel = root.take_down(true);
  root.tell_remainders();
  is_done = true;
  for (const auto& before : root.unfinished()) is_done = close_channel(before, deadline) && is_done;
  // A forked child that has not logged has nothing to wait for.
  if (channel != nullptr && !channel->is_forked()) {
    is_done = close_channel(channel, deadline) && is_done;
  }
  return std::ranges::all_of(
      root.targets, [&](const auto& target) { return flush_all(*target, deadline, is_done); });
}

PyObject* close_logger(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"timeout", nullptr};
  PyObject* timeout = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:close", const_cast<char**>(names), &timeout))
    return nullptr;
  Deadline deadline = soon();
  if (timeout != nullptr && !take_deadline(timeout, deadline)) return nullptr;
  bool is_done = true;
  if (!close_all(*as_logger(self)->root, deadline, is_done)) return nullptr;
  return PyBool_FromLong(is_done ? 1 : 0);
}

PyObject* enter(PyObject* self, PyObject*) {
  return Py_NewRef(self);
}

PyObject* leave(PyObject* self, PyObject*, PyObject*) {
  bool is_done = true;
  if (!close_all(*as_logger(self)->root, soon(), is_done)) return nullptr;
  Py_RETURN_FALSE;
}

PyObject* set_time(PyObject* self, PyObject* ns) {
  Root& root = *as_logger(self)->root;
  if (ns == Py_None) {
    root.set_time(std::nullopt);
  } else if (!PyLong_Check(ns) || PyBool_Check(ns)) {
    PyErr_Format(PyExc_TypeError,
                 "set_time() takes nanoseconds since 1970 as an int, or None, not %s",
                 Py_TYPE(ns)->tp_name);
    return nullptr;
  } else {
    int overflow = 0;
    const std::int64_t time = PyLong_AsLongLongAndOverflow(ns, &overflow);
    if (overflow != 0) {
      PyErr_SetString(PyExc_ValueError, "set_time() takes nanoseconds within 64 bits");
      return nullptr;
    }
    root.set_time(time);
  }
  Py_RETURN_NONE;
}

PyObject* bind(PyObject* self, PyObject* args, PyObject* kwargs) {
  Logger* parent = as_logger(self);
  if (PyTuple_GET_SIZE(args) != 0) {
    PyErr_SetString(PyExc_TypeError, "bind() takes fields by name: log.bind(request=17)");
    return nullptr;
  }
  auto bound = std::make_unique<Bound>();
  Buffer values;
  if (parent->bound != nullptr) {
    bound->names = parent->bound->names;
    bound->ends = parent->bound->ends;
    values.append(parent->bound->values);
  }
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t at = 0;
  while (kwargs != nullptr && PyDict_Next(kwargs, &at, &key, &value)) {
    bound->names.push_back(clean_name(to_wtf8(key), bound->names));
    if (!encode_any(values, value, ChannelOptions{}.max_record)) return nullptr;
    bound->ends.push_back(values.size());
  }
  bound->values = std::string(values.view());

  auto* logger = reinterpret_cast<Logger*>(types.logger->tp_alloc(types.logger, 0));
  if (logger == nullptr) return nullptr;
  auto shares = std::make_unique<Shares>();
  shares->root = parent->shares->root;
  shares->sites_by_names = parent->shares->sites_by_names;
  shares->sites = shares->sites_by_names->of(bound->names);
  shares->bound = std::move(bound);
  logger->vectorcall = call_logger;
  logger->root = shares->root.get();
  logger->sites = shares->sites.get();
  logger->bound = shares->bound.get();
  logger->shares = shares.release();
  return reinterpret_cast<PyObject*>(logger);
}

// ---- properties ---------------------------------------------------------------------------------

PyObject* get_level(PyObject* self, void*) {
  const int level = as_logger(self)->root->level.load(std::memory_order_relaxed);
  return PyUnicode_FromString(kLevels[level / 10 - 1]);
}

int set_level(PyObject* self, PyObject* value, void*) {
  if (value != nullptr && PyUnicode_Check(value)) {
    for (int i = 0; i < 5; ++i) {
      if (PyUnicode_CompareWithASCIIString(value, kLevels[i]) == 0) {
        as_logger(self)->root->set_level((i + 1) * 10);
        return 0;
      }
    }
  }
  refuse("level", "DEBUG, INFO, WARNING, ERROR or CRITICAL", value == nullptr ? Py_None : value);
  return -1;
}

PyObject* get_enabled(PyObject* self, void*) {
  return PyBool_FromLong(as_logger(self)->root->is_enabled.load(std::memory_order_relaxed) ? 1 : 0);
}

int set_enabled(PyObject* self, PyObject* value, void*) {
  if (value == nullptr || !PyBool_Check(value)) {
    refuse_type("enabled", "True or False", value == nullptr ? Py_None : value);
    return -1;
  }
  as_logger(self)->root->set_enabled(value == Py_True);
  return 0;
}

PyObject* get_path(PyObject* self, void*) {
  const std::string path = as_logger(self)->root->path();
  if (path.empty()) Py_RETURN_NONE;
  return PyUnicode_DecodeFSDefault(path.c_str());
}

PyObject* get_counts(PyObject* self, void*) {
  const Counts now = as_logger(self)->root->counts();
  PyObject* counts = PyStructSequence_New(types.counts);
  if (counts == nullptr) return nullptr;
  const std::uint64_t figures[] = {
      now.written + now.waiting + now.dropped + now.sampled_out + now.aggregated + now.overwritten,
      now.written,
      now.waiting,
      now.dropped,
      now.sampled_out,
      now.aggregated,
      now.overwritten};
  for (Py_ssize_t i = 0; i < static_cast<Py_ssize_t>(std::size(figures)); ++i) {
    PyStructSequence_SetItem(counts, i, PyLong_FromUnsignedLongLong(figures[i]));
  }
  if (PyErr_Occurred() != nullptr) Py_CLEAR(counts);
  return counts;
}

template <class F>
PyCFunction method(F* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;
constexpr int kNamed = METH_VARARGS | METH_KEYWORDS;

PyMethodDef logger_methods[] = {
    {"debug", method(call_debug), kFast,
     "Log a message of level DEBUG: a template and its values, or a text."},
    {"info", method(call_info), kFast,
     "Log a message of level INFO: a template and its values, or a text."},
    {"warning", method(call_warning), kFast,
     "Log a message of level WARNING: a template and its values, or a text."},
    {"error", method(call_error), kFast,
     "Log a message of level ERROR: a template and its values, or a text."},
    {"critical", method(call_critical), kFast,
     "Log a message of level CRITICAL: a template and its values, or a text."},
    {"exception", method(call_exception), kFast,
     "Log a message of level ERROR with the traceback of the exception being handled, as field "
     "exception."},
    {"log", method(call_text), METH_O, "Log a text as it stands."},
    {"print", method(call_print), kNamed,
     "Log what print() would have written; print's own signature."},
    {"event", method(guarded<declare_event>), kNamed,
     "Declare an event: decorate a function with it, or name the event and its fields."},
    {"bind", method(guarded<bind>), kNamed, "A logger whose every record has these fields too."},
    {"set_time", method(set_time), METH_O,
     "Stamp records with this time (nanoseconds since 1970) until set_time(None)."},
    {"flush", method(flush), kNamed,
     "Wait until all that was logged is in the file, at most timeout seconds. Whether it is."},
    {"close", method(guarded<close_logger>), kNamed,
     "Flush, at most timeout seconds, and stop logging. Whether all of it is in the file."},
    {"__enter__", method(enter), METH_NOARGS, nullptr},
    {"__exit__", method(guarded<leave>), kNamed, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef logger_properties[] = {
    {"level", get_level, set_level, "The least level of messages that are logged.", nullptr},
    {"enabled", get_enabled, set_enabled, "Whether anything is logged at all.", nullptr},
    {"path", get_path, nullptr, "The log file; None while there is none.", nullptr},
    {"counts", get_counts, nullptr,
     "What became of the calls so far; calls is the sum of the others.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef logger_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Logger, vectorcall), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Logger, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyObject* refuse_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError,
               "%s is what loggers have in common; make an attolog.AsyncFileLogger", type->tp_name);
  return nullptr;
}

PyType_Slot base_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_logger)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_repr, reinterpret_cast<void*>(represent_logger)},
    {Py_tp_methods, logger_methods},
    {Py_tp_getset, logger_properties},
    {Py_tp_members, logger_members},
    {Py_nb_bool, reinterpret_cast<void*>(is_on)},
    {Py_tp_doc, const_cast<char*>("A logger: what a program calls to log.")},
    {0, nullptr}};
PyType_Spec base_spec = {"attolog._core.Logger", sizeof(Logger), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE |
                             Py_TPFLAGS_HAVE_VECTORCALL,
                         base_slots};

// A strategy's public type. Methods are its own: an inherited one costs 10 ns more a call.
PyTypeObject* make_type(PyObject* module, const char* name, newfunc make, const char* doc,
                        PyMethodDef* methods) {
  static PyMemberDef members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(Logger, vectorcall), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr}};
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(make)},
                         {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                         {Py_tp_methods, methods},
                         {Py_tp_members, members},
                         {Py_tp_doc, const_cast<char*>(doc)},
                         {0, nullptr}};
  PyType_Spec spec = {name, sizeof(Logger), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
                      slots};
  PyObject* type =
      PyType_FromModuleAndSpec(module, &spec, reinterpret_cast<PyObject*>(types.logger));
  const char* short_name = std::strrchr(name, '.') + 1;
  if (type != nullptr && PyModule_AddObjectRef(module, short_name, type) != 0) Py_CLEAR(type);
  return reinterpret_cast<PyTypeObject*>(type);
}

PyStructSequence_Field counts_fields[] = {
    {"calls", "accepted calls: the sum of the others"},
    {"written", "records in the file"},
    {"waiting", "records on their way to it"},
    {"dropped", "records that were not taken, because there was no room or the logger was closed"},
    {"sampled_out", "records left out on request"},
    {"aggregated", "records that went into statistics"},
    {"overwritten", "records of a circular log that later ones replaced"},
    {nullptr, nullptr}};
PyStructSequence_Desc counts_description = {
    "attolog.Counts", "What became of a logger's calls; calls is the sum of the others.",
    counts_fields, 7};

}  // namespace

void Bound::append_named(Buffer& out) const {
  std::size_t at = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    encode_str(out, names[i]);
    out.append(std::string_view(values).substr(at, ends[i] - at));
    at = ends[i];
  }
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

bool add_logger_types(PyObject* module) {
  types.logger =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &base_spec, nullptr));
  if (types.logger == nullptr) return false;
  types.async_file = make_type(
      module, "attolog.AsyncFileLogger", new_async_file,
      "Strategy 1: everything is kept, written to a file in the background.", logger_methods);
  types.sampled =
      make_type(module, "attolog.SampledLogger", new_sampled,
                "Strategy 2: a share is kept, each record with its weight.", logger_methods);
  types.counts = PyStructSequence_NewType(&counts_description);
  return types.async_file != nullptr && types.sampled != nullptr && types.counts != nullptr &&
         PyModule_AddObjectRef(module, "Logger", reinterpret_cast<PyObject*>(types.logger)) == 0 &&
         PyModule_AddObjectRef(module, "Counts", reinterpret_cast<PyObject*>(types.counts)) == 0;
}

}  // namespace attolog::python
