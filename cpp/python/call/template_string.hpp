// Template strings (t"...", from Python 3.14 on), as log calls take them: a template and values.
#pragma once

#include "python/compat.hpp"

#include <vector>

#include "python/values/text.hpp"

namespace attolog::python {

bool is_template_string(PyObject* object);

// The template, and the values that fill it, which live as long as `string` does. What no template
// can say is text, with its braces doubled and without a value. Null with an exception set.
PyRef split_template(PyObject* string, std::vector<PyObject*>& values);

// The text, as an f-string would be. Null with an exception set.
PyRef filled(PyObject* string, bool doubles_braces = false);

}  // namespace attolog::python
