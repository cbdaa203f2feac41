#include "python/refusal.hpp"

#include <algorithm>

#include "python/route/logger_core.hpp"
#include "python/route/rules.hpp"
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

bool check_fit(const LoggerCore& core, const std::string& what, const Policy& policy) {
  const bool keeps_records =
      policy.kind != Policy::Kind::stats && policy.kind != Policy::Kind::last;
  if (keeps_records || !core.ends_in_circular_logs()) return true;
  PyErr_Format(PyExc_ValueError, "%s: '%s': a circular log takes only off, all and samples",
               what.c_str(), to_text(policy).c_str());
  return false;
}

bool check_fit(const LoggerCore& core, const Rules& rules) {
  return std::ranges::all_of(rules.entries(), [&](const auto& rule) {
    return check_fit(core, "rules: " + rule.first, rule.second);
  });
}

}  // namespace attolog::python
