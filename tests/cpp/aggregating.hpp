// An aggregator as the drain uses it, and its rows as texts.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"
#include "format/value_text.hpp"
#include "strategies/aggregator.hpp"

namespace aggregating {

using namespace attolog;

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kMs = 1'000'000;
inline constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
inline constexpr auto kMax = std::numeric_limits<std::int64_t>::max();

using Values = std::vector<Value>;
using Lines = std::vector<std::string>;

inline Value of(int v) {
  return Value::of_int(v);
}
inline Value of(const char* v) {
  return Value::of_str(v);
}
inline Value of(const std::string& v) {
  return Value::of_str(v);
}
inline Value of(double v) {
  Value value;
  value.tag = Tag::float64;
  value.f = v;
  return value;
}
inline Value tagged(Tag tag, std::int64_t bits = 0) {
  Value value;
  value.tag = tag;
  value.i = bits;
  return value;
}

inline Site site_of(std::string name, std::vector<std::string> fields,
                    std::string policy = "stats:1s", SiteKind kind = SiteKind::event) {
  Site site;
  site.kind = kind;
  site.destination = Destination::stats;
  site.name = std::move(name);
  site.fields = std::move(fields);
  site.policy = std::move(policy);
  return site;
}

inline Site weighted(Site site) {
  site.is_weighted = true;
  if (!site.fields.empty()) site.fields.emplace_back("weight");
  return site;
}

// A row, taken apart.
struct Row {
  std::int64_t time_ns = 0;
  std::string name;
  std::vector<std::pair<std::string, std::string>> cells;  // texts as in CSV, None as "-"
  std::string sketch;

  std::string operator[](std::string_view column) const {
    for (const auto& [name, text] : cells) {
      if (name == column) return text;
    }
    return "no such column";
  }
};

struct Rows {
  std::vector<Row> rows;

  StatsEmit emit() {
    return [this](std::span<const Value> values, std::int64_t time_ns) {
      Row row{time_ns, std::string(values[0].text), {}, {}};
      check::equal(values.size() % 2, 1u);
      for (std::size_t i = 1; i + 1 < values.size(); i += 2) {
        Buffer text;
        write_plain(text, values[i + 1]);
        const bool is_sketch = values[i].text == "sketch" && values[i + 1].tag == Tag::bytes;
        if (is_sketch) row.sketch = values[i + 1].text;
        row.cells.emplace_back(values[i].text,
                               values[i + 1].tag == Tag::none ? "-" : std::string(text.view()));
      }
      rows.push_back(std::move(row));
    };
  }

  // The wanted columns of every row, and take them away.
  Lines take(const std::vector<std::string>& columns) {
    Lines lines;
    for (const Row& row : rows) {
      std::string line;
      for (const std::string& column : columns) {
        line += line.empty() ? "" : " ";
        line += column == "time" ? std::to_string(row.time_ns / kMs) : row[column];
      }
      lines.push_back(std::move(line));
    }
    rows.clear();
    return lines;
  }
  // All there is, with column names.
  Lines take_all() {
    Lines lines;
    for (const Row& row : rows) {
      std::string line = std::to_string(row.time_ns) + " " + row.name;
      for (const auto& [name, text] : row.cells) line += " " + name + "=" + text;
      lines.push_back(std::move(line));
    }
    rows.clear();
    return lines;
  }
};

inline void expect(const Lines& actual, const Lines& expected,
                   const std::source_location& where = std::source_location::current()) {
  if (actual == expected) return;
  std::string what = "got";
  for (const std::string& line : actual) what += "\n  " + line;
  what += "\nexpected";
  for (const std::string& line : expected) what += "\n  " + line;
  check::fail(what, where);
}

// An aggregator as the drain uses it: windows are closed before each record.
class Draining {
 public:
  explicit Draining(std::int64_t start_ns = 0, bool with_sketch = false)
      : aggregator_(start_ns, with_sketch) {}

  const Site& site(Site site) { return sites_.emplace_back(std::move(site)); }
  void log(const Site& site, std::int64_t time_ns, const Values& values, bool is_stamped = false) {
    aggregator_.close_until(time_ns, is_stamped, rows_.emit());
    aggregator_.add({&site, &thread_, time_ns, values, is_stamped});
  }
  Lines take(const std::vector<std::string>& columns) { return rows_.take(columns); }
  Lines close(std::int64_t now_ns, const std::vector<std::string>& columns) {
    aggregator_.close_all(now_ns, rows_.emit());
    return take(columns);
  }
  Rows& rows() { return rows_; }
  Aggregator& operator*() { return aggregator_; }
  Aggregator* operator->() { return &aggregator_; }

 private:
  std::deque<Site> sites_;
  Thread thread_;
  Rows rows_;
  Aggregator aggregator_;
};

}  // namespace aggregating
