// What of a message Python has to format, which is done at the call.
#pragma once

#include "python/compat.hpp"

#include <cstddef>

#include "core/buffer.hpp"
#include "core/value.hpp"
#include "format/template.hpp"
#include "python/call/call.hpp"

namespace attolog::python {

// What becomes of an exception in a value's own code, or of a value that its hole does not take.
enum class OnError {
  keep,   // the record says so; logging raises nothing that need not pass
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

// Appends the value with its text: its number, where that takes no more work than the text, else
// the text alone. `text`: a str.
void encode_with_text(Buffer& out, PyObject* value, PyObject* text, std::size_t most);

}  // namespace attolog::python
