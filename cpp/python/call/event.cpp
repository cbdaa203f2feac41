#include "python/call/event.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "python/call/dispatch.hpp"
#include "python/call/fast.hpp"
#include "python/helpers.hpp"
#include "python/refusal.hpp"
#include "python/route/bound_fields.hpp"
#include "python/route/logger_object.hpp"
#include "python/route/routes.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"
#include "strategies/policy.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

// A declared event: the `self` of a builtin function object, the cheapest thing there is to call.
struct Event {
  PyObject_HEAD LoggerCore* core;  // the logger's, at hand
  const BoundFields* bound;        // the logger's, at hand
  Py_ssize_t n_fields;             // of its own, without bound ones
  std::uint32_t site;              // kInlineEventSite: its names travel in the record
  RouteCache* routes;              // of `text`, at hand
  PyObject* logger;
  struct EventText* text;
};

// The declaration of an event; kept for as long as its function object.
struct EventText {
  std::string name;
  std::string doc;
  std::vector<std::string> fields;
  PyObject* field_names = nullptr;  // tuple, by which keywords are matched
  PyObject* defaults = nullptr;     // tuple, of the last fields
  PyMethodDef method{};
  std::vector<std::string> all_fields;  // those of bind() too
  std::optional<Policy> strategy;
  RouteCache routes;
  RouteCache inline_routes;  // where names travel in the record
};

PyTypeObject* event_type = nullptr;

Event* as_event(PyObject* object) {
  return reinterpret_cast<Event*>(object);
}

// The values of a call, by the event's fields. Borrowed references.
struct EventArguments {
  // Null where none was given; positional ones beyond the fields last.
  std::vector<PyObject*> values;
  // Keywords that are no fields, with their values.
  std::vector<std::pair<PyObject*, PyObject*>> others;
};

EventArguments arrange(const Event* event, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames) {
  const EventText& text = *event->text;
  const Py_ssize_t n_defaults = text.defaults == nullptr ? 0 : PyTuple_GET_SIZE(text.defaults);
  EventArguments result;
  result.values.assign(static_cast<std::size_t>(std::max(nargs, event->n_fields)), nullptr);
  for (Py_ssize_t i = 0; i < n_defaults; ++i) {
    const auto field = static_cast<std::size_t>(event->n_fields - n_defaults + i);
    result.values[field] = PyTuple_GET_ITEM(text.defaults, i);
  }
  std::copy(args, args + nargs, result.values.begin());
  for (Py_ssize_t i = 0; kwnames != nullptr && i < PyTuple_GET_SIZE(kwnames); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(kwnames, i);
    Py_ssize_t field = 0;
    while (field < event->n_fields &&
           !equal_text(PyTuple_GET_ITEM(text.field_names, field), name)) {
      ++field;
    }
    if (field < event->n_fields) {
      result.values[static_cast<std::size_t>(field)] = args[nargs + i];
    } else {
      result.others.emplace_back(name, args[nargs + i]);
    }
  }
  return result;
}

SiteFacts facts_of(const Event* event, bool is_inline) {
  const EventText& text = *event->text;
  return {is_inline ? kInlineEventSite : event->site,
          is_inline ? SiteKind::inline_event : SiteKind::event,
          kNone,
          text.name,
          &text.all_fields,
          text.all_fields.size() - text.fields.size(),
          &text.strategy};
}

Dispatch dispatch_of(const Event* event, const SiteFacts& facts,
                     const std::vector<PyObject*>& values) {
  LoggerCore& core = *event->core;
  if (!core.is_routed()) return {core, facts.site};
  EventText& text = *event->text;
  RouteCache& routes = facts.kind == SiteKind::inline_event ? text.inline_routes : text.routes;
  return {core, *current_route(routes, core, facts), text.name, values, event->bound};
}

