// The streams that stand in the place of sys.stdout and sys.stderr: an io.TextIOWrapper whose
// writes become records, and which knows when the program gives it a `write` of its own.
#pragma once

#include "python/compat.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "python/prints/prints.hpp"

namespace attolog::python {

// The bytes that the stream itself writes for a text. False with an exception set: it refuses the
// text.
bool encode_by_stream(Prints::Stream stream, PyObject* text, std::string& bytes);
// Logs what is shown at once, and not by the echo, where the record has other bytes.
bool emit_beside(Prints::Stream stream, std::uint32_t site, const Buffer& values,
                 std::string_view shown);

// Functions of the module.
PyObject* write_to(PyObject*, PyObject* args);
PyObject* attach_stream(PyObject*, PyObject* args);
PyObject* close_stream(PyObject*, PyObject* number);

bool add_stream_types(PyObject* module);

}  // namespace attolog::python
