#include "python/reading/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/folder.hpp"
#include "journal/parts.hpp"
#include "python/docstrings.hpp"
#include "python/reading/holder.hpp"
#include "python/reading/lines.hpp"
#include "python/reading/processes.hpp"
#include "python/reading/query_arguments.hpp"
#include "python/reading/records.hpp"
#include "python/reading/renderer.hpp"
#include "python/reading/samples.hpp"
#include "python/types/options.hpp"
#include "python/values/text.hpp"
#include "python/without_gil.hpp"
#include "reader/arrow.hpp"
#include "reader/catalog.hpp"
#include "reader/columns.hpp"
#include "reader/long_column.hpp"
#include "reader/query.hpp"

namespace attolog::python {

namespace {

struct Reader {
  PyObject_HEAD ReaderState* state;
};

PyTypeObject* reader_type = nullptr;

PyObject* make_reader_of(PyTypeObject* type, std::unique_ptr<ReaderState> state) {
  auto* reader = reinterpret_cast<Reader*>(type->tp_alloc(type, 0));
  if (reader != nullptr) reader->state = state.release();
  return reinterpret_cast<PyObject*>(reader);
}

// How often a journal is read again because its parts have changed meanwhile.
constexpr int kMostChanges = 10;

// Null where a part has gone since the files were listed: it is merged.
std::shared_ptr<JournalReader> open_parts(const std::vector<JournalPath>& files) {
  try {
    return JournalReader::open(files);
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOENT || files.size() == 1) throw;
    return nullptr;
  }
}

// Whether a part was merged, or begun, while the files were read: the journal may have been read
// before its blocks came, or the folder before the part did.
bool have_changed(const JournalReader& journal, const std::string& real,
                  const std::vector<std::string>& paths) {
  if (paths.size() < 2 && !journal.misses_parts()) return false;
  const std::vector<std::string> now = journal_files(real).paths;
  const auto is_there = [&](const std::string& path) {
    return std::ranges::find(now, path) != now.end();
  };
  return !std::ranges::all_of(paths, is_there) || (journal.misses_parts() && now != paths);
}

PyObject* new_reader(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"path", "ring_dir", nullptr};
  const char* path = nullptr;
  const char* ring_dir = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|z:Reader", const_cast<char**>(names), &path,
                                   &ring_dir)) {
    return nullptr;
  }
  auto state = std::make_unique<ReaderState>();
  const bool done = without_gil(path, [&] {
    const std::string real = real_log_path(path);
    Pending& pending = state->pending;
    std::vector<std::string> paths;
    int changes = 0;
    do {
      paths = journal_files(real).paths;
      pending = find_pending(ring_dir == nullptr ? "" : ring_dir, real, paths);
      std::vector<JournalPath> files = pending.files;
      files.insert(files.end(), pending.rings.begin(), pending.rings.end());
      if (files.empty()) throw std::system_error(ENOENT, std::generic_category());
      state->journal = open_parts(files);
    } while (state->journal == nullptr || !is_current(pending) ||
             (have_changed(*state->journal, real, paths) && ++changes < kMostChanges));
  });
  return done ? make_reader_of(type, std::move(state)) : nullptr;
}

ReaderState& state_of(PyObject* self) {
  return *reinterpret_cast<Reader*>(self)->state;
}

PyObject* tables(PyObject* self, PyObject*) {
  PyObject* list = PyList_New(0);
  for (const TableInfo& table : state_of(self).journal->catalog().tables()) {
    std::string sampling;
    for (const std::string& policy : table.sampling)
      sampling += (sampling.empty() ? "" : ", ") + policy;
    PyObject* name = from_wtf8(table.name);
    PyObject* policies = table.sampling.empty() ? Py_NewRef(Py_None) : from_wtf8(sampling);
    PyObject* item = nullptr;
    if (name != nullptr && policies != nullptr) {
      item = Py_BuildValue(
          "(NsKLLN)", name, kind_name(table.kind), static_cast<unsigned long long>(table.rows),
          static_cast<long long>(table.first_ns), static_cast<long long>(table.last_ns), policies);
    } else {
      Py_XDECREF(name);
      Py_XDECREF(policies);
    }
    if (item == nullptr || PyList_Append(list, item) != 0) {
      Py_XDECREF(item);
      Py_XDECREF(list);
      return nullptr;
    }
    Py_DECREF(item);
  }
  return list;
}

