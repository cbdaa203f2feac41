#include "python/reading/fields.hpp"

#include <exception>
#include <vector>

#include "python/reading/samples.hpp"
#include "python/values/text.hpp"
#include "reader/arrow.hpp"
#include "reader/catalog.hpp"
#include "reader/columns.hpp"

namespace attolog::python {

namespace {

PyObject* tuple_of(const std::vector<Field>& fields) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(fields.size()));
  for (std::size_t i = 0; i < fields.size() && tuple != nullptr; ++i) {
    const Field& field = fields[i];
    PyObject* const name = from_wtf8(field.name);
    PyObject* const note = from_wtf8(field.note);
    PyObject* const inner = tuple_of(field.inner);
    // Py_BuildValue releases what it is given, and fails where a part could not be made.
    PyObject* const item = Py_BuildValue("(NsNN)", name, format_of(field.type), note, inner);
    if (item == nullptr) {
      Py_CLEAR(tuple);
    } else {
      PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), item);
    }
  }
  return tuple;
}

}  // namespace

PyObject* make_fields(const JournalReader& journal, PyObject* args) {
  PyObject* name = nullptr;
  int with_origin = 0;
  int is_typed = 1;
  if (!PyArg_ParseTuple(args, "U|pp:fields", &name, &with_origin, &is_typed)) return nullptr;
  try {
    const std::size_t index = find_table(journal.catalog(), name);
    if (index == Catalog::kNoTable) {
      PyErr_SetObject(PyExc_KeyError, name);
      return nullptr;
    }
    const TableColumns columns{.origin = with_origin != 0 ? Origin::with : Origin::without,
                               .nested = is_typed != 0 ? Nested::typed : Nested::text};
    return tuple_of(fields_of_table(journal.catalog(), index, columns));
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

}  // namespace attolog::python
