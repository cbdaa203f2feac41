// The default logger as rewritten prints call it: it prints until it is turned on.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// printing_logger(logger): one that shares all with it.
PyObject* make_printing_logger(PyObject*, PyObject* of);
bool add_shown_type(PyObject* module);

}  // namespace attolog::python