PyObject* problems(PyObject* self, PyObject*) {
  ReaderState& state = state_of(self);
  std::vector<std::string> all = state.pending.problems;
  const auto found = state.journal->problems();
  all.insert(all.end(), found.begin(), found.end());
  return list_of(all);
}

// Warns the caller of the Python function that called this. False with an exception set where
// warnings are errors.
bool warn(const std::string& text) {
  PyObject* shown = from_wtf8(text);
  const bool done = shown != nullptr && PyErr_WarnFormat(PyExc_UserWarning, 2, "%U", shown) == 0;
  Py_XDECREF(shown);
  return done;
}

// Warns of columns that are put together.
bool warn_of_rare_columns(const JournalReader& journal, const TableInfo& table) {
  const auto n = std::ranges::count(rare_columns(table), true);
  if (n == 0) return true;
  const std::string text = std::to_string(n) + " columns of the table \"" + table.name +
                           "\" have few values: they are put together in its column \"" +
                           name_of_rare(table) + "\", as JSON";
  journal.add_problem_of_pass(text);
  return warn(text);
}

// Warns of files that were changed since they were opened: records are missing.
bool warn_of_changes(const JournalReader& journal) {
  const std::vector<std::string> changes = journal.find_changes();
  if (changes.empty()) return true;
  std::string text = changes.front();
  if (changes.size() > 1) {
    text += " (and " + std::to_string(changes.size() - 1) + " more, see .problems)";
  }
  return warn(text);
}

void free_stream(PyObject* capsule) {
  auto* stream =
      static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, "arrow_array_stream"));
  const std::unique_ptr<ArrowArrayStream> owner(stream);
  if (stream->release != nullptr) stream->release(stream);
}

// A PyCapsule of the rows, which owns them. Null with an exception set.
PyObject* make_stream(std::unique_ptr<BatchStream> rows) {
  auto exported = std::make_unique<ArrowArrayStream>();
  export_stream(std::move(rows), exported.get());
  PyObject* capsule = PyCapsule_New(exported.get(), "arrow_array_stream", free_stream);
  if (capsule == nullptr) {
    exported->release(exported.get());
  } else {
    static_cast<void>(exported.release());
  }
  return capsule;
}

