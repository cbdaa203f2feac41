#include "reader/catalog.hpp"

#include <algorithm>
#include <functional>

#include "format/inline_record.hpp"

namespace attolog {
namespace {

const std::vector<std::string> kDropped{"n", "since"};
const std::vector<std::string> kClock{"jump"};

std::string_view text_of(const Value& value) {
  return value.tag == Tag::str ? value.text : std::string_view{};
}

// In a table of other records: the column of the names that tables of their own would have.
std::string_view name_of_names(TableKind kind) {
  return kind == TableKind::event ? "event" : "template";
}

// The columns that a table has of its own, which no field may be called.
bool is_taken(const TableInfo& table, std::string_view name) {
  return name == "time" || (table.kind == TableKind::message && name == "level") ||
         (table.is_rest && name == name_of_names(table.kind));
}

bool is_limited(TableKind kind) {
  return kind == TableKind::event || kind == TableKind::message;
}

std::size_t limit_of(TableKind kind) {
  return kind == TableKind::event ? kMaxEventTables : kMaxMessageTables;
}

std::uint64_t hash_of(std::string_view name) {
  return std::hash<std::string_view>()(name);
}

}  // namespace

void Catalog::add(const Record& record) {
  const Place at = place(record);
  if (at.table == kNoTable) return;
  TableInfo& table = tables_[at.table];
  if (table.is_rest) count_other(table.kind, 1);
  ++table.rows;
  table.first_ns = std::min(table.first_ns, record.time_ns);
  table.last_ns = std::max(table.last_ns, record.time_ns);
  for (const Cell& cell : at.cells) {
    ColumnInfo& column = table.columns[cell.column];
    column.kinds |= kind_of(*cell.value);
    if (cell.value->tag != Tag::none) ++column.values;
    if (cell.value->is_nested) learn_shape(column, *cell.value);
  }
}

bool Catalog::is_enough(const SiteSummary& site) {
  return !is_inline(site.site->kind) &&
         std::ranges::none_of(site.columns, [](const ColumnSummary& column) {
           return (column.kinds & (holds::kList | holds::kDict)) != 0;
         });
}

void Catalog::add(const SiteSummary& site) {
  Layout& layout = layout_of(*site.site);
  if (layout.table == kNoTable) return;
  if (layout.columns.size() < site.columns.size()) extend(layout, site.columns.size());
  TableInfo& table = tables_[layout.table];
  if (table.is_rest) {
    name_hash_ = layout.hash;
    count_other(table.kind, site.records);
    count(layout.table, layout.name, {holds::bit(Tag::str), site.records});
  }
  table.rows += site.records;
  table.first_ns = std::min(table.first_ns, site.first_ns);
  table.last_ns = std::max(table.last_ns, site.last_ns);
  for (std::size_t i = 0; i < site.columns.size(); ++i) {
    count(layout.table, layout.columns[i], site.columns[i]);
  }
  if (site.weights != 0) {
    count(layout.table, layout.weight, {holds::bit(Tag::float64), site.weights});
  }
}

void Catalog::count(std::size_t table, std::uint32_t column, const ColumnSummary& values) {
  if (column == kNoColumn) {
    left_out_ += values.values;
    return;
  }
  ColumnInfo& info = tables_[table].columns[column];
  info.kinds |= values.kinds;
  info.values += values.values;
}

std::size_t Catalog::table_of(const Site& site) const {
  const auto known = layout_index_.find(&site);
  return known == layout_index_.end() ? kNoTable : layouts_[known->second].table;
}

void Catalog::learn_shape(ColumnInfo& column, const Value& value) {
  if (column.shape == kNoShape) {
    column.shape = static_cast<std::uint32_t>(shapes_.size());
    shapes_.emplace_back();
  }
  shapes_[column.shape].learn(value);
}

const Shape* Catalog::shape_of(const ColumnInfo& column) const {
  return column.shape == kNoShape ? nullptr : shapes_[column.shape].shape();
}

Catalog::Place Catalog::place(const Record& record) {
  cells_.clear();
  const Site& site = *record.site;
  const std::span<const Value> values = record.own_values();
  if (is_inline(site.kind)) {
    const bool is_event = site.kind == SiteKind::inline_event;
    const std::string_view name = values.empty() ? std::string_view{} : text_of(values[0]);
    const std::size_t index = table(is_event ? TableKind::event : TableKind::message, name);
    place_inline(record, index, name);
    return {index, cells_};
  }
  Layout& layout = layout_of(site);
  if (layout.table == kNoTable) return {kNoTable, {}};
  if (layout.columns.size() < values.size()) extend(layout, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) put(layout.columns[i], values[i]);
  if (const Value* const weight = record.weight()) put(layout.weight, *weight);
  if (layout.name != kNoColumn) {
    name_hash_ = layout.hash;
    put_name(layout.name, site.name);
  }
  return {layout.table, cells_};
}

void Catalog::put_name(std::uint32_t column, std::string_view name) {
  name_ = Value::of_str(name);
  put(column, name_);
}

void Catalog::put(std::uint32_t column, const Value& value) {
  if (column == kNoColumn) {
    ++left_out_;
  } else {
    cells_.push_back({column, &value});
  }
}

void Catalog::place_inline(const Record& record, std::size_t table, std::string_view name) {
  ++stamp_;
  if (tables_[table].is_rest) {
    name_hash_ = hash_of(name);
    put_name(name_column(table), name);
  }
  const bool is_event = record.site->kind == SiteKind::inline_event;
  const std::size_t step = is_event ? 2 : 1;
  const auto values = record.own_values();
  for (std::size_t i = 1; i + step <= values.size(); i += step) {
    const std::string field = is_event ? std::string(text_of(values[i])) : "v" + std::to_string(i);
    put(column(table, field), values[i + step - 1]);
  }
  if (const Value* const weight = record.weight()) {
    put(column(table, std::string(kWeightField)), *weight);
    tables_[table].sampling.insert(record.site->policy);
  }
}

std::size_t Catalog::find(std::string_view name) const {
  std::size_t found = kNoTable;
  for (std::size_t i = tables_.size(); i-- > 0;) {
    if (tables_[i].name != name) continue;
    if (found == kNoTable || tables_[i].kind != TableKind::message) found = i;
  }
  return found;
}

std::size_t Catalog::table(TableKind kind, std::string_view name) {
  const auto known = table_index_.find({kind, std::string(name)});
  if (known != table_index_.end()) return known->second;
  if (is_limited(kind)) {
    Group& group = group_of(kind);
    const bool is_chosen = !group.chosen || group.chosen->contains(hash_of(name));
    if (!is_chosen || group.tables == limit_of(kind)) return rest_of(kind);
    ++group.tables;
  }
  const std::size_t index = add_table(kind, name);
  table_index_.emplace(std::pair(kind, std::string(name)), index);
  return index;
}

std::size_t Catalog::rest_of(TableKind kind) {
  Group& group = group_of(kind);
  if (group.rest == kNoTable) {
    std::string name = kind == TableKind::event ? "other events" : "other messages";
    while (table_index_.contains({kind, name})) name += '_';
    group.rest = add_table(kind, name);
    tables_[group.rest].is_rest = true;
    table_index_.emplace(std::pair(kind, std::move(name)), group.rest);
  }
  return group.rest;
}

std::size_t Catalog::add_table(TableKind kind, std::string_view name) {
  TableInfo& info = tables_.emplace_back();
  info.kind = kind;
  info.name = name;
  column_index_.emplace_back();
  return tables_.size() - 1;
}

// Counts records without a table of their own under their name. Where there are too many names,
// each loses one record: what is left then has come more often than most.
void Catalog::count_other(TableKind kind, std::uint64_t records) {
  auto& others = group_of(kind).others;
  while (others.size() == kMaxCounted && !others.contains(name_hash_)) {
    for (auto& [hash, left] : others) --left;
    std::erase_if(others, [](const auto& other) { return other.second == 0; });
  }
  others[name_hash_] += records;
}

std::optional<Catalog> Catalog::with_largest_tables() const {
  std::optional<Catalog> better;
  for (const TableKind kind : {TableKind::event, TableKind::message}) {
    const Group& group = groups_[kind == TableKind::event ? 0 : 1];
    if (group.rest == kNoTable || group.chosen) continue;
    std::uint64_t least = UINT64_MAX;
    for (const TableInfo& table : tables_) {
      if (table.kind == kind && !table.is_rest) least = std::min(least, table.rows);
    }
    const auto is_more = [&](const auto& other) { return other.second > least; };
    if (std::ranges::none_of(group.others, is_more)) continue;
    if (!better) better.emplace();
    choose(tables_, kind, group, better->group_of(kind));
  }
  return better;
}

// The names with the most records; of those with equally many the ones that came first.
void Catalog::choose(const std::vector<TableInfo>& tables, TableKind kind, const Group& from,
                     Group& to) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> counted;  // records, hash
  for (const TableInfo& table : tables) {
    if (table.kind == kind && !table.is_rest) counted.emplace_back(table.rows, hash_of(table.name));
  }
  for (const auto& [hash, records] : from.others) counted.emplace_back(records, hash);
  std::ranges::stable_sort(counted, std::greater(), &decltype(counted)::value_type::first);
  counted.resize(std::min(counted.size(), limit_of(kind)));
  to.chosen.emplace();
  for (const auto& [records, hash] : counted) to.chosen->insert(hash);
}

