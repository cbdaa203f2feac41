// Groups, figures and rows: what an aggregator makes of the records of one window.
#include "strategies/stats.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "aggregating.hpp"
#include "check.hpp"

using namespace aggregating;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

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
      draining.log(site, 0, {of(3), of(10.0)});
      draining.log(site, 0, {of(4), of(100.0)});
      expect(draining.close(kMax, columns), {"- 110 55.0 - -", "x 110 55.0 430 3.909090909090909"});
      draining.log(site, 0, {of(1), of(2.5)});
      draining.log(site, 0, {of(1), of(2.5)});
      expect(draining.close(kMax, columns), {"- 5 2.5 - -", "x 5 2.5 5.0 1.0"});
      // What is no weight counts as one record; a call with too many values has it last too.
      for (const Value& weight : {of("much"), of(-1.0), of(0.0), of(kNan), of(kInf)}) {
        draining.log(site, 0, {of(1), weight});
      }
      draining.log(site, 0, {of(1), of(8), of(2.0)});
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
      const auto log = [&](SiteKind kind, const char* name, std::vector<std::string> fields) {
        const Site& site = draining.site(site_of(name, std::move(fields), "stats:1s", kind));
        draining.log(site, 0, {of(1)});
      };
      log(SiteKind::message, "{n} done", {"n"});
      log(SiteKind::text, "", {});
      log(SiteKind::print, "", {});
      expect(draining.close(kMax, {"of", "field"}),
             {"LOG -", "LOG v1", "PRINT -", "PRINT v1", "{n} done -", "{n} done n"});
    }};

const check::Test inline_kinds{
    "records that carry their names count as those of sites do", [] {
      Draining draining;
      const Site& site = draining.site(site_of("A", {"k", "x"}, "stats:1s@k"));
      const Site& event = draining.site(site_of("", {}, "stats:1s@k", SiteKind::inline_event));
      const Site& message = draining.site(site_of("", {}, "stats:1s@v1", SiteKind::inline_message));
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
      draining.log(heavy_event, 0, {of("A"), of("x"), of(2), of("weight"), of(10.0)});
      draining.log(heavy_message, 0, {formatted, of("a"), of(4), of(100.0)});
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

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
