#include "python/call/methods.hpp"

#include <exception>
#include <vector>

#include "python/call/call.hpp"
#include "python/call/fast.hpp"
#include "python/call/line.hpp"
#include "python/call/slow_call.hpp"
#include "python/call/template_string.hpp"
#include "python/helpers.hpp"
#include "python/route/call_sites.hpp"
#include "python/route/logger_core.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

// The names of keywords with one more behind them.
PyObject* with_name(PyObject* kwnames, const char* last) {
  const Py_ssize_t n = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  PyObject* name = PyUnicode_InternFromString(last);
  PyObject* names = name == nullptr ? nullptr : PyTuple_New(n + 1);
  if (names == nullptr) {
    Py_XDECREF(name);
    throw_no_memory();
  }
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyTuple_SET_ITEM(names, i, Py_NewRef(PyTuple_GET_ITEM(kwnames, i)));
  }
  PyTuple_SET_ITEM(names, n, name);
  return names;
}

// A message with the traceback as one more field, `exception`.
PyObject* log_exception(Logger* logger, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) {
  std::vector<PyObject*> values(
      args + 1, args + nargs + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames)));
  values.push_back(Py_None);
  PyObject* names = with_name(kwnames, "exception");
  PyObject* traceback = call_helper(format_exception, "()");
  if (traceback == nullptr && !clear_if_ordinary()) {
    Py_DECREF(names);
    logger->core->count_dropped();
    return nullptr;
  }
  if (traceback != nullptr) values.back() = traceback;
  PyObject* result = call_slowly({logger, args[0], values.data(), nargs - 1, names, kError});
  Py_DECREF(names);
  Py_XDECREF(traceback);
  return result;
}

PyObject* missing_text(const char* method) {
  PyErr_Format(PyExc_TypeError, "%s() needs %sa template or a text", method,
               std::string_view(method) == "log" ? "an event's name, " : "");
  return nullptr;
}

constexpr const char* method_of(std::uint8_t level) {
  return level == kDebug     ? "debug"
         : level == kInfo    ? "info"
         : level == kWarning ? "warning"
         : level == kError   ? "error"
                             : "critical";
}

// What logs is apart from what finds that there is nothing to do, which then needs no stack.
template <std::uint8_t level>
[[gnu::noinline]] PyObject* log_level(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                                      PyObject* kwnames) {
  Logger* logger = as_logger(self);
  LoggerCore* core = logger->core;
  if (nargs < 1) [[unlikely]]
    return missing_text(method_of(level));
  if (core->is_closed() && !is_taken(*core)) [[unlikely]]
    Py_RETURN_NONE;
  const Py_ssize_t n_values = nargs - 1 + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
  const Mode mode = core->mode();
  if (mode == Mode::on || mode == Mode::routed) [[likely]] {
    PyObject* first = n_values != 0 ? args[0] : nullptr;
    const CallSite* site = logger->sites->find(place_of_call(), first, kwnames, nargs, level);
    PyObject* const* values = n_values != 0 ? args + 1 : args;
    const Py_ssize_t n = n_values != 0 ? n_values : 1;
    if (site != nullptr && log_fast(mode, core, logger->bound, site->site, site->routes, values, n,
                                    site->fast_types)) [[likely]] {
      Py_RETURN_NONE;
    }
  }
  return call_slowly({logger, args[0], args + 1, nargs - 1, kwnames, level});
}

template <std::uint8_t level>
PyObject* call_level(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const LoggerCore* core = as_logger(self)->core;
  const bool is_left_out = core->mode() == Mode::off || core->level() > level;
  if (is_left_out && nargs != 0 && !core->is_closed()) {
    Py_RETURN_NONE;
  }
  return log_level<level>(self, args, nargs, kwnames);
}