// The table's column of that name, made if need be. A name that the same record has used already
// (or that the table itself uses) is changed, as the call does it: n_2, time_.
std::uint32_t Catalog::column(std::size_t table, std::string name) {
  std::vector<ColumnInfo>& columns = tables_[table].columns;
  if (is_taken(tables_[table], name)) name += '_';
  ColumnIndex& index = column_index_[table];
  std::string unique = name;
  for (;;) {
    const auto [at, is_new] = index.try_emplace(unique, static_cast<std::uint32_t>(columns.size()));
    if (is_new) {
      if (columns.size() == kMaxColumns) {
        index.erase(at);
        return kNoColumn;
      }
      columns.push_back({unique, 0, stamp_, 1});
      return at->second;
    }
    ColumnInfo& column = columns[at->second];
    if (column.last_seen != stamp_) {
      column.last_seen = stamp_;
      column.uses = 1;
      return at->second;
    }
    // Counted with the first of the name, so that the next one need not try them all again.
    ColumnInfo& first = columns[index.find(name)->second];
    unique = name + '_' + std::to_string(++first.uses);
  }
}

// The column of names in a table of other records, which no field may have.
std::uint32_t Catalog::name_column(std::size_t table) {
  std::vector<ColumnInfo>& columns = tables_[table].columns;
  if (columns.empty()) {
    columns.push_back({.name = std::string(name_of_names(tables_[table].kind))});
    column_index_[table].emplace(columns.front().name, 0);
  }
  return 0;
}

