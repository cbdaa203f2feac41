// The arguments that methods of a reader have in common.
#pragma once

#include "python/compat.hpp"

#include <string>
#include <vector>

#include "reader/query.hpp"

namespace attolog::python {

// Bounds and filter of a query; the arguments are borrowed, and None where they were left out.
struct QueryArguments {
  PyObject* since = Py_None;
  PyObject* until = Py_None;
  PyObject* last = Py_None;
  PyObject* where = Py_None;

  // False with an exception set.
  bool read(Query& query) const;
};

// The index of the table of that name, all tables for None; false with an exception set.
bool take_table(const Catalog& catalog, PyObject* name, std::size_t& table);

// The names of columns from a tuple, or all for None. False with an exception set.
bool take_names(PyObject* given, std::vector<std::string>& names);

}  // namespace attolog::python
