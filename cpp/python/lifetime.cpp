// Waiting for the file, and the end of a logger: flush, close, with.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "python/logger.hpp"
#include "python/options.hpp"

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

// From now; none for ever, which is also what more seconds than anybody waits mean. False with an
// exception set.
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

// Waits in slices, so that Ctrl-C gets through: false then, with the exception set.
bool flush_channel(Channel& channel, const Deadline& deadline, bool& is_done) {
  if (channel.is_forked()) return true;  // nothing was logged here yet
  bool is_through = false;
  bool is_over = false;
  bool is_interrupted = false;
  channel.pin();
  while (!is_through && !is_over && !is_interrupted) {
    const auto now = std::chrono::steady_clock::now();
    const auto slice = now + std::chrono::milliseconds(100);
    is_over = deadline && *deadline <= slice;
    PyThreadState* state = PyEval_SaveThread();
    is_through = channel.flush(is_over ? *deadline : slice);
    is_over = is_over || channel.is_failing() || channel.is_finished();
    PyEval_RestoreThread(state);
    is_interrupted = PyErr_CheckSignals() != 0;
  }
  channel.unpin();
  is_done = is_done && is_through;
  return !is_interrupted;
}

// All channels that records of the logger go to. False with an exception set: interrupted.
bool flush_all(const Root& root, const Deadline& deadline, bool& is_done) {
  for (const auto& before : root.unfinished()) {
    if (!flush_channel(*before, deadline, is_done)) return false;
  }
  Channel* channel = root.channel.load(std::memory_order_acquire);
  if (channel != nullptr && !flush_channel(*channel, deadline, is_done)) return false;
  return std::ranges::all_of(
      root.targets, [&](const auto& target) { return flush_all(*target, deadline, is_done); });
}

}  // namespace

PyObject* flush(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"timeout", nullptr};
  PyObject* timeout = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:flush", const_cast<char**>(names), &timeout))
    return nullptr;
  Deadline deadline;
  if (!take_deadline(timeout, deadline)) return nullptr;
  bool is_done = true;
  if (!flush_all(*as_logger(self)->root, deadline, is_done)) return nullptr;
  return PyBool_FromLong(is_done ? 1 : 0);
}

namespace {

bool close_channel(const std::shared_ptr<Channel>& channel, const Deadline& deadline) {
  PyThreadState* state = PyEval_SaveThread();
  const bool is_done = channel->close(deadline);
  PyEval_RestoreThread(state);
  return is_done;
}

Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(5);
}

// Closes what records go to, and waits for the files they went to before; flushes what belongs to
// other loggers. `is_done`: whether all is written. False with an exception set: interrupted.
bool close_all(Root& root, const Deadline& deadline, bool& is_done) {
  const auto channel = root.take_down(true);
  root.tell_remainders();
  is_done = true;
  for (const auto& before : root.unfinished()) is_done = close_channel(before, deadline) && is_done;
  // A forked child that has not logged has nothing to wait for.
  if (channel != nullptr && !channel->is_forked()) {
    is_done = close_channel(channel, deadline) && is_done;
  }
  return std::ranges::all_of(
      root.targets, [&](const auto& target) { return flush_all(*target, deadline, is_done); });
}

}  // namespace

PyObject* close_logger(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"timeout", nullptr};
  PyObject* timeout = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:close", const_cast<char**>(names), &timeout))
    return nullptr;
  Deadline deadline = soon();
  if (timeout != nullptr && !take_deadline(timeout, deadline)) return nullptr;
  bool is_done = true;
  if (!close_all(*as_logger(self)->root, deadline, is_done)) return nullptr;
  return PyBool_FromLong(is_done ? 1 : 0);
}

PyObject* enter(PyObject* self, PyObject*) {
  return Py_NewRef(self);
}

PyObject* leave(PyObject* self, PyObject*, PyObject*) {
  bool is_done = true;
  if (!close_all(*as_logger(self)->root, soon(), is_done)) return nullptr;
  Py_RETURN_FALSE;
}

}  // namespace attolog::python
