// Reader.processes(): the processes that wrote a journal.
#pragma once

#include "python/compat.hpp"

#include <memory>

#include "reader/journal_reader.hpp"

namespace attolog::python {

// A list of (pid, run, time of the first record, of the last, records, threads). Null with an
// exception set.
PyObject* make_processes(std::shared_ptr<JournalReader> journal);

}  // namespace attolog::python
