// Exceptions that say which values an option takes.
#pragma once

#include "python/compat.hpp"

#include <string>

#include "strategies/policy.hpp"

namespace attolog::python {

// Sets a ValueError: "OPTION must be ALLOWED, not VALUE". Returns false.
bool refuse(const char* option, const char* allowed, PyObject* value);
// Sets a TypeError: "OPTION must be ALLOWED, not TYPE". Returns false.
bool refuse_type(const char* option, const char* allowed, PyObject* value);

// A strategy by its spelling; false with a ValueError set: "WHAT: 'TEXT': what is wrong".
bool take_policy(const char* what, const std::string& text, Policy& policy);

// The value as Python writes it, on one line of sensible length; what it is where it cannot be
// written. A new reference; null with an exception set: it must pass.
PyObject* show_briefly(PyObject* value);

}  // namespace attolog::python
