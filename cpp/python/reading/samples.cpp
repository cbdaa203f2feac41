#include "python/reading/samples.hpp"

#include <algorithm>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "python/reading/holder.hpp"
#include "python/values/objects.hpp"
#include "python/values/text.hpp"
#include "reader/catalog.hpp"

namespace attolog::python {

namespace {

struct Samples {
  PyObject_HEAD struct SamplesPass* pass;
};

constexpr std::size_t kNoName = SIZE_MAX;

// Whether the text is shown as `name` in Python.
bool is_shown_as(const std::string& text, PyObject* name) {
  PyObject* const shown = from_wtf8(text);
  if (shown == nullptr) throw_no_memory();
  const bool is_equal = equal_text(shown, name);
  Py_DECREF(shown);
  return is_equal;
}

// The first of some tables or columns that has the name.
template <class Named>
std::size_t find_name(const std::vector<Named>& all, PyObject* name) {
  auto found = std::ranges::find(all, to_wtf8(name), &Named::name);
  if (found == all.end()) {
    found =
        std::ranges::find_if(all, [&](const Named& one) { return is_shown_as(one.name, name); });
  }
  return found == all.end() ? kNoName : static_cast<std::size_t>(found - all.begin());
}

// One pass over the records of a table.
struct SamplesPass {
  static constexpr std::uint32_t kAbsent = UINT32_MAX;

  SamplesPass(std::shared_ptr<JournalReader> from, std::size_t of)
      : journal(std::move(from)),
        records(journal->records()),
        catalog(journal->catalog()),
        table(of) {}

  std::uint32_t column(PyObject* name) const {
    const std::size_t found = find_name(catalog.tables()[table].columns, name);
    return found == kNoName ? kAbsent : static_cast<std::uint32_t>(found);
  }

  std::shared_ptr<JournalReader> journal;  // before the stream that stands on it
  std::unique_ptr<RecordStream> records;
  Catalog catalog;  // its own, since placing records uses the catalog's caches
  std::size_t table;
  std::uint32_t field = kAbsent;
  std::vector<std::uint32_t> keys;
};

PyObject* value_in(std::span<const Cell> cells, std::uint32_t column) {
  const auto cell = std::ranges::find(cells, column, &Cell::column);
  return cell == cells.end() ? Py_NewRef(Py_None) : to_object(*cell->value);
}

PyObject* sample_of(const SamplesPass& pass, const SourcedRecord& source,
                    std::span<const Cell> cells) {
  const Record& record = source.record;
  const Value* const weight = record.weight();
  PyObject* policy = weight == nullptr ? Py_NewRef(Py_None) : from_wtf8(record.site->policy);
  PyObject* value = value_in(cells, pass.field);
  PyObject* keys = PyTuple_New(static_cast<Py_ssize_t>(pass.keys.size()));
  for (std::size_t i = 0; keys != nullptr && i < pass.keys.size(); ++i) {
    PyObject* key = value_in(cells, pass.keys[i]);
    if (key == nullptr) {
      Py_CLEAR(keys);
    } else {
      PyTuple_SET_ITEM(keys, static_cast<Py_ssize_t>(i), key);
    }
  }
  // A site is told from others by its address, as everywhere in the reader.
  PyObject* site = PyLong_FromVoidPtr(const_cast<Site*>(record.site));
  if (policy == nullptr || value == nullptr || keys == nullptr || site == nullptr) {
    Py_XDECREF(policy);
    Py_XDECREF(value);
    Py_XDECREF(keys);
    Py_XDECREF(site);
    return nullptr;
  }
  return Py_BuildValue("(NNIdNN)", policy, site, static_cast<unsigned>(source.pid),
                       weight == nullptr ? 1.0 : weight->f, value, keys);
}

PyObject* next_sample(PyObject* self) {
  SamplesPass& pass = *reinterpret_cast<Samples*>(self)->pass;
  try {
    while (const SourcedRecord* const source = pass.records->next()) {
      const Catalog::Place place = pass.catalog.place(source->record);
      if (place.table == pass.table) return sample_of(pass, *source, place.cells);
    }
    return nullptr;
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

PyType_Slot samples_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_holder<Samples, &Samples::pass>)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next_sample)},
    {0, nullptr}};
PyType_Spec samples_spec = {"attolog._core.Samples", sizeof(Samples), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, samples_slots};
PyTypeObject* samples_type = nullptr;

}  // namespace

std::size_t find_table(const Catalog& catalog, PyObject* name) {
  const std::size_t exact = catalog.find(to_wtf8(name));
  if (exact != Catalog::kNoTable) return exact;
  const std::size_t shown = find_name(catalog.tables(), name);
  return shown == kNoName ? Catalog::kNoTable : shown;
}

PyObject* make_samples(std::shared_ptr<JournalReader> journal, PyObject* args) {
  PyObject* name = nullptr;
  PyObject* field = nullptr;
  PyObject* keys = nullptr;
  if (!PyArg_ParseTuple(args, "UOO!:samples", &name, &field, &PyTuple_Type, &keys)) return nullptr;
  for (Py_ssize_t i = -1; i < PyTuple_GET_SIZE(keys); ++i) {
    PyObject* const each = i < 0 ? field : PyTuple_GET_ITEM(keys, i);
    if (PyUnicode_Check(each) || (i < 0 && each == Py_None)) continue;
    PyErr_SetString(PyExc_TypeError, "samples() takes the names of a table and its fields");
    return nullptr;
  }
  try {
    const std::size_t table = find_table(journal->catalog(), name);
    if (table == Catalog::kNoTable) {
      PyErr_SetObject(PyExc_KeyError, name);
      return nullptr;
    }
    auto pass = std::make_unique<SamplesPass>(std::move(journal), table);
    if (field != Py_None && (pass->field = pass->column(field)) == SamplesPass::kAbsent) {
      PyErr_SetObject(PyExc_KeyError, field);
      return nullptr;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keys); ++i)
      pass->keys.push_back(pass->column(PyTuple_GET_ITEM(keys, i)));
    auto* samples = reinterpret_cast<Samples*>(samples_type->tp_alloc(samples_type, 0));
    if (samples != nullptr) samples->pass = pass.release();
    return reinterpret_cast<PyObject*>(samples);
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

bool add_samples_type(PyObject* module) {
  samples_type =
      reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &samples_spec, nullptr));
  return samples_type != nullptr;
}

}  // namespace attolog::python
