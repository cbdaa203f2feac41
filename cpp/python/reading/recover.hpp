// The module's functions that save what processes left behind, or still hold.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

PyObject* recover_log(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* recover_place(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* places_of_log(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* rescue_log(PyObject*, PyObject* args, PyObject* kwargs);

}  // namespace attolog::python
