// One column of a batch while it is being filled.
#pragma once

#include <cstddef>

#include "core/value.hpp"
#include "reader/columns.hpp"

namespace attolog {

class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type type) : type_(type) {}

  // Puts `value` into row `row`; the rows since the last one put are null. Rows must ascend.
  // Returns by how many bytes of text the column grew.
  std::size_t put(std::size_t row, const Value& value);

  // The column, `rows` long, and an empty builder for the next batch.
  ColumnData finish(std::size_t rows);

 private:
  void pad(std::size_t rows);
  void add_null();
  void add_slot();
  bool fits(const Value& value) const;
  void store(const Value& value);

  Type type_;
  std::size_t rows_ = 0;
  ColumnData data_;
};

}  // namespace attolog