bool log_event_slowly(const Event* event, PyObject* const* args, Py_ssize_t nargs,
                      PyObject* kwnames) {
  const EventArguments arranged = arrange(event, args, nargs, kwnames);
  const std::size_t most = event->core->longest_text();
  // Values without a name in the site carry their own. (Behind the fields would be the bound ones.)
  const bool is_inline = event->site == kInlineEventSite || !arranged.others.empty() ||
                         (event->bound != nullptr && nargs > event->n_fields);
  const SiteFacts facts = facts_of(event, is_inline);
  const Dispatch dispatch = dispatch_of(event, facts, arranged.values);
  if (dispatch.empty()) return !dispatch.failed();
  Buffer values;
  const auto encode_field = [&](const std::string& name, PyObject* value) {
    if (is_inline) encode_str(values, name);
    if (encode_any(values, value == nullptr ? Py_None : value, most)) return true;
    dispatch.count_dropped();
    return false;
  };
  if (is_inline) encode_str(values, event->text->name);
  const std::vector<std::string>& fields = event->text->fields;
  for (std::size_t i = 0; i < arranged.values.size(); ++i) {
    const std::string name = i < fields.size() ? fields[i] : "v" + std::to_string(i + 1);
    if (!encode_field(name, arranged.values[i])) return false;
  }
  for (const auto& [name, value] : arranged.others) {
    if (!encode_field(to_wtf8(name), value)) return false;
  }
  if (event->bound != nullptr) {
    if (is_inline) {
      event->bound->append_named(values);
    } else {
      values.append(event->bound->values);
    }
  }
  return dispatch.submit(values, is_inline) && dispatch.ask_watchers(facts, arranged.values);
}

[[gnu::noinline, gnu::cold]] PyObject* call_event_slowly(const Event* event, PyObject* const* args,
                                                         Py_ssize_t nargs, PyObject* kwnames) {
  if (event->core->mode() == Mode::off) {
    if (event->core->is_closed()) event->core->count_late();
    Py_RETURN_NONE;
  }
  try {
    return log_event_slowly(event, args, nargs, kwnames) ? Py_NewRef(Py_None) : nullptr;
  } catch (const std::exception&) {
    PyErr_Clear();
    event->core->count_dropped();
    Py_RETURN_NONE;
  }
}

// Apart from call_event, whose way through while off then needs no stack.
[[gnu::noinline]] PyObject* log_event(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                                      PyObject* kwnames) {
  const Event* event = as_event(self);
  const LoggerCore* core = event->core;
  if (nargs == event->n_fields && kwnames == nullptr && event->site != kInlineEventSite)
      [[likely]] {
    const Mode mode = core->mode();
    if ((mode == Mode::on || mode == Mode::routed) &&
        log_fast(mode, core, event->bound, event->site, *event->routes, args, nargs, kAllFastTypes))
        [[likely]] {
      Py_RETURN_NONE;
    }
  }
  return call_event_slowly(event, args, nargs, kwnames);
}

PyObject* call_event(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const LoggerCore* core = as_event(self)->core;
  if (core->mode() == Mode::off && !core->is_closed()) {
    Py_RETURN_NONE;
  }
  return log_event(self, args, nargs, kwnames);
}

int traverse_event(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_event(self)->logger);
  Py_VISIT(as_event(self)->text->defaults);
  return 0;
}

int clear_event(PyObject* self) {
  Py_CLEAR(as_event(self)->text->defaults);
  return 0;  // the logger stays: a call may still come
}

void free_event(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Event* event = as_event(self);
  Py_XDECREF(event->text->defaults);
  Py_XDECREF(event->text->field_names);
  std::unique_ptr<EventText>(event->text).reset();
  Py_XDECREF(event->logger);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* represent_event(PyObject* self) {
  return PyUnicode_FromFormat("<attolog event %s>", as_event(self)->text->name.c_str());
}

PyType_Slot event_slots[] = {
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_event)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_event)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_event)},
    {Py_tp_repr, reinterpret_cast<void*>(represent_event)},
    {Py_tp_doc, const_cast<char*>("What a declared event is bound to (its __self__).")},
    {0, nullptr}};
PyType_Spec event_spec = {"attolog._core.Event", sizeof(Event), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                              Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                          event_slots};

std::uint32_t register_event(const EventText& text, const std::string& file, long line) {
  Site site;
  site.kind = SiteKind::event;
  site.name = text.name;
  site.fields = text.all_fields;
  site.bound = static_cast<std::uint16_t>(text.all_fields.size() - text.fields.size());
  site.file = file;
  site.line = static_cast<std::uint32_t>(line);
  return site_registry().add(std::move(site)).value_or(kInlineEventSite);
}

