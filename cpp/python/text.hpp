// Small helpers around Python's strings, names and calls. All of them for slow paths.
#pragma once

#include "python/compat.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace attolog::python {

// The text as WTF-8: lone surrogates are kept. Leaves no copy behind on the object and sets no
// exception. `text` must be a str.
std::string to_wtf8(PyObject* text);
// The str of a WTF-8 text; a new reference, null with an exception set when memory runs out.
PyObject* from_wtf8(std::string_view text);

bool equal_text(PyObject* a, PyObject* b);             // two str
bool equal_names(PyObject* a, PyObject* b);            // two tuples of str, or null for none
std::vector<std::string> names_of(PyObject* kwnames);  // a tuple of str, or null

// Calls `function` of `module`, imported if need be, with arguments built as by Py_BuildValue (a
// tuple).
PyObject* call_helper(const char* module, const char* function, const char* format, ...);

// Clears the exception that is set if it is an Exception; false for what must pass
// (KeyboardInterrupt, SystemExit), which stays set.
bool clear_if_ordinary();

}  // namespace attolog::python
