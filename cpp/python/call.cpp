// What happens in a log call: log(...), log.debug(...) to log.exception(...), log.log, log.print.
#include <exception>
#include <string>
#include <vector>

#include "python/fast.hpp"
#include "python/format.hpp"
#include "python/helpers.hpp"
#include "python/logger.hpp"
#include "python/submit.hpp"
#include "python/template_string.hpp"
#include "python/text.hpp"

namespace attolog::python {

namespace {

// Which channels take the call, before anything of it is encoded.
Dispatch dispatch_of(const Call& call, RouteCache& routes, const SiteFacts& facts) {
  LoggerCore& core = *call.logger->core;
  if (!core.is_routed.load(std::memory_order_relaxed)) return {core, facts.site};
  const auto n = static_cast<std::size_t>(call.n_values());
  return {
      core, *current_route(routes, core, facts), facts.name, {call.values, n}, call.logger->bound};
}

// Commits what is encoded, and lets those ask that want to know more of it.
bool finish(const Call& call, const Dispatch& dispatch, const SiteFacts& facts, Buffer& values,
            bool names_travel = false) {
  return dispatch.submit(values, names_travel) &&
         dispatch.ask_watchers(facts, {call.values, static_cast<std::size_t>(call.n_values())});
}

bool finish_values(const Call& call, const Dispatch& dispatch, const SiteFacts& facts,
                   Buffer& values) {
  if (call.logger->bound != nullptr) values.append(call.logger->bound->values);
  return finish(call, dispatch, facts, values);
}

// An exception that must pass takes the record with it.
bool lose(const Dispatch& dispatch) {
  dispatch.lose();
  return false;
}

// There was no memory for the record; that is no reason to raise.
[[gnu::cold]] PyObject* drop(const Logger* logger) {
  PyErr_Clear();
  logger->core->lose();
  Py_RETURN_NONE;
}

bool submit_text(Logger* logger, Kind kind, PyObject* text) {
  const Call call{logger, text, &text, 1, nullptr, kNone};
  const SiteFacts facts = logger->sites->plain_facts(kind);
  const Dispatch dispatch = dispatch_of(call, logger->sites->plain_routes(kind), facts);
  if (dispatch.empty()) return !dispatch.failed();
  Buffer values;
  if (!encode_str_of(values, text, logger->core->longest_text())) return lose(dispatch);
  return finish_values(call, dispatch, facts, values);
}

// The template of a call that no site keeps one for.
Template passing_template(const Call& call) {
  std::vector<std::string> keywords = names_of(call.kwnames);
  const std::vector<std::string>& bound = call.logger->sites->bound_names();
  keywords.insert(keywords.end(), bound.begin(), bound.end());
  return Template::parse(to_wtf8(call.first), static_cast<std::size_t>(call.n_positional),
                         keywords);
}

bool submit_inline(const Call& call, const CallSite* site) {
  const std::size_t most = call.logger->core->longest_text();
  const bool is_event = site->kind == Kind::event;
  const std::string name = to_wtf8(call.first);
  SiteFacts facts = call.logger->sites->facts_of(*site);
  facts.kind = is_event ? Kind::inline_event : Kind::inline_message;
  facts.name = name;
  facts.fields = nullptr;
  RouteCache passing;  // as the name is, so is its route
  const Dispatch dispatch = dispatch_of(call, passing, facts);
  if (dispatch.empty()) return !dispatch.failed();
  Buffer values;
  // The names of its values do not travel with a message: what shows them is formatted here.
  if (!is_event && !encode_whole(values, Tag::formatted, call, passing_template(call), most)) {
    return lose(dispatch);
  }
  encode_text(values, call.first, most);
  for (Py_ssize_t i = 0; i < call.n_values(); ++i) {
    if (is_event) {
      encode_str(values, i < call.n_positional
                             ? "v" + std::to_string(i + 1)
                             : to_wtf8(PyTuple_GET_ITEM(call.kwnames, i - call.n_positional)));
    }
    if (!encode_any(values, call.values[i], most)) return lose(dispatch);
  }
  if (const BoundFields* bound = call.logger->bound; bound != nullptr) {
    if (is_event) {
      bound->append_named(values);
    } else {
      values.append(bound->values);
    }
  }
  return finish(call, dispatch, facts, values, is_event);
}

bool submit_values(const Call& call, const CallSite* site) {
  const SiteFacts facts = call.logger->sites->facts_of(*site);
  const Dispatch dispatch = dispatch_of(call, site->routes, facts);
  if (dispatch.empty()) return !dispatch.failed();
  const std::size_t most = call.logger->core->longest_text();
  const bool is_message = site->kind == Kind::message && site->first != nullptr;
  Buffer values;
  for (Py_ssize_t i = 0; i < call.n_values(); ++i) {
    const bool done =
        is_message && !site->needs_python
            ? encode_shown(values, site->text, static_cast<std::size_t>(i), call.values[i], most)
            : encode_any(values, call.values[i], most);
    if (!done) return lose(dispatch);
  }
  if (!is_message || !site->needs_python) return finish_values(call, dispatch, facts, values);
  // The complete text comes last of all, behind what bind() added.
  if (call.logger->bound != nullptr) values.append(call.logger->bound->values);
  if (!encode_whole(values, Tag::str, call, site->text, most)) return lose(dispatch);
  return finish(call, dispatch, facts, values);
}

bool is_word(PyObject* text) {
  const Py_ssize_t n = PyUnicode_GET_LENGTH(text);
  return n <= 64 && PyUnicode_IS_COMPACT_ASCII(text) &&
         is_event_name(
             {static_cast<const char*>(PyUnicode_DATA(text)), static_cast<std::size_t>(n)});
}

std::uintptr_t place_of_call() {
  const std::uintptr_t place = call_place();
  return place != 0 ? place : 16;  // nothing of Python is calling
}

// Everything that is not done by the fast path. False with an exception set: it must pass.
bool log_slowly(const Call& call) {
  Logger* logger = call.logger;
  PyObject* first = call.first;
  if (call.n_values() == 0) {
    if (call.level == kNone && !is_word(first)) return submit_text(logger, Kind::text, first);
    if (call.level != kNone) first = nullptr;
  }
  const std::uintptr_t place = place_of_call();
  const CallSite* site =
      logger->sites->find(place, first, call.kwnames, call.n_positional + 1, call.level);
  if (site == nullptr) {
    site = logger->sites->register_call_site(place, first, call.n_positional + 1, call.kwnames,
                                             call.level, call.n_from_template);
    if (site == nullptr) {
      logger->core->lose();
      return false;
    }
  }
  if (site->rank < logger->core->level.load(std::memory_order_relaxed)) return true;
  if (site->is_inline) return submit_inline(call, site);
  if (first != nullptr) return submit_values(call, site);
  Call text = call;  // which is the one value of its message
  text.values = &call.first;
  text.n_positional = 1;
  return submit_values(text, site);
}

PyObject* call_with_object(const Call& call);

[[gnu::cold]] PyObject* call_with_text(Logger* logger, Kind kind, PyObject* text) {
  try {
    if (is_template_string(text))
      return call_with_object({logger, text, nullptr, 0, nullptr, kNone});
    return submit_text(logger, kind, text) ? Py_NewRef(Py_None) : nullptr;
  } catch (const std::exception&) {  // no memory; what unwinds the stack at the end passes
    return drop(logger);
  }
}

[[gnu::noinline, gnu::cold]] PyObject* call_slowly(const Call& call) {
  if (!PyUnicode_CheckExact(call.first)) return call_with_object(call);
  try {
    return log_slowly(call) ? Py_NewRef(Py_None) : nullptr;
  } catch (const std::exception&) {  // as above
    return drop(call.logger);
  }
}

// The str() of an object, or what is said in its place, which is no template: its braces are
// doubled where it would be taken for one. Null with an exception set: it must pass.
PyObject* text_of(PyObject* object, bool is_template) {
  if (is_template_string(object)) return filled(object, is_template).release();
  PyObject* text = PyObject_Str(object);
  std::string failure;
  if (text != nullptr || !describe_failure(object, "str()", failure)) return text;
  std::string shown;
  for (const char c : failure) {
    if (is_template && (c == '{' || c == '}')) shown += c;
    shown += c;
  }
  text = from_wtf8(shown);
  if (text == nullptr) give_up();
  return text;
}

// The first argument is a template string: what it holds comes before the other values.
[[gnu::noinline]] PyObject* call_with_template(const Call& call) {
  std::vector<PyObject*> values;
  PyRef text = take_apart(call.first, values);
  if (text != nullptr && values.empty() && call.n_values() == 0) text = filled(call.first);
  if (text == nullptr) {
    if (clear_if_ordinary()) return drop(call.logger);
    call.logger->core->lose();
    return nullptr;
  }
  const auto n_from_template = static_cast<Py_ssize_t>(values.size());
  values.insert(values.end(), call.values, call.values + call.n_values());
  const Call whole{call.logger,  text.get(), values.data(),  n_from_template + call.n_positional,
                   call.kwnames, call.level, n_from_template};
  if (values.empty()) {
    return call.level == kNone ? call_with_text(call.logger, Kind::text, text.get())
                               : call_slowly(whole);
  }
  const LoggerCore* core = call.logger->core;
  const Mode mode = core->mode.load(std::memory_order_relaxed);
  if (mode == Mode::on || mode == Mode::routed) {
    const CallSite* site = call.logger->sites->find(place_of_call(), whole.first, whole.kwnames,
                                                    whole.n_positional + 1, whole.level);
    if (site != nullptr && site->rank >= core->level.load(std::memory_order_relaxed) &&
        log_fast(mode, core, call.logger->bound, site->site, site->routes, whole.values,
                 whole.n_values(), site->fast_types)) {
      Py_RETURN_NONE;
    }
  }
  return call_slowly(whole);
}

// Not a sentence: its str() is the text, and values, if any, are shown behind it.
PyObject* call_with_object(const Call& call) {
  try {
    if (is_template_string(call.first)) return call_with_template(call);
  } catch (const std::exception&) {
    return drop(call.logger);
  }
  PyObject* text = nullptr;
  try {
    text = text_of(call.first, call.n_values() != 0);
  } catch (const std::exception&) {
    return drop(call.logger);
  }
  if (text == nullptr) {
    call.logger->core->lose();
    return nullptr;
  }
  Call with_text = call;
  with_text.first = text;
  const bool is_sentence =
      PyUnicode_CheckExact(text) && (call.n_values() != 0 || call.level != kNone);
  PyObject* result =
      is_sentence ? call_slowly(with_text) : call_with_text(call.logger, Kind::text, text);
  Py_DECREF(text);
  return result;
}

// The line that print() makes of values, without options. Null with an exception set: it must pass.
PyObject* line_of(PyObject* const* values, Py_ssize_t n) {
  PyObject* blank = PyUnicode_FromOrdinal(' ');  // CPython keeps one of each
  PyObject* end = PyUnicode_FromOrdinal('\n');
  PyObject* line = nullptr;
  if (n == 1 && PyUnicode_CheckExact(values[0])) [[likely]] {
    line = PyUnicode_Concat(values[0], end);
  } else if (PyObject* parts = PyList_New(0); parts != nullptr) {
    bool done = true;
    for (Py_ssize_t i = 0; done && i < n; ++i) {
      PyObject* text = text_of(values[i], false);
      done = text != nullptr && PyList_Append(parts, text) == 0;
      Py_XDECREF(text);
    }
    PyObject* joined = done ? PyUnicode_Join(blank, parts) : nullptr;
    if (joined != nullptr) line = PyUnicode_Concat(joined, end);
    Py_XDECREF(joined);
    Py_DECREF(parts);
  }
  Py_DECREF(blank);
  Py_DECREF(end);
  return line;
}

// The same with options, and print's complaints about them; None where it went to a file of its
// own.
[[gnu::cold]] PyObject* line_with_options(PyObject* const* values, Py_ssize_t n,
                                          PyObject* kwnames) {
  PyObject* args = PyTuple_New(n);
  PyObject* options = args == nullptr ? nullptr : PyDict_New();
  for (Py_ssize_t i = 0; options != nullptr && i < n; ++i) {
    PyTuple_SET_ITEM(args, i, Py_NewRef(values[i]));
  }
  for (Py_ssize_t i = 0; options != nullptr && i < PyTuple_GET_SIZE(kwnames); ++i) {
    if (PyDict_SetItem(options, PyTuple_GET_ITEM(kwnames, i), values[n + i]) != 0) {
      Py_CLEAR(options);
    }
  }
  PyObject* line =
      options == nullptr ? nullptr : call_helper(put_line_together, "(OO)", args, options);
  Py_XDECREF(options);
  Py_XDECREF(args);
  return line;
}

// Whether records are taken at all just now; counts a call after close.
[[gnu::noinline, gnu::cold]] bool is_taken(LoggerCore& core) {
  if (core.mode.load(std::memory_order_relaxed) != Mode::off) return true;
  if (core.is_closed.load(std::memory_order_relaxed)) core.count_late();
  return false;
}

// The names of keywords with one more behind them.
PyObject* with_name(PyObject* kwnames, const char* last) {
  const Py_ssize_t n = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  PyObject* name = PyUnicode_InternFromString(last);
  PyObject* names = name == nullptr ? nullptr : PyTuple_New(n + 1);
  if (names == nullptr) {
    Py_XDECREF(name);
    give_up();
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
    logger->core->lose();
    return nullptr;
  }
  if (traceback != nullptr) values.back() = traceback;
  PyObject* result = call_slowly({logger, args[0], values.data(), nargs - 1, names, kError});
  Py_DECREF(names);
  Py_XDECREF(traceback);
  return result;
}

PyObject* missing_text(const char* method) {
  PyErr_Format(PyExc_TypeError, "%s() needs an event's name, a template or a text", method);
  return nullptr;
}

// What logs is apart from what finds that there is nothing to do, which then needs no stack.
template <std::uint8_t level>
[[gnu::noinline]] PyObject* log_level(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                                      PyObject* kwnames) {
  Logger* logger = as_logger(self);
  LoggerCore* core = logger->core;
  if (core->is_closed.load(std::memory_order_relaxed) && !is_taken(*core)) [[unlikely]]
    Py_RETURN_NONE;
  if (nargs < 1) [[unlikely]]
    return missing_text("a level's method");
  const Py_ssize_t n_values = nargs - 1 + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
  const Mode mode = core->mode.load(std::memory_order_relaxed);
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
  if ((core->mode.load(std::memory_order_relaxed) == Mode::off ||
       core->level.load(std::memory_order_relaxed) > level) &&
      !core->is_closed.load(std::memory_order_relaxed)) {
    Py_RETURN_NONE;
  }
  return log_level<level>(self, args, nargs, kwnames);
}

[[gnu::noinline]] PyObject* log_any(PyObject* self, PyObject* const* args, std::size_t nargsf,
                                    PyObject* kwnames) {
  Logger* logger = as_logger(self);
  LoggerCore* core = logger->core;
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  const Mode mode = core->mode.load(std::memory_order_relaxed);
  if ((mode == Mode::on || mode == Mode::routed) && nargs >= 1) [[likely]] {
    const Py_ssize_t n_values = nargs - 1 + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
    if (n_values != 0) [[likely]] {
      const CallSite* site = logger->sites->find(place_of_call(), args[0], kwnames, nargs, kNone);
      if (site != nullptr && site->rank >= core->level.load(std::memory_order_relaxed) &&
          log_fast(mode, core, logger->bound, site->site, site->routes, args + 1, n_values,
                   site->fast_types)) [[likely]] {
        Py_RETURN_NONE;
      }
    } else if (PyUnicode_CheckExact(args[0]) && !is_word(args[0])) {
      return call_text(self, args[0]);
    }
  } else {
    if (nargs < 1) return missing_text("log");
    if (!is_taken(*core)) Py_RETURN_NONE;
  }
  return call_slowly({logger, args[0], args + 1, nargs - 1, kwnames, kNone});
}

// A text of a kind that has a site of its own.
template <Kind kind, std::uint32_t fixed_site>
[[gnu::always_inline]] inline PyObject* log_text(Logger* logger, PyObject* text) {
  LoggerCore* core = logger->core;
  const Mode mode = core->mode.load(std::memory_order_relaxed);
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
  if (core->mode.load(std::memory_order_relaxed) == Mode::off && PyVectorcall_NARGS(nargsf) != 0 &&
      !core->is_closed.load(std::memory_order_relaxed)) {
    Py_RETURN_NONE;
  }
  return log_any(self, args, nargsf, kwnames);
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
  if (!is_taken(*logger->core) || logger->core->level.load(std::memory_order_relaxed) > kError) {
    Py_RETURN_NONE;
  }
  if (nargs < 1) return missing_text("exception");
  try {
    return log_exception(logger, args, nargs, kwnames);
  } catch (const std::exception&) {
    return drop(logger);
  }
}

PyObject* call_text(PyObject* self, PyObject* text) {
  return log_text<Kind::text, kTextSite>(as_logger(self), text);
}

PyObject* call_any_event(Logger* logger) {
  if (!is_taken(*logger->core)) Py_RETURN_NONE;
  try {
    const Call call{logger, nullptr, nullptr, 0, nullptr, kNone};
    const SiteFacts facts = logger->sites->plain_facts(Kind::event);
    const Dispatch dispatch = dispatch_of(call, logger->sites->plain_routes(Kind::event), facts);
    Buffer values;
    return dispatch.empty() || finish_values(call, dispatch, facts, values) ? Py_NewRef(Py_None)
                                                                            : nullptr;
  } catch (const std::exception&) {
    return drop(logger);
  }
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
    if (!PyErr_ExceptionMatches(PyExc_Exception)) logger->core->lose();
    return nullptr;
  }
  if (text == Py_None) return text;  // it went to a file of its own
  PyObject* result = log_text<Kind::print, kPrintSite>(logger, text);
  Py_DECREF(text);
  return result;
}

}  // namespace attolog::python
