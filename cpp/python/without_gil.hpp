// Runs long work without the GIL.
#pragma once

#include "python/compat.hpp"

#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include "reader/journal_reader.hpp"

namespace attolog::python {

// Calls `action` without the GIL. What it throws is thrown again once the GIL is back: only then
// may anybody make a Python exception of it. A thread that is taken off, or hangs, when it comes
// back for the GIL leaves nothing here that is to be destroyed.
template <class Action>
void outside_gil(const Action& action) {
  std::exception_ptr error;
  PyThreadState* const thread = PyEval_SaveThread();
  try {
    action();
  } catch (const std::exception&) {
    error = std::current_exception();
  }
  PyEval_RestoreThread(thread);
  if (error != nullptr) std::rethrow_exception(std::move(error));
}

// Calls `action` without the GIL; false, with a Python exception set, if it throws.
template <class Action>
bool without_gil(const char* path, const Action& action) {
  PyThreadState* const thread = PyEval_SaveThread();
  PyObject* type = nullptr;
  int error_number = 0;
  std::string message;
  try {
    action();
  } catch (const NotAJournal& error) {
    type = PyExc_ValueError;
    message = error.what();
  } catch (const std::system_error& error) {
    type = PyExc_OSError;
    error_number = error.code().value();
  } catch (const std::exception& error) {
    type = PyExc_OSError;
    message = error.what();
  }
  PyEval_RestoreThread(thread);
  if (type == nullptr) return true;
  if (error_number != 0) {
    errno = error_number;
    PyErr_SetFromErrnoWithFilename(type, path);
  } else {
    PyErr_SetString(type, message.c_str());
  }
  return false;
}

}  // namespace attolog::python
