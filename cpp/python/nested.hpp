// Lists, tuples and dicts: their str() and, beside it, the same as JSON.
#pragma once

#include "python/compat.hpp"

#include "core/buffer.hpp"

namespace attolog::python {

// Whether the object is a list, a tuple or a dict, and of no class derived from them.
inline bool is_nested(PyObject* object) {
  return PyList_CheckExact(object) || PyTuple_CheckExact(object) || PyDict_CheckExact(object);
}

// Appends the object as encode_any does. It is text alone where its str() or its JSON is longer
// than `most` bytes, where it is nested in itself or deeper than 64, where its str() raises, and
// where it holds a value that would be logged by its str(): no code of the program's is run twice.
bool encode_nested(Buffer& out, PyObject* object, std::size_t most);
// The same of one whose str() was taken already; the reference to that is given up.
bool take_nested(Buffer& out, PyObject* object, PyObject* text, std::size_t most);

}  // namespace attolog::python
