// The tables of a set of records, and the types of their columns: learned in one pass, before the
// first row of any table is made.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/record.hpp"
#include "journal/summary.hpp"
#include "journal/value_kinds.hpp"
#include "reader/shape.hpp"

namespace attolog {

enum class TableKind : std::uint8_t { event, message, text, print, dropped, clock };

inline constexpr std::uint32_t kNoShape = UINT32_MAX;

struct ColumnInfo {
  std::string name;
  std::uint32_t kinds = 0;  // see `holds`; absent values leave no trace
  // The catalog's own: the last record that used the name, and how often it did.
  std::uint64_t last_seen = 0;
  std::uint32_t uses = 0;
  std::uint32_t shape = kNoShape;  // of its lists and dicts: see Catalog::shape_of
  std::uint64_t values = 0;        // that it has held, None not counted
};

struct TableInfo {
  TableKind kind = TableKind::event;
  std::string name;  // the event's name, the template, or LOG, PRINT, DROPPED, CLOCK
  std::uint64_t rows = 0;
  std::int64_t first_ns = INT64_MAX;
  std::int64_t last_ns = INT64_MIN;
  bool is_rest = false;             // of the records whose own table would be one too many
  std::vector<ColumnInfo> columns;  // after `time` (and `level`, in a message's table)
  std::set<std::string> sampling;   // the policies (strategies/policy.hpp) of its weighted records
};

struct Cell {
  std::uint32_t column;
  const Value* value;
};

// Events and templates are bounded each by itself: no number of templates takes an event its table.
inline constexpr std::size_t kMaxMessageTables = 65536;
inline constexpr std::size_t kMaxEventTables = std::size_t{1} << 18;

class Catalog {
 public:
  // Takes in one record.
  void add(const Record& record);
  // Takes in all records of a site in a block, which has no names in its records and no lists and
  // dicts: of these a summary has no shapes.
  void add(const SiteSummary& site);
  static bool is_enough(const SiteSummary& site);

  // The index of the table of the site's records; kNoTable where no record of it was added, or
  // where its records are of several tables.
  std::size_t table_of(const Site& site) const;

  // Where a record's values go: the table's index and, until the next call, its cells. Sites are
  // told apart by address. A table has 65,536 columns at most; what is too much has no cell.
  struct Place {
    std::size_t table;  // kNoTable: of no kind that has one
    std::span<const Cell> cells;
  };
  static constexpr std::size_t kNoTable = SIZE_MAX;
  static constexpr std::size_t kMaxColumns = 65536;
  Place place(const Record& record);

  const std::vector<TableInfo>& tables() const { return tables_; }
  // The shape that all lists and dicts of the column have; null if they have none, or there are
  // none.
  const Shape* shape_of(const ColumnInfo& column) const;
  // The index of the table of that name, an event's before a message's; kNoTable if there is none.
  std::size_t find(std::string_view name) const;

  // Where there are more names than tables, those that came first have one, and the records of all
  // others are in one table, `other messages` or `other events`. If names among these have more
  // records, this is the empty catalog that gives them the tables: all records are to be added to
  // it once more. Names with few of very many records may be counted too low.
  std::optional<Catalog> with_largest_tables() const;

  // Values that the limit on columns kept out of the tables.
  std::uint64_t left_out() const { return left_out_; }

 private:
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;
  static constexpr std::size_t kMaxCounted = std::size_t{1} << 20;
  struct Layout {
    std::size_t table = kNoTable;
    std::vector<std::uint32_t> columns;  // by position
    std::uint32_t weight = kNoColumn;
    std::uint32_t name = kNoColumn;  // in a table of other records
    std::uint64_t hash = 0;          // of the name there
  };
  using ColumnIndex = std::unordered_map<std::string, std::uint32_t>;
  // Of events, or of messages.
  struct Group {
    std::size_t tables = 0;
    std::size_t rest = kNoTable;
    // By the hash of their names: which have a table, if that is settled, and how many records
    // there are of the others.
    std::optional<std::unordered_set<std::uint64_t>> chosen;
    std::unordered_map<std::uint64_t, std::uint64_t> others;
  };

  std::size_t table(TableKind kind, std::string_view name);
  std::size_t rest_of(TableKind kind);
  std::size_t add_table(TableKind kind, std::string_view name);
  Group& group_of(TableKind kind) { return groups_[kind == TableKind::event ? 0 : 1]; }
  static void choose(const std::vector<TableInfo>& tables, TableKind kind, const Group& from,
                     Group& to);
  std::uint32_t column(std::size_t table, std::string name);
  std::uint32_t name_column(std::size_t table);
  Layout& layout_of(const Site& site);
  void extend(Layout& layout, std::size_t positions);
  void place_inline(const Record& record, std::size_t table, std::string_view name);
  void put_name(std::uint32_t column, std::string_view name);
  void put(std::uint32_t column, const Value& value);
  void count_other(TableKind kind, std::uint64_t records);
  void count(std::size_t table, std::uint32_t column, const ColumnSummary& values);
  void learn_shape(ColumnInfo& column, const Value& value);

  std::vector<TableInfo> tables_;
  std::map<std::pair<TableKind, std::string>, std::size_t> table_index_;
  std::array<Group, 2> groups_;
  std::vector<ColumnIndex> column_index_;  // by table
  std::vector<ShapeLearner> shapes_;
  std::vector<Layout> layouts_;
  std::unordered_map<const Site*, std::size_t> layout_index_;
  // Sites seen lately, by address: the index above costs as much as decoding a record.
  struct Recent {
    const Site* site = nullptr;
    std::size_t layout = 0;
  };
  std::array<Recent, 64> recent_{};
  std::vector<Cell> cells_;
  Value name_;                   // the cell of a record in a table of other records
  std::uint64_t name_hash_ = 0;  // and its hash
  std::uint64_t stamp_ = 0;      // of the record, or site, whose columns are being named
  std::uint64_t left_out_ = 0;
};

}  // namespace attolog
