// Lists, tuples and dicts: their str() and, beside it, their JSON.
#pragma once

#include "python/compat.hpp"

#include <cstddef>

#include "core/buffer.hpp"

namespace attolog::python {

// Whether the object is a list, a tuple or a dict, and of no class derived from them.
inline bool is_nested(PyObject* object) {
  return PyList_CheckExact(object) || PyTuple_CheckExact(object) || PyDict_CheckExact(object);
}

// Appends the object as encode_any does. It is text alone where its str() or its JSON is longer
// than `most` bytes, or where its str() raises. So it is where it is nested in itself or deeper
// than 64, or holds a value that encode_inert refuses.
bool encode_nested(Buffer& out, PyObject* object, std::size_t most);

// The two steps of it, for those who take the str() themselves. The JSON comes first: it is of the
// values that the call was given, whatever the code does that runs for the str().

// The object as JSON; empty where it is text alone. Runs no code of the program's.
Buffer json_of(PyObject* object, std::size_t most);
// Appends the object of which these are str() and JSON. The reference to the str() is given up.
void steal_nested(Buffer& out, PyObject* text, const Buffer& json, std::size_t most);

}  // namespace attolog::python
