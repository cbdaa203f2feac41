#include "python/refusal.hpp"

#include "python/values/text.hpp"

namespace attolog::python {

PyObject* show_briefly(PyObject* value) {
  constexpr Py_ssize_t kMost = 100;
  PyObject* text = PyObject_Repr(value);
  if (text == nullptr) {
    if (!clear_if_ordinary()) return nullptr;
    return PyUnicode_FromFormat("<%s>", Py_TYPE(value)->tp_name);
  }
  if (PyUnicode_GET_LENGTH(text) <= kMost) return text;
  PyObject* start = PyUnicode_Substring(text, 0, kMost);
  Py_DECREF(text);
  PyObject* shown = start == nullptr ? nullptr : PyUnicode_FromFormat("%U...", start);
  Py_XDECREF(start);
  return shown;
}

bool refuse(const char* option, const char* allowed, PyObject* value) {
  PyObject* shown = show_briefly(value);
  if (shown == nullptr) return false;
  PyErr_Format(PyExc_ValueError, "%s must be %s, not %U", option, allowed, shown);
  Py_DECREF(shown);
  return false;
}

bool refuse_type(const char* option, const char* allowed, PyObject* value) {
  PyErr_Format(PyExc_TypeError, "%s must be %s, not %s", option, allowed, Py_TYPE(value)->tp_name);
  return false;
}

bool take_policy(const char* what, const std::string& text, Policy& policy) {
  std::string complaint;
  const auto parsed = parse_policy(text, complaint);
  if (parsed) {
    policy = *parsed;
    return true;
  }
  PyErr_Format(PyExc_ValueError, "%s: '%s': %s", what, text.c_str(), complaint.c_str());
  return false;
}

}  // namespace attolog::python
