/* The unit of the call benchmarks: functions that take their arguments and do nothing.
 *
 * METH_FASTCALL, the cheapest convention that takes several arguments. There are eight copies of one
 * and the same function, since where the linker happens to put it makes a difference of up to 1.6 x;
 * the fastest is the unit. (Compile with -fno-ipa-icf: it would fold them into one.)
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define EMPTY(n)                                                                          \
  __attribute__((noinline)) static PyObject* empty##n(PyObject* self, PyObject* const* args, \
                                                      Py_ssize_t nargs) {                 \
    (void)self, (void)args, (void)nargs;                                                  \
    Py_RETURN_NONE;                                                                       \
  }
EMPTY(0) EMPTY(1) EMPTY(2) EMPTY(3) EMPTY(4) EMPTY(5) EMPTY(6) EMPTY(7)

#define ENTRY(n) {"empty" #n, (PyCFunction)(void (*)(void))empty##n, METH_FASTCALL, NULL}
static PyMethodDef methods[] = {ENTRY(0), ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4),
                                ENTRY(5), ENTRY(6), ENTRY(7), {NULL, NULL, 0, NULL}};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "attolog_empty", NULL, -1, methods,
                             NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_attolog_empty(void) { return PyModule_Create(&module); }
