// Queries: which records, and which columns of a table, are asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "reader/columns.hpp"
#include "reader/journal_reader.hpp"
#include "reader/records.hpp"

namespace attolog {

struct Query {
  JournalReader::Selection selection;
  std::string where;                  // an expression's steps (query/expression_tree.hpp); "": none
  std::optional<std::uint64_t> last;  // no more than so many records, the last ones
};

// The records that the query asks for, in order of time. The last ones are looked for in the last
// blocks. Throws std::invalid_argument where the steps are no expression.
std::unique_ptr<RecordStream> select_records(const std::shared_ptr<const JournalReader>& reader,
                                             const Query& query);

// A table's rows that the query asks for, in order of time. Several threads decode the blocks, each
// some of them, where there is enough to do; `threads` at most, 0 for as many as the machine has.
// They need no GIL, and memory holds the batches of a few stretches of time.
std::unique_ptr<BatchStream> scan(const std::shared_ptr<const JournalReader>& reader,
                                  const Query& query, const TableColumns& columns,
                                  unsigned threads = 0);

}  // namespace attolog
