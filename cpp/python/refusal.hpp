// Exceptions that say which values an option takes.
#pragma once

#include "python/compat.hpp"

#include <string>

#include "strategies/policy.hpp"

namespace attolog::python {

class LoggerCore;
class Rules;

// Sets a ValueError: "OPTION must be ALLOWED, not VALUE". Returns false.
bool refuse(const char* option, const char* allowed, PyObject* value);
// Sets a TypeError: "OPTION must be ALLOWED, not TYPE". Returns false.
bool refuse_type(const char* option, const char* allowed, PyObject* value);

// A strategy by its spelling; false with a ValueError set: "WHAT: 'TEXT': what is wrong".
bool take_policy(const char* what, const std::string& text, Policy& policy);

// Refuses a strategy that the logger cannot follow: where all records end in circular logs there
// are no statistics, and the number of last records is the log's own. False with a ValueError set.
bool check_fit(const LoggerCore& core, const std::string& what, const Policy& policy);
bool check_fit(const LoggerCore& core, const Rules& rules);

// The value as Python writes it, on one line of sensible length; what it is where it cannot be
// written. A new reference; null with an exception set: it must pass.
PyObject* show_briefly(PyObject* value);

}  // namespace attolog::python
