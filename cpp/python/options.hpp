// The options of a logger, as Python passes them.
#pragma once

#include "python/compat.hpp"

#include <string>

#include "python/rules.hpp"
#include "strategies/policy.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

// Reads path and options; false with a TypeError, ValueError or OSError set that says what is
// allowed.
bool parse_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);
// The same for a file that is written once, of what is in memory already: nothing to echo.
bool parse_copy_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);

// `strategy=`, which may be null or None: all. False with an exception set.
bool take_strategy(PyObject* given, Policy& policy);
// `rules=`, which may be null or None. False with an exception set.
bool take_rules(PyObject* given, Rules& rules);

}  // namespace attolog::python