// event(strategy=...) without a definition: a function that takes one.
PyObject* decorator(PyObject* self, PyObject* kwargs) {
  PyObject* functools = PyImport_ImportModule("functools");
  PyObject* partial = functools == nullptr ? nullptr : PyObject_GetAttrString(functools, "partial");
  PyObject* event = partial == nullptr ? nullptr : PyObject_GetAttrString(self, "event");
  PyObject* args = event == nullptr ? nullptr : PyTuple_Pack(1, event);
  PyObject* result = args == nullptr ? nullptr : PyObject_Call(partial, args, kwargs);
  Py_XDECREF(args);
  Py_XDECREF(event);
  Py_XDECREF(partial);
  Py_XDECREF(functools);
  return result;
}

}  // namespace

PyObject* declare_event(PyObject* self, PyObject* args, PyObject* kwargs) {
  const bool has_no_definition =
      PyTuple_GET_SIZE(args) == 0 ||
      (PyTuple_GET_SIZE(args) == 1 && PyTuple_GET_ITEM(args, 0) == Py_None);
  if (has_no_definition && kwargs != nullptr) return decorator(self, kwargs);
  // Python reads the declaration: (name, fields, defaults, doc, file, line, strategy).
  PyObject* described =
      call_helper(read_declaration, "(OO)", args, kwargs == nullptr ? Py_None : kwargs);
  if (described == nullptr) return nullptr;
  PyObject* name = nullptr;
  PyObject* fields = nullptr;
  PyObject* defaults = nullptr;
  PyObject* doc = nullptr;
  PyObject* file = nullptr;
  long line = 0;
  const char* strategy = nullptr;
  auto text = std::make_unique<EventText>();
  if (!PyArg_ParseTuple(described, "UO!O!UUls", &name, &PyTuple_Type, &fields, &PyTuple_Type,
                        &defaults, &doc, &file, &line, &strategy) ||
      (*strategy != '\0' && (!take_policy("strategy", strategy, text->strategy.emplace()) ||
                             !check_fit(*as_logger(self)->core, "strategy", *text->strategy)))) {
    Py_DECREF(described);
    return nullptr;
  }
  text->name = to_wtf8(name);
  text->doc = to_wtf8(doc);
  UniqueNames taken;
  for (const std::string& field : names_of(fields)) text->fields.push_back(taken.add(field));
  text->field_names = Py_NewRef(fields);
  text->defaults = Py_NewRef(defaults);
  text->method = {text->name.c_str(),
                  reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_event)),
                  METH_FASTCALL | METH_KEYWORDS, text->doc.c_str()};
  const std::string from = to_wtf8(file);
  Py_DECREF(described);

  Logger* logger = as_logger(self);
  text->all_fields = text->fields;
  if (logger->bound != nullptr) {
    for (const std::string& each : logger->bound->names) {
      text->all_fields.push_back(taken.add(each));
    }
  }
  // Before there is an event: without its text the garbage collector must not meet it.
  const std::uint32_t site = register_event(*text, from, line);
  auto* event = reinterpret_cast<Event*>(event_type->tp_alloc(event_type, 0));
  if (event == nullptr) {
    Py_XDECREF(text->field_names);
    Py_XDECREF(text->defaults);
    return nullptr;
  }
  event->core = logger->core;
  event->bound = logger->bound;
  event->n_fields = static_cast<Py_ssize_t>(text->fields.size());
  event->site = site;
  event->routes = &text->routes;
  event->logger = Py_NewRef(self);
  if (text->strategy) logger->core->add_strategy(site, *text->strategy);
  event->text = text.release();
  PyObject* module = PyUnicode_FromString("attolog");
  PyObject* function =
      module == nullptr
          ? nullptr
          : PyCFunction_NewEx(&event->text->method, reinterpret_cast<PyObject*>(event), module);
  Py_XDECREF(module);
  Py_DECREF(event);
  return function;
}

bool add_event_type(PyObject* module) {
  PyObject* type = PyType_FromModuleAndSpec(module, &event_spec, nullptr);
  event_type = reinterpret_cast<PyTypeObject*>(type);
  return type != nullptr;
}

}  // namespace attolog::python
