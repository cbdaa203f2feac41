// The calls of a logger: log(...), log.debug(...) to log.exception(...), log.log, log.print.
#pragma once

#include "python/compat.hpp"

namespace attolog::python {

PyObject* call_logger(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* kwnames);
// The method __call__, which has the docstring of a call; calls do not come by it.
PyObject* call_by_name(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_debug(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_info(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_warning(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_error(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_critical(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* call_exception(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames);
PyObject* call_text(PyObject* self, PyObject* text);  // .log(text)
PyObject* call_print(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);

}  // namespace attolog::python
