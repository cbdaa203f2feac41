#include "python/prints/as_main.hpp"

namespace attolog::python {

namespace {

constexpr int kInterrupted = 130;

PyObject* call_program(PyObject* args) {
  PyObject* const function = PyTuple_GET_ITEM(args, 0);
  if (PyCode_Check(function)) {
    PyObject* const globals = PyTuple_GET_ITEM(args, 1);
    return PyEval_EvalCode(function, globals, globals);
  }
  PyObject* rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
  PyObject* result = rest == nullptr ? nullptr : PyObject_Call(function, rest, nullptr);
  Py_XDECREF(rest);
  return result;
}

}  // namespace

PyObject* call_as_main(PyObject*, PyObject* args) {
  const Py_ssize_t n = PyTuple_GET_SIZE(args);
  if (n == 0 || (PyCode_Check(PyTuple_GET_ITEM(args, 0)) &&
                 (n != 2 || !PyDict_Check(PyTuple_GET_ITEM(args, 1))))) {
    PyErr_SetString(PyExc_TypeError,
                    "call_as_main() takes a callable and its arguments, or code and a dict");
    return nullptr;
  }
  const ScopedOutermostFrame outermost;
  PyObject* result = call_program(args);
  if (result != nullptr) {
    Py_DECREF(result);
    return PyLong_FromLong(0);
  }
  const bool is_interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
  PyErr_PrintEx(1);  // of SystemExit the process ends in here
  return PyLong_FromLong(is_interrupted ? kInterrupted : 1);
}

}  // namespace attolog::python
