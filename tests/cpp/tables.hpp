// What the tests of tables share: records in memory, and the cells of columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "journal_file.hpp"
#include "reader/columns.hpp"

namespace tables {

using attolog::BatchStream;
using attolog::Buffer;
using attolog::Catalog;
using attolog::Site;
using attolog::SourcedRecord;
using attolog::Value;
using journal_test::Journal;

// Records in memory, as the ones recovered from rings are.
class List final : public attolog::RecordStream {
 public:
  struct Kept {
    const Site* site;
    std::int64_t time_ns;
    std::vector<Value> values;
  };
  explicit List(const std::vector<Kept>& kept) : kept_(kept) {}
  const SourcedRecord* next() override {
    if (position_ == kept_.size()) return nullptr;
    const Kept& kept = kept_[position_++];
    record_ = {{kept.site, &Journal::main_thread(), kept.time_ns, kept.values}, 42};
    return &record_;
  }

 private:
  const std::vector<Kept>& kept_;
  std::size_t position_ = 0;
  SourcedRecord record_;
};
using Records = std::vector<List::Kept>;

inline Catalog catalog_of(const Records& records) {
  Catalog catalog;
  List list(records);
  while (const SourcedRecord* const next = list.next()) catalog.add(next->record);
  return catalog;
}

inline std::unique_ptr<BatchStream> table(const Records& records, std::string_view name) {
  const Catalog catalog = catalog_of(records);
  return attolog::open_table(catalog, catalog.find(name), std::make_unique<List>(records));
}

template <class T>
T at(const Buffer& buffer, std::size_t i) {
  T value;
  std::memcpy(&value, buffer.data() + i * sizeof(T), sizeof value);
  return value;
}

inline std::string text_at(const attolog::ColumnData& column, std::size_t row) {
  if (column.nulls != 0 && (column.validity.data()[row / 8] >> (row % 8) & 1) == 0) return "null";
  const auto from = at<std::int64_t>(column.offsets, row);
  const auto to = at<std::int64_t>(column.offsets, row + 1);
  return std::string(column.values.data() + from, static_cast<std::size_t>(to - from));
}

}  // namespace tables
