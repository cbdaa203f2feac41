// Waiting for the file, and the end of a logger: flush, close, with.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

// Methods of loggers.
PyObject* flush(PyObject* self, PyObject* args, PyObject* kwargs);
PyObject* close_logger(PyObject* self, PyObject* args, PyObject* kwargs);
PyObject* enter(PyObject* self, PyObject*);
PyObject* leave(PyObject* self, PyObject*, PyObject*);

// The process ends at once, behind Python's back: waits for the screen, and for the files a second
// at most. False with an exception set: interrupted.
bool end_process();
// From now on the end of multiprocessing's children, os._exit(), is an end for their loggers. False
// with an exception set.
bool close_at_end_of_children();

}  // namespace attolog::python
