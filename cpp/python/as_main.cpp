// A program run as the interpreter runs its main program, and what must be on the screen before
// others write there.
#include <algorithm>
#include <array>
#include <string_view>

#include "python/prints.hpp"

namespace attolog::python {

namespace {

constexpr int kInterrupted = 130;

// Events of sys.audit behind which somebody else may write to the screen, or nobody any more.
constexpr std::array<std::string_view, 10> kDrainBefore = {
    "builtins.input", "os.exec",  "os.fork",   "os.forkpty", "os.kill",
    "os.posix_spawn", "os.spawn", "os.system", "pty.spawn",  "subprocess.Popen"};

int drain_at(const char* event, PyObject*, void* logger) {
  if (std::ranges::find(kDrainBefore, event) == kDrainBefore.end()) return 0;
  bool is_done = true;
  return show_all(*static_cast<Logger*>(logger)->root, std::nullopt, is_done) ? 0 : -1;
}

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
  const WithoutCallers outermost;
  PyObject* result = call_program(args);
  if (result != nullptr) {
    Py_DECREF(result);
    return PyLong_FromLong(0);
  }
  const bool is_interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
  PyErr_PrintEx(1);  // of SystemExit the process ends in here
  return PyLong_FromLong(is_interrupted ? kInterrupted : 1);
}

PyObject* drain_before(PyObject*, PyObject* logger) {
  if (!PyObject_TypeCheck(logger, types.logger)) {
    PyErr_SetString(PyExc_TypeError, "drain_before() takes a logger");
    return nullptr;
  }
  if (PySys_AddAuditHook(drain_at, Py_NewRef(logger)) != 0) return nullptr;
  Py_RETURN_NONE;
}

}  // namespace attolog::python
