#include "python/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "core/folder.hpp"
#include "format/inline_record.hpp"
#include "format/plain.hpp"
#include "format/template.hpp"
#include "journal/parts.hpp"
#include "python/objects.hpp"
#include "python/samples.hpp"
#include "python/text.hpp"
#include "python/without_gil.hpp"
#include "reader/arrow.hpp"
#include "reader/columns.hpp"
#include "reader/follower.hpp"
#include "reader/journal_reader.hpp"
#include "reader/pending.hpp"
#include "sinks/sink.hpp"

namespace attolog::python {

namespace {

struct Reader {
  PyObject_HEAD struct State* state;
};

struct State {
  Pending pending;
  std::shared_ptr<JournalReader> journal;
};

constexpr const char* kKinds[] = {"event", "message", "text", "print", "dropped", "clock"};

// What a record says, as it would stand in a text file, less what escapes it there.
class Renderer {
 public:
  void operator()(const Record& given, Buffer& out) {
    const bool passing = is_inline(given.site->kind);
    std::optional<InlineRecord> taken_apart;
    if (passing) taken_apart.emplace(given);
    const Record& record = passing ? taken_apart->record() : given;
    switch (record.site->kind) {
      case Kind::message:
        templates_.of(record, passing)
            .render_with_traceback(out, record.site->own_fields(), record.own_values());
        return;
      case Kind::text:
      case Kind::print:
        if (!record.values.empty()) write_plain(out, record.values[0]);
        return;
      default:
        sink_->append(record, out);
        if (!out.empty() && out.view().back() == '\n') out.truncate(out.size() - 1);
    }
  }

