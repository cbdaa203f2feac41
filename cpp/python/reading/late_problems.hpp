// Damage that shows while a table is read: a warning tells of it in the main thread.
#pragma once

#include "python/compat.hpp"

#include <cstddef>
#include <memory>

#include "reader/columns.hpp"
#include "reader/journal_reader.hpp"

namespace attolog::python {

// `rows`, which at its end makes the main thread warn of problems that the journal has got since it
// had `known` of them.
std::unique_ptr<BatchStream> warn_at_end(std::shared_ptr<const JournalReader> journal,
                                         std::size_t known, std::unique_ptr<BatchStream> rows);

}  // namespace attolog::python
