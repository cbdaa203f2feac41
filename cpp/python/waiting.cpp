#include "python/waiting.hpp"

#include <cmath>
#include <optional>

#include "python/refusal.hpp"

namespace attolog::python {

namespace {

constexpr const char* kTimeout = "None or seconds, 0 or more";

// As a double; infinite where that holds no number so large. False with an exception set.
bool take_number(PyObject* timeout, double& seconds) {
  seconds = PyFloat_AsDouble(timeout);
  if (seconds != -1.0 || PyErr_Occurred() == nullptr) return true;
  if (PyErr_ExceptionMatches(PyExc_TypeError)) {
    PyErr_Clear();
    return refuse_type("timeout", kTimeout, timeout);
  }
  if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return false;
  PyErr_Clear();
  const int is_negative = PyObject_RichCompareBool(timeout, Py_False, Py_LT);  // False: zero
  seconds = is_negative != 0 ? -HUGE_VAL : HUGE_VAL;
  return is_negative >= 0;
}

}  // namespace

bool take_deadline(PyObject* timeout, Deadline& deadline) {
  deadline.reset();
  if (timeout == Py_None) return true;
  double seconds = 0;
  if (!take_number(timeout, seconds)) return false;
  if (!(seconds >= 0)) return refuse("timeout", kTimeout, timeout);
  if (seconds >= kLongest) return true;
  deadline =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
  return true;
}

bool show_channel(Channel& channel, const Deadline& deadline, bool& is_done) {
  if (!channel.has_mirror() || channel.is_forked()) return true;
  std::optional<std::uint64_t> position;
  return wait_in_slices(channel, deadline, is_done, [&](SteadyTime end, bool&) {
    if (!position) position = channel.mirror_now();
    return channel.wait_for_console(*position, end);
  });
}

bool show_all(const LoggerCore& core, const Deadline& deadline, bool& is_done) {
  return wait_for_all(core,
                      [&](Channel& channel) { return show_channel(channel, deadline, is_done); });
}

}  // namespace attolog::python
