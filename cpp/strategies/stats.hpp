// The statistics of an event's records in one window: groups by the values of some fields, in each
// a count, and a sketch of each field with numbers.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/buffer.hpp"
#include "core/value.hpp"
#include "core/varint.hpp"
#include "strategies/sketch.hpp"

namespace attolog {

// Adds a `by` value, as in core/codec.hpp. What looks alike in the file is one group: numbers lose
// their width, and what is longer than 256 bytes is cut.
void encode_by(Buffer& out, const Value& value);

struct StatsField {
  std::string name;
  bool is_whole = true;  // all were ints, each exact as a double
  Sketch sketch;
};

struct StatsGroup {
  std::string by;    // the values, by encode_by
  double count = 0;  // the sum of weights
  std::vector<StatsField> fields;
};

// In the order in which windows close and rows are written.
struct StatsKey {
  bool is_stamped = false;  // the times of the records were set by the program
  std::int64_t end = 0;     // ns
  std::string event;
  std::vector<std::string> by;
  std::int64_t length = 0;  // ns

  std::int64_t start() const { return end - length; }
  std::strong_ordering operator<=>(const StatsKey&) const = default;
};

class StatsTable {
 public:
  static constexpr std::size_t kMaxGroups = 1000;  // and one for all others

  explicit StatsTable(std::size_t by) : by_(by) {}
  StatsTable(StatsTable&&) = default;
  StatsTable(const StatsTable&) = delete;  // the index points into the groups
  StatsTable& operator=(const StatsTable&) = delete;

  // The group of these encoded values; where there are too many, that of all others, in which each
  // value is the text (others).
  StatsGroup& group(std::string_view by);
  // The group's field of that name, likely at `hint`.
  StatsField& field(StatsGroup& group, std::string_view name, std::size_t hint);

  const std::deque<StatsGroup>& groups() const { return groups_; }
  std::size_t cells() const { return cells_; }  // groups and fields

  void save(Buffer& out) const;
  // Into an empty table. Throws FormatError.
  void load(ByteReader& in);

 private:
  StatsGroup* find(std::string_view by) const;
  StatsGroup& make(std::string_view by);

  std::size_t by_;
  std::size_t cells_ = 0;
  std::deque<StatsGroup> groups_;  // in order of their first records
  std::unordered_map<std::string_view, StatsGroup*> index_;
};

// Takes a row as the values of an inline event (see core/site.hpp), valid during the call only.
using StatsEmit = std::function<void(std::span<const Value> values, std::int64_t time_ns)>;

struct StatsCover {
  double seconds;        // that the counts stand for
  std::int64_t time_ns;  // of the rows
};

// Emits the rows of a table, ordered by the groups' values; of each group first its own, then those
// of its fields by name:
//
//   STATS  of, each of `by`, field, window, count, rate, sum, min, max, mean, p50, p90, p99, p999,
//          error [, sketch]
//
// A group's own row has None for the field and all from `sum` on. `error` is the relative error of
// the quantiles, `sketch` the bytes of strategies/sketch.hpp. A `by` field whose name a table of
// events needs for itself gets a trailing _.
void emit_stats(const StatsKey& key, const StatsTable& table, const StatsCover& cover,
                bool with_sketch, const StatsEmit& emit);

}  // namespace attolog
