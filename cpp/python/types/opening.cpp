#include "python/types/opening.hpp"

#include <memory>
#include <string>
#include <utility>

#include "core/folder.hpp"
#include "python/helpers.hpp"
#include "python/route/logger_core.hpp"
#include "python/screen_order.hpp"
#include "python/types/lifetime.hpp"
#include "python/types/logger.hpp"
#include "python/types/options.hpp"
#include "python/without_gil.hpp"
#include "strategies/policy.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

Helper open_default{"attolog._default_logger", "open"};

// The core of `attolog.log`, which lives as long as the process. Set while the module is made.
const LoggerCore* default_core = nullptr;

// Takes `name` out of `kwargs`, which may be null: a new reference, null where it is not there.
PyObject* pop_option(PyObject* kwargs, const char* name) {
  PyObject* value = kwargs == nullptr ? nullptr : PyDict_GetItemString(kwargs, name);
  Py_XINCREF(value);
  if (value != nullptr && PyDict_DelItemString(kwargs, name) != 0) Py_CLEAR(value);
  return value;
}

}  // namespace

bool open_channel(LoggerCore& core, const ChannelOptions& options) {
  if (!load_helpers() || !close_at_end_of_children() || (options.echo && !drain_echoes_in_time())) {
    return false;
  }
  std::shared_ptr<Channel> channel;
  // The log folder may be on a slow disk, and what dead processes left is written first.
  if (!without_gil(options.path.c_str(), [&] { channel = WriterThread::get().open(options); }))
    return false;
  core.attach_channel(std::move(channel));
  return true;
}

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

bool attach_target(Logger* logger, PyObject* target, PyObject* options, ChannelOptions& channel) {
  LoggerCore& core = *logger->core;
  if (PyObject_TypeCheck(target, logger_type)) {
    if (PyDict_GET_SIZE(options) != 0) {
      PyObject* key = nullptr;
      Py_ssize_t at = 0;
      PyDict_Next(options, &at, &key, nullptr);
      PyErr_Format(PyExc_TypeError, "%R is an option of files, and the target is a logger", key);
      return false;
    }
    core.add_target(as_logger(target)->parts->core);
    core.relay();
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
  return open_channel(core, channel);
}

PyObject* make_default_logger() {
  PyObject* logger = new_logger(logger_type);
  if (logger == nullptr) return nullptr;
  default_core = as_logger(logger)->core;
  // Each process has a seed of its own for the samples of ATTOLOG.
  as_logger(logger)->core->set_seeds(std::stoull(random_hex(), nullptr, 16), 0);
  return logger;
}

PyObject* open_file(PyObject* self, PyObject* args, PyObject* kwargs) {
  LoggerCore& core = *as_logger(self)->core;
  if (&core == default_core) {
    PyObject* function = open_default.find();
    PyObject* done = function == nullptr ? nullptr : PyObject_Call(function, args, kwargs);
    Py_XDECREF(function);
    if (done == nullptr) return nullptr;
    Py_DECREF(done);
    return Py_NewRef(self);
  }
  if (core.is_circular() || !core.targets().empty()) {
    PyErr_SetString(PyExc_TypeError,
                    core.is_circular()
                        ? "a circular log has no file to open; save() writes its records to one"
                        : "this logger passes its records to others; open those");
    return nullptr;
  }
  if (PyTuple_GET_SIZE(args) > 1) {
    PyErr_SetString(PyExc_TypeError, "open() takes a path, and options by their names");
    return nullptr;
  }
  PyObject* given = kwargs == nullptr ? nullptr : PyDict_GetItemString(kwargs, "rules");
  const bool has_rules = given != nullptr && given != Py_None;
  ChannelOptions options;
  Rules rules;
  if (!take_file(args, kwargs, options, rules) || !open_channel(core, options)) return nullptr;
  if (has_rules) core.set_rules(std::move(rules));
  return Py_NewRef(self);
}

PyObject* open_logger(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject* self = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
  if (!PyObject_TypeCheck(self, logger_type)) {
    PyErr_SetString(PyExc_TypeError, "open() takes a logger, a path and options");
    return nullptr;
  }
  ChannelOptions options;
  Rules rules;
  Policy policy;
  LoggerCore& core = *as_logger(self)->core;
  PyObject* rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
  PyObject* own = kwargs == nullptr ? PyDict_New() : PyDict_Copy(kwargs);
  PyObject* strategy = pop_option(own, "strategy");
  const bool is_open = rest != nullptr && own != nullptr && !PyErr_Occurred() &&
                       take_strategy(strategy, policy) && take_file(rest, own, options, rules) &&
                       open_channel(core, options);
  Py_XDECREF(strategy);
  Py_XDECREF(own);
  Py_XDECREF(rest);
  if (!is_open) return nullptr;
  core.set_rules(std::move(rules));
  core.set_policy(policy);
  Py_RETURN_NONE;
}

}  // namespace attolog::python
