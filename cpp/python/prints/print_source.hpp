// Prints as the program has written them, for those that do not go to the log.
#pragma once

#include "python/compat.hpp"

#include <optional>
#include <vector>

#include "python/prints/print_value.hpp"

namespace attolog::python {

// A compiled print as the program has written it.
struct PrintSource {
  // Each a tuple: (index,) of a value, (None, constant), or a format and the indices of its values.
  PyObject* arguments = nullptr;
  PyObject* options = nullptr;          // a dict; `file` is the name that the stream has in sys
  std::vector<Conversion> conversions;  // one for each value
};
// Whether they are such arguments, of a print that has `n` values.
bool are_arguments(PyObject* arguments, Py_ssize_t n);
// Calls print with them, whatever print is and wherever its stream leads.
PyObject* print_as_written(PyObject* print, const PrintSource& source, PyObject* const* values);
// The flush of our print with nothing else added: `print = partial(print, flush=True)`.
std::optional<bool> flush_of(PyObject* print);

}  // namespace attolog::python
