// Tables in figures: one pass over the blocks that matter, by several threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reader/ordered_jobs.hpp"
#include "reader/query.hpp"
#include "reader/table_stats.hpp"

namespace attolog {

struct FiguresQuery {
  Query records;  // of one table, or of all
  std::size_t bins = 0;
  // Of one table: the columns that are wanted, in this order, by their names in the catalog. All
  // but the weights where there are none.
  std::optional<std::vector<std::string>> columns = {};
  std::optional<std::string> by = {};  // of one table: the column whose values make groups
};

// Where no more than the number of all records is asked for, no block is decoded: then their bytes
// are their share of the records of each block.
//
// The figures are those of one thread, whatever their number: threads take in a stretch of time
// each, and these are merged in their order.
class Figures {
 public:
  // Throws UnknownColumn, and std::invalid_argument where the query's steps are no expression.
  Figures(std::shared_ptr<const JournalReader> reader, const FiguresQuery& query,
          unsigned threads = 0, std::uint64_t stretch_bytes = kStretchBytes);

  // Goes on for some time longer than `patience`; true at the end.
  bool go_on(std::chrono::milliseconds patience);

  // By table of the catalog; null where it was not asked for.
  const std::vector<std::unique_ptr<TableStats>>& tables() const { return tables_; }
  // The places of a table's columns in its figures: indices into its columns of the catalog.
  std::vector<std::size_t> columns_of(std::size_t table) const;
  // The stretches of time of a table's histogram.
  TimeBins bins_of(std::size_t table) const;

 private:
  static constexpr std::uint64_t kStretchBytes = std::uint64_t{4} << 20;
  using Part = std::vector<std::unique_ptr<TableStats>>;

  bool is_in_catalog() const;
  std::uint64_t share_of_bytes() const;
  TableStats::Columns choose_columns(std::size_t table) const;
  void choose();
  OrderedJobs<Part>::Worker make_worker() const;

  std::shared_ptr<const JournalReader> reader_;
  FiguresQuery query_;
  std::vector<TableStats::Columns> columns_;  // by table
  std::vector<JournalReader::Selection> stretches_;
  Part tables_;
  std::optional<OrderedJobs<Part>> jobs_;  // the last member: its threads use the others
};

}  // namespace attolog
