// Reader.summarize(): tables in figures, as dicts.
#pragma once

#include "python/compat.hpp"

#include <memory>

#include "reader/journal_reader.hpp"

namespace attolog::python {

// Of one table; `args` and `kwargs` are those of the method. Null with an exception set.
PyObject* summarize(const std::shared_ptr<JournalReader>& journal, PyObject* args,
                    PyObject* kwargs);

// Of all tables.
PyObject* summarize_all(const std::shared_ptr<JournalReader>& journal, PyObject* args,
                        PyObject* kwargs);

}  // namespace attolog::python
