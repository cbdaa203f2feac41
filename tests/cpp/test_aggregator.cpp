#include "writer/aggregator.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "check.hpp"
#include "writer/plain.hpp"

using namespace attolog;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMs = 1'000'000;
constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

using Values = std::vector<Value>;
using Lines = std::vector<std::string>;

Value of(int v) {
  return Value::of_int(v);
}
Value of(const char* v) {
  return Value::of_str(v);
}
Value of(const std::string& v) {
  return Value::of_str(v);
}
Value of(double v) {
  Value value;
  value.tag = Tag::float64;
  value.f = v;
  return value;
}
Value tagged(Tag tag, std::int64_t bits = 0) {
  Value value;
  value.tag = tag;
  value.i = bits;
  return value;
}

Site site_of(std::string name, std::vector<std::string> fields, std::string policy = "stats:1s",
             Kind kind = Kind::event) {
  Site site;
  site.kind = kind;
  site.handling = Handling::aggregate;
  site.name = std::move(name);
  site.fields = std::move(fields);
  site.policy = std::move(policy);
  return site;
}

Site weighted(Site site) {
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

void expect(const Lines& actual, const Lines& expected,
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
    aggregator_.add({&site, &thread_, time_ns, values}, is_stamped);
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

std::string saved(const Aggregator& aggregator) {
  Buffer out;
  aggregator.save(out);
  return std::string(out.view());
}

const check::Test whole_row{
    "a window has a row of its event, and one of each numeric field with its figures", [] {
      Draining draining;
      const Site& site = draining.site(site_of("GEN", {"model", "ms"}));
      for (const int ms : {4, 1, 3, 2}) draining.log(site, 5 * kSecond + ms, {of("a"), of(ms)});
      draining->close_until(6 * kSecond - 1, false, draining.rows().emit());
      expect(draining.rows().take_all(), {});
      draining->close_until(6 * kSecond, false, draining.rows().emit());
      const auto rows = draining.rows().rows;
      const std::string start = "6000000000 STATS of=GEN field=";
      std::string quantiles;
      for (const char* name : {"p50", "p90", "p99", "p999", "error"}) {
        quantiles += std::string(" ") + name + "=" + rows.at(1)[name];
      }
      expect(draining.rows().take_all(),
             {start + "- window=1.0 count=4 rate=4.0 sum=- min=- max=- mean=- p50=- p90=- p99=- "
                      "p999=- error=-",
              start + "ms window=1.0 count=4 rate=4.0 sum=10 min=1 max=4 mean=2.5" + quantiles});
      const double error = std::stod(rows.at(1)["error"]);
      check::that(error > 0 && error < 0.01);
      for (const auto& [name, exact] : {std::pair{"p50", 2}, {"p90", 4}, {"p99", 4}, {"p999", 4}}) {
        check::that(std::abs(std::stod(rows.at(1)[name]) - exact) <= exact * error);
      }
      check::that(draining->empty());
      check::equal(draining->aggregated(), 4u);
    }};

const check::Test alignment{"windows are multiples of their length since 1970, before it too", [] {
                              Draining draining;
                              const Site& site = draining.site(site_of("A", {}, "stats:500ms"));
                              const std::vector<std::pair<std::int64_t, std::int64_t>> expected{
                                  {-1000, -500}, {-501, -500}, {-500, 0},  {-1, 0},
                                  {0, 500},      {499, 500},   {500, 1000}};
                              for (const auto& [ms, end] : expected) {
                                draining.log(site, ms * kMs, {});
                                expect(draining.close(kMax, {"time", "count", "window", "rate"}),
                                       {std::to_string(end) + " 1 0.5 2.0"});
                              }
                            }};

const check::Test order{
    "rows come by window's end, event, values and field, whatever came first", [] {
      Draining draining;
      const Site& b = draining.site(site_of("B", {"k", "y", "x"}, "stats:1s@k"));
      const Site& a = draining.site(site_of("A", {"n"}));
      const Site& early = draining.site(site_of("C", {}, "stats:500ms"));
      draining.log(b, 100 * kMs, {of("z"), of(1), of(1)});
      draining.log(a, 100 * kMs, {of(1)});
      draining.log(b, 200 * kMs, {of("k"), of(1), of(1)});
      for (const int k : {10, 9, -1}) draining.log(b, 300 * kMs, {of(k)});
      for (const double k : {2.5, -2.5}) draining.log(b, 300 * kMs, {of(k)});
      draining.log(b, 300 * kMs, {});
      draining.log(early, 300 * kMs, {});
      const std::vector<std::string> columns{"time", "of", "k", "field"};
      const std::string none = "no such column";
      draining->close_until(kSecond, false, draining.rows().emit());
      expect(
          draining.take(columns),
          {"500 C " + none + " -", "1000 A " + none + " -", "1000 A " + none + " n", "1000 B - -",
           "1000 B -1 -", "1000 B 9 -", "1000 B 10 -", "1000 B -2.5 -", "1000 B 2.5 -",
           "1000 B k -", "1000 B k x", "1000 B k y", "1000 B z -", "1000 B z x", "1000 B z y"});
    }};

const check::Test late{
    "a late record opens its window again; its row adds up with the earlier one", [] {
      Draining draining(0, true);
      const Site& site = draining.site(site_of("A", {"x"}));
      for (int i = 1; i <= 4; ++i) draining.log(site, 100 * kMs, {of(i)});
      draining.log(site, 1100 * kMs, {of(7)});
      const std::string first = draining.rows().rows.at(1).sketch;
      const std::vector<std::string> columns{"time", "field", "count", "rate", "sum"};
      expect(draining.take(columns), {"1000 - 4 4.0 -", "1000 x 4 4.0 10"});
      draining.log(site, 200 * kMs, {of(100)});
      draining.log(site, 1200 * kMs, {of(8)});
      const std::string second = draining.rows().rows.at(1).sketch;
      expect(draining.take(columns), {"1000 - 1 1.0 -", "1000 x 1 1.0 100"});
      expect(draining.close(kMax, columns), {"2000 - 2 2.0 -", "2000 x 2 2.0 15"});
      Sketch whole;
      for (const int x : {1, 2, 3, 4, 100}) whole.add(x);
      Sketch both;
      Sketch other;
      std::string_view left(first);
      std::string_view right(second);
      check::that(Sketch::load(left, both) && Sketch::load(right, other));
      both.merge(other);
      check::equal(both.scale(), whole.scale());
      check::equal(both.quantile(0.5), whole.quantile(0.5));
      check::equal(both.sum(), whole.sum());
    }};

const check::Test clocks{"real and stamped windows are closed by their own records only", [] {
                           Draining draining;
                           const Site& site = draining.site(site_of("A", {}));
                           const std::vector<std::string> columns{"time", "count"};
                           draining.log(site, 100 * kSecond, {});
                           draining.log(site, 1 * kSecond, {}, true);
                           draining.log(site, 1 * kSecond, {}, true);
                           draining.log(site, 5 * kSecond, {}, true);
                           expect(draining.take(columns), {"2000 2"});
                           draining.log(site, 101 * kSecond, {});
                           expect(draining.take(columns), {"101000 1"});
                           draining->close_real(101'500 * kMs, draining.rows().emit());
                           expect(draining.take(columns), {"101500 1"});
                           // Nobody knows what time it is in the program: what is open is taken as
                           // over.
                           draining->close_all(5'500 * kMs, draining.rows().emit());
                           expect(draining.take({"time", "count", "rate"}), {"6000 1 1.0"});
                         }};

const check::Test parts{
    "a window that ends early has the rate of its part, since the start at the most", [] {
      const std::vector<std::string> columns{"time", "count", "rate", "window"};
      Draining draining(10'250 * kMs);
      const Site& site = draining.site(site_of("A", {}));
      for (int i = 0; i < 3; ++i) draining.log(site, 10'400 * kMs, {});
      draining->snapshot(10'500 * kMs, draining.rows().emit());
      expect(draining.take(columns), {"10500 3 12.0 1.0"});
      draining.log(site, 11'100 * kMs, {});
      expect(draining.take(columns), {"11000 3 3.0 1.0"});
      draining->snapshot(11'250 * kMs, draining.rows().emit());
      expect(draining.take(columns), {"11250 1 4.0 1.0"});
      // A clock that stands before all that was counted says nothing of how long that took.
      draining->snapshot(9'000 * kMs, draining.rows().emit());
      expect(draining.take(columns), {"12000 1 1.0 1.0"});
      expect(draining.close(11'500 * kMs, columns), {"11500 1 2.0 1.0"});
      check::that(draining->empty());
    }};

const check::Test steps{"when the clock steps back, its windows end at once and begin anew", [] {
                          Draining draining;
                          const Site& site = draining.site(site_of("A", {}));
                          const std::vector<std::string> columns{"time", "count", "rate"};
                          draining.log(site, 7'100 * kMs, {});
                          draining->close_real(7'500 * kMs, draining.rows().emit());
                          expect(draining.take(columns), {"7500 1 2.0"});
                          draining.log(site, 3'200 * kMs, {});
                          draining.log(site, 7'100 * kMs, {});
                          expect(draining.take(columns), {"4000 1 1.0"});
                          expect(draining.close(kMax, columns), {"8000 1 1.0"});
                        }};

const check::Test by_values{
    "groups are by what values look like, not by their width", [] {
      Draining draining;
      const Site& site = draining.site(site_of("A", {"k", "n"}, "stats:1s@k"));
      Value bytes = of("\x01");
      bytes.tag = Tag::bytes;
      Value bigint = of("123456789012345678901234567890");
      bigint.tag = Tag::bigint;
      Value single = of(0.5);
      single.tag = Tag::float32;
      Value aware = tagged(Tag::datetime_utc, 0);
      aware.offset_seconds = 3600;
      for (const Value& k :
           {of(7), tagged(Tag::int8, 7), tagged(Tag::uint64, 7), tagged(Tag::uint64, -1),
            tagged(Tag::true_), tagged(Tag::none), single, of(0.5), of("7"), bytes, bigint,
            tagged(Tag::datetime, 0), aware, tagged(Tag::date, 1), tagged(Tag::duration, 0)}) {
        draining.log(site, 0, {k, of(1)});
      }
      expect(draining.close(kMax, {"k", "count", "sum"}), {"- 1 -",
                                                           "- 1 1",
                                                           "True 1 -",
                                                           "True 1 1",
                                                           "7 3 -",
                                                           "7 3 3",
                                                           "0.5 2 -",
                                                           "0.5 2 2",
                                                           "123456789012345678901234567890 1 -",
                                                           "123456789012345678901234567890 1 1",
                                                           "7 1 -",
                                                           "7 1 1",
                                                           "b'\\x01' 1 -",
                                                           "b'\\x01' 1 1",
                                                           "1970-01-01T00:00:00 1 -",
                                                           "1970-01-01T00:00:00 1 1",
                                                           "1970-01-01T01:00:00+01:00 1 -",
                                                           "1970-01-01T01:00:00+01:00 1 1",
                                                           "1970-01-02 1 -",
                                                           "1970-01-02 1 1",
                                                           "P0DT0H0M0S 1 -",
                                                           "P0DT0H0M0S 1 1",
                                                           "18446744073709551615 1 -",
                                                           "18446744073709551615 1 1"});
    }};

const check::Test names{
    "a column that a STATS row needs itself is given a trailing _", [] {
      Draining draining;
      const Site& site =
          draining.site(site_of("A", {"count", "time", "of_", "of"}, "stats:1s@count,of,of_,time"));
      draining.log(site, 0, {of(1), of(2), of(3), of(4)});
      expect(draining.close(kMax, {"count_", "of_", "of__", "time_", "of", "count", "field"}),
             {"1 4 3 2 A 1 -"});
    }};

const check::Test absent{
    "a field that a record has not got is None, and a site may have none of that name", [] {
      Draining draining;
      const Site& site = draining.site(site_of("A", {"x", "k"}, "stats:1s@k,unknown"));
      draining.log(site, 0, {of(1), of("a")});
      draining.log(site, 0, {of(1)});
      expect(draining.close(kMax, {"k", "unknown", "field", "count"}),
             {"- - - 1", "- - x 1", "a - - 1", "a - x 1"});
    }};

const check::Test overflow{
    "past 1,000 groups all others are one, and long values are cut", [] {
      Draining draining;
      const Site& site = draining.site(site_of("A", {"k", "j"}, "stats:1s@k,j"));
      for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 1500; ++i) draining.log(site, 0, {of(i), of("j")});
      }
      auto rows = draining.close(kMax, {"k", "j", "count"});
      check::equal(rows.size(), 1001u);
      check::equal(rows.front(), std::string("0 j 2"));
      check::equal(rows.back(), std::string("(others) (others) 1000"));

      const std::string umlauts = "\xc3\xa4";
      for (const char* end : {"1", "2"}) {
        draining.log(site, 0,
                     {of(std::string(255, 'x') + umlauts + end), of(std::string(300, 'y'))});
      }
      expect(draining.close(kMax, {"k", "j", "count"}),
             {std::string(255, 'x') + " " + std::string(256, 'y') + " 2"});
    }};

const check::Test weights{
    "a record counts as its weight, which is no field", [] {
      Draining draining;
      const std::vector<std::string> columns{"field", "count", "rate", "sum", "mean"};
      const Site& site = draining.site(weighted(site_of("A", {"x"}, "stats:2s")));
      draining.log(site, 0, {of(3), of(10)});
      draining.log(site, 0, {of(4), of(100.0)});
      expect(draining.close(kMax, columns), {"- 110 55.0 - -", "x 110 55.0 430 3.909090909090909"});
      draining.log(site, 0, {of(1), of(2.5)});
      draining.log(site, 0, {of(1), of(2.5)});
      expect(draining.close(kMax, columns), {"- 5 2.5 - -", "x 5 2.5 5.0 1.0"});
      // What is no weight counts as one record; a call with too many values has it last too.
      for (const Value& weight : {of("much"), of(-1), of(0), of(kNan), of(kInf)}) {
        draining.log(site, 0, {of(1), weight});
      }
      draining.log(site, 0, {of(1), of(8), of(2)});
      expect(draining.close(kMax, columns), {"- 7 3.5 - -", "v2 2 1.0 16 8.0", "x 7 3.5 7 1.0"});
    }};

const check::Test numbers{
    "every kind of number has figures, nothing else, and NaN and infinities none", [] {
      Draining draining;
      const std::vector<std::string> columns{"field", "count", "sum", "min", "max"};
      const Site& site = draining.site(site_of("A", {"x"}));
      for (const Value& value :
           {tagged(Tag::int8, -5), tagged(Tag::uint32, 6), of(1), of(kNan), of(kInf), of(-kInf),
            of("3"), tagged(Tag::true_), tagged(Tag::none), tagged(Tag::duration, 5)}) {
        draining.log(site, 0, {value});
      }
      expect(draining.close(kMax, columns), {"- 10 - - -", "x 3 2 -5 6"});
      draining.log(site, 0, {of(1)});
      draining.log(site, 0, {of(0.5)});
      expect(draining.close(kMax, columns), {"- 2 - - -", "x 2 1.5 0.5 1.0"});
      draining.log(site, 0, {tagged(Tag::uint64, -1)});
      expect(draining.close(kMax, columns), {"- 1 - - -",
                                             "x 1 1.8446744073709552e+19 1.8446744073709552e+19 "
                                             "1.8446744073709552e+19"});
      draining.log(site, 0, {of(kNan)});
      expect(draining.close(kMax, columns), {"- 1 - - -"});
      // A sum of ints beyond what a double counts exactly is no int.
      for (int i = 0; i < 3; ++i)
        draining.log(site, 0, {tagged(Tag::int64, std::int64_t{1} << 52)});
      expect(draining.close(kMax, columns),
             {"- 3 - - -", "x 3 1.3510798882111488e+16 4503599627370496 4503599627370496"});
    }};

const check::Test kinds{
    "messages are known by their template, texts as LOG and PRINT", [] {
      Draining draining;
      const auto log = [&](Kind kind, const char* name, std::vector<std::string> fields) {
        const Site& site = draining.site(site_of(name, std::move(fields), "stats:1s", kind));
        draining.log(site, 0, {of(1)});
      };
      log(Kind::message, "{n} done", {"n"});
      log(Kind::text, "", {});
      log(Kind::print, "", {});
      expect(draining.close(kMax, {"of", "field"}),
             {"LOG -", "LOG v1", "PRINT -", "PRINT v1", "{n} done -", "{n} done n"});
    }};

const check::Test inline_kinds{
    "records that carry their names count as those of sites do", [] {
      Draining draining;
      const Site& site = draining.site(site_of("A", {"k", "x"}, "stats:1s@k"));
      const Site& event = draining.site(site_of("", {}, "stats:1s@k", Kind::inline_event));
      const Site& message = draining.site(site_of("", {}, "stats:1s@v1", Kind::inline_message));
      draining.log(site, 0, {of("a"), of(1)});
      draining.log(event, 0, {of("A"), of("x"), of(2), of("k"), of("a")});
      draining.log(event, 0, {of("B"), of("y"), of(3)});
      draining.log(message, 0, {of("{} {}"), of("a"), of(4)});
      expect(
          draining.close(kMax, {"of", "k", "v1", "field", "sum"}),
          {"A a no such column - -", "A a no such column x 3", "B - no such column - -",
           "B - no such column y 3", "{} {} no such column a - -", "{} {} no such column a v2 4"});

      const Site& heavy_event = draining.site(weighted(event));
      const Site& heavy_message = draining.site(weighted(message));
      Value formatted = of("{} {}");
      formatted.is_formatted = true;
      formatted.formatted = "a 4";
      draining.log(heavy_event, 0, {of("A"), of("x"), of(2), of("weight"), of(10)});
      draining.log(heavy_message, 0, {formatted, of("a"), of(4), of(100)});
      draining.log(heavy_event, 0, {});
      expect(draining.close(kMax, {"field", "count", "sum", "of"}),
             {"- 1 - ", "- 10 - A", "x 10 20 A", "- 100 - {} {}", "v2 100 400 {} {}"});
    }};

const check::Test shared{"sites of one event are counted together, by the same fields", [] {
                           Draining draining;
                           const Site& one = draining.site(site_of("A", {"x", "y"}));
                           const Site& two = draining.site(site_of("A", {"y"}));
                           const Site& other = draining.site(site_of("A", {"y"}, "stats:1s@y"));
                           const Site& broken = draining.site(site_of("A", {"y"}, "last:5"));
                           draining.log(one, 0, {of(1), of(2)});
                           draining.log(two, 0, {of(3)});
                           draining.log(other, 0, {of(3)});
                           draining.log(broken, 0, {of(4), of(5)});
                           expect(
                               draining.close(kMax, {"of", "y", "field", "count", "sum"}),
                               {"A no such column - 3 -", "A no such column v2 1 5",
                                "A no such column x 1 1", "A no such column y 3 9", "A 3 - 1 -"});
                         }};

const check::Test extremes{
    "times at the ends of what 64 bits hold are counted", [] {
      for (const char* policy : {"stats:1s", "stats:1e-6s", "stats:1000000000s"}) {
        Draining draining;
        const Site& site = draining.site(site_of("A", {}, policy));
        double count = 0;
        for (const std::int64_t time : {kMin, kMin + 1, kMax, kMin, kMax - 1, kMax}) {
          draining.log(site, time, {}, true);
        }
        for (const std::string& line : draining.close(0, {"count"})) count += std::stod(line);
        check::equal(count, 6.0);
      }
    }};

const check::Test bounded{
    "where time runs backwards, open windows are bounded, and nothing is lost", [] {
      Draining draining;
      const Site& site = draining.site(site_of("A", {"x"}));
      const std::size_t records = 2 * Aggregator::kMaxCells;
      std::size_t counted = 0;
      for (std::size_t i = 0; i < records; ++i) {
        draining.log(site, -static_cast<std::int64_t>(i) * kSecond, {of(1)}, true);
        for (const std::string& line : draining.take({"field"})) counted += line == "-" ? 1 : 0;
      }
      check::that(counted >= records - Aggregator::kMaxCells);
      for (const std::string& line : draining.close(0, {"field"})) counted += line == "-" ? 1 : 0;
      check::equal(counted, records);
      // One clock that fills it does not close the other's windows at every record.
      for (std::size_t i = 0; i <= Aggregator::kMaxCells / 2; ++i) {
        draining.log(site, -static_cast<std::int64_t>(i) * kSecond, {of(1)});
      }
      for (int i = 0; i < 3; ++i) draining.log(site, kSecond, {of(1)}, true);
      for (const std::string& line : draining.take({"time"})) check::that(line != "2000");
    }};

// A stream of all sorts: sites with and without groups and weights, of two events and lengths, and
// times of both clocks that run on, stand still, and step back.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : random_(seed) {
    sites_ = {site_of("A", {"k", "x"}, "stats:1s@k"), site_of("A", {"x", "k"}, "stats:1s@k"),
              weighted(site_of("B", {"x"}, "stats:0.3s")), site_of("B", {"x"}, "stats:2s"),
              site_of("", {}, "stats:1s@k", Kind::inline_event)};
  }

  struct Step {
    const Site* site;
    std::int64_t time_ns;
    bool is_stamped;
    Values values;
    double weight;
  };
  Step next() {
    const std::size_t which = random_() % sites_.size();
    const bool is_stamped = random_() % 3 == 0;
    std::int64_t& now = now_[is_stamped ? 1 : 0];
    now += static_cast<std::int64_t>(random_() % 300) * kMs;
    if (random_() % 20 == 0) now -= static_cast<std::int64_t>(random_() % 5000) * kMs;
    const Value k = random_() % 2 == 0 ? of(static_cast<int>(random_() % 3)) : of("text");
    const Value x = random_() % 2 == 0 ? of(static_cast<int>(random_() % 100))
                                       : of(static_cast<double>(random_() % 100) / 8);
    const int weight = static_cast<int>(random_() % 5) + 1;
    switch (which) {
      case 0: return {&sites_[which], now, is_stamped, {k, x}, 1};
      case 1: return {&sites_[which], now, is_stamped, {x, k}, 1};
      case 2: return {&sites_[which], now, is_stamped, {x, of(weight)}, weight * 1.0};
      case 3: return {&sites_[which], now, is_stamped, {x}, 1};
      default: return {&sites_[which], now, is_stamped, {of("A"), of("x"), x, of("k"), k}, 1};
    }
  }
  std::int64_t now() const { return now_[0]; }

 private:
  std::mt19937_64 random_;
  std::deque<Site> sites_;
  std::int64_t now_[2] = {kSecond, -kSecond};
};

double number_in(const std::string& text) {
  return text == "-" ? 0 : std::stod(text);
}

const check::Test model{
    "all rows of a window together are all its records, whatever their times", [] {
      for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Stream stream(seed);
        Draining draining;
        using Key = std::tuple<std::string, std::string, std::string, std::string>;
        std::map<Key, std::pair<double, double>> expected;  // count and sum
        for (int i = 0; i < 500; ++i) {
          const Stream::Step step = stream.next();
          const bool is_inline = step.site->kind == Kind::inline_event;
          const std::string event = is_inline ? "A" : step.site->name;
          std::string k = "no such column";
          Value x = step.values[0];
          if (event == "A") {
            const bool has_k_first = step.site->fields.size() == 2 && step.site->fields[0] == "k";
            Buffer text;
            write_plain(text, is_inline ? step.values[4] : step.values[has_k_first ? 0 : 1]);
            k = text.view();
            x = is_inline ? step.values[2] : step.values[has_k_first ? 1 : 0];
          }
          const std::string& policy = step.site->policy;
          const std::string window = policy.starts_with("stats:1s")   ? "1.0"
                                     : policy.starts_with("stats:2s") ? "2.0"
                                                                      : "0.3";
          const auto length = static_cast<std::int64_t>(std::stod(window) * 10) * 100 * kMs;
          const auto start = static_cast<std::int64_t>(
              std::floor(static_cast<double>(step.time_ns) / static_cast<double>(length)));
          const std::string time = std::to_string((start + 1) * length / kMs);
          const double value = x.tag == Tag::int64 ? static_cast<double>(x.i) : x.f;
          auto& of_group = expected[{time + "/" + window, event, k, "-"}];
          of_group.first += step.weight;
          auto& of_field = expected[{time + "/" + window, event, k, "x"}];
          of_field.first += step.weight;
          of_field.second += step.weight * value;
          draining.log(*step.site, step.time_ns, step.values, step.is_stamped);
          if (i % 100 == 99) draining->close_all(kMax, draining.rows().emit());
        }
        draining->close_all(kMax, draining.rows().emit());
        std::map<Key, std::pair<double, double>> actual;
        for (const Row& row : draining.rows().rows) {
          const std::string time = std::to_string(row.time_ns / kMs) + "/" + row["window"];
          auto& figures = actual[{time, row["of"], row["k"], row["field"]}];
          figures.first += number_in(row["count"]);
          figures.second += number_in(row["sum"]);
          check::that(std::abs(number_in(row["rate"]) * number_in(row["window"]) -
                               number_in(row["count"])) < 1e-9);
        }
        check::equal(draining->aggregated(), 500u);
        check::that(actual == expected);
      }
    }};

const check::Test resumed{
    "an aggregator that loads what another saved, at any record, goes on as that one would", [] {
      Draining whole(500 * kMs, true);
      Stream whole_stream(77);
      Draining resumed(500 * kMs, true);
      Stream stream(77);
      for (int i = 0; i < 400; ++i) {
        const Stream::Step step = whole_stream.next();
        whole.log(*step.site, step.time_ns, step.values, step.is_stamped);
        const Stream::Step same = stream.next();
        resumed.log(*same.site, same.time_ns, same.values, same.is_stamped);
        const std::string bytes = saved(*whole);
        check::that(saved(*resumed) == bytes);
        Draining fresh(0, true);
        check::that(fresh->load(bytes));
        check::that(saved(*fresh) == bytes);
        check::equal(fresh->aggregated(), static_cast<std::uint64_t>(i + 1));
        Rows expected;
        Rows actual;
        whole->snapshot(whole_stream.now(), expected.emit());
        fresh->snapshot(whole_stream.now(), actual.emit());
        expect(actual.take_all(), expected.take_all());
        // It is loaded in place of a state with other windows, which the sites' plans knew.
        resumed.log(*same.site, same.time_ns + 10 * kSecond, same.values, same.is_stamped);
        resumed.rows().rows.resize(whole.rows().rows.size());
        check::that(resumed->load(bytes));
      }
      whole->close_all(whole_stream.now(), whole.rows().emit());
      resumed->close_all(whole_stream.now(), resumed.rows().emit());
      expect(resumed.rows().take_all(), whole.rows().take_all());
    }};

const check::Test small{
    "what is saved of a group with one field is small", [] {
      Draining draining;
      const Site& site = draining.site(site_of("GEN", {"model", "ms"}, "stats:1s@model"));
      std::mt19937_64 random(1);
      for (int group = 0; group < 100; ++group) {
        for (int i = 0; i < 100; ++i) {
          draining.log(site, 0, {of(group), of(std::lognormal_distribution(3.0, 0.3)(random))});
        }
      }
      check::that(saved(*draining).size() < 100 * 220);
      check::that(saved(Aggregator(0)).size() < 10);
    }};

const check::Test damage{
    "damaged bytes are refused and change nothing, or load as some state that works", [] {
      Draining draining(0, true);
      Stream stream(5);
      for (int i = 0; i < 60; ++i) {
        const Stream::Step step = stream.next();
        draining.log(*step.site, step.time_ns, step.values, step.is_stamped);
      }
      const std::string whole = saved(*draining);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        check::that(!draining->load({whole.data(), size}));
      }
      check::that(!draining->load(whole + "x"));
      check::that(saved(*draining) == whole);
      std::mt19937_64 random(6);
      int loaded = 0;
      for (int round = 0; round < 5'000; ++round) {
        std::string bytes = whole;
        for (std::uint64_t i = 0; i <= random() % 3; ++i) {
          bytes[random() % (round % 2 == 0 ? 40 : bytes.size())] = static_cast<char>(random());
        }
        Draining damaged(0, true);
        if (!damaged->load(bytes)) continue;
        ++loaded;
        const Stream::Step step = stream.next();
        damaged.log(*step.site, step.time_ns, step.values, step.is_stamped);
        check::that(!damaged.close(stream.now(), {"of"}).empty());
      }
      check::that(loaded > 0);
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