 private:
  Templates templates_;
  std::unique_ptr<Sink> sink_ = make_text_sink({6, 0, "{message}"});
};

TableKind kind_of_site(Kind kind) {
  switch (kind) {
    case Kind::message:
    case Kind::inline_message: return TableKind::message;
    case Kind::text: return TableKind::text;
    case Kind::print: return TableKind::print;
    case Kind::dropped: return TableKind::dropped;
    case Kind::clock: return TableKind::clock;
    default: return TableKind::event;
  }
}

// ---- records(), an iterator
// -------------------------------------------------------------------------

struct Records {
  PyObject_HEAD struct Pass* pass;
};

struct Pass {
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
  Pass& pass = *reinterpret_cast<Records*>(self)->pass;
  try {
    const SourcedRecord* next = pass.stream->next();
    if (next == nullptr) return nullptr;
    const Record& given = next->record;
    std::optional<InlineRecord> taken_apart;
    if (is_inline(given.site->kind)) taken_apart.emplace(given);
    const Record& record = taken_apart ? taken_apart->record() : given;
    Buffer text;
    pass.render(given, text);
    PyObject* values = nullptr;
    PyObject* names = names_and_values(record, &values);
    PyObject* said = from_wtf8(text.view());
    PyObject* name = from_wtf8(record.site->name);
    const std::string& thread_name = record.thread->name;
    PyObject* thread = thread_name.empty() ? PyUnicode_FromFormat("%llu", record.thread->id)
                                           : from_wtf8(thread_name);
    const Site& site = *record.site;
    PyObject* file = site.file.empty() ? Py_NewRef(Py_None) : from_wtf8(site.file);
    PyObject* line = site.line == 0 ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(site.line);
    PyObject* function = site.function.empty() ? Py_NewRef(Py_None) : from_wtf8(site.function);
    if (names == nullptr || values == nullptr || said == nullptr || name == nullptr ||
        thread == nullptr || file == nullptr || line == nullptr || function == nullptr) {
      Py_XDECREF(names);
      Py_XDECREF(values);
      Py_XDECREF(said);
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
                         kKinds[static_cast<int>(kind_of_site(record.site->kind))], name, level,
                         thread, static_cast<unsigned>(next->pid), names, values, said, file, line,
                         function, run_name(next->run_id).c_str());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

template <class T, auto member>
void free_holder(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  using Held =
      std::remove_pointer_t<std::remove_reference_t<decltype(reinterpret_cast<T*>(self)->*member)>>;
  std::unique_ptr<Held>(reinterpret_cast<T*>(self)->*member).reset();
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot records_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_holder<Records, &Records::pass>)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next_record)},
    {0, nullptr}};
PyType_Spec records_spec = {"attolog._core.Records", sizeof(Records), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, records_slots};
PyTypeObject* records_type = nullptr;
PyTypeObject* reader_type = nullptr;

// ---- Reader
// -------------------------------------------------------------------------------------------

PyObject* make_reader(PyTypeObject* type, std::unique_ptr<State> state) {
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
  auto state = std::make_unique<State>();
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
  return done ? make_reader(type, std::move(state)) : nullptr;
}

State& state_of(PyObject* self) {
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
      item = Py_BuildValue("(NsKLLN)", name, kKinds[static_cast<int>(table.kind)],
                           static_cast<unsigned long long>(table.rows),
                           static_cast<long long>(table.first_ns),
                           static_cast<long long>(table.last_ns), policies);
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
  State& state = state_of(self);
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

PyObject* stream(PyObject* self, PyObject* args) {
  PyObject* name = nullptr;
  int with_origin = 0;
  int is_typed = 1;
  if (!PyArg_ParseTuple(args, "U|pp:stream", &name, &with_origin, &is_typed)) return nullptr;
  const Origin origin = with_origin != 0 ? Origin::with : Origin::without;
  const JournalReader& journal = *state_of(self).journal;
  try {
    if (!warn_of_changes(journal)) return nullptr;
    auto exported = std::make_unique<ArrowArrayStream>();
    if (PyUnicode_CompareWithASCIIString(name, "*") == 0) {
      const auto render = std::make_shared<Renderer>();
      const auto text = [render](const Record& record, Buffer& out) { (*render)(record, out); };
      export_stream(open_all(journal.records(), text, origin), exported.get());
    } else {
      const std::size_t index = find_table(journal.catalog(), name);
      if (index == Catalog::kNoTable) {
        PyErr_SetObject(PyExc_KeyError, name);
        return nullptr;
      }
      if (!warn_of_rare_columns(journal, journal.catalog().tables()[index])) return nullptr;
      const Nested nested = is_typed != 0 ? Nested::typed : Nested::text;
      export_stream(open_table(journal.catalog(), index, journal.records(), origin, nested),
                    exported.get());
    }
    PyObject* capsule = PyCapsule_New(exported.get(), "arrow_array_stream", free_stream);
    if (capsule != nullptr) static_cast<void>(exported.release());
    return capsule;
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

PyObject* records(PyObject* self, PyObject*) {
  auto* records = reinterpret_cast<Records*>(records_type->tp_alloc(records_type, 0));
  if (records == nullptr) return nullptr;
  try {
    if (!warn_of_changes(*state_of(self).journal)) {
      Py_DECREF(records);
      return nullptr;
    }
    auto pass = std::make_unique<Pass>();
    pass->journal = state_of(self).journal;
    pass->stream = pass->journal->records();
    records->pass = pass.release();
    return reinterpret_cast<PyObject*>(records);
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    Py_DECREF(records);
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
  auto state = std::make_unique<State>();
  const State& whole = state_of(self);
  const std::uint64_t id = std::strtoull(text, nullptr, 16);
  if (!without_gil(text, [&] {
        state->pending.problems = whole.pending.problems;
        for (std::string& each : whole.journal->problems())
          state->pending.problems.push_back(std::move(each));
        state->journal = whole.journal->of_run(id);
      })) {
    return nullptr;
  }
  return make_reader(reader_type, std::move(state));
}

PyMethodDef reader_methods[] = {
    {"tables", tables, METH_NOARGS,
     "(name, kind, rows, first ns, last ns, how it was sampled) of each table."},
    {"problems", problems, METH_NOARGS, "What is wrong with the files, a sentence each."},
    {"stream", stream, METH_VARARGS,
     "The Arrow stream of a table, as a PyCapsule; * is the view of all records."},
    {"records", records, METH_NOARGS,
     "Iterates over (time, kind, name, level, thread, pid, field names, values, text, file, line, "
     "function, run)."},
    {"runs", runs, METH_NOARGS, "(id, first ns, last ns, process ids) of each run."},
    {"run", run, METH_O, "A Reader of the run with that id."},
    {"samples", samples, METH_VARARGS,
     "Iterates over (policy, site, pid, weight, value, keys) of the records of a table."},
    {nullptr, nullptr, 0, nullptr}};
PyType_Slot reader_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_reader)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_holder<Reader, &Reader::state>)},
    {Py_tp_methods, reader_methods},
    {Py_tp_doc, const_cast<char*>("A journal and what its dead processes left in their rings.")},
    {0, nullptr}};
PyType_Spec reader_spec = {"attolog._core.Reader", sizeof(Reader), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, reader_slots};

// ---- Follower
// -----------------------------------------------------------------------------------------

struct Follower {
  PyObject_HEAD struct FollowerState* following;
};

struct FollowerState {
  std::string path;  // as given; for messages
  std::string real;
  std::string ring_dir;
  std::optional<JournalFollower> journal;
  std::mutex mutex;  // of the journal
};

PyObject* new_follower(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"path", "ring_dir", nullptr};
  const char* path = nullptr;
  const char* ring_dir = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|z:Follower", const_cast<char**>(names), &path,
                                   &ring_dir)) {
    return nullptr;
  }
  auto following = std::make_unique<FollowerState>();
  if (!without_gil(path, [&] {
        following->path = path;
        following->real = real_log_path(path);
        following->ring_dir = ring_dir == nullptr ? "" : ring_dir;
        following->journal.emplace(following->ring_dir, following->real);
      })) {
    return nullptr;
  }
  auto* follower = reinterpret_cast<Follower*>(type->tp_alloc(type, 0));
  if (follower != nullptr) follower->following = following.release();
  return reinterpret_cast<PyObject*>(follower);
}

