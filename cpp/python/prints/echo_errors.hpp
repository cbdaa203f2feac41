// Errors of the screen that the echo of a log has met, and the wait for it.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// The stream's descriptor leads elsewhere from now on.
void forget_screen_error(int stream);

// Functions of the module.
PyObject* drain_echo(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* echo_error(PyObject*, PyObject* args);
PyObject* has_raised_echo_error(PyObject*, PyObject* args);

}  // namespace attolog::python
