// Waiting for file and screen, and the end of a logger: flush, drain_echo, close, with.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <exception>
#include <string_view>
#include <utility>

#include "python/control.hpp"
#include "python/helpers.hpp"
#include "python/logger.hpp"
#include "python/options.hpp"
#include "python/text.hpp"
#include "python/without_gil.hpp"
#include "writer/writer.hpp"

namespace attolog::python {

namespace {

Helper kDrainAtEnd{"attolog._exit_hooks", "drain_at_end"};
Helper kEndChildren{"attolog._exit_hooks", "end_children"};

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

// Calls `wait(end, is_over)` in slices, so that Ctrl-C gets through: false then, with the exception
// set. It says whether what is waited for has come, and may say that it never will.
template <class Wait>
bool wait_in_slices(Channel& channel, const Deadline& deadline, bool& is_done, const Wait& wait) {
  bool is_through = false;
  bool is_over = false;
  bool is_interrupted = false;
  std::exception_ptr error;
  channel.pin();
  while (!is_through && !is_over && !is_interrupted) {
    const auto now = std::chrono::steady_clock::now();
    const auto slice = now + std::chrono::milliseconds(100);
    is_over = deadline && *deadline <= slice;
    PyThreadState* state = PyEval_SaveThread();
    try {
      is_through = wait(is_over ? *deadline : slice, is_over);
    } catch (const std::exception&) {  // no memory: told once the GIL is back
      error = std::current_exception();
      is_over = true;
    }
    PyEval_RestoreThread(state);
    is_interrupted = PyErr_CheckSignals() != 0;
  }
  channel.unpin();
  if (error != nullptr) std::rethrow_exception(std::move(error));
  is_done = is_done && is_through;
  return !is_interrupted;
}

// Until it is shown.
bool show_channel(Channel& channel, const Deadline& deadline, bool& is_done) {
  if (!channel.has_echo() || channel.is_forked()) return true;
  std::optional<std::uint64_t> position;
  return wait_in_slices(channel, deadline, is_done, [&](SteadyTime end, bool&) {
    if (!position) position = channel.echo_position();
    return channel.wait_for_echo(*position, end);
  });
}

// Until it is in the file, and shown.
bool flush_channel(Channel& channel, const Deadline& deadline, bool& is_done) {
  if (channel.is_forked()) return true;  // nothing was logged here yet
  return wait_in_slices(channel, deadline, is_done,
                        [&](SteadyTime end, bool& is_over) {
                          const bool is_through = channel.flush(end);
                          is_over = is_over || channel.is_failing() || channel.is_finished();
                          return is_through;
                        }) &&
         show_channel(channel, deadline, is_done);
}

// Calls `wait` with all channels that records of the logger go to. False with an exception set:
// interrupted.
template <class Wait>
bool wait_for_all(const Root& root, const Wait& wait) {
  for (const auto& before : root.unfinished()) {
    if (!wait(*before)) return false;
  }
  Channel* channel = root.channel.load(std::memory_order_acquire);
  if (channel != nullptr && !wait(*channel)) return false;
  return std::ranges::all_of(root.targets,
                             [&](const auto& target) { return wait_for_all(*target, wait); });
}

bool flush_all(const Root& root, const Deadline& deadline, bool& is_done) {
  return wait_for_all(root,
                      [&](Channel& channel) { return flush_channel(channel, deadline, is_done); });
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

bool show_all(const Root& root, const Deadline& deadline, bool& is_done) {
  return wait_for_all(root,
                      [&](Channel& channel) { return show_channel(channel, deadline, is_done); });
}

PyObject* drain_echo(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"logger", "timeout", nullptr};
  PyObject* logger = nullptr;
  PyObject* timeout = Py_None;
  Deadline deadline;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|O:drain_echo", const_cast<char**>(names),
                                   types.logger, &logger, &timeout) ||
      !take_deadline(timeout, deadline)) {
    return nullptr;
  }
  bool is_done = true;
  const bool is_over = show_all(*as_logger(logger)->root, deadline, is_done);
  return is_over ? PyBool_FromLong(is_done ? 1 : 0) : nullptr;
}

