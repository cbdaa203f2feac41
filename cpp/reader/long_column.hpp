// A column that several tables have, as one long table.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "reader/catalog.hpp"
#include "reader/columns.hpp"
#include "reader/records.hpp"

namespace attolog {

struct LabelledTable {
  std::size_t index;  // in catalog.tables()
  std::string label;
};

// The rows of the tables in the order of the records: `time`, `table` (the label), the column, and
// the columns that all of these tables have. A column that the tables have of several types is as
// in a table whose records had values of all these types; lists and dicts are text. A field called
// `table` gets a `_`. Throws UnknownColumn if one of the tables does not have the column.
std::unique_ptr<BatchStream> open_long_column(const Catalog& catalog,
                                              const std::vector<LabelledTable>& tables,
                                              const std::string& column,
                                              std::unique_ptr<RecordStream> records);

}  // namespace attolog
