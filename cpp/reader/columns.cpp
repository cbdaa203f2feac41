#include "reader/columns.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <initializer_list>
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
class Rows : public BatchStream {
 public:
  explicit Rows(std::unique_ptr<RecordStream> records) : records_(std::move(records)) {}

  const std::vector<Field>& fields() const override { return fields_; }

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
  // The columns of the origin, less those that the table has anyway.
  void add_origin(std::initializer_list<std::string_view> present = {}) {
    for (const auto& [name, type] : kOrigin) {
      const bool is_there = std::ranges::find(present, name) != present.end();
      origin_at_.push_back(is_there ? kAbsent : builders_.size());
      if (!is_there) add_field(name, type);
    }
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

 private:
  static constexpr std::size_t kAbsent = SIZE_MAX;

  std::unique_ptr<RecordStream> records_;
  std::vector<Field> fields_;
  std::size_t cells_ = 0;               // of a row
  std::vector<std::size_t> origin_at_;  // among the builders, as in kOrigin
  std::uint64_t run_id_ = 0;
  std::string run_ = run_name(0);
};

class Table final : public Rows {
 public:
  Table(const Catalog& catalog, std::size_t index, std::unique_ptr<RecordStream> records,
        Origin origin, Nested nested)
      : Rows(std::move(records)), catalog_(catalog), index_(index) {
    const TableInfo& table = catalog.tables().at(index);
    add_field("time", Type::timestamp_ns);
    has_level_ = table.kind == TableKind::message;
    if (has_level_) add_field("level", Type::text);
    const std::vector<bool> rare = rare_columns(table);
    ShapedFields shaped(table.rows);
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const ColumnInfo& column = table.columns[i];
      if (!rare.empty() && rare[i]) {
        builder_of_.push_back(kMore);
        continue;
      }
      builder_of_.push_back(static_cast<std::uint32_t>(builders_.size()));
      std::string note;
      Type type = type_of(column.kinds, note);
      const bool is_ns = type == Type::int64;
      if (is_ns && table.kind == TableKind::dropped && column.name == "since") {
        type = Type::timestamp_ns;
      }
      if (is_ns && table.kind == TableKind::clock && column.name == "jump") {
        type = Type::duration_ns;
      }
      const bool may_clash = origin == Origin::with;
      const std::string name = may_clash ? name_beside_origin(table, column.name) : column.name;
      Field field{schema_text(name), type, std::move(note), {}};
      if (nested == Nested::typed && column.shape != kNoShape && field.note.empty()) {
        const Shape* const shape = catalog.shape_of(column);
        if (shape == nullptr || !shaped.give_type(*shape, field)) {
          field.note = "holds lists or dicts whose shapes have too little in common";
        }
      }
      add_field(std::move(field));
    }
    if (!rare.empty()) {
      more_at_ = builders_.size();
      const auto n = std::ranges::count(rare, true);
      add_field(name_of_rare(table), Type::text,
                "holds " + std::to_string(n) + " columns of few values, as JSON");
    }
    if (origin == Origin::with) add_origin();
  }

 protected:
  bool fill(const SourcedRecord& source, std::size_t row, std::size_t& bytes) override {
    const Record& record = source.record;
    const Catalog::Place place = catalog_.place(record);
    if (place.table != index_) return false;
    builders_[0].put(row, Value::of_int(record.time_ns));
    if (has_level_) builders_[1].put(row, Value::of_str(level_name(record.site->level, scratch_)));
    more_.clear();
    for (const Cell& cell : place.cells) {
      // Only a source that changed since the catalog was made has more columns than it.
      if (cell.column >= builder_of_.size()) continue;
      const std::uint32_t builder = builder_of_[cell.column];
      if (builder == kMore) {
        add_more(cell);
      } else {
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

  void add_more(const Cell& cell) {
    more_.append(more_.empty() ? "{\"" : ",\"");
    json_text(more_, catalog_.tables()[index_].columns[cell.column].name);
    more_.append("\":");
    write_json(more_, *cell.value);
  }

  Catalog catalog_;  // its own, since placing records uses the catalog's caches
  std::size_t index_;
  bool has_level_ = false;
  std::vector<std::uint32_t> builder_of_;  // by column
  std::size_t more_at_ = 0;                // among the builders
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
    if (origin == Origin::with) add_origin({"thread", "pid"});
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

std::unique_ptr<BatchStream> open_table(const Catalog& catalog, std::size_t index,
                                        std::unique_ptr<RecordStream> records, Origin origin,
                                        Nested nested) {
  return std::make_unique<Table>(catalog, index, std::move(records), origin, nested);
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
