// The options of a logger, as Python passes them.
#pragma once

#include "python/compat.hpp"

#include "writer/channel.hpp"

namespace attolog::python {

// Reads path and options; false with a TypeError, ValueError or OSError set that says what is
// allowed.
bool parse_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);

}  // namespace attolog::python
