// The options of a logger, as Python passes them.
#pragma once

#include "python/compat.hpp"

#include "writer/channel.hpp"

namespace attolog::python {

// Reads path and options; false with a TypeError, ValueError or OSError set that says what is
// allowed.
bool parse_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);

// Sets a ValueError: "OPTION must be ALLOWED, not VALUE". Returns false.
bool refuse(const char* option, const char* allowed, PyObject* value);
// Sets a TypeError: "OPTION must be ALLOWED, not TYPE". Returns false.
bool refuse_type(const char* option, const char* allowed, PyObject* value);

// In seconds; nobody waits longer, and the clock's nanoseconds hold it.
inline constexpr double kLongest = 1e9;

}  // namespace attolog::python
