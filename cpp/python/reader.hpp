// attolog._core.Reader and Follower: what the Python side of reading stands on.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

bool add_reader_types(PyObject* module);

}  // namespace attolog::python
