#include "python/call/slow_call.hpp"

#include <exception>
#include <string>
#include <vector>

#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "format/template.hpp"
#include "python/call/dispatch.hpp"
#include "python/call/fast.hpp"
#include "python/call/format.hpp"
#include "python/call/line.hpp"
#include "python/call/template_string.hpp"
#include "python/route/call_sites.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/routes.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

// Which channels take the call, before anything of it is encoded.
Dispatch dispatch_of(const Call& call, RouteCache& routes, const SiteFacts& facts) {
  LoggerCore& core = *call.logger->core;
  if (!core.is_routed()) return {core, facts.site};
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
bool drop_before_raising(const Dispatch& dispatch) {
  dispatch.count_dropped();
  return false;
}

bool submit_text(Logger* logger, SiteKind kind, PyObject* text) {
  const Call call{logger, text, &text, 1, nullptr, kNone};
  const SiteFacts facts = logger->sites->plain_facts(kind);
  const Dispatch dispatch = dispatch_of(call, logger->sites->plain_routes(kind), facts);
  if (dispatch.empty()) return !dispatch.failed();
  Buffer values;
  if (!encode_str_of(values, text, logger->core->longest_text()))
    return drop_before_raising(dispatch);
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
  const bool is_event = site->kind == SiteKind::event;
  const std::string name = to_wtf8(call.first);
  SiteFacts facts = call.logger->sites->facts_of(*site);
  facts.kind = is_event ? SiteKind::inline_event : SiteKind::inline_message;
  facts.name = name;
  facts.fields = nullptr;
  RouteCache passing;  // as the name is, so is its route
  const Dispatch dispatch = dispatch_of(call, passing, facts);
  if (dispatch.empty()) return !dispatch.failed();
  Buffer values;
  // The names of its values do not travel with a message: what shows them is formatted here.
  if (!is_event && !encode_whole(values, Tag::formatted, call, passing_template(call), most)) {
    return drop_before_raising(dispatch);
  }
  encode_text(values, call.first, most);
  for (Py_ssize_t i = 0; i < call.n_values(); ++i) {
    if (is_event) {
      encode_str(values, i < call.n_positional
                             ? "v" + std::to_string(i + 1)
                             : to_wtf8(PyTuple_GET_ITEM(call.kwnames, i - call.n_positional)));
    }
    if (!encode_any(values, call.values[i], most)) return drop_before_raising(dispatch);
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
  const bool is_message = site->kind == SiteKind::message && site->first != nullptr;
  Buffer values;
  for (Py_ssize_t i = 0; i < call.n_values(); ++i) {
    const bool done =
        is_message && !site->needs_python
            ? encode_shown(values, site->text, static_cast<std::size_t>(i), call.values[i], most)
            : encode_any(values, call.values[i], most);
    if (!done) return drop_before_raising(dispatch);
  }
  if (!is_message || !site->needs_python) return finish_values(call, dispatch, facts, values);
  // The complete text comes last of all, behind what bind() added.
  if (call.logger->bound != nullptr) values.append(call.logger->bound->values);
  if (!encode_whole(values, Tag::str, call, site->text, most)) return drop_before_raising(dispatch);
  return finish(call, dispatch, facts, values);
}

// Everything that is not done by the fast path. False with an exception set: it must pass.
bool log_slowly(const Call& call) {
  Logger* logger = call.logger;
  PyObject* first = call.first;
  if (call.n_values() == 0) {
    if (call.level == kNone && !is_event_name(first))
      return submit_text(logger, SiteKind::text, first);
    if (call.level != kNone) first = nullptr;
  }
  const std::uintptr_t place = place_of_call();
  const CallSite* site =
      logger->sites->find(place, first, call.kwnames, call.n_positional + 1, call.level);
  if (site == nullptr) {
    site = logger->sites->register_call_site(place, first, call.n_positional + 1, call.kwnames,
                                             call.level, call.n_from_template);
    if (site == nullptr) {
      logger->core->count_dropped();
      return false;
    }
  }
  if (site->rank < logger->core->level()) return true;
  if (site->is_inline) return submit_inline(call, site);
  if (first != nullptr) return submit_values(call, site);
  Call text = call;  // which is the one value of its message
  text.values = &call.first;
  text.n_positional = 1;
  return submit_values(text, site);
}

// The first argument is a template string: what it holds comes before the other values.
[[gnu::noinline]] PyObject* call_with_template(const Call& call) {
  std::vector<PyObject*> values;
  PyRef text = split_template(call.first, values);
  if (text != nullptr && values.empty() && call.n_values() == 0) text = filled(call.first);
  if (text == nullptr) {
    if (clear_if_ordinary()) return drop(call.logger);
    call.logger->core->count_dropped();
    return nullptr;
  }
  const auto n_from_template = static_cast<Py_ssize_t>(values.size());
  values.insert(values.end(), call.values, call.values + call.n_values());
  const Call whole{call.logger,  text.get(), values.data(),  n_from_template + call.n_positional,
                   call.kwnames, call.level, n_from_template};
  if (values.empty()) {
    return call.level == kNone ? call_with_text(call.logger, SiteKind::text, text.get())
                               : call_slowly(whole);
  }
  const LoggerCore* core = call.logger->core;
  const Mode mode = core->mode();
  if (mode == Mode::on || mode == Mode::routed) {
    const CallSite* site = call.logger->sites->find(place_of_call(), whole.first, whole.kwnames,
                                                    whole.n_positional + 1, whole.level);
    if (site != nullptr && site->rank >= core->level() &&
        log_fast(mode, core, call.logger->bound, site->site, site->routes, whole.values,
                 whole.n_values(), site->fast_types)) {
      Py_RETURN_NONE;
    }
  }
  return call_slowly(whole);
}

}  // namespace

PyObject* drop(const Logger* logger) {
  PyErr_Clear();
  logger->core->count_dropped();
  Py_RETURN_NONE;
}

bool is_taken(LoggerCore& core) {
  if (core.mode() != Mode::off) return true;
  if (core.is_closed()) core.count_late();
  return false;
}

PyObject* call_with_text(Logger* logger, SiteKind kind, PyObject* text) {
  try {
    if (is_template_string(text))
      return call_with_object({logger, text, nullptr, 0, nullptr, kNone});
    return submit_text(logger, kind, text) ? Py_NewRef(Py_None) : nullptr;
  } catch (const std::exception&) {  // no memory; what unwinds the stack at the end passes
    return drop(logger);
  }
}

PyObject* call_slowly(const Call& call) {
  if (!PyUnicode_CheckExact(call.first)) return call_with_object(call);
  try {
    return log_slowly(call) ? Py_NewRef(Py_None) : nullptr;
  } catch (const std::exception&) {  // no memory; what unwinds the stack at the end passes
    return drop(call.logger);
  }
}

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
    call.logger->core->count_dropped();
    return nullptr;
  }
  Call with_text = call;
  with_text.first = text;
  const bool is_sentence =
      PyUnicode_CheckExact(text) && (call.n_values() != 0 || call.level != kNone);
  PyObject* result =
      is_sentence ? call_slowly(with_text) : call_with_text(call.logger, SiteKind::text, text);
  Py_DECREF(text);
  return result;
}

PyObject* call_any_event(Logger* logger) {
  if (!is_taken(*logger->core)) Py_RETURN_NONE;
  try {
    const Call call{logger, nullptr, nullptr, 0, nullptr, kNone};
    const SiteFacts facts = logger->sites->plain_facts(SiteKind::event);
    const Dispatch dispatch =
        dispatch_of(call, logger->sites->plain_routes(SiteKind::event), facts);
    Buffer values;
    return dispatch.empty() || finish_values(call, dispatch, facts, values) ? Py_NewRef(Py_None)
                                                                            : nullptr;
  } catch (const std::exception&) {
    return drop(logger);
  }
}

}  // namespace attolog::python
