#include "python/reading/query_arguments.hpp"

#include "python/reading/samples.hpp"
#include "python/types/options.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

// A time in nanoseconds; `ns` stays as it is for None. False with an exception set.
bool take_time(PyObject* given, std::int64_t& ns) {
  if (given == Py_None) return true;
  ns = PyLong_AsLongLong(given);
  return ns != -1 || PyErr_Occurred() == nullptr;
}

}  // namespace

bool QueryArguments::read(Query& query) const {
  if (!take_time(since, query.selection.first_ns)) return false;
  if (!take_time(until, query.selection.last_ns)) return false;
  if (last != Py_None) {
    query.last = PyLong_AsUnsignedLongLong(last);
    if (PyErr_Occurred() != nullptr) return false;
  }
  return where == Py_None || encode_steps(where, query.where);
}

bool take_table(const Catalog& catalog, PyObject* name, std::size_t& table) {
  if (name == Py_None) return true;
  table = PyUnicode_Check(name) ? find_table(catalog, name) : Catalog::kNoTable;
  if (table == Catalog::kNoTable) PyErr_SetObject(PyExc_KeyError, name);
  return table != Catalog::kNoTable;
}

bool take_names(PyObject* given, std::vector<std::string>& names) {
  if (given == Py_None) return true;
  if (!PyTuple_Check(given)) {
    PyErr_SetString(PyExc_TypeError, "the columns are a tuple of names");
    return false;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(given, i);
    if (!PyUnicode_Check(name)) {
      PyErr_SetString(PyExc_TypeError, "a column's name is a str");
      return false;
    }
    names.push_back(to_wtf8(name));
  }
  return true;
}

}  // namespace attolog::python
