#include "python/call/line.hpp"

#include <string>

#include "python/call/template_string.hpp"
#include "python/helpers.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

PyObject* text_of(PyObject* object, bool is_template) {
  if (is_template_string(object)) return filled(object, is_template).release();
  PyObject* text = PyObject_Str(object);
  std::string failure;
  if (text != nullptr || !describe_failure(object, "str()", failure)) return text;
  std::string shown;
  for (const char c : failure) {
    if (is_template && (c == '{' || c == '}')) shown += c;
    shown += c;
  }
  text = from_wtf8(shown);
  if (text == nullptr) throw_no_memory();
  return text;
}

PyObject* join_line(PyObject* const* values, Py_ssize_t n) {
  PyObject* parts = PyList_New(0);
  if (parts == nullptr) return nullptr;
  bool done = true;
  for (Py_ssize_t i = 0; done && i < n; ++i) {
    PyObject* text = text_of(values[i], false);
    done = text != nullptr && PyList_Append(parts, text) == 0;
    Py_XDECREF(text);
  }
  PyObject* blank = PyUnicode_FromOrdinal(' ');  // CPython keeps one of each
  PyObject* end = PyUnicode_FromOrdinal('\n');
  PyObject* joined = done ? PyUnicode_Join(blank, parts) : nullptr;
  PyObject* line = joined == nullptr ? nullptr : PyUnicode_Concat(joined, end);
  Py_XDECREF(joined);
  Py_DECREF(parts);
  Py_DECREF(blank);
  Py_DECREF(end);
  return line;
}

PyObject* line_with_options(PyObject* const* values, Py_ssize_t n, PyObject* kwnames) {
  PyObject* args = PyTuple_New(n);
  PyObject* options = args == nullptr ? nullptr : PyDict_New();
  for (Py_ssize_t i = 0; options != nullptr && i < n; ++i) {
    PyTuple_SET_ITEM(args, i, Py_NewRef(values[i]));
  }
  for (Py_ssize_t i = 0; options != nullptr && i < PyTuple_GET_SIZE(kwnames); ++i) {
    if (PyDict_SetItem(options, PyTuple_GET_ITEM(kwnames, i), values[n + i]) != 0) {
      Py_CLEAR(options);
    }
  }
  PyObject* line =
      options == nullptr ? nullptr : call_helper(join_print_line, "(OO)", args, options);
  Py_XDECREF(options);
  Py_XDECREF(args);
  return line;
}

}  // namespace attolog::python
