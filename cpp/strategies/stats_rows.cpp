// The rows of a window's statistics.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <compare>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/value.hpp"
#include "strategies/stats.hpp"

namespace attolog {

namespace {

// The columns of every table, and those of a STATS row.
constexpr std::array<std::string_view, 22> kTaken{
    "time",  "event",  "level", "message", "weight", "thread", "text", "of",
    "field", "window", "count", "rate",    "sum",    "min",    "max",  "mean",
    "p50",   "p90",    "p99",   "p999",    "error",  "sketch"};
// Those that only the rows of fields fill.
constexpr std::array<std::string_view, 10> kFigures{"sum", "min", "max",  "mean",  "p50",
                                                    "p90", "p99", "p999", "error", "sketch"};

Value number_value(double value, bool is_whole = false) {
  if (is_whole && std::abs(value) < kWholeDoubles && value == std::floor(value)) {
    return Value::of_int(static_cast<std::int64_t>(value));
  }
  Value number;
  number.tag = Tag::float64;
  number.f = value;
  return number;
}

std::vector<std::string> columns_of(const std::vector<std::string>& by) {
  std::vector<std::string> columns;
  for (std::string name : by) {
    while (std::ranges::find(kTaken, name) != kTaken.end() ||
           std::ranges::find(columns, name) != columns.end()) {
      name += '_';
    }
    columns.push_back(std::move(name));
  }
  return columns;
}

// Any total order will do that shows numbers and texts ascending.
std::strong_ordering compare(const Value& a, const Value& b) {
  if (a.tag != b.tag) return a.tag <=> b.tag;
  if (a.tag == Tag::float64) return std::strong_order(a.f, b.f);
  if (a.tag == Tag::str || a.tag == Tag::bytes) return a.text <=> b.text;
  if (a.tag == Tag::uint64) {
    return static_cast<std::uint64_t>(a.i) <=> static_cast<std::uint64_t>(b.i);
  }
  if (const auto order = a.i <=> b.i; order != 0) return order;
  return a.offset_seconds <=> b.offset_seconds;
}

struct Entry {
  const StatsGroup* group;
  std::vector<Value> by;

  bool operator<(const Entry& other) const {
    return std::ranges::lexicographical_compare(
        by, other.by, [](const Value& a, const Value& b) { return compare(a, b) < 0; });
  }
};

class Row {
 public:
  explicit Row(std::string_view name) : values_{Value::of_str(name)} {}
  void put(std::string_view name, const Value& value) {
    values_.push_back(Value::of_str(name));
    values_.push_back(value);
  }
  void truncate(std::size_t size) { values_.resize(size); }
  std::span<const Value> values() const { return values_; }

 private:
  std::vector<Value> values_;
};

}  // namespace

void emit_stats(const StatsKey& key, const StatsTable& table, const StatsCover& cover,
                bool with_sketch, const StatsEmit& emit) {
  const std::vector<std::string> columns = columns_of(key.by);
  const std::size_t figures = kFigures.size() - (with_sketch ? 0 : 1);
  Arena arena;
  std::vector<Entry> entries;
  for (const StatsGroup& group : table.groups()) {
    Entry& entry = entries.emplace_back();
    entry.group = &group;
    decode_values(group.by, arena, entry.by);
  }
  std::sort(entries.begin(), entries.end());
  Buffer bytes;
  for (const Entry& entry : entries) {
    Row row("STATS");
    row.put("of", Value::of_str(key.event));
    for (std::size_t i = 0; i < columns.size(); ++i) row.put(columns[i], entry.by[i]);
    const std::size_t start = row.values().size();
    const auto put_counts = [&](const Value& field, double count) {
      row.truncate(start);
      row.put("field", field);
      row.put("window", number_value(static_cast<double>(key.length) / 1e9));
      row.put("count", number_value(count, true));
      row.put("rate", number_value(count / cover.seconds));
    };
    put_counts({}, entry.group->count);
    for (std::size_t i = 0; i < figures; ++i) row.put(kFigures[i], {});
    emit(row.values(), cover.time_ns);

    std::vector<const StatsField*> fields;
    for (const StatsField& field : entry.group->fields) fields.push_back(&field);
    std::ranges::sort(fields, {}, &StatsField::name);
    for (const StatsField* field : fields) {
      const Sketch& sketch = field->sketch;
      put_counts(Value::of_str(field->name), sketch.count());
      Value saved;
      if (with_sketch) {
        bytes.clear();
        sketch.save(bytes);
        saved.tag = Tag::bytes;
        saved.text = bytes.view();
      }
      const std::array<Value, kFigures.size()> values{
          number_value(sketch.sum(), field->is_whole), number_value(sketch.min(), field->is_whole),
          number_value(sketch.max(), field->is_whole), number_value(sketch.mean()),
          number_value(sketch.quantile(0.5)),          number_value(sketch.quantile(0.9)),
          number_value(sketch.quantile(0.99)),         number_value(sketch.quantile(0.999)),
          number_value(sketch.relative_error()),       saved};
      for (std::size_t i = 0; i < figures; ++i) row.put(kFigures[i], values[i]);
      emit(row.values(), cover.time_ns);
    }
  }
}

}  // namespace attolog
