#include "reader/table_stats.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "strategies/stats.hpp"

namespace attolog {

std::size_t TimeBins::of(std::int64_t time_ns) const {
  if (time_ns <= first_ns) return 0;
  if (time_ns >= last_ns) return bins - 1;
  const double length = static_cast<double>(last_ns) - static_cast<double>(first_ns) + 1;
  const auto since = static_cast<double>(static_cast<std::uint64_t>(time_ns) -
                                         static_cast<std::uint64_t>(first_ns));
  const auto at = static_cast<std::size_t>(since / length * static_cast<double>(bins));
  return std::min(at, bins - 1);
}

void RecordStats::count_level(std::uint8_t level, double calls) {
  const auto known = std::ranges::find(levels, level, &std::pair<std::uint8_t, double>::first);
  if (known != levels.end()) {
    known->second += calls;
  } else {
    levels.emplace_back(level, calls);
  }
}

void RecordStats::merge(const RecordStats& other) {
  rows += other.rows;
  weight += other.weight;
  first_ns = std::min(first_ns, other.first_ns);
  last_ns = std::max(last_ns, other.last_ns);
  bytes += other.bytes;
  for (const auto& [level, calls] : other.levels) count_level(level, calls);
  histogram.resize(std::max(histogram.size(), other.histogram.size()));
  for (std::size_t i = 0; i < other.histogram.size(); ++i) histogram[i] += other.histogram[i];
  if (columns.size() < other.columns.size()) columns.resize(other.columns.size());
  for (std::size_t i = 0; i < other.columns.size(); ++i) columns[i].merge(other.columns[i]);
}

void TableStats::add(const SourcedRecord& source, std::span<const Cell> cells,
                     const Columns& columns) {
  add(all_, source, cells, columns);
  if (columns.by == SIZE_MAX) return;
  const Value none;
  const auto found = std::ranges::find(cells, columns.by, &Cell::column);
  Buffer key;
  encode_by(key, found == cells.end() ? none : *found->value);
  add(group(key.view(), columns.count), source, cells, columns);
}

void TableStats::add(RecordStats& stats, const SourcedRecord& source, std::span<const Cell> cells,
                     const Columns& columns) const {
  const Record& record = source.record;
  const Value* const sampled = record.weight();
  const bool counts = sampled != nullptr && sampled->f > 0 && std::isfinite(sampled->f);
  const double weight = counts ? sampled->f : 1;
  ++stats.rows;
  stats.weight += weight;
  stats.first_ns = std::min(stats.first_ns, record.time_ns);
  stats.last_ns = std::max(stats.last_ns, record.time_ns);
  stats.bytes += source.size;
  if (record.site->level != 0) stats.count_level(record.site->level, weight);
  if (bins_.bins != 0) {
    if (stats.histogram.empty()) stats.histogram.resize(bins_.bins);
    stats.histogram[bins_.of(record.time_ns)] += weight;
  }
  if (stats.columns.size() < columns.count) stats.columns.resize(columns.count);
  for (const Cell& cell : cells) {
    // Only a source that changed since the catalog was made has more columns than it.
    if (cell.column >= columns.place.size()) continue;
    const std::uint32_t place = columns.place[cell.column];
    if (place != kUnasked) stats.columns[place].add(*cell.value, weight);
  }
}

void TableStats::set(const TableInfo& table, std::uint64_t bytes) {
  all_.rows = table.rows;
  all_.weight = static_cast<double>(table.rows);
  all_.first_ns = table.first_ns;
  all_.last_ns = table.last_ns;
  all_.bytes = bytes;
}

RecordStats& TableStats::group(std::string_view by, std::size_t columns) {
  key_ = by;
  const auto known = index_.find(key_);
  if (known != index_.end()) return *known->second;
  if (groups_.size() >= kMaxGroups || groups_.size() * columns >= kMaxGroupColumns) {
    if (others_ == nullptr) others_ = std::make_unique<RecordStats>();
    return *others_;
  }
  groups_.push_back({key_, std::make_unique<RecordStats>()});
  RecordStats& made = *groups_.back().stats;
  index_.emplace(key_, &made);
  return made;
}

void TableStats::merge(const TableStats& other) {
  all_.merge(other.all_);
  for (const Group& each : other.groups_) {
    group(each.by, each.stats->columns.size()).merge(*each.stats);
  }
  if (other.others_ == nullptr) return;
  if (others_ == nullptr) others_ = std::make_unique<RecordStats>();
  others_->merge(*other.others_);
}

}  // namespace attolog
