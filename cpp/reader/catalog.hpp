// What tables a set of records makes, and what their columns hold: learned in one pass, before the
// first row of any table is made.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/record.hpp"

namespace attolog {

enum class TableKind : std::uint8_t { event, message, text, print, dropped, clock };

// What a column has held, as a set of bits: 1 << tag for each value, and these.
namespace holds {
constexpr std::uint32_t bit(Tag tag) {
  return std::uint32_t{1} << static_cast<unsigned>(tag);
}
inline constexpr std::uint32_t kInexactInt = std::uint32_t{1} << 28;  // an int beyond +-2^53
inline constexpr std::uint32_t kHugeInt = std::uint32_t{1} << 29;     // a uint64 beyond an int64
inline constexpr std::uint32_t kOutOfRange = std::uint32_t{1} << 30;  // a date or time none can be
}  // namespace holds

std::uint32_t kind_of(const Value& value);

struct ColumnInfo {
  std::string name;
  std::uint32_t kinds = 0;  // see `holds`; absent values leave no trace
  // The catalog's own: the last record that used the name, and how often it did.
  std::uint64_t last_seen = 0;
  std::uint32_t uses = 0;
  std::uint64_t values = 0;  // that it has held, None not counted
};

struct TableInfo {
  TableKind kind = TableKind::event;
  std::string name;  // the event's name, the template, or LOG, PRINT, DROPPED, CLOCK
  std::uint64_t rows = 0;
  std::int64_t first_ns = INT64_MAX;
  std::int64_t last_ns = INT64_MIN;
  std::vector<ColumnInfo> columns;  // after `time` (and `level`, in a message's table)
  std::set<std::string> sampling;   // the policies of its weighted records, as in core/policy.hpp
};

struct Cell {
  std::uint32_t column;
  const Value* value;
};

class Catalog {
 public:
  // Takes in one record.
  void add(const Record& record);

  // Where a record's values go: the table's index and, until the next call, its cells. Sites are
  // told apart by address. Where the limits are passed (65,536 tables, 65,536 columns of one), what
  // is too much has no table or no cell.
  struct Place {
    std::size_t table;  // kNoTable: the record stands in the view of all records only
    std::span<const Cell> cells;
  };
  static constexpr std::size_t kNoTable = SIZE_MAX;
  static constexpr std::size_t kMaxTables = 65536;
  static constexpr std::size_t kMaxColumns = 65536;
  Place place(const Record& record);

  const std::vector<TableInfo>& tables() const { return tables_; }
  // The index of the table of that name, an event's before a message's; kNoTable if there is none.
  std::size_t find(std::string_view name) const;

  // Records and values that the limits kept out of the tables.
  std::uint64_t left_out() const { return left_out_; }

 private:
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;
  struct Layout {
    std::size_t table = kNoTable;
    std::vector<std::uint32_t> columns;  // by position
    std::uint32_t weight = kNoColumn;
  };
  using ColumnIndex = std::unordered_map<std::string, std::uint32_t>;

  std::size_t table(TableKind kind, std::string_view name);
  std::uint32_t column(std::size_t table, std::string name);
  Layout& layout_of(const Site& site);
  void extend(Layout& layout, std::size_t positions);
  void place_inline(const Record& record, std::size_t table);
  void put(std::uint32_t column, const Value& value);

  std::vector<TableInfo> tables_;
  std::map<std::pair<TableKind, std::string>, std::size_t> table_index_;
  std::vector<ColumnIndex> column_index_;  // by table
  std::vector<Layout> layouts_;
  std::unordered_map<const Site*, std::size_t> layout_index_;
  // Sites seen lately, by address: the index above costs as much as decoding a record.
  struct Recent {
    const Site* site = nullptr;
    std::size_t layout = 0;
  };
  std::array<Recent, 64> recent_{};
  std::vector<Cell> cells_;
  std::uint64_t stamp_ = 0;  // of the record, or site, whose columns are being named
  std::uint64_t left_out_ = 0;
};

}  // namespace attolog