PyObject* stream(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const keywords[] = {"name",  "origin", "nested", "columns", "since",
                                         "until", "last",   "where",  nullptr};
  PyObject* name = nullptr;
  int with_origin = 0;
  int is_typed = 1;
  PyObject* names = Py_None;
  QueryArguments arguments;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|pp$OOOOO:stream", const_cast<char**>(keywords),
                                   &name, &with_origin, &is_typed, &names, &arguments.since,
                                   &arguments.until, &arguments.last, &arguments.where)) {
    return nullptr;
  }
  TableColumns columns{.origin = with_origin != 0 ? Origin::with : Origin::without,
                       .nested = is_typed != 0 ? Nested::typed : Nested::text};
  const std::shared_ptr<JournalReader>& journal = state_of(self).journal;
  Query query;
  try {
    if (!take_names(names, columns.names) || !arguments.read(query)) return nullptr;
    if (!warn_of_changes(*journal)) return nullptr;
    std::unique_ptr<BatchStream> table;
    if (PyUnicode_CompareWithASCIIString(name, "*") == 0) {
      if (!columns.names.empty()) {
        PyErr_SetString(PyExc_ValueError, "all records have all of their columns");
        return nullptr;
      }
      const auto render = std::make_shared<Renderer>();
      const auto text = [render](const Record& record, Buffer& out) { (*render)(record, out); };
      outside_gil([&] { table = open_all(select_records(journal, query), text, columns.origin); });
    } else {
      const std::size_t index = find_table(journal->catalog(), name);
      if (index == Catalog::kNoTable) {
        PyErr_SetObject(PyExc_KeyError, name);
        return nullptr;
      }
      if (!warn_of_rare_columns(*journal, journal->catalog().tables()[index])) return nullptr;
      query.selection.table = index;
      outside_gil([&] { table = scan(journal, query, columns); });
    }
    return make_stream(std::move(table));
  } catch (const UnknownColumn& error) {
    PyObject* const unknown = from_wtf8(error.what());
    if (unknown != nullptr) PyErr_SetObject(PyExc_KeyError, unknown);
    Py_XDECREF(unknown);
    return nullptr;
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

PyObject* records(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const keywords[] = {"table", "since", "until", "last", "where", nullptr};
  PyObject* name = Py_None;
  QueryArguments arguments;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOOO:records", const_cast<char**>(keywords),
                                   &name, &arguments.since, &arguments.until, &arguments.last,
                                   &arguments.where)) {
    return nullptr;
  }
  try {
    const auto& journal = state_of(self).journal;
    Query query;
    if (!arguments.read(query) || !warn_of_changes(*journal)) return nullptr;
    if (!take_table(journal->catalog(), name, query.selection.table)) return nullptr;
    std::unique_ptr<RecordStream> selected;
    outside_gil([&] { selected = select_records(journal, query); });
    return make_records(journal, std::move(selected));
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

PyObject* lines(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const keywords[] = {"table", "where",  "since", "until",
                                         "last",  "origin", nullptr};
  PyObject* name = Py_None;
  QueryArguments arguments;
  int with_origin = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOOOp:lines", const_cast<char**>(keywords),
                                   &name, &arguments.where, &arguments.since, &arguments.until,
                                   &arguments.last, &with_origin)) {
    return nullptr;
  }
  try {
    const auto& journal = state_of(self).journal;
    Query query;
    if (!arguments.read(query) || !warn_of_changes(*journal)) return nullptr;
    if (!take_table(journal->catalog(), name, query.selection.table)) return nullptr;
    const Origin origin = with_origin != 0 ? Origin::with : Origin::without;
    std::unique_ptr<LineStream> selected;
    outside_gil([&] { selected = std::make_unique<LineStream>(journal, query, origin); });
    return make_lines(std::move(selected));
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

// Tables from a tuple of (name, label). False with an exception set.
bool take_tables(const Catalog& catalog, PyObject* given, std::vector<LabelledTable>& tables) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); ++i) {
    PyObject* name = nullptr;
    PyObject* label = nullptr;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(given, i), "UU", &name, &label)) return false;
    const std::size_t index = find_table(catalog, name);
    if (index == Catalog::kNoTable) {
      PyErr_SetObject(PyExc_KeyError, name);
      return false;
    }
    tables.push_back({index, to_wtf8(label)});
  }
  return true;
}

