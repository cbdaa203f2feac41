// The base type of all loggers: construction, properties, everything but the log calls themselves.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

PyObject* new_logger(PyTypeObject* type);  // one that is off
PyMethodDef* common_methods();             // of all loggers

bool add_logger_type(PyObject* module);

}  // namespace attolog::python
