#include "reader/figures.hpp"

#include <algorithm>
#include <utility>

#include "query/expression.hpp"
#include "reader/parallel_scan.hpp"

namespace attolog {
namespace {

// Results wait one for each job: they take less memory than the blocks that they are made of.
constexpr std::size_t kMostBytes = 0;

std::size_t column_called(const TableInfo& table, const std::string& name) {
  const auto found = std::ranges::find(table.columns, name, &ColumnInfo::name);
  if (found == table.columns.end()) throw UnknownColumn(name);
  return static_cast<std::size_t>(found - table.columns.begin());
}

}  // namespace

Figures::Figures(std::shared_ptr<const JournalReader> reader, const FiguresQuery& query,
                 unsigned threads, std::uint64_t stretch_bytes)
    : reader_(std::move(reader)), query_(query), tables_(reader_->catalog().tables().size()) {
  const Query& records = query_.records;
  if (!records.where.empty()) static_cast<void>(Expression(records.where));
  choose();
  if (is_in_catalog()) {
    const std::size_t table = records.selection.table;
    tables_[table]->set(reader_->catalog().tables()[table], share_of_bytes());
  } else {
    stretches_ = stretches(reader_->blocks(records.selection), records.selection, stretch_bytes);
  }
  jobs_.emplace(stretches_.size(), job_threads(threads, stretches_.size()), kMostBytes,
                [this] { return make_worker(); });
}

// Whether the catalog knows all that is asked for.
bool Figures::is_in_catalog() const {
  const JournalReader::Selection& selection = query_.records.selection;
  if (selection.table == Catalog::kNoTable) return false;
  const TableInfo& table = reader_->catalog().tables()[selection.table];
  const bool is_whole = selection.first_ns <= table.first_ns &&
                        selection.last_ns >= table.last_ns && query_.records.where.empty() &&
                        !query_.records.last;
  const bool has_figures = !query_.columns || !query_.columns->empty() || query_.by.has_value();
  return is_whole && table.sampling.empty() && !has_figures && query_.bins == 0;
}

std::uint64_t Figures::share_of_bytes() const {
  double bytes = 0;
  for (const auto& block : reader_->blocks(query_.records.selection)) {
    bytes += static_cast<double>(block.bytes) * static_cast<double>(block.records) /
             static_cast<double>(block.all_records);
  }
  return static_cast<std::uint64_t>(bytes);
}

// Makes figures for the tables that are asked for.
void Figures::choose() {
  const std::size_t only = query_.records.selection.table;
  columns_.resize(tables_.size());
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (only != Catalog::kNoTable && only != i) continue;
    columns_[i] = choose_columns(i);
    tables_[i] = std::make_unique<TableStats>(bins_of(i));
  }
}

TableStats::Columns Figures::choose_columns(std::size_t index) const {
  const TableInfo& table = reader_->catalog().tables()[index];
  TableStats::Columns chosen;
  chosen.place.assign(table.columns.size(), TableStats::kUnasked);
  const auto choose = [&](std::size_t column) {
    if (chosen.place[column] != TableStats::kUnasked) return;
    chosen.place[column] = static_cast<std::uint32_t>(chosen.count++);
  };
  if (query_.columns) {
    for (const std::string& name : *query_.columns) choose(column_called(table, name));
  } else {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.sampling.empty() || table.columns[i].name != kWeightField) choose(i);
    }
  }
  if (query_.by) chosen.by = column_called(table, *query_.by);
  return chosen;
}

TimeBins Figures::bins_of(std::size_t table) const {
  const TableInfo& info = reader_->catalog().tables()[table];
  const JournalReader::Selection& selection = query_.records.selection;
  return {query_.bins, std::max(info.first_ns, selection.first_ns),
          std::min(info.last_ns, selection.last_ns)};
}

std::vector<std::size_t> Figures::columns_of(std::size_t table) const {
  const TableStats::Columns& columns = columns_[table];
  std::vector<std::size_t> in_order(columns.count);
  for (std::size_t i = 0; i < columns.place.size(); ++i) {
    if (columns.place[i] != TableStats::kUnasked) in_order[columns.place[i]] = i;
  }
  return in_order;
}

OrderedJobs<Figures::Part>::Worker Figures::make_worker() const {
  // Its own, since placing records uses the catalog's caches.
  const auto catalog = std::make_shared<Catalog>(reader_->catalog());
  return [this, catalog](std::size_t job, const OrderedJobs<Part>::Give& give) {
    Query query = query_.records;
    query.selection = stretches_[job];
    Part part(tables_.size());
    const auto records = select_records(reader_, query);
    while (const SourcedRecord* const next = records->next()) {
      const Catalog::Place place = catalog->place(next->record);
      // Only a source that changed since the catalog was made has more tables than it.
      if (place.table >= part.size() || tables_[place.table] == nullptr) continue;
      auto& table = part[place.table];
      if (table == nullptr) table = std::make_unique<TableStats>(bins_of(place.table));
      table->add(*next, place.cells, columns_[place.table]);
    }
    give(std::move(part), 1);
  };
}

bool Figures::go_on(std::chrono::milliseconds patience) {
  Part part;
  const auto next = jobs_->next(part, patience);
  if (next == OrderedJobs<Part>::Next::end) return true;
  if (next == OrderedJobs<Part>::Next::not_yet) return false;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != nullptr) tables_[i]->merge(*part[i]);
  }
  return false;
}

}  // namespace attolog
