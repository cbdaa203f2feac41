#include "python/values/text.hpp"

#include <new>

namespace attolog::python {

std::string to_wtf8(PyObject* text) {
  if (PyUnicode_IS_COMPACT_ASCII(text)) {
    return {static_cast<const char*>(PyUnicode_DATA(text)),
            static_cast<std::size_t>(PyUnicode_GET_LENGTH(text))};
  }
  PyObject* bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
  if (bytes == nullptr) throw_no_memory();
  try {
    std::string result(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes)));
    Py_DECREF(bytes);
    return result;
  } catch (const std::bad_alloc&) {
    Py_DECREF(bytes);
    throw;
  }
}

std::string steal_wtf8(PyObject* text) {
  try {
    std::string result = to_wtf8(text);
    Py_DECREF(text);
    return result;
  } catch (const std::bad_alloc&) {
    Py_DECREF(text);
    throw;
  }
}

PyObject* from_wtf8(std::string_view text) {
  const auto n = static_cast<Py_ssize_t>(text.size());
  PyObject* result = PyUnicode_DecodeUTF8(text.data(), n, "surrogatepass");
  if (result != nullptr || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) return result;
  PyErr_Clear();  // only damage is no WTF-8; names that differ must differ in Python
  return PyUnicode_DecodeUTF8(text.data(), n, "backslashreplace");
}

bool equal_text(PyObject* a, PyObject* b) {
  return a == b ||
         (PyUnicode_GET_LENGTH(a) == PyUnicode_GET_LENGTH(b) && PyUnicode_Compare(a, b) == 0);
}

bool equal_names(PyObject* a, PyObject* b) {
  const Py_ssize_t n = a == nullptr ? 0 : PyTuple_GET_SIZE(a);
  if (a == b) return true;
  if ((b == nullptr ? 0 : PyTuple_GET_SIZE(b)) != n) return false;
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (!equal_text(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i))) return false;
  }
  return true;
}

std::vector<std::string> names_of(PyObject* kwnames) {
  std::vector<std::string> names;
  for (Py_ssize_t i = 0; kwnames != nullptr && i < PyTuple_GET_SIZE(kwnames); ++i) {
    names.push_back(to_wtf8(PyTuple_GET_ITEM(kwnames, i)));
  }
  return names;
}

PyObject* list_of(const std::vector<std::string>& texts) {
  PyObject* list = PyList_New(0);
  for (const std::string& each : texts) {
    PyObject* text = list == nullptr ? nullptr : from_wtf8(each);
    if (text == nullptr || PyList_Append(list, text) != 0) Py_CLEAR(list);
    Py_XDECREF(text);
  }
  return list;
}

void throw_no_memory() {
  PyErr_Clear();
  throw std::bad_alloc();
}

bool clear_if_ordinary() {
  if (!PyErr_Occurred()) return true;
  if (!PyErr_ExceptionMatches(PyExc_Exception)) return false;
  PyErr_Clear();
  return true;
}

}  // namespace attolog::python
