// attolog._core.Reader: what the Python side of reading stands on.
#pragma once

#include "python/compat.hpp"

#include <memory>

#include "reader/journal_reader.hpp"
#include "reader/pending.hpp"

namespace attolog::python {

// The state of a Reader.
struct ReaderState {
  Pending pending;
  std::shared_ptr<JournalReader> journal;
};

// Null with an exception set.
PyObject* make_reader(std::unique_ptr<ReaderState> state);

bool add_reader_type(PyObject* module);

}  // namespace attolog::python
