// Reader.samples(): a table's records as far as an estimate needs them, without Arrow.
#pragma once

#include "python/compat.hpp"

#include <memory>

#include "reader/journal_reader.hpp"

namespace attolog::python {

// The index of the table that has this name in Python; Catalog::kNoTable if there is none. A name
// that is no UTF-8 (of a damaged journal) is found by what Python shows of it.
std::size_t find_table(const Catalog& catalog, PyObject* name);

// An iterator over (policy, site, pid, weight, value of `field`, values of `keys`) of the records
// of a table; `args` is (name, field, keys). Null with a KeyError set if there is no such table or
// field; a key may be absent.
PyObject* make_samples(std::shared_ptr<JournalReader> journal, PyObject* args);

bool add_samples_type(PyObject* module);

}  // namespace attolog::python
