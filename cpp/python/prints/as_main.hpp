// A program run as the interpreter runs its main program.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// A function of the module.
PyObject* call_as_main(PyObject*, PyObject* args);

}  // namespace attolog::python
