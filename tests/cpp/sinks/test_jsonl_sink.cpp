#include <cmath>
#include <limits>
#include <string>

#include "check.hpp"
#include "sink_records.hpp"
#include "sinks/sink.hpp"

using namespace sink_records;

static const check::Test jsonl_weight{
    "JSON Lines: a weight is the last key", [] {
      const auto sink = make_jsonl_sink({});
      const std::string start = "{\"time\":1707234567.123456,";
      check::equal(written(*sink, sampled(kGen), weighted(kGenValues)),
                   start +
                       "\"event\":\"GEN\",\"model\":\"ResNet50\",\"task_id\":7,\"arrival\":0.5,"
                       "\"weight\":100.0}\n");
      check::equal(written(*sink, sampled(kMessage), weighted(kMessageValues)),
                   start +
                       "\"level\":\"DEBUG\",\"message\":\"a,b took 0.013s\",\"model\":\"a,b\","
                       "\"dt\":0.0125,\"request\":17,\"weight\":100.0}\n");
      check::equal(written(*sink, sampled(kText), weighted({of("x")})),
                   start + "\"text\":\"x\",\"weight\":100.0}\n");
      check::equal(written(*sink, sampled(site_of(SiteKind::text, "", {})), weighted({of("x")})),
                   start + "\"text\":\"x\",\"weight\":100.0}\n");
      check::equal(
          written(*sink, sampled(kInlineEvent), {of("E"), of("k"), of(1), of("weight"), of(100.0)}),
          start + "\"event\":\"E\",\"k\":1,\"weight\":100.0}\n");
      Value whole = of("{} {}");
      whole.is_formatted = true;
      whole.formatted = "1 2";
      check::equal(written(*sink, sampled(kInlineMessage), weighted({whole, of(1)})),
                   start + "\"level\":\"INFO\",\"message\":\"1 2\",\"v1\":1,\"weight\":100.0}\n");
      const Site& twice = sampled(site_of(SiteKind::event, "E", {"weight"}));
      check::equal(written(*sink, twice, weighted({of(1)})),
                   start + "\"event\":\"E\",\"weight_\":1,\"weight\":100.0}\n");
    }};

static const check::Test jsonl_rows{
    "JSON Lines: an object for each kind of record", [] {
      const auto sink = make_jsonl_sink({});
      const std::string start = "{\"time\":1707234567.123456,";
      check::equal(
          written(*sink, kGen, kGenValues),
          start + "\"event\":\"GEN\",\"model\":\"ResNet50\",\"task_id\":7,\"arrival\":0.5}\n");
      check::equal(written(*sink, kMessage, kMessageValues),
                   start +
                       "\"level\":\"DEBUG\",\"message\":\"a,b took 0.013s\",\"model\":\"a,b\","
                       "\"dt\":0.0125,\"request\":17}\n");
      check::equal(written(*sink, kText, {of("a\nb")}), start + "\"text\":\"a\\nb\"}\n");
      for (const Site* site : {&kPrint, &kErrorPrint})
        check::equal(written(*sink, *site, {of("a\n")}), start + "\"text\":\"a\\n\"}\n");
      const Site bound_text = site_of(SiteKind::text, "", {"text", "request"}, 1);
      check::equal(written(*sink, bound_text, {of("x"), of(17)}),
                   start + "\"text\":\"x\",\"request\":17}\n");
      check::equal(written(*sink, kDropped, {of(3), of(Tag::int64, kNow - 1000000000)}),
                   start + "\"event\":\"DROPPED\",\"n\":3,\"since\":1707234566.123456}\n");
      check::equal(written(*sink, kClock, {of(Tag::int64, 1500000000)}),
                   start + "\"event\":\"CLOCK\",\"seconds\":1.500000}\n");
      check::equal(written(*sink, kThreadSiteOf, {of(1), of("name")}), "");
      check::equal(written(*sink, kInlineEvent, {of("E"), of("k"), of(1)}),
                   start + "\"event\":\"E\",\"k\":1}\n");
      check::equal(written(*sink, kInlineMessage, {of("{}!"), of(1)}),
                   start + "\"level\":\"INFO\",\"message\":\"1!\",\"v1\":1}\n");
    }};

static const check::Test jsonl_values{
    "JSON Lines: values", [] {
      const auto sink = make_jsonl_sink({});
      const Site one = site_of(SiteKind::event, "E", {"x"});
      const auto json = [&](const Value& value) {
        const std::string line = written(*sink, one, {value});
        const std::size_t at = line.find("\"x\":") + 4;
        return line.substr(at, line.size() - at - 2);
      };
      const double infinity = std::numeric_limits<double>::infinity();
      check::equal(json(of(Tag::none)), "null");
      check::equal(json(of(Tag::true_)), "true");
      check::equal(json(of(Tag::false_)), "false");
      check::equal(json(of(1e16)), "1e+16");
      check::equal(json(of(-0.0)), "-0.0");
      check::equal(json(of(std::nan(""))), "\"NaN\"");
      check::equal(json(of(infinity)), "\"Infinity\"");
      check::equal(json(of(-infinity)), "\"-Infinity\"");
      check::equal(json(of(Tag::uint64, -1)), "18446744073709551615");
      check::equal(json(of_text(Tag::bigint, "1180591620717411303424")),
                   "\"1180591620717411303424\"");
      check::equal(json(of_text(Tag::bytes, "foo")), "\"Zm9v\"");
      check::equal(json(of(Tag::datetime, 0)), "\"1970-01-01T00:00:00\"");
      check::equal(json(of(Tag::date, 0)), "\"1970-01-01\"");
      check::equal(json(of(Tag::time, 0)), "\"00:00:00\"");
      check::equal(json(of(Tag::duration, 1000000)), "\"P0DT0H0M1S\"");
    }};

static const check::Test jsonl_keys{
    "JSON Lines: no key stands twice", [] {
      const auto sink = make_jsonl_sink({});
      const Site site = site_of(SiteKind::event, "E",
                                {"time", "event", "a", "a", "a_", "level", "say \"x\"", "v8"});
      check::equal(
          written(*sink, site, Values(9, of(1))),
          "{\"time\":1707234567.123456,\"event\":\"E\",\"time_\":1,\"event_\":1,\"a\":1,\"a_\":1,"
          "\"a__\":1,\"level_\":1,\"say \\\"x\\\"\":1,\"v8\":1,\"v9\":1}\n");
      check::equal(written(*sink, site, {of(1)}),
                   "{\"time\":1707234567.123456,\"event\":\"E\",\"time_\":1}\n");
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
