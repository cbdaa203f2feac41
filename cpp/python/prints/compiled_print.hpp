// Compiled prints: what a `print(...)` of the program's own source becomes. One is called as
// `compiled(print, *values)`, with what the name `print` means there, and logs the values under the
// template or the event that was made of the call.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// A function of the module.
PyObject* compile_print(PyObject*, PyObject* args, PyObject* kwargs);

bool add_compiled_print_type(PyObject* module);

}  // namespace attolog::python
