// The options of a logger, as Python passes them.
#pragma once

#include "python/compat.hpp"

#include <string>

#include "python/routes.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

// Reads path and options; false with a TypeError, ValueError or OSError set that says what is
// allowed.
bool parse_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);
// The same for a file that is written once, of what is in memory already: nothing to echo.
bool parse_copy_options(PyObject* args, PyObject* kwargs, ChannelOptions& options);

// Sets a ValueError: "OPTION must be ALLOWED, not VALUE". Returns false.
bool refuse(const char* option, const char* allowed, PyObject* value);
// Sets a TypeError: "OPTION must be ALLOWED, not TYPE". Returns false.
bool refuse_type(const char* option, const char* allowed, PyObject* value);

// A strategy by its spelling; false with a ValueError set: "WHAT: 'TEXT': what is wrong".
bool take_policy(const char* what, const std::string& text, Policy& policy);
// `strategy=`, which may be null or None: all. False with an exception set.
bool take_strategy(PyObject* given, Policy& policy);
// `rules=`, which may be null or None. False with an exception set.
bool take_rules(PyObject* given, Rules& rules);

// In seconds; nobody waits longer, and the clock's nanoseconds hold it.
inline constexpr double kLongest = 1e9;

}  // namespace attolog::python
