#include "python/prints/printing_logger.hpp"

#include <structmember.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

#include "format/template.hpp"
#include "python/call/call.hpp"
#include "python/call/format.hpp"
#include "python/call/methods.hpp"
#include "python/docstrings.hpp"
#include "python/helpers.hpp"
#include "python/route/call_sites.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/logger_object.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

PyTypeObject* shown_type = nullptr;

// Whether it is off since it was never turned on: neither closed nor told to be silent.
bool is_untouched(const LoggerCore& core) {
  return core.mode() == Mode::off && core.is_enabled() && !core.is_closed();
}

// The message of a template and its values. Null where it cannot be filled, with an exception set
// only if that must pass.
PyObject* message_of(const Call& call) {
  const Template shape = Template::parse(
      to_wtf8(call.first), static_cast<std::size_t>(call.n_positional), names_of(call.kwnames));
  PyObject* text = shape.ok() ? format_message(call, shape) : nullptr;
  if (text == nullptr) clear_if_ordinary();
  return text;
}

// Prints what the call would have logged, and raises what print raises.
PyObject* show(Logger* logger, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
               bool is_error) {
  const Call call{logger, args[0], args + 1, nargs - 1, kwnames, 0};
  PyObject* text = nullptr;
  if (call.n_values() != 0 && PyUnicode_CheckExact(args[0]) &&
      (is_error || !is_event_name(args[0]))) {
    text = message_of(call);
    if (text == nullptr && PyErr_Occurred() != nullptr) return nullptr;
  }
  if (text != nullptr) return call_helper(show_values, "((N)()i)", text, is_error ? 1 : 0);
  const Py_ssize_t n = 1 + call.n_values();
  PyObject* values = PyTuple_New(n);
  if (values == nullptr) return nullptr;
  for (Py_ssize_t i = 0; i < n; ++i) PyTuple_SET_ITEM(values, i, Py_NewRef(args[i]));
  PyObject* names = kwnames == nullptr ? PyTuple_New(0) : Py_NewRef(kwnames);
  return call_helper(show_values, "(NNi)", values, names, is_error ? 1 : 0);
}

template <class F>
PyObject* guarded_show(F run) {
  try {
    return run();
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}

PyObject* call_shown(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* kwnames) {
  Logger* logger = as_logger(self);
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  if (!is_untouched(*logger->core) || nargs == 0) return call_logger(self, args, nargsf, kwnames);
  return guarded_show([&] { return show(logger, args, nargs, kwnames, false); });
}

PyObject* warn_shown(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Logger* logger = as_logger(self);
  if (!is_untouched(*logger->core) || nargs == 0) return call_warning(self, args, nargs, kwnames);
  return guarded_show([&] { return show(logger, args, nargs, kwnames, true); });
}

PyObject* print_shown(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (!is_untouched(*as_logger(self)->core)) return call_print(self, args, nargs, kwnames);
  PyObject* print = PyDict_GetItemString(PyEval_GetBuiltins(), "print");  // borrowed
  if (print == nullptr) Py_RETURN_NONE;                                   // the interpreter ends
  Py_INCREF(print);
  PyObject* result = PyObject_Vectorcall(print, args, static_cast<std::size_t>(nargs), kwnames);
  Py_DECREF(print);
  return result;
}

PyCFunction method(_PyCFunctionFastWithKeywords function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;

PyMethodDef shown_methods[] = {{"warning", method(warn_shown), kFast, docs::Logger_warning},
                               {"print", method(print_shown), kFast, docs::Logger_print},
                               {nullptr, nullptr, 0, nullptr}};

PyMemberDef shown_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Logger, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

PyType_Slot shown_slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                             {Py_tp_methods, shown_methods},
                             {Py_tp_members, shown_members},
                             {Py_tp_doc, const_cast<char*>(docs::PrintingLogger)},
                             {0, nullptr}};

PyType_Spec shown_spec = {
    "attolog._core.PrintingLogger", sizeof(Logger), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL, shown_slots};

}  // namespace

PyObject* make_printing_logger(PyObject*, PyObject* of) {
  if (!PyObject_TypeCheck(of, logger_type)) {
    PyErr_SetString(PyExc_TypeError, "printing_logger() takes a logger");
    return nullptr;
  }
  const Logger* known = as_logger(of);
  auto parts = std::make_unique<LoggerParts>();
  parts->core = known->parts->core;
  parts->sites = known->parts->sites;
  parts->sites_by_names = known->parts->sites_by_names;
  auto* logger = reinterpret_cast<Logger*>(shown_type->tp_alloc(shown_type, 0));
  if (logger != nullptr) logger->set_parts(std::move(parts), call_shown);
  return reinterpret_cast<PyObject*>(logger);
}

bool add_shown_type(PyObject* module) {
  PyObject* type =
      PyType_FromModuleAndSpec(module, &shown_spec, reinterpret_cast<PyObject*>(logger_type));
  shown_type = reinterpret_cast<PyTypeObject*>(type);
  return type != nullptr && PyModule_AddObjectRef(module, "PrintingLogger", type) == 0;
}

}  // namespace attolog::python
