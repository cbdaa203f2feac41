// One column of a batch while it is being filled.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/value.hpp"
#include "reader/columns.hpp"

namespace attolog {

class NestedCursor;

class ColumnBuilder {
 public:
  explicit ColumnBuilder(const Field& field);

  // Puts `value` into row `row`; the rows since the last one put are null. Rows must ascend.
  // Returns by how many bytes of text, of lists and of structs the column grew.
  std::size_t put(std::size_t row, const Value& value);

  // The column, `rows` long, and an empty builder for the next batch.
  ColumnData finish(std::size_t rows);

 private:
  std::size_t put_next(std::size_t row, NestedCursor& in);
  std::size_t store_list(NestedCursor& in);
  std::size_t store_struct(NestedCursor& in);
  void end_row();
  void push_offset();
  void pad(std::size_t rows);
  void add_null();
  void add_slot();
  bool fits(const Value& value) const;
  std::size_t store(const Value& value);

  Type type_;
  std::size_t rows_ = 0;
  ColumnData data_;
  std::vector<ColumnBuilder> inner_;  // of a list: its items; of a structure: its fields
  std::vector<std::string> names_;    // theirs
};

}  // namespace attolog