// Columns for values that the site has no names for.
void Catalog::extend(Layout& layout, std::size_t positions) {
  ++stamp_;
  for (const std::uint32_t index : layout.columns) {
    if (index == kNoColumn) continue;
    ColumnInfo& column = tables_[layout.table].columns[index];
    column.last_seen = stamp_;
    column.uses = 1;
  }
  while (layout.columns.size() < positions) {
    layout.columns.push_back(column(layout.table, "v" + std::to_string(layout.columns.size() + 1)));
  }
}

Catalog::Layout& Catalog::layout_of(const Site& site) {
  Recent& recent =
      recent_[reinterpret_cast<std::uintptr_t>(&site) / alignof(Site) / 16 % recent_.size()];
  if (recent.site == &site) return layouts_[recent.layout];
  const auto [at, is_new] = layout_index_.try_emplace(&site, layouts_.size());
  recent = {&site, at->second};
  if (!is_new) return layouts_[at->second];
  Layout& layout = layouts_.emplace_back();
  ++stamp_;
  switch (site.kind) {
    case SiteKind::event: layout.table = table(TableKind::event, site.name); break;
    case SiteKind::message: layout.table = table(TableKind::message, site.name); break;
    case SiteKind::text: layout.table = table(TableKind::text, "LOG"); break;
    case SiteKind::print: layout.table = table(TableKind::print, "PRINT"); break;
    case SiteKind::dropped: layout.table = table(TableKind::dropped, "DROPPED"); break;
    case SiteKind::clock: layout.table = table(TableKind::clock, "CLOCK"); break;
    default: break;
  }
  if (layout.table == kNoTable) return layout;
  if (tables_[layout.table].is_rest) {
    layout.name = name_column(layout.table);
    layout.hash = hash_of(site.name);
  }
  std::span<const std::string> fields = site.own_fields();
  std::vector<std::string> text{"text"};  // and what bind() added
  if (site.kind == SiteKind::text || site.kind == SiteKind::print) {
    if (fields.size() > 1) text.insert(text.end(), fields.begin() + 1, fields.end());
    fields = text;
  }
  if (site.kind == SiteKind::dropped) fields = kDropped;
  if (site.kind == SiteKind::clock) fields = kClock;
  layout.columns.reserve(fields.size());
  for (const std::string& field : fields) layout.columns.push_back(column(layout.table, field));
  if (site.is_weighted) {
    layout.weight = column(layout.table, std::string(kWeightField));
    tables_[layout.table].sampling.insert(site.policy);
  }
  return layout;
}

}  // namespace attolog
