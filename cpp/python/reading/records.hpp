// Reader.records(): an iterator over all records of a journal.
#pragma once

#include "python/compat.hpp"

#include <memory>

#include "reader/catalog.hpp"
#include "reader/journal_reader.hpp"

namespace attolog::python {

// The word for a kind of records.
const char* kind_name(TableKind kind);

// The iterator over a stream of the journal; null with an exception set.
PyObject* make_records(std::shared_ptr<JournalReader> journal,
                       std::unique_ptr<RecordStream> stream);

bool add_records_type(PyObject* module);

}  // namespace attolog::python
