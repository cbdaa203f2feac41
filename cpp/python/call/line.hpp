// Texts that log calls make of objects that are none.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// The str() of an object, or the note of its failure. A note is no template: its braces are doubled
// where it would be taken for one. Null with an exception set: it must pass.
PyObject* text_of(PyObject* object, bool is_template);

// The line that print() makes of values, without options. Null with an exception set: it must pass.
PyObject* line_of(PyObject* const* values, Py_ssize_t n);
// The line with options, and print's complaints about them; None where it went to a file of its
// own.
[[gnu::cold]] PyObject* line_with_options(PyObject* const* values, Py_ssize_t n, PyObject* kwnames);

}  // namespace attolog::python
