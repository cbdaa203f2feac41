#include "python/reading/records.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "core/site.hpp"
#include "format/inline_record.hpp"
#include "python/reading/holder.hpp"
#include "python/reading/renderer.hpp"
#include "python/values/objects.hpp"
#include "python/values/text.hpp"
#include "reader/columns.hpp"

namespace attolog::python {

namespace {

TableKind kind_of_site(SiteKind kind) {
  switch (kind) {
    case SiteKind::message:
    case SiteKind::inline_message: return TableKind::message;
    case SiteKind::text: return TableKind::text;
    case SiteKind::print: return TableKind::print;
    case SiteKind::dropped: return TableKind::dropped;
    case SiteKind::clock: return TableKind::clock;
    default: return TableKind::event;
  }
}

struct Records {
  PyObject_HEAD struct RecordsPass* pass;
};

struct RecordsPass {
  std::shared_ptr<JournalReader> journal;  // before the stream that stands on it
  std::unique_ptr<RecordStream> stream;
  Renderer render;
};

PyObject* names_and_values(const Record& record, PyObject** values) {
  const std::size_t n = record.values.size();
  const std::size_t own = record.own_values().size();
  const auto fields = record.site->own_fields();
  PyObject* names = PyTuple_New(static_cast<Py_ssize_t>(n));
  *values = PyTuple_New(static_cast<Py_ssize_t>(n));
  for (std::size_t i = 0; names != nullptr && *values != nullptr && i < n; ++i) {
    PyObject* name = i == own            ? from_wtf8(kWeightField)
                     : i < fields.size() ? from_wtf8(fields[i])
                                         : PyUnicode_FromFormat("v%zu", i + 1);
    PyObject* value = to_object(record.values[i]);
    if (name == nullptr || value == nullptr) {
      Py_XDECREF(name);
      Py_XDECREF(value);
      Py_CLEAR(names);
      break;
    }
    PyTuple_SET_ITEM(names, static_cast<Py_ssize_t>(i), name);
    PyTuple_SET_ITEM(*values, static_cast<Py_ssize_t>(i), value);
  }
  return names;
}

PyObject* next_record(PyObject* self) {
  RecordsPass& pass = *reinterpret_cast<Records*>(self)->pass;
  try {
    const SourcedRecord* next = pass.stream->next();
    if (next == nullptr) return nullptr;
    const Record& given = next->record;
    std::optional<InlineRecord> unpacked;
    if (is_inline(given.site->kind)) unpacked.emplace(given);
    const Record& record = unpacked ? unpacked->record() : given;
    Buffer text;
    pass.render(given, text);
    PyObject* values = nullptr;
    PyObject* names = names_and_values(record, &values);
    PyObject* shown = from_wtf8(text.view());
    PyObject* name = from_wtf8(record.site->name);
    const std::string& thread_name = record.thread->name;
    PyObject* thread = thread_name.empty() ? PyUnicode_FromFormat("%llu", record.thread->id)
                                           : from_wtf8(thread_name);
    const Site& site = *record.site;
    PyObject* file = site.file.empty() ? Py_NewRef(Py_None) : from_wtf8(site.file);
    PyObject* line = site.line == 0 ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(site.line);
    PyObject* function = site.function.empty() ? Py_NewRef(Py_None) : from_wtf8(site.function);
    if (names == nullptr || values == nullptr || shown == nullptr || name == nullptr ||
        thread == nullptr || file == nullptr || line == nullptr || function == nullptr) {
      Py_XDECREF(names);
      Py_XDECREF(values);
      Py_XDECREF(shown);
      Py_XDECREF(name);
      Py_XDECREF(thread);
      Py_XDECREF(file);
      Py_XDECREF(line);
      Py_XDECREF(function);
      return nullptr;
    }
    constexpr const char* kLevels[] = {nullptr, "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
    const char* level = kLevels[std::min<unsigned>(record.site->level / 10U, 5)];
    return Py_BuildValue("(LsNzNINNNNNNs)", static_cast<long long>(record.time_ns),
                         kind_name(kind_of_site(record.site->kind)), name, level, thread,
                         static_cast<unsigned>(next->pid), names, values, shown, file, line,
                         function, run_name(next->run_id).c_str());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

PyType_Slot records_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_holder<Records, &Records::pass>)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next_record)},
    {0, nullptr}};
PyType_Spec records_spec = {"attolog._core.Records", sizeof(Records), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, records_slots};
PyTypeObject* records_type = nullptr;

}  // namespace

const char* kind_name(TableKind kind) {
  constexpr const char* names[] = {"event", "message", "text", "print", "dropped", "clock"};
  return names[static_cast<int>(kind)];
}

PyObject* make_records(std::shared_ptr<JournalReader> journal,
                       std::unique_ptr<RecordStream> stream) {
  auto pass = std::make_unique<RecordsPass>();
  pass->journal = std::move(journal);
  pass->stream = std::move(stream);
  auto* records = reinterpret_cast<Records*>(records_type->tp_alloc(records_type, 0));
  if (records != nullptr) records->pass = pass.release();
  return reinterpret_cast<PyObject*>(records);
}

bool add_records_type(PyObject* module) {
  records_type =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &records_spec, nullptr));
  return records_type != nullptr;
}

}  // namespace attolog::python
