#include "python/types/logger.hpp"

#include <structmember.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/call/event.hpp"
#include "python/call/methods.hpp"
#include "python/docstrings.hpp"
#include "python/refusal.hpp"
#include "python/route/bound_fields.hpp"
#include "python/route/logger_object.hpp"
#include "python/types/lifetime.hpp"
#include "python/types/opening.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

PyTypeObject* counts_type = nullptr;

constexpr const char* kLevels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

void free_logger(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Logger* logger = as_logger(self);
  if (logger->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
  std::unique_ptr<LoggerParts>(logger->parts).reset();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* represent_logger(PyObject* self) {
  const LoggerCore& core = *as_logger(self)->core;
  const std::string path = core.path();
  const char* state = core.has_output() ? "" : " (off)";
  if (path.empty()) return PyUnicode_FromFormat("<%s%s>", Py_TYPE(self)->tp_name, state);
  return PyUnicode_FromFormat("<%s '%s'%s>", Py_TYPE(self)->tp_name, path.c_str(), state);
}

int is_on(PyObject* self) {
  return as_logger(self)->core->mode() != Mode::off ? 1 : 0;
}

// ---- methods ------------------------------------------------------------------------------------

PyObject* set_time(PyObject* self, PyObject* ns) {
  LoggerCore& core = *as_logger(self)->core;
  if (ns == Py_None) {
    core.set_time(std::nullopt);
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
    core.set_time(time);
  }
  Py_RETURN_NONE;
}

PyObject* bind(PyObject* self, PyObject* args, PyObject* kwargs) {
  Logger* parent = as_logger(self);
  if (PyTuple_GET_SIZE(args) != 0) {
    PyErr_SetString(PyExc_TypeError, "bind() takes fields by name: log.bind(request=17)");
    return nullptr;
  }
  auto bound = std::make_unique<BoundFields>();
  Buffer values;
  if (parent->bound != nullptr) {
    bound->names = parent->bound->names;
    bound->ends = parent->bound->ends;
    values.append(parent->bound->values);
  }
  UniqueNames taken(bound->names);
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t at = 0;
  while (kwargs != nullptr && PyDict_Next(kwargs, &at, &key, &value)) {
    bound->names.push_back(taken.add(to_wtf8(key)));
    if (!encode_any(values, value, kDefaultMaxRecord)) return nullptr;
    bound->ends.push_back(values.size());
  }
  bound->values = std::string(values.view());

  auto parts = std::make_unique<LoggerParts>();
  parts->core = parent->parts->core;
  parts->sites_by_names = parent->parts->sites_by_names;
  parts->sites = parts->sites_by_names->of(bound->names);
  parts->bound = std::move(bound);
  auto* logger = reinterpret_cast<Logger*>(logger_type->tp_alloc(logger_type, 0));
  if (logger != nullptr) logger->set_parts(std::move(parts), call_logger);
  return reinterpret_cast<PyObject*>(logger);
}

// ---- properties ---------------------------------------------------------------------------------

PyObject* get_level(PyObject* self, void*) {
  const int level = as_logger(self)->core->level();
  return PyUnicode_FromString(kLevels[level / 10 - 1]);
}

int set_level(PyObject* self, PyObject* value, void*) {
  if (value != nullptr && PyUnicode_Check(value)) {
    for (int i = 0; i < 5; ++i) {
      if (PyUnicode_CompareWithASCIIString(value, kLevels[i]) == 0) {
        as_logger(self)->core->set_level((i + 1) * 10);
        return 0;
      }
    }
  }
  refuse("level", "DEBUG, INFO, WARNING, ERROR or CRITICAL", value == nullptr ? Py_None : value);
  return -1;
}

PyObject* get_enabled(PyObject* self, void*) {
  return PyBool_FromLong(as_logger(self)->core->is_enabled() ? 1 : 0);
}

int set_enabled(PyObject* self, PyObject* value, void*) {
  if (value == nullptr || !PyBool_Check(value)) {
    refuse_type("enabled", "True or False", value == nullptr ? Py_None : value);
    return -1;
  }
  as_logger(self)->core->set_enabled(value == Py_True);
  return 0;
}

PyObject* get_path(PyObject* self, void*) {
  const std::string path = as_logger(self)->core->path();
  if (path.empty()) Py_RETURN_NONE;
  return PyUnicode_DecodeFSDefault(path.c_str());
}

PyObject* get_counts(PyObject* self, void*) {
  const RecordCounts now = as_logger(self)->core->counts();
  PyObject* counts = PyStructSequence_New(counts_type);
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
    {"__call__", method(call_by_name), kFast | METH_COEXIST, docs::Logger___call__},
    {"debug", method(call_debug), kFast, docs::Logger_debug},
    {"info", method(call_info), kFast, docs::Logger_info},
    {"warning", method(call_warning), kFast, docs::Logger_warning},
    {"error", method(call_error), kFast, docs::Logger_error},
    {"critical", method(call_critical), kFast, docs::Logger_critical},
    {"exception", method(call_exception), kFast, docs::Logger_exception},
    {"log", method(call_text), METH_O, docs::Logger_log},
    {"print", method(call_print), kFast, docs::Logger_print},
    {"event", method(guarded<declare_event>), kNamed, docs::Logger_event},
    {"bind", method(guarded<bind>), kNamed, docs::Logger_bind},
    {"set_time", method(set_time), METH_O, docs::Logger_set_time},
    {"open", method(guarded<open_file>), kNamed, docs::Logger_open},
    {"flush", method(guarded<flush>), kNamed, docs::Logger_flush},
    {"close", method(guarded<close_logger>), kNamed, docs::Logger_close},
    {"__enter__", method(enter), METH_NOARGS, nullptr},
    {"__exit__", method(guarded<leave>), kNamed, docs::Logger___exit__},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef logger_properties[] = {
    {"level", get_level, set_level, docs::Logger_level, nullptr},
    {"enabled", get_enabled, set_enabled, docs::Logger_enabled, nullptr},
    {"path", guarded_get<get_path>, nullptr, docs::Logger_path, nullptr},
    {"counts", guarded_get<get_counts>, nullptr, docs::Logger_counts, nullptr},
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

PyType_Slot base_slots[] = {{Py_tp_new, reinterpret_cast<void*>(refuse_new)},
                            {Py_tp_dealloc, reinterpret_cast<void*>(free_logger)},
                            {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                            {Py_tp_repr, reinterpret_cast<void*>(represent_logger)},
                            {Py_tp_methods, logger_methods},
                            {Py_tp_getset, logger_properties},
                            {Py_tp_members, logger_members},
                            {Py_nb_bool, reinterpret_cast<void*>(is_on)},
                            {Py_tp_doc, const_cast<char*>(docs::Logger)},
                            {0, nullptr}};
PyType_Spec base_spec = {"attolog.Logger", sizeof(Logger), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE |
                             Py_TPFLAGS_HAVE_VECTORCALL,
                         base_slots};

PyStructSequence_Field counts_fields[] = {{"calls", docs::Counts_calls},
                                          {"written", docs::Counts_written},
                                          {"waiting", docs::Counts_waiting},
                                          {"dropped", docs::Counts_dropped},
                                          {"sampled_out", docs::Counts_sampled_out},
                                          {"aggregated", docs::Counts_aggregated},
                                          {"overwritten", docs::Counts_overwritten},
                                          {nullptr, nullptr}};
PyStructSequence_Desc counts_description = {"attolog.Counts", docs::Counts, counts_fields, 7};

}  // namespace

PyObject* new_logger(PyTypeObject* type) {
  auto* logger = reinterpret_cast<Logger*>(type->tp_alloc(type, 0));
  if (logger == nullptr) return nullptr;
  try {
    auto parts = std::make_unique<LoggerParts>();
    parts->core = std::make_shared<LoggerCore>();
    parts->sites = std::make_shared<CallSites>(std::vector<std::string>{});
    parts->sites_by_names = std::make_shared<SitesByNames>();
    logger->set_parts(std::move(parts), call_logger);
  } catch (const std::bad_alloc&) {
    Py_DECREF(logger);
    return PyErr_NoMemory();
  }
  return reinterpret_cast<PyObject*>(logger);
}

PyMethodDef* common_methods() {
  return logger_methods;
}

bool add_logger_type(PyObject* module) {
  logger_type =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &base_spec, nullptr));
  counts_type = PyStructSequence_NewType(&counts_description);
  return logger_type != nullptr && counts_type != nullptr &&
         PyModule_AddObjectRef(module, "Logger", reinterpret_cast<PyObject*>(logger_type)) == 0 &&
         PyModule_AddObjectRef(module, "Counts", reinterpret_cast<PyObject*>(counts_type)) == 0;
}

}  // namespace attolog::python
