#include "python/prints/echo_errors.hpp"

#include "python/prints/prints.hpp"
#include "python/route/logger_core.hpp"
#include "python/route/logger_object.hpp"
#include "python/waiting.hpp"
#include "writer/channel.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

int first_error(const LoggerCore& core, int stream) {
  const auto channel = core.last_channel();
  int error = channel == nullptr ? 0 : channel->console_error(stream);
  for (const auto& target : core.targets()) {
    if (error == 0) error = first_error(*target, stream);
  }
  return error;
}

bool is_stream(int stream) {
  if (stream == 1 || stream == 2) return true;
  PyErr_Format(PyExc_ValueError, "stream must be 1 or 2, not %i", stream);
  return false;
}

}  // namespace

void forget_screen_error(int stream) {
  for (const auto& channel : WriterThread::get().channels()) channel->clear_console_error(stream);
  prints.is_error_told[stream - 1].store(false, std::memory_order_relaxed);
}

PyObject* drain_echo(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"logger", "timeout", nullptr};
  PyObject* logger = nullptr;
  PyObject* timeout = Py_None;
  Deadline deadline;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|O:drain_echo", const_cast<char**>(names),
                                   logger_type, &logger, &timeout) ||
      !take_deadline(timeout, deadline)) {
    return nullptr;
  }
  bool is_done = true;
  const bool is_over = show_all(*as_logger(logger)->core, deadline, is_done);
  return is_over ? PyBool_FromLong(is_done ? 1 : 0) : nullptr;
}

PyObject* echo_error(PyObject*, PyObject* args) {
  PyObject* logger = nullptr;
  int stream = 0;
  if (!PyArg_ParseTuple(args, "O!i:echo_error", logger_type, &logger, &stream)) return nullptr;
  if (!is_stream(stream)) return nullptr;
  return PyLong_FromLong(first_error(*as_logger(logger)->core, stream));
}

PyObject* has_raised_echo_error(PyObject*, PyObject* args) {
  int stream = 0;
  if (!PyArg_ParseTuple(args, "i:has_raised_echo_error", &stream) || !is_stream(stream))
    return nullptr;
  return PyBool_FromLong(prints.is_error_told[stream - 1].load(std::memory_order_relaxed) ? 1 : 0);
}

}  // namespace attolog::python
