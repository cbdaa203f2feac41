// Reader.fields(): the columns of a table, without a row.
#pragma once

#include "python/compat.hpp"

#include "reader/journal_reader.hpp"

namespace attolog::python {

// A list of (name, Arrow's format, note, inner fields); `args` are (name, origin, nested). Null
// with an exception set.
PyObject* make_fields(const JournalReader& journal, PyObject* args);

}  // namespace attolog::python
