#include "reader/columns.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

#include "format/escape.hpp"
#include "format/value_text.hpp"
#include "reader/column_builder.hpp"

namespace attolog {
namespace {

using holds::bit;

constexpr std::uint32_t kInts = tags_of(ValueClass::whole);
constexpr std::uint32_t kFloats = tags_of(ValueClass::real);
constexpr std::uint32_t kRemarks = holds::kInexactInt | holds::kHugeInt | holds::kOutOfRange;

// Whichever comes first ends a batch.
constexpr std::size_t kBatchRows = 1'000'000;
constexpr std::size_t kBatchCells = std::size_t{1} << 24;
constexpr std::size_t kBatchBytes = std::size_t{1} << 26;

// See rare_columns.
constexpr std::uint64_t kMostNulls = std::uint64_t{1} << 24;
constexpr std::uint64_t kNullsForOne = 64;

Type type_of_tag(Tag tag) {
  switch (tag) {
    case Tag::false_: return Type::boolean;
    case Tag::int64: return Type::int64;
    case Tag::float64: return Type::float64;
    case Tag::bytes: return Type::binary;
    case Tag::datetime: return Type::timestamp_us;
    case Tag::datetime_utc: return Type::timestamp_us_utc;
    case Tag::date: return Type::date;
    case Tag::time: return Type::time_us;
    case Tag::duration: return Type::duration_us;
    case Tag::int8: return Type::int8;
    case Tag::int16: return Type::int16;
    case Tag::int32: return Type::int32;
    case Tag::uint8: return Type::uint8;
    case Tag::uint16: return Type::uint16;
    case Tag::uint32: return Type::uint32;
    case Tag::uint64: return Type::uint64;
    case Tag::float32: return Type::float32;
    default: return Type::text;
  }
}

std::string names_of(std::uint32_t tags) {
  constexpr std::array<std::pair<std::uint32_t, const char*>, 12> kNames{{
      {kInts | bit(Tag::bigint), "int"},
      {kFloats, "float"},
      {bit(Tag::false_), "bool"},
      {bit(Tag::str), "str"},
      {bit(Tag::bytes), "bytes"},
      {bit(Tag::datetime), "naive datetime"},
      {bit(Tag::datetime_utc), "aware datetime"},
      {bit(Tag::date), "date"},
      {bit(Tag::time), "time"},
      {bit(Tag::duration), "timedelta"},
      {holds::kList, "list"},
      {holds::kDict, "dict"},
  }};
  std::string names;
  for (const auto& [mask, name] : kNames) {
    if ((tags & mask) == 0) continue;
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

std::string_view level_name(std::uint8_t level, std::string& scratch) {
  switch (level) {
    case kDebug: return "DEBUG";
    case kInfo: return "INFO";
    case kWarning: return "WARNING";
    case kError: return "ERROR";
    case kCritical: return "CRITICAL";
    default: return scratch = std::to_string(level);
  }
}

constexpr std::array<std::pair<std::string_view, Type>, 6> kOrigin{{{"file", Type::text},
                                                                    {"line", Type::int64},
                                                                    {"function", Type::text},
                                                                    {"thread", Type::text},
                                                                    {"pid", Type::int64},
                                                                    {"run", Type::text}}};

// A field's name where the table has the columns of the origin.
std::string name_beside_origin(const TableInfo& table, const std::string& name) {
  const auto is_origin = [&](const auto& column) { return column.first == name; };
  if (std::ranges::none_of(kOrigin, is_origin)) return name;
  std::string unique = name + "_";
  for (int n = 2;
       std::ranges::find(table.columns, unique, &ColumnInfo::name) != table.columns.end(); ++n) {
    unique = name + "__" + std::to_string(n);
  }
  return unique;
}

std::size_t cells_of(const Field& field) {
  std::size_t cells = 1;
  for (const Field& inner : field.inner) cells += cells_of(inner);
  return cells;
}

// The part that both kinds of table share: builders filled row by row until a batch is full.
class Rows : public TableStream {
 public:
  explicit Rows(std::unique_ptr<RecordStream> records) : records_(std::move(records)) {}

  const std::vector<Field>& fields() const override { return fields_; }

  void restart(std::unique_ptr<RecordStream> records) override { records_ = std::move(records); }

  bool next(Batch& batch) override {
    const std::size_t most = std::clamp<std::size_t>(kBatchCells / cells_, 256, kBatchRows);
    std::size_t rows = 0;
    std::size_t bytes = 0;
    while (rows < most && bytes < kBatchBytes) {
      const SourcedRecord* const next = records_->next();
      if (next == nullptr) break;
      if (fill(*next, rows, bytes)) ++rows;
    }
    batch.rows = static_cast<std::int64_t>(rows);
    batch.columns.clear();
    if (rows == 0) return false;
    batch.columns.reserve(builders_.size());
    for (ColumnBuilder& builder : builders_) batch.columns.push_back(builder.finish(rows));
    return true;
  }

 protected:
  void add_field(std::string_view name, Type type, std::string note = {}) {
    add_field({schema_text(name), type, std::move(note), {}});
  }
  void add_field(Field field) {
    cells_ += cells_of(field);
    builders_.emplace_back(field);
    fields_.push_back(std::move(field));
  }
  // Column `i` of the origin comes next.
  void add_origin(std::size_t i) {
    if (origin_at_.empty()) origin_at_.resize(kOrigin.size(), kAbsent);
    origin_at_[i] = builders_.size();
    add_field(kOrigin[i].first, kOrigin[i].second);
  }
  void fill_origin(const SourcedRecord& source, std::size_t row, std::size_t& bytes) {
    if (origin_at_.empty()) return;
    const Site& site = *source.record.site;
    const auto put = [&](std::size_t i, const Value& value) {
      if (origin_at_[i] != kAbsent) bytes += builders_[origin_at_[i]].put(row, value);
    };
    if (!site.file.empty()) put(0, Value::of_str(site.file));
    if (site.line != 0) put(1, Value::of_int(site.line));
    if (!site.function.empty()) put(2, Value::of_str(site.function));
    if (source.record.thread != nullptr) put(3, Value::of_str(thread_name(*source.record.thread)));
    put(4, Value::of_int(source.pid));
    if (source.run_id != run_id_) run_ = run_name(run_id_ = source.run_id);
    put(5, Value::of_str(run_));
  }

  std::string_view thread_name(const Thread& thread) {
    if (!thread.name.empty()) return thread.name;
    return scratch_ = std::to_string(thread.id);
  }

  // Puts a record into row `row`, if it belongs here, and adds the size of its texts to `bytes`.
  virtual bool fill(const SourcedRecord& source, std::size_t row, std::size_t& bytes) = 0;

  std::vector<ColumnBuilder> builders_;
  std::string scratch_;

  static constexpr std::size_t kAbsent = SIZE_MAX;

 private:
  std::unique_ptr<RecordStream> records_;
  std::vector<Field> fields_;
  std::size_t cells_ = 0;               // of a row
  std::vector<std::size_t> origin_at_;  // among the builders, as in kOrigin
  std::uint64_t run_id_ = 0;
  std::string run_ = run_name(0);
};

// A column that the table may have, and where its values come from.
struct Column {
  enum class From : std::uint8_t { time, level, field, rare, origin };
  From from;
  std::size_t index;  // among the table's columns, or those of the origin
  Field field;
};

Field field_of(const Catalog& catalog, const TableInfo& table, std::size_t index,
               const TableColumns& wanted, ShapedFields& shaped) {
  const ColumnInfo& column = table.columns[index];
  std::string note;
  Type type = type_of(column.kinds, note);
  const bool is_ns = type == Type::int64;
  if (is_ns && table.kind == TableKind::dropped && column.name == "since") {
    type = Type::timestamp_ns;
  }
  if (is_ns && table.kind == TableKind::clock && column.name == "jump") {
    type = Type::duration_ns;
  }
  const bool may_clash = wanted.origin == Origin::with;
  const std::string name = may_clash ? name_beside_origin(table, column.name) : column.name;
  Field field{schema_text(name), type, std::move(note), {}};
  if (wanted.nested == Nested::typed && column.shape != kNoShape && field.note.empty()) {
    const Shape* const shape = catalog.shape_of(column);
    if (shape == nullptr || !shaped.give_type(*shape, field)) {
      field.note = "holds lists or dicts whose shapes have too little in common";
    }
  }
  return field;
}

std::vector<Column> all_columns(const Catalog& catalog, const TableInfo& table,
                                const TableColumns& wanted) {
  using From = Column::From;
  std::vector<Column> all;
  all.push_back({From::time, 0, {"time", Type::timestamp_ns, {}, {}}});
  if (table.kind == TableKind::message) {
    all.push_back({From::level, 0, {"level", Type::text, {}, {}}});
  }
  const std::vector<bool> rare = rare_columns(table);
  ShapedFields shaped(table.rows);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (rare.empty() || !rare[i]) {
      all.push_back({From::field, i, field_of(catalog, table, i, wanted, shaped)});
    }
  }
  if (!rare.empty()) {
    const auto n = std::ranges::count(rare, true);
    std::string note = "holds " + std::to_string(n) + " columns of few values, as JSON";
    all.push_back({From::rare, 0, {name_of_rare(table), Type::text, std::move(note), {}}});
  }
  for (std::size_t i = 0; wanted.origin == Origin::with && i < kOrigin.size(); ++i) {
    all.push_back({From::origin, i, {std::string(kOrigin[i].first), kOrigin[i].second, {}, {}}});
  }
  return all;
}

class Table final : public Rows {
 public:
  Table(const Catalog& catalog, std::size_t index, std::unique_ptr<RecordStream> records,
        const TableColumns& columns)
      : Rows(std::move(records)),
        catalog_(catalog),
        index_(index),
        rare_(rare_columns(catalog.tables().at(index))),
        builder_of_(catalog.tables()[index].columns.size(), kUnasked) {
    const std::vector<Column> all = all_columns(catalog, catalog.tables()[index], columns);
    if (columns.names.empty()) {
      for (const Column& each : all) add(each);
    }
    for (const std::string& name : columns.names) {
      const auto found = std::ranges::find(
          all, name, [](const Column& each) -> const std::string& { return each.field.name; });
      if (found == all.end()) throw UnknownColumn(name);
      const auto is_it = [&](const Field& field) { return field.name == name; };
      if (std::ranges::none_of(fields(), is_it)) add(*found);
    }
  }

 protected:
  bool fill(const SourcedRecord& source, std::size_t row, std::size_t& bytes) override {
    const Record& record = source.record;
    const Catalog::Place place = catalog_.place(record);
    if (place.table != index_) return false;
    if (time_at_ != kAbsent) builders_[time_at_].put(row, Value::of_int(record.time_ns));
    if (level_at_ != kAbsent) {
      builders_[level_at_].put(row, Value::of_str(level_name(record.site->level, scratch_)));
    }
    more_.clear();
    for (const Cell& cell : place.cells) {
      // Only a source that changed since the catalog was made has more columns than it.
      if (cell.column >= builder_of_.size()) continue;
      const std::uint32_t builder = builder_of_[cell.column];
      if (builder == kMore) {
        add_more(cell);
      } else if (builder != kUnasked) {
        bytes += builders_[builder].put(row, *cell.value);
      }
    }
    if (!more_.empty()) {
      more_.push('}');
      bytes += builders_[more_at_].put(row, Value::of_str(more_.view()));
    }
    fill_origin(source, row, bytes);
    return true;
  }

 private:
  static constexpr std::uint32_t kMore = UINT32_MAX;
  static constexpr std::uint32_t kUnasked = UINT32_MAX - 1;

  void add(const Column& column) {
    const std::size_t at = builders_.size();
    switch (column.from) {
      case Column::From::time: time_at_ = at; break;
      case Column::From::level: level_at_ = at; break;
      case Column::From::field: builder_of_[column.index] = static_cast<std::uint32_t>(at); break;
      case Column::From::rare:
        more_at_ = at;
        for (std::size_t i = 0; i < rare_.size(); ++i) {
          if (rare_[i]) builder_of_[i] = kMore;
        }
        break;
      case Column::From::origin: add_origin(column.index); return;
    }
    add_field(column.field);
  }

  void add_more(const Cell& cell) {
    more_.append(more_.empty() ? "{\"" : ",\"");
    json_text(more_, catalog_.tables()[index_].columns[cell.column].name);
    more_.append("\":");
    write_json(more_, *cell.value);
  }

  Catalog catalog_;  // its own, since placing records uses the catalog's caches
  std::size_t index_;
  std::size_t time_at_ = kAbsent;  // among the builders
  std::size_t level_at_ = kAbsent;
  std::size_t more_at_ = kAbsent;
  std::vector<bool> rare_;                 // see rare_columns
  std::vector<std::uint32_t> builder_of_;  // by column
  Buffer more_;                            // of the row
};

class All final : public Rows {
 public:
  All(std::unique_ptr<RecordStream> records, RenderText render, Origin origin)
      : Rows(std::move(records)), render_(std::move(render)) {
    add_field("time", Type::timestamp_ns);
    add_field("event", Type::text);
    add_field("level", Type::text);
    add_field("text", Type::text);
    add_field("thread", Type::text);
    add_field("pid", Type::int64);
    for (const std::size_t i : {0U, 1U, 2U, 5U}) {
      if (origin == Origin::with) add_origin(i);  // thread and pid are there
    }
  }

 protected:
  bool fill(const SourcedRecord& source, std::size_t row, std::size_t& bytes) override {
    const Record& record = source.record;
    builders_[0].put(row, Value::of_int(record.time_ns));
    const std::string_view event = event_name(record);
    if (event.data() != nullptr) bytes += builders_[1].put(row, Value::of_str(event));
    const SiteKind kind = record.site->kind;
    if (kind == SiteKind::message || kind == SiteKind::inline_message) {
      builders_[2].put(row, Value::of_str(level_name(record.site->level, scratch_)));
    }
    text_.clear();
    render_(record, text_);
    bytes += builders_[3].put(row, Value::of_str(text_.view()));
    if (record.thread != nullptr) {
      bytes += builders_[4].put(row, Value::of_str(thread_name(*record.thread)));
    }
    builders_[5].put(row, Value::of_int(source.pid));
    fill_origin(source, row, bytes);
    return true;
  }

 private:
  static std::string_view event_name(const Record& record) {
    switch (record.site->kind) {
      case SiteKind::event: return record.site->name;
      case SiteKind::text: return "LOG";
      case SiteKind::print: return "PRINT";
      case SiteKind::dropped: return "DROPPED";
      case SiteKind::clock: return "CLOCK";
      case SiteKind::inline_event:
        if (record.values.empty() || record.values[0].tag != Tag::str) return {};
        return record.values[0].text;
      default: return {};
    }
  }

  RenderText render_;
  Buffer text_;
};

}  // namespace

std::string schema_text(std::string_view text) {
  Buffer valid;
  append_utf8(valid, text);
  std::string name;
  for (const char c : valid.view()) {
    if (c == '\0') {
      name += "\\x00";
    } else {
      name += c;
    }
  }
  return name;
}

Type type_of(std::uint32_t kinds, std::string& note) {
  const std::uint32_t tags = kinds & ~kRemarks & ~bit(Tag::none);
  const bool is_alone = std::has_single_bit(tags);
  const Tag alone = is_alone ? static_cast<Tag>(std::countr_zero(tags)) : Tag::none;
  note.clear();
  if (tags == 0) return Type::null;
  if ((kinds & holds::kOutOfRange) != 0) {
    note = "holds dates or times that do not exist";
    return Type::text;
  }
  if ((tags & ~(kInts | bit(Tag::bigint))) == 0) {
    if (is_alone && alone != Tag::bigint) return type_of_tag(alone);
    if ((tags & bit(Tag::bigint)) == 0 && (kinds & holds::kHugeInt) == 0) return Type::int64;
    note = "holds ints beyond 64 bits";
    return Type::text;
  }
  if ((tags & ~(kInts | kFloats)) == 0) {
    if (is_alone) return type_of_tag(alone);
    if ((kinds & holds::kInexactInt) == 0) return Type::float64;
    note = "holds floats and ints beyond 2**53";
    return Type::text;
  }
  if (is_alone) return type_of_tag(alone);
  note = "holds " + names_of(tags);
  return Type::text;
}

std::vector<bool> rare_columns(const TableInfo& table) {
  const std::size_t n = table.columns.size();
  std::uint64_t values = 0;
  for (const ColumnInfo& column : table.columns) values += column.values;
  const std::uint64_t limit = std::max(kMostNulls, kNullsForOne * (table.rows + values));
  if (table.rows * n - values <= limit) return {};
  std::vector<std::uint64_t> counts;
  counts.reserve(n);
  for (const ColumnInfo& column : table.columns) counts.push_back(column.values);
  std::ranges::sort(counts, std::greater());
  std::uint64_t nulls = 0;
  std::uint64_t few = 0;
  for (const std::uint64_t count : counts) {
    nulls += table.rows - count;
    few = count;
    if (nulls > limit) break;
  }
  std::vector<bool> rare(n);
  for (std::size_t i = 0; i < n; ++i) rare[i] = table.columns[i].values <= few;
  return rare;
}

std::string name_of_rare(const TableInfo& table) {
  std::string name = "more";
  while (std::ranges::find(table.columns, name, &ColumnInfo::name) != table.columns.end()) {
    name += '_';
  }
  return name;
}

std::vector<Field> fields_of_table(const Catalog& catalog, std::size_t index,
                                   const TableColumns& columns) {
  std::vector<Field> fields;
  for (Column& each : all_columns(catalog, catalog.tables().at(index), columns)) {
    fields.push_back(std::move(each.field));
  }
  return fields;
}

std::unique_ptr<TableStream> open_table(const Catalog& catalog, std::size_t index,
                                        std::unique_ptr<RecordStream> records,
                                        const TableColumns& columns) {
  return std::make_unique<Table>(catalog, index, std::move(records), columns);
}

std::unique_ptr<BatchStream> open_all(std::unique_ptr<RecordStream> records, RenderText render,
                                      Origin origin) {
  return std::make_unique<All>(std::move(records), std::move(render), origin);
}

std::string run_name(std::uint64_t run_id) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64, run_id);
  return digits.data();
}

}  // namespace attolog
