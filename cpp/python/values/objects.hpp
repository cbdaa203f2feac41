// Values of a record to Python objects.
#pragma once

#include "python/compat.hpp"

#include "core/value.hpp"

namespace attolog::python {

// A new reference; null with an exception set when memory runs out. What Python cannot hold (a date
// beyond the year 9999) becomes the number or the digits that stand for it.
PyObject* to_object(const Value& value);

// Imports what to_object needs; called once, at import.
bool prepare_objects();

}  // namespace attolog::python
