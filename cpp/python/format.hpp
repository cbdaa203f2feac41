// What of a message Python has to format, which is done at the call.
#pragma once

#include "python/compat.hpp"

#include <cstddef>
#include <cstdint>

#include "core/buffer.hpp"
#include "core/value.hpp"
#include "python/call_sites.hpp"

namespace attolog::python {

struct Logger;

// One call, taken apart. Values are the arguments behind the first, positional ones before named.
struct Call {
  Logger* logger;
  PyObject* first;
  PyObject* const* values;
  Py_ssize_t n_positional;  // values among them
  PyObject* kwnames;
  std::uint8_t level;
  Py_ssize_t n_from_template =
      0;  // the first of the positional ones, whose names `first` has, if any

  Py_ssize_t n_values() const {
    return n_positional + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
  }
};

// What becomes of an exception in a value's own code, or of a value that its hole does not take.
enum class OnError {
  keep,   // the record says so; logging does not raise, but for what must pass
  raise,  // as the print would have, for which the call stands
};

// The text of a message, as str.format makes it. Null with an exception set where the template
// cannot be filled.
PyObject* format_message(const Call& call, const Template& shape);

// Appends the text of the whole message, whose template is `shape`, or nothing where that cannot be
// filled. False with an exception set: it must pass.
bool encode_whole(Buffer& values, Tag tag, const Call& call, const Template& shape,
                  std::size_t most, OnError on_error = OnError::keep);

// Appends the value at `index`, with its text where the template's hole cannot be filled natively.
// False with an exception set: it must pass.
bool encode_shown(Buffer& values, const Template& text, std::size_t index, PyObject* value,
                  std::size_t most, OnError on_error = OnError::keep);

}  // namespace attolog::python