PyObject* column(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const keywords[] = {"name", "tables", "since", "until", "where", nullptr};
  PyObject* name = nullptr;
  PyObject* given = nullptr;
  QueryArguments arguments;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UO!|$OOO:column", const_cast<char**>(keywords),
                                   &name, &PyTuple_Type, &given, &arguments.since, &arguments.until,
                                   &arguments.where)) {
    return nullptr;
  }
  try {
    const auto& journal = state_of(self).journal;
    Query query;
    std::vector<LabelledTable> tables;
    if (!arguments.read(query) || !take_tables(journal->catalog(), given, tables)) return nullptr;
    if (!warn_of_changes(*journal)) return nullptr;
    const std::string wanted = to_wtf8(name);
    std::unique_ptr<BatchStream> rows;
    outside_gil([&] {
      rows = open_long_column(journal->catalog(), tables, wanted, select_records(journal, query));
    });
    return make_stream(std::move(rows));
  } catch (const UnknownColumn&) {
    PyErr_SetObject(PyExc_KeyError, name);
    return nullptr;
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

PyObject* samples(PyObject* self, PyObject* args) {
  try {
    if (!warn_of_changes(*state_of(self).journal)) return nullptr;
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
  return make_samples(state_of(self).journal, args);
}

PyObject* runs(PyObject* self, PyObject*) {
  PyObject* list = PyList_New(0);
  for (const JournalReader::Run& run : state_of(self).journal->runs()) {
    PyObject* pids = PyList_New(0);
    for (const std::uint32_t pid : run.pids) {
      PyObject* number = PyLong_FromUnsignedLong(pid);
      if (number == nullptr || pids == nullptr || PyList_Append(pids, number) != 0) Py_CLEAR(pids);
      Py_XDECREF(number);
    }
    PyObject* item = pids == nullptr ? nullptr
                                     : Py_BuildValue("(sLLN)", run_name(run.id).c_str(),
                                                     static_cast<long long>(run.first_ns),
                                                     static_cast<long long>(run.last_ns), pids);
    if (item == nullptr || list == nullptr || PyList_Append(list, item) != 0) Py_CLEAR(list);
    Py_XDECREF(item);
    if (list == nullptr) return nullptr;
  }
  return list;
}

PyObject* run(PyObject* self, PyObject* name) {
  const char* const text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
  if (text == nullptr) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "run() takes a run's id");
    return nullptr;
  }
  auto state = std::make_unique<ReaderState>();
  const ReaderState& whole = state_of(self);
  const std::uint64_t id = std::strtoull(text, nullptr, 16);
  if (!without_gil(text, [&] {
        state->pending.problems = whole.pending.problems;
        for (std::string& each : whole.journal->problems())
          state->pending.problems.push_back(std::move(each));
        state->journal = whole.journal->of_run(id);
      })) {
    return nullptr;
  }
  return make_reader(std::move(state));
}

PyObject* processes(PyObject* self, PyObject*) {
  return make_processes(state_of(self).journal);
}

PyMethodDef reader_methods[] = {
    {"column", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(column)),
     METH_VARARGS | METH_KEYWORDS, docs::Reader_column},
    {"processes", processes, METH_NOARGS, docs::Reader_processes},
    {"tables", tables, METH_NOARGS, docs::Reader_tables},
    {"problems", problems, METH_NOARGS, docs::Reader_problems},
    {"stream", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(stream)),
     METH_VARARGS | METH_KEYWORDS, docs::Reader_stream},
    {"records", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(records)),
     METH_VARARGS | METH_KEYWORDS, docs::Reader_records},
    {"lines", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(lines)),
     METH_VARARGS | METH_KEYWORDS, docs::Reader_lines},
    {"runs", runs, METH_NOARGS, docs::Reader_runs},
    {"run", run, METH_O, docs::Reader_run},
    {"samples", samples, METH_VARARGS, docs::Reader_samples},
    {nullptr, nullptr, 0, nullptr}};
PyType_Slot reader_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_reader)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_holder<Reader, &Reader::state>)},
    {Py_tp_methods, reader_methods},
    {Py_tp_doc, const_cast<char*>(docs::Reader)},
    {0, nullptr}};
PyType_Spec reader_spec = {"attolog._core.Reader", sizeof(Reader), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, reader_slots};

}  // namespace

PyObject* make_reader(std::unique_ptr<ReaderState> state) {
  return make_reader_of(reader_type, std::move(state));
}

bool add_reader_type(PyObject* module) {
  reader_type =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &reader_spec, nullptr));
  return reader_type != nullptr &&
         PyModule_AddObjectRef(module, "Reader", reinterpret_cast<PyObject*>(reader_type)) == 0;
}

}  // namespace attolog::python
