// Reader.lines(): an iterator over the records of a journal as lines of text.
#pragma once

#include "python/compat.hpp"

#include <memory>

#include "reader/lines.hpp"

namespace attolog::python {

// The iterator over some whole lines at a time, as bytes; null with an exception set.
PyObject* make_lines(std::unique_ptr<LineStream> lines);

bool add_lines_type(PyObject* module);

}  // namespace attolog::python
