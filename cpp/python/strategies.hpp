// The strategies' public types, and what makes loggers of others.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

PyObject* make_default_logger();  // off, until it is opened

// The method open(path, **options) of loggers.
PyObject* open_file(PyObject* self, PyObject* args, PyObject* kwargs);

// Functions of the module.
PyObject* open_logger(PyObject*, PyObject* args, PyObject* kwargs);  // (logger, path, **options)
PyObject* make_tee(PyObject*, PyObject* args, PyObject* kwargs);     // (*loggers, rules=None)
PyObject* set_environment(PyObject*, PyObject* args);                // (logger, rules)

bool add_strategy_types(PyObject* module);

}  // namespace attolog::python
