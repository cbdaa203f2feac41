// What takes long, without the GIL.
#pragma once

#include "python/compat.hpp"

#include <cerrno>
#include <exception>
#include <string>
#include <system_error>

#include "reader/journal_reader.hpp"

namespace attolog::python {

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
