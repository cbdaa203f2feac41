// attolog._core.Follower: a journal that is still written to.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

bool add_follower_type(PyObject* module);

}  // namespace attolog::python
