#include "python/prints/print_source.hpp"

#include <string_view>

#include "python/prints/prints.hpp"

namespace attolog::python {

namespace {

// A value for str.format, which shows it as `%` does where the program has it there.
PyObject* value_of(const PrintSource& source, PyObject* const* values, Py_ssize_t at) {
  const Conversion& conversion = source.conversions[static_cast<std::size_t>(at)];
  const bool is_operand =
      conversion.format != nullptr && conversion.n_before != Conversion::kFormat;
  return is_operand && !is_print_value(values[at]) ? new_value_to_show(values[at], conversion)
                                                   : Py_NewRef(values[at]);
}

// One argument of the print, as a new reference: a value, a constant, or a format and its values.
PyObject* argument_of(const PrintSource& print, PyObject* source, PyObject* const* values) {
  PyObject* const first = PyTuple_GET_ITEM(source, 0);
  if (PyTuple_GET_SIZE(source) == 1) return Py_NewRef(values[PyLong_AsSsize_t(first)]);
  PyObject* const second = PyTuple_GET_ITEM(source, 1);
  if (first == Py_None) return Py_NewRef(second);
  PyObject* shown = PyTuple_New(PyTuple_GET_SIZE(second));
  for (Py_ssize_t i = 0; shown != nullptr && i < PyTuple_GET_SIZE(second); ++i) {
    const Py_ssize_t at = PyLong_AsSsize_t(PyTuple_GET_ITEM(second, i));
    PyObject* value = value_of(print, values, at);
    PyTuple_SET_ITEM(shown, i, value);
    if (value == nullptr) Py_CLEAR(shown);
  }
  PyObject* format = shown == nullptr ? nullptr : PyObject_GetAttrString(first, "format");
  PyObject* text = format == nullptr ? nullptr : PyObject_Call(format, shown, nullptr);
  Py_XDECREF(format);
  Py_XDECREF(shown);
  return text;
}

// The options of the print, its stream read now. A new dict.
PyObject* current_options(PyObject* source) {
  PyObject* options = PyDict_Copy(source);
  PyObject* stream = options == nullptr ? nullptr : PyDict_GetItemString(options, "file");
  if (stream == nullptr || stream == Py_None) return options;
  PyObject* file = PyDict_GetItemWithError(prints.sys, stream);
  if (file == nullptr || PyDict_SetItemString(options, "file", file) != 0) Py_CLEAR(options);
  if (file == nullptr && PyErr_Occurred() == nullptr) {
    PyErr_Format(PyExc_AttributeError, "module 'sys' has no attribute '%U'", stream);
  }
  return options;
}

bool is_index(PyObject* object, Py_ssize_t n) {
  if (!PyLong_CheckExact(object)) return false;
  const Py_ssize_t i = PyLong_AsSsize_t(object);
  if (i < 0) PyErr_Clear();
  return i >= 0 && i < n;
}

// Whether it is one argument of a print as compile_print takes it.
bool is_one_argument(PyObject* source, Py_ssize_t n_values) {
  if (!PyTuple_Check(source)) return false;
  const Py_ssize_t n = PyTuple_GET_SIZE(source);
  if (n == 1) return is_index(PyTuple_GET_ITEM(source, 0), n_values);
  if (n != 2) return false;
  PyObject* const first = PyTuple_GET_ITEM(source, 0);
  PyObject* const second = PyTuple_GET_ITEM(source, 1);
  if (first == Py_None) return true;
  if (!PyUnicode_CheckExact(first) || !PyTuple_Check(second)) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(second); ++i) {
    if (!is_index(PyTuple_GET_ITEM(second, i), n_values)) return false;
  }
  return true;
}

}  // namespace

bool are_arguments(PyObject* arguments, Py_ssize_t n_values) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); ++i) {
    if (!is_one_argument(PyTuple_GET_ITEM(arguments, i), n_values)) return false;
  }
  return true;
}

PyObject* print_as_written(PyObject* print, const PrintSource& source, PyObject* const* values) {
  PyObject* const arguments = source.arguments;
  PyObject* args = PyTuple_New(PyTuple_GET_SIZE(arguments));
  for (Py_ssize_t i = 0; args != nullptr && i < PyTuple_GET_SIZE(arguments); ++i) {
    PyObject* argument = argument_of(source, PyTuple_GET_ITEM(arguments, i), values);
    PyTuple_SET_ITEM(args, i, argument);
    if (argument == nullptr) Py_CLEAR(args);
  }
  PyObject* options = args == nullptr ? nullptr : current_options(source.options);
  PyObject* result = options == nullptr ? nullptr : PyObject_Call(print, args, options);
  Py_XDECREF(options);
  Py_XDECREF(args);
  return result;
}

std::optional<bool> flush_of(PyObject* print) {
  std::optional<bool> found;
  if (std::string_view(Py_TYPE(print)->tp_name) != "functools.partial") return found;
  PyObject* function = PyObject_GetAttrString(print, "func");
  PyObject* args = function == nullptr ? nullptr : PyObject_GetAttrString(print, "args");
  PyObject* options = args == nullptr ? nullptr : PyObject_GetAttrString(print, "keywords");
  const bool is_one = options != nullptr && function == prints.print && PyTuple_Check(args) &&
                      PyTuple_GET_SIZE(args) == 0 && PyDict_Check(options) &&
                      PyDict_Size(options) == 1;
  if (is_one) {
    PyObject* flush = PyDict_GetItemString(options, "flush");
    if (flush != nullptr && PyBool_Check(flush)) found = flush == Py_True;
  }
  Py_XDECREF(options);
  Py_XDECREF(args);
  Py_XDECREF(function);
  PyErr_Clear();
  return found;
}

}  // namespace attolog::python
