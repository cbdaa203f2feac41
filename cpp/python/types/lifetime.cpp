#include "python/types/lifetime.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "python/helpers.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/logger_object.hpp"
#include "python/waiting.hpp"
#include "python/without_gil.hpp"
#include "writer/channel.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

Helper kEndChildren{"attolog._native.exit_hooks", "end_children"};

// Until it is in the file, and shown.
bool flush_channel(Channel& channel, const Deadline& deadline, bool& is_done) {
  if (channel.is_forked()) return true;  // nothing was logged here yet
  return wait_in_slices(channel, deadline, is_done,
                        [&](SteadyTime end, bool& is_over) {
                          const bool is_through = channel.flush(end);
                          is_over = is_over || channel.is_failing() || channel.is_released();
                          return is_through;
                        }) &&
         show_channel(channel, deadline, is_done);
}

bool flush_all(const LoggerCore& core, const Deadline& deadline, bool& is_done) {
  return wait_for_all(core,
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
  if (!flush_all(*as_logger(self)->core, deadline, is_done)) return nullptr;
  return PyBool_FromLong(is_done ? 1 : 0);
}

namespace {

// Until it is in the file, and shown: what is left by then is for recovery. False with an exception
// set: interrupted.
bool end_channel(Channel& channel, SteadyTime end) {
  bool is_done = true;
  const bool goes_on = wait_in_slices(channel, end, is_done, [&](SteadyTime slice, bool& is_over) {
    const bool is_closed = channel.close(slice);
    is_over = is_over || channel.is_failing() || channel.is_released();
    return is_closed;
  });
  if (!goes_on) return false;
  if (!is_done) channel.abandon();
  return show_channel(channel, std::nullopt, is_done);
}

// The end of a process that ends by os._exit(): all that was logged is in the files, as long as
// `patience` allows, and nothing is left in memory. Later records are as safe as before. False with
// an exception set: interrupted.
template <class Patience>
bool end_channels(const Patience& patience) {
  for (const auto& core : living_loggers()) core->replace_channel();
  for (const auto& channel : WriterThread::get().channels()) {
    if (channel->is_released() || channel->is_forked()) continue;
    if (!end_channel(*channel, std::chrono::steady_clock::now() + patience(*channel))) return false;
  }
  WriterThread::get().withdraw_page();
  return true;
}

PyObject* end_loggers(PyObject*, PyObject*) {
  const auto patience = [](const Channel& channel) {
    return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(channel.options().exit_timeout));
  };
  return end_channels(patience) ? Py_NewRef(Py_None) : nullptr;
}

}  // namespace

bool end_process() {
  constexpr std::chrono::seconds kLastSecond{1};
  return end_channels([&](const Channel&) { return kLastSecond; });
}

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
bool close_all(LoggerCore& core, const Deadline& deadline, bool& is_done) {
  const auto channel = core.detach_channel(true);
  core.flush_skipped_counts();
  is_done = true;
  for (const auto& before : core.unfinished()) {
    if (!close_channel(before, deadline, is_done)) return false;
  }
  // A forked child that has not logged has nothing to wait for.
  if (channel != nullptr && !channel->is_forked() && !close_channel(channel, deadline, is_done)) {
    return false;
  }
  return std::ranges::all_of(
      core.targets(), [&](const auto& target) { return flush_all(*target, deadline, is_done); });
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
  if (!close_all(*as_logger(self)->core, deadline, is_done)) return nullptr;
  return PyBool_FromLong(is_done ? 1 : 0);
}

PyObject* enter(PyObject* self, PyObject*) {
  return Py_NewRef(self);
}

PyObject* leave(PyObject* self, PyObject*, PyObject*) {
  bool is_done = true;
  if (!close_all(*as_logger(self)->core, soon(), is_done)) return nullptr;
  Py_RETURN_FALSE;
}

}  // namespace attolog::python
