// What is known of the records of a table, or of a part of them: how many there are and when, and
// the values of their columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reader/catalog.hpp"
#include "reader/column_stats.hpp"
#include "reader/records.hpp"

namespace attolog {

// The stretches of time whose calls a histogram counts: `bins` of one length from `first` to
// `last`.
struct TimeBins {
  std::size_t bins = 0;
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;

  // The stretch of a time; times outside belong to the first or the last one.
  std::size_t of(std::int64_t time_ns) const;
};

struct RecordStats {
  std::uint64_t rows = 0;
  double weight = 0;  // the calls that the records stand for
  std::int64_t first_ns = INT64_MAX;
  std::int64_t last_ns = INT64_MIN;
  std::uint64_t bytes = 0;        // that they take in their blocks
  std::vector<double> histogram;  // calls, by TimeBins
  // Calls by level, of records that have one: few levels, and most records have that of the first.
  std::vector<std::pair<std::uint8_t, double>> levels;
  std::vector<ColumnStats> columns;

  void count_level(std::uint8_t level, double calls);
  void merge(const RecordStats& other);
};

class TableStats {
 public:
  static constexpr std::size_t kMaxGroups = 1000;  // and one for all others
  // Groups have so many columns together, or a little more: beyond, new values are of the others.
  static constexpr std::size_t kMaxGroupColumns = 20'000;
  static constexpr std::uint32_t kUnasked = UINT32_MAX;

  struct Columns {
    std::vector<std::uint32_t> place;  // by column of the table: its place in RecordStats::columns
    std::size_t count = 0;
    std::size_t by = SIZE_MAX;  // the column of the table whose values make groups; SIZE_MAX: none
  };

  explicit TableStats(TimeBins bins) : bins_(bins) {}

  // Takes in a record of the table, whose cells are `cells`.
  void add(const SourcedRecord& source, std::span<const Cell> cells, const Columns& columns);
  void merge(const TableStats& other);
  // Takes in all records of a table at once, as far as its catalog knows them.
  void set(const TableInfo& table, std::uint64_t bytes);

  const RecordStats& all() const { return all_; }
  struct Group {
    std::string by;  // the value, by encode_by (strategies/stats.hpp)
    std::unique_ptr<RecordStats> stats;
  };
  // In the order of their first records.
  const std::vector<Group>& groups() const { return groups_; }
  // The records of values that came when there were too many; null where there were none.
  const RecordStats* others() const { return others_.get(); }

 private:
  RecordStats& group(std::string_view by, std::size_t columns);
  void add(RecordStats& stats, const SourcedRecord& source, std::span<const Cell> cells,
           const Columns& columns) const;

  TimeBins bins_;
  RecordStats all_;
  std::vector<Group> groups_;
  std::unordered_map<std::string, RecordStats*> index_;
  std::unique_ptr<RecordStats> others_;
  std::string key_;
};

}  // namespace attolog
