#include "reader/long_column.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "reader/column_builder.hpp"

namespace attolog {
namespace {

// Whichever comes first ends a batch.
constexpr std::size_t kBatchRows = 100'000;
constexpr std::size_t kBatchBytes = std::size_t{1} << 26;

constexpr std::uint32_t kUnasked = UINT32_MAX;
constexpr std::size_t kTime = 0;  // among the builders
constexpr std::size_t kLabel = 1;

const ColumnInfo* find_column(const TableInfo& table, const std::string& name) {
  const auto found = std::ranges::find_if(
      table.columns, [&](const ColumnInfo& each) { return schema_text(each.name) == name; });
  return found == table.columns.end() ? nullptr : &*found;
}

class LongColumn final : public BatchStream {
 public:
  LongColumn(const Catalog& catalog, const std::vector<LabelledTable>& tables,
             const std::string& column, std::unique_ptr<RecordStream> records)
      : catalog_(catalog), records_(std::move(records)), tables_(catalog.tables().size()) {
    for (const LabelledTable& each : tables) {
      Source& source = tables_.at(each.index);
      source.is_wanted = true;
      source.label = each.label;
      source.builder_of.assign(info(each).columns.size(), kUnasked);
    }
    add_field({"time", Type::timestamp_ns, {}, {}});
    add_field({"table", Type::text, {}, {}});
    if (!add_shared(tables, column)) throw UnknownColumn(column);
    for (const ColumnInfo& each : info(tables.front()).columns) {
      const std::string name = schema_text(each.name);
      if (name != column) add_shared(tables, name);
    }
  }

  const std::vector<Field>& fields() const override { return fields_; }

  bool next(Batch& batch) override {
    std::size_t rows = 0;
    std::size_t bytes = 0;
    while (rows < kBatchRows && bytes < kBatchBytes) {
      const SourcedRecord* const next = records_->next();
      if (next == nullptr) break;
      if (fill(next->record, rows, bytes)) ++rows;
    }
    batch.rows = static_cast<std::int64_t>(rows);
    batch.columns.clear();
    if (rows == 0) return false;
    for (ColumnBuilder& builder : builders_) batch.columns.push_back(builder.finish(rows));
    return true;
  }

 private:
  struct Source {
    bool is_wanted = false;
    std::string label;
    std::vector<std::uint32_t> builder_of;  // by column
  };

  const TableInfo& info(const LabelledTable& table) const {
    return catalog_.tables().at(table.index);
  }

  void add_field(Field field) {
    builders_.emplace_back(field);
    fields_.push_back(std::move(field));
  }

  // Adds the column if all of the tables have it.
  bool add_shared(const std::vector<LabelledTable>& tables, const std::string& name) {
    std::uint32_t kinds = 0;
    for (const LabelledTable& each : tables) {
      const ColumnInfo* const column = find_column(info(each), name);
      if (column == nullptr) return false;
      kinds |= column->kinds;
    }
    for (const LabelledTable& each : tables) {
      const std::vector<ColumnInfo>& columns = info(each).columns;
      const auto at = find_column(info(each), name) - columns.data();
      tables_[each.index].builder_of[static_cast<std::size_t>(at)] =
          static_cast<std::uint32_t>(builders_.size());
    }
    Field field{name == "table" ? "table_" : name, Type::null, {}, {}};
    field.type = type_of(kinds, field.note);
    add_field(std::move(field));
    return true;
  }

  bool fill(const Record& record, std::size_t row, std::size_t& bytes) {
    const Catalog::Place place = catalog_.place(record);
    if (place.table >= tables_.size() || !tables_[place.table].is_wanted) return false;
    const Source& source = tables_[place.table];
    builders_[kTime].put(row, Value::of_int(record.time_ns));
    bytes += builders_[kLabel].put(row, Value::of_str(source.label));
    for (const Cell& cell : place.cells) {
      // Only a source that changed since the catalog was made has more columns than it.
      if (cell.column >= source.builder_of.size()) continue;
      const std::uint32_t builder = source.builder_of[cell.column];
      if (builder != kUnasked) bytes += builders_[builder].put(row, *cell.value);
    }
    return true;
  }

  Catalog catalog_;  // its own, since placing records uses the catalog's caches
  std::unique_ptr<RecordStream> records_;
  std::vector<Source> tables_;  // as in the catalog
  std::vector<Field> fields_;
  std::vector<ColumnBuilder> builders_;
};

}  // namespace

std::unique_ptr<BatchStream> open_long_column(const Catalog& catalog,
                                              const std::vector<LabelledTable>& tables,
                                              const std::string& column,
                                              std::unique_ptr<RecordStream> records) {
  if (tables.empty()) throw UnknownColumn(column);
  return std::make_unique<LongColumn>(catalog, tables, column, std::move(records));
}

}  // namespace attolog