[[gnu::noinline]] PyObject* log_any(PyObject* self, PyObject* const* args, std::size_t nargsf,
                                    PyObject* kwnames) {
  Logger* logger = as_logger(self);
  LoggerCore* core = logger->core;
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  const Mode mode = core->mode();
  if ((mode == Mode::on || mode == Mode::routed) && nargs >= 1) [[likely]] {
    const Py_ssize_t n_values = nargs - 1 + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
    if (n_values != 0) [[likely]] {
      const CallSite* site = logger->sites->find(place_of_call(), args[0], kwnames, nargs, kNone);
      if (site != nullptr && site->rank >= core->level() &&
          log_fast(mode, core, logger->bound, site->site, site->routes, args + 1, n_values,
                   site->fast_types)) [[likely]] {
        Py_RETURN_NONE;
      }
    } else if (PyUnicode_CheckExact(args[0]) && !is_event_name(args[0])) {
      return call_text(self, args[0]);
    }
  } else {
    if (nargs < 1) return missing_text("log");
    if (!is_taken(*core)) Py_RETURN_NONE;
  }
  return call_slowly({logger, args[0], args + 1, nargs - 1, kwnames, kNone});
}

// A text of a kind that has a site of its own.
template <SiteKind kind, std::uint32_t fixed_site>
[[gnu::always_inline]] inline PyObject* log_text(Logger* logger, PyObject* text) {
  LoggerCore* core = logger->core;
  const Mode mode = core->mode();
  if (mode == Mode::on || mode == Mode::routed) [[likely]] {
    const std::uint32_t site =
        logger->bound == nullptr ? fixed_site : logger->sites->plain_site(kind);
    const RouteCache& routes = logger->sites->plain_routes(kind);
    if (log_fast(mode, core, logger->bound, site, routes, &text, 1, kFastStr)) Py_RETURN_NONE;
  } else if (!is_taken(*core)) {
    Py_RETURN_NONE;
  }
  return call_with_text(logger, kind, text);
}

}  // namespace

PyObject* call_logger(PyObject* self, PyObject* const* args, std::size_t nargsf,
                      PyObject* kwnames) {
  const LoggerCore* core = as_logger(self)->core;
  if (core->mode() == Mode::off && PyVectorcall_NARGS(nargsf) != 0 && !core->is_closed()) {
    Py_RETURN_NONE;
  }
  return log_any(self, args, nargsf, kwnames);
}

PyObject* call_by_name(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return as_logger(self)->vectorcall(self, args, static_cast<std::size_t>(nargs), kwnames);
}

PyObject* call_debug(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return call_level<kDebug>(self, args, nargs, kwnames);
}
PyObject* call_info(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return call_level<kInfo>(self, args, nargs, kwnames);
}
PyObject* call_warning(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return call_level<kWarning>(self, args, nargs, kwnames);
}
PyObject* call_error(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return call_level<kError>(self, args, nargs, kwnames);
}
PyObject* call_critical(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) {
  return call_level<kCritical>(self, args, nargs, kwnames);
}

PyObject* call_exception(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames) {
  Logger* logger = as_logger(self);
  if (nargs < 1) return missing_text("exception");
  if (!is_taken(*logger->core) || logger->core->level() > kError) {
    Py_RETURN_NONE;
  }
  try {
    return log_exception(logger, args, nargs, kwnames);
  } catch (const std::exception&) {
    return drop(logger);
  }
}

PyObject* call_text(PyObject* self, PyObject* text) {
  return log_text<SiteKind::text, kTextSite>(as_logger(self), text);
}

PyObject* call_print(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Logger* logger = as_logger(self);
  if (!is_taken(*logger->core)) Py_RETURN_NONE;
  if (nargs == 1 && kwnames == nullptr && is_template_string(args[0]))
    return call_with_object({logger, args[0], nullptr, 0, nullptr, kNone});
  PyObject* text = nullptr;
  try {
    text = kwnames == nullptr ? line_of(args, nargs) : line_with_options(args, nargs, kwnames);
  } catch (const std::exception&) {
    return drop(logger);
  }
  if (text == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_Exception)) logger->core->count_dropped();
    return nullptr;
  }
  if (text == Py_None) return text;  // it went to a file of its own
  PyObject* result = log_text<SiteKind::print, kPrintSite>(logger, text);
  Py_DECREF(text);
  return result;
}

}  // namespace attolog::python
