// A log call taken apart, and what tells its place.
#pragma once

#include "python/compat.hpp"

#include <cstdint>

#include "python/route/logger_object.hpp"

namespace attolog::python {

// One call, taken apart. Values are the arguments behind the first, positional ones before named.
struct Call {
  Logger* logger;
  PyObject* first;
  PyObject* const* values;
  Py_ssize_t n_positional;  // values among them
  PyObject* kwnames;
  std::uint8_t level;
  // The first of the positional ones, whose names `first` has.
  Py_ssize_t n_from_template = 0;

  Py_ssize_t n_values() const {
    return n_positional + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
  }
};

// A number for the place that is calling; not 0.
inline std::uintptr_t place_of_call() {
  const std::uintptr_t place = call_place();
  return place != 0 ? place : 16;  // nothing of Python is calling
}

}  // namespace attolog::python