namespace {

int first_error(const Root& root, int stream) {
  int error = 0;
  {
    const std::lock_guard lock(root.mutex);
    if (root.owner != nullptr) error = root.owner->echo_error(stream);
  }
  for (const auto& target : root.targets) {
    if (error == 0) error = first_error(*target, stream);
  }
  return error;
}

// What all echoes of the process still have to show. False with an exception set: interrupted.
bool show_echoes(const Deadline& deadline = std::nullopt) {
  for (const auto& channel : Writer::get().channels()) {
    bool is_done = true;
    if (!show_channel(*channel, deadline, is_done)) return false;
  }
  return true;
}

// The program's end waits for who reads what it has logged, as it would for what it has printed.
PyObject* drain_echoes(PyObject*, PyObject*) {
  return show_echoes() ? Py_NewRef(Py_None) : nullptr;
}

// Events of sys.audit behind which somebody else may write to the screen, or nobody any more.
constexpr std::array<std::string_view, 9> kDrainBefore = {
    "builtins.input", "os.exec",   "os.fork",   "os.forkpty",      "os.posix_spawn",
    "os.spawn",       "os.system", "pty.spawn", "subprocess.Popen"};

// By a signal that nobody can catch.
bool kills_itself(const char* event, PyObject* args) {
  if (std::string_view(event) != "os.kill" || PyTuple_GET_SIZE(args) != 2) return false;
  PyObject* own = PyLong_FromLong(::getpid());
  PyObject* kill = PyLong_FromLong(SIGKILL);
  const bool is_it = own != nullptr && kill != nullptr &&
                     PyObject_RichCompareBool(PyTuple_GET_ITEM(args, 0), own, Py_EQ) == 1 &&
                     PyObject_RichCompareBool(PyTuple_GET_ITEM(args, 1), kill, Py_EQ) == 1;
  Py_XDECREF(own);
  Py_XDECREF(kill);
  PyErr_Clear();
  return is_it;
}

int drain_at(const char* event, PyObject* args, void*) try {
  if (kills_itself(event, args)) {
    if (!show_echoes(std::chrono::steady_clock::now() + std::chrono::seconds(1))) PyErr_Clear();
    return 0;
  }
  const bool is_one = std::ranges::find(kDrainBefore, event) != kDrainBefore.end();
  return !is_one || show_echoes() ? 0 : -1;
} catch (const std::exception&) {
  return 0;  // no memory to wait with: the program goes on
}

// False with an exception set.
bool take_stream(PyObject* args, const char* format, PyObject*& logger, int& stream) {
  if (!PyArg_ParseTuple(args, format, types.logger, &logger, &stream)) return false;
  if (stream == 1 || stream == 2) return true;
  PyErr_Format(PyExc_ValueError, "stream must be 1 or 2, not %i", stream);
  return false;
}

}  // namespace

PyObject* echo_error(PyObject*, PyObject* args) {
  PyObject* logger = nullptr;
  int stream = 0;
  if (!take_stream(args, "O!i:echo_error", logger, stream)) return nullptr;
  return PyLong_FromLong(first_error(*as_logger(logger)->root, stream));
}

PyObject* forget_echo_error(PyObject*, PyObject* args) {
  PyObject* logger = nullptr;
  int stream = 0;
  if (!take_stream(args, "O!i:forget_echo_error", logger, stream)) return nullptr;
  const Root& root = *as_logger(logger)->root;
  const std::lock_guard lock(root.mutex);
  if (root.owner != nullptr) root.owner->forget_echo_error(stream);
  Py_RETURN_NONE;
}

bool drain_echoes_in_time() {
  static std::atomic<bool> is_asked{false};
  static PyMethodDef hook{"drain_echoes", guarded_simple<drain_echoes>, METH_NOARGS, nullptr};
  if (is_asked.exchange(true)) return true;
  PyObject* function = PyCFunction_New(&hook, nullptr);
  PyObject* done = function == nullptr ? nullptr : call_helper(kDrainAtEnd, "(O)", function);
  Py_XDECREF(function);
  Py_XDECREF(done);
  const bool is_done = done != nullptr && PySys_AddAuditHook(drain_at, nullptr) == 0;
  if (!is_done) is_asked.store(false);
  return is_done;
}

namespace {

// Until it is in the file, as long as its exit_timeout allows, and shown: what is left by then is
// for recovery. False with an exception set: interrupted.
bool end_channel(Channel& channel) {
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                       std::chrono::duration<double>(channel.options().exit_timeout));
  bool is_done = true;
  const bool goes_on = wait_in_slices(channel, end, is_done, [&](SteadyTime slice, bool& is_over) {
    const bool is_closed = channel.close(slice);
    is_over = is_over || channel.is_failing() || channel.is_finished();
    return is_closed;
  });
  if (!goes_on) return false;
  if (!is_done) channel.give_up();
  return show_channel(channel, std::nullopt, is_done);
}

// The end of a process that ends by os._exit(): all that was logged is in the files, and nothing is
// left in memory. What is logged later still is as good as ever.
PyObject* end_loggers(PyObject*, PyObject*) {
  for (const auto& root : living_loggers()) root->succeed();
  for (const auto& channel : Writer::get().channels()) {
    if (channel->is_finished() || channel->is_forked()) continue;
    if (!end_channel(*channel)) return nullptr;
  }
  Writer::get().unlist();
  Py_RETURN_NONE;
}

}  // namespace

bool close_at_end_of_children() {
  static std::atomic<bool> is_asked{false};
  static PyMethodDef hook{"end_loggers", end_loggers, METH_NOARGS, nullptr};
  if (is_asked.exchange(true)) return true;
  PyObject* function = PyCFunction_New(&hook, nullptr);
  PyObject* done = function == nullptr ? nullptr : call_helper(kEndChildren, "(O)", function);
  Py_XDECREF(function);
  Py_XDECREF(done);
  if (done == nullptr) is_asked.store(false);
  return done != nullptr;
}

namespace {

// In the file within the time, and shown. False with an exception set: interrupted.
bool close_channel(const std::shared_ptr<Channel>& channel, const Deadline& deadline,
                   bool& is_done) {
  bool is_closed = false;
  outside_gil([&] { is_closed = channel->close(deadline); });
  is_done = is_done && is_closed;
  return show_channel(*channel, deadline, is_done);
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
  for (const auto& before : root.unfinished()) {
    if (!close_channel(before, deadline, is_done)) return false;
  }
  // A forked child that has not logged has nothing to wait for.
  if (channel != nullptr && !channel->is_forked() && !close_channel(channel, deadline, is_done)) {
    return false;
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
