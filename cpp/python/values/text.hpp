// Small helpers around Python's strings, names and calls. All of them for slow paths.
#pragma once

#include "python/compat.hpp"

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace attolog::python {

struct Release {
  void operator()(PyObject* object) const { Py_DECREF(object); }
};
using PyRef = std::unique_ptr<PyObject, Release>;

// The text as WTF-8: lone surrogates are kept. Leaves no copy behind on the object. `text` must be
// a str. Without memory it throws std::bad_alloc, and leaves no Python exception set.
std::string to_wtf8(PyObject* text);
// The WTF-8 of a text that was made for this, as to_wtf8; the reference is given up.
std::string steal_wtf8(PyObject* text);
// The str of a WTF-8 text; a new reference, null with an exception set when memory runs out.
PyObject* from_wtf8(std::string_view text);

bool equal_text(PyObject* a, PyObject* b);             // two str
bool equal_names(PyObject* a, PyObject* b);            // two tuples of str, or null for none
std::vector<std::string> names_of(PyObject* kwnames);  // a tuple of str, or null

// A new list of str; null with an exception set when memory runs out.
PyObject* list_of(const std::vector<std::string>& texts);

// Ends what cannot go on since Python has no memory: clears its exception, throws std::bad_alloc. A
// log call then drops its record and counts it, but does not raise.
[[noreturn]] void throw_no_memory();

// Clears the exception that is set if it is an Exception; false for what must pass
// (KeyboardInterrupt, SystemExit), which stays set.
bool clear_if_ordinary();

// A method of which C++ exceptions (no memory) become MemoryError: none may reach Python's frames.
template <PyObject* (*function)(PyObject*, PyObject*, PyObject*)>
PyObject* guarded(PyObject* self, PyObject* args, PyObject* kwargs) {
  try {
    return function(self, args, kwargs);
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}
template <PyObject* (*function)(PyObject*, PyObject*)>
PyObject* guarded_simple(PyObject* self, PyObject* argument) {
  try {
    return function(self, argument);
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}
template <PyObject* (*function)(PyObject*, void*)>
PyObject* guarded_get(PyObject* self, void* which) {
  try {
    return function(self, which);
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}

}  // namespace attolog::python
