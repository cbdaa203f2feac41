// Declared events: log.event().
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

PyObject* declare_event(PyObject* self, PyObject* args, PyObject* kwargs);

bool add_event_type(PyObject* module);

}  // namespace attolog::python
