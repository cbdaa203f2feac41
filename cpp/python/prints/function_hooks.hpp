// Functions of C that Python does not audit: they, too, wait for the screen before somebody else
// can see what they do.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// hook_function(function, rule, argument): from now on each call of it waits, in this process and
// those forked from it. The function object stays as it is for all that have it.
PyObject* hook_function(PyObject*, PyObject* args);

bool is_faulthandler_on();

}  // namespace attolog::python
