// attolog._core.Reader: what the Python side of reading stands on.
#pragma once

#include "python/compat.hpp"

#include <memory>
#include <string>
#include <vector>

#include "reader/journal_reader.hpp"
#include "reader/pending.hpp"

namespace attolog::python {

// What a Reader reads.
struct ReaderState {
  std::vector<Pending> pending;       // of each journal: the records of their rings
  std::vector<std::string> problems;  // beside those of the journal
  std::shared_ptr<JournalReader> journal;
};

// Null with an exception set.
PyObject* make_reader(std::unique_ptr<ReaderState> state);

bool add_reader_type(PyObject* module);

}  // namespace attolog::python