PyObject* poll(PyObject* self, PyObject*) {
  FollowerState& following = *reinterpret_cast<Follower*>(self)->following;
  auto state = std::make_unique<State>();
  if (!without_gil(following.path.c_str(), [&] {
        const std::lock_guard lock(following.mutex);
        state->journal = following.journal->poll();
      })) {
    return nullptr;
  }
  if (state->journal == nullptr) Py_RETURN_NONE;
  return make_reader(reader_type, std::move(state));
}

PyObject* rings(PyObject* self, PyObject*) {
  FollowerState& following = *reinterpret_cast<Follower*>(self)->following;
  auto state = std::make_unique<State>();
  if (!without_gil(following.path.c_str(), [&] {
        state->pending =
            find_pending(following.ring_dir, following.real, journal_files(following.real).paths);
        state->journal = JournalReader::open(state->pending.rings);
      })) {
    return nullptr;
  }
  return make_reader(reader_type, std::move(state));
}

PyMethodDef follower_methods[] = {
    {"poll", poll, METH_NOARGS, "A Reader of what the files got since the last call, or None."},
    {"rings", rings, METH_NOARGS, "A Reader of what dead processes have left in their rings."},
    {nullptr, nullptr, 0, nullptr}};
PyType_Slot follower_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_follower)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_holder<Follower, &Follower::following>)},
    {Py_tp_methods, follower_methods},
    {Py_tp_doc, const_cast<char*>("Follows a journal that is still written to.")},
    {0, nullptr}};
PyType_Spec follower_spec = {"attolog._core.Follower", sizeof(Follower), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, follower_slots};

}  // namespace

bool add_reader_types(PyObject* module) {
  if (!prepare_objects() || !add_samples_type(module)) return false;
  reader_type =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &reader_spec, nullptr));
  records_type =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &records_spec, nullptr));
  PyObject* follower = PyType_FromModuleAndSpec(module, &follower_spec, nullptr);
  const bool added =
      reader_type != nullptr && records_type != nullptr && follower != nullptr &&
      PyModule_AddObjectRef(module, "Reader", reinterpret_cast<PyObject*>(reader_type)) == 0 &&
      PyModule_AddObjectRef(module, "Follower", follower) == 0;
  Py_XDECREF(follower);
  return added;
}

}  // namespace attolog::python
