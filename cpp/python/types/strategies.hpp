// The strategies' public types, and what makes loggers of others.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// Functions of the module.
PyObject* make_tee(PyObject*, PyObject* args, PyObject* kwargs);  // (*loggers, rules=None)
PyObject* set_environment(PyObject*, PyObject* args);             // (logger, rules)

bool add_strategy_types(PyObject* module);

}  // namespace attolog::python
