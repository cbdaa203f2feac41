#include <cmath>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "format/escape.hpp"
#include "sinks/sink.hpp"
#include "sinks/text_sink.hpp"

using namespace attolog;
using namespace std::string_view_literals;

namespace {

using Values = std::vector<Value>;
using Names = std::vector<std::string>;

constexpr std::int64_t kNow = 1707234567123456789;

Value of(Tag tag, std::int64_t i = 0) {
  Value value;
  value.tag = tag;
  value.i = i;
  return value;
}
Value of(int i) {
  return Value::of_int(i);
}
Value of(std::string_view text) {
  return Value::of_str(text);
}
Value of(double f) {
  Value value;
  value.tag = Tag::float64;
  value.f = f;
  return value;
}
Value of_text(Tag tag, std::string_view text) {
  Value value = Value::of_str(text);
  value.tag = tag;
  return value;
}

Site site_of(Kind kind, std::string name, Names fields, std::uint16_t bound = 0,
             std::uint8_t level = kNone) {
  Site site;
  site.id = kFirstSite;  // all the same: sinks tell sites apart by address
  site.kind = kind;
  site.level = level;
  site.bound = bound;
  site.line = 12;
  site.name = std::move(name);
  site.fields = std::move(fields);
  site.file = "app.py";
  site.function = "main";
  return site;
}
const Thread kThread{77, "worker\x1b[2J"};

std::string written(Sink& sink, const Site& site, const Values& values, std::int64_t time = kNow) {
  Buffer out;
  sink.append({&site, &kThread, time, values}, out);
  sink.finish(out);
  return std::string(out.view());
}

const Site kGen = site_of(Kind::event, "GEN", {"model", "task_id", "arrival"});
const Values kGenValues{of("ResNet50"), of(7), of(0.5)};
const Site kText = site_of(Kind::text, "", {"text"});
const Site kPrint = site_of(Kind::print, "", {"text"});
const Site kErrorPrint = site_of(Kind::print, "", {"text"}, 0, kWarning);
const Site kDropped = site_of(Kind::dropped, "DROPPED", {"n", "since"});
const Site kClock = site_of(Kind::clock, "CLOCK", {"seconds"});
const Site kThreadSiteOf = site_of(Kind::thread, "", {});
const Site kInlineEvent = site_of(Kind::inline_event, "", {});
const Site kInlineMessage = site_of(Kind::inline_message, "", {}, 0, kInfo);
const Site kMessage =
    site_of(Kind::message, "{model} took {dt:.3f}s", {"model", "dt", "request"}, 1, kDebug);
const Values kMessageValues{of("a,b"), of(0.0125), of(17)};

template <class F>
std::string escaped(F escape, std::string_view text) {
  Buffer out;
  escape(out, text);
  return std::string(out.view());
}

const check::Test cells{"CSV cells are quoted where they must be", [] {
                          check::equal(escaped(csv_cell, "plain text, long enough"),
                                       "\"plain text, long enough\"");
                          check::equal(escaped(csv_cell, " plain text = "), " plain text = ");
                          check::equal(escaped(csv_cell, "say \"x\""), "\"say \"\"x\"\"\"");
                          check::equal(escaped(csv_cell, "a\r\nb"), "\"a\r\nb\"");
                          check::equal(escaped(csv_cell, "a\0b"sv), "\"a\0b\""sv);
                          check::equal(escaped(csv_cell, "漢字 한국"), "漢字 한국");
                          check::equal(escaped(csv_cell, "x\xed\xb2\x80\"y"), "\"x\\udc80\"\"y\"");
                          check::equal(escaped(csv_cell, "12345678,"), "\"12345678,\"");
                        }};

const check::Test jsons{
    "JSON text stays on its line and keeps every character", [] {
      check::equal(escaped(json_text, "a\"b\\c/d"), "a\\\"b\\\\c/d");
      check::equal(escaped(json_text, "\n\r\t\0\x1b\x7f"sv), "\\n\\r\\t\\u0000\\u001b\\u007f");
      check::equal(escaped(json_text, "\u0085\u009b\u00a0\u2028\u2029\u2030"),
                   "\\u0085\\u009b\u00a0\\u2028\\u2029\u2030");
      check::equal(escaped(json_text, "\xed\xa0\x80 \xed\x9f\xbf"), "\\ud800 \xed\x9f\xbf");
      check::equal(escaped(json_text, "12345678é漢😀 then ASCII again \n"),
                   "12345678é漢😀 then ASCII again \\n");
    }};

const check::Test lines{"lines escape as Python's repr does, backslash included", [] {
                          check::equal(escaped(line_text, "C:\\new \"x\""), "C:\\\\new \"x\"");
                          check::equal(escaped(line_text, "\n\r\t\0\x1b\x7f\u0085\u2028"sv),
                                       "\\n\\r\\t\\x00\\x1b\\x7f\\x85\\u2028");
                          check::equal(escaped(line_text, "\xed\xbf\xbf"), "\\udfff");
                          // Cut-off sequences are kept, and nothing beyond them is read.
                          for (const char* text : {"\xed", "\xed\xa0", "\xe2\x80", "\xc2"})
                            check::equal(escaped(line_text, text), text);
                        }};

const check::Test every_place{"what must be escaped is found wherever it stands", [] {
                                for (std::size_t size = 1; size < 40; ++size) {
                                  for (std::size_t at = 0; at < size; ++at) {
                                    std::string text(size, 'x');
                                    text[at] = '\n';
                                    std::string expected = text;
                                    expected.replace(at, 1, "\\n");
                                    check::equal(escaped(json_text, text), expected);
                                    check::equal(escaped(line_text, text), expected);
                                    check::equal(escaped(csv_cell, text), "\"" + text + "\"");
                                  }
                                }
                              }};

const check::Test base64s{"base64 after RFC 4648", [] {
                            check::equal(escaped(base64, ""), "");
                            check::equal(escaped(base64, "f"), "Zg==");
                            check::equal(escaped(base64, "fo"), "Zm8=");
                            check::equal(escaped(base64, "foo"), "Zm9v");
                            check::equal(escaped(base64, "\xff\xef\xbe"), "/+++");
                          }};

const check::Test csv_rows{
    "CSV: a row for each kind of record", [] {
      const auto sink = make_csv_sink({});
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5\n");
      check::equal(written(*sink, kMessage, kMessageValues),
                   "1707234567.123456,DEBUG,\"a,b took 0.013s\",17\n");
      check::equal(written(*sink, kText, {of("a \"sentence\"\nof two lines")}),
                   "1707234567.123456,LOG,\"a \"\"sentence\"\"\nof two lines\"\n");
      for (const Site* site : {&kPrint, &kErrorPrint})
        check::equal(written(*sink, *site, {of("hello\n")}), "1707234567.123456,PRINT,hello\n");
      check::equal(written(*sink, kPrint, {of("hello\n\n")}),
                   "1707234567.123456,PRINT,\"hello\n\"\n");
      check::equal(written(*sink, kDropped, {of(3), of(Tag::int64, kNow - 1000000000)}),
                   "1707234567.123456,DROPPED,3,1707234566.123456\n");
      check::equal(written(*sink, kClock, {of(Tag::int64, -1500000000)}),
                   "1707234567.123456,CLOCK,-1.500000\n");
      check::equal(written(*sink, kThreadSiteOf, {of(1), of("name")}), "");
      check::equal(
          written(*sink, kGen, {of(Tag::none), of(Tag::true_), of_text(Tag::bytes, "a,b")}),
          "1707234567.123456,GEN,,True,\"b'a,b'\"\n");
    }};

const check::Test csv_digits{
    "CSV: nanoseconds on request", [] {
      const auto sink = make_csv_sink({.digits = 9, .columns = 0, .pattern = ""});
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456789,GEN,ResNet50,7,0.5\n");
    }};

const check::Test csv_columns{
    "CSV: the first use of an event fixes the order of its columns", [] {
      const auto sink = make_csv_sink({});
      const Site other = site_of(Kind::event, "GEN", {"arrival", "queue", "model"});
      const Site fewer = site_of(Kind::event, "GEN", {"task_id"});
      written(*sink, kGen, kGenValues);
      check::equal(sink->memory(), "GEN\tmodel\nGEN\ttask_id\nGEN\tarrival\n");
      check::equal(written(*sink, other, {of(0.5), of(3), of("m")}),
                   "1707234567.123456,GEN,m,,0.5,3\n");
      check::equal(sink->memory(), "GEN\tqueue\n");
      check::equal(written(*sink, fewer, {of(1)}), "1707234567.123456,GEN,,1,,\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5,\n");
      check::equal(written(*sink, kGen, {of("m"), of(1)}), "1707234567.123456,GEN,m,1,,\n");
      check::equal(written(*sink, kGen, {of("m"), of(1), of(2), of(9)}),
                   "1707234567.123456,GEN,m,1,2,,9\n");
      check::equal(sink->memory(), "GEN\tv4\n");
      check::equal(sink->memory(), "");
    }};

const check::Test csv_memory{
    "CSV: the order is kept from process to process", [] {
      const auto sink = make_csv_sink({});
      sink->remember("GEN\tarrival\nnonsense\nGEN\tmodel\nGEN\ttask_id\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,0.5,ResNet50,7\n");
      check::equal(sink->memory(), "");
      const Site odd = site_of(Kind::event, "ODD", {"a\tb\nc\\d", "e"});
      const auto first = make_csv_sink({});
      written(*first, odd, {of(1), of(2)});
      const std::string memory = first->memory();
      check::equal(memory, "ODD\ta\\tb\\nc\\\\d\nODD\te\n");
      const auto second = make_csv_sink({});
      second->remember(memory);
      check::equal(written(*second, odd, {of(1), of(2)}), "1707234567.123456,ODD,1,2\n");
      check::equal(second->memory(), "");
    }};

const check::Test csv_duplicates{"CSV: no value is lost to a second field of the same name", [] {
                                   const auto sink = make_csv_sink({});
                                   const Site twice = site_of(Kind::event, "E", {"a", "a", "a_2"});
                                   check::equal(written(*sink, twice, {of(1), of(2), of(3)}),
                                                "1707234567.123456,E,1,2,3\n");
                                   check::equal(sink->memory(), "E\ta\nE\ta_2\nE\ta_2_2\n");
                                 }};

const check::Test csv_packed{
    "CSV: columns=5 makes every row five cells", [] {
      const auto sink = make_csv_sink({.digits = 6, .columns = 5, .pattern = ""});
      const std::int64_t time = 1707234567200000000;
      const Site sched = site_of(Kind::event, "SCHED", {"model", "batch_id", "exit", "batch_size"});
      check::equal(written(*sink, sched, {of("ResNet50"), of(42), of("layer1"), of(8)}, time),
                   "1707234567.200000,SCHED,ResNet50,42,\"layer1,8\"\n");
      check::equal(written(*sink, sched, {of("ResNet50"), of(42), of("a,b"), of(8)}, time),
                   "1707234567.200000,SCHED,ResNet50,42,\"\"\"a,b\"\",8\"\n");
      check::equal(written(*sink, kGen, kGenValues, time),
                   "1707234567.200000,GEN,ResNet50,7,0.5\n");
      check::equal(written(*sink, kText, {of("x")}, time), "1707234567.200000,LOG,x,,\n");
      check::equal(written(*sink, kClock, {of(0)}, time), "1707234567.200000,CLOCK,0.000000,,\n");
      const auto two = make_csv_sink({.digits = 6, .columns = 2, .pattern = ""});
      check::equal(written(*two, kGen, kGenValues, time),
                   "1707234567.200000,\"GEN,ResNet50,7,0.5\"\n");
    }};

// Sampled: the last value is the weight. Kept, since sinks know a site by its address.
const Site& sampled(Site site) {
  static std::deque<Site> sites;
  site.is_weighted = true;
  site.policy = "sample:0.01";
  site.fields.emplace_back("weight");
  return sites.emplace_back(std::move(site));
}
Values weighted(Values values) {
  values.push_back(of(100.0));
  return values;
}

const check::Test csv_weight{
    "CSV: a weight is shown on request, as the row's last cell", [] {
      const Site& gen = sampled(kGen);
      const Site& message = sampled(kMessage);
      const Site& text = sampled(site_of(Kind::text, "", {"text", "request"}, 1));
      const Values named{of("GEN"), of("task_id"), of(7), of("weight"), of(100.0)};
      const auto plain = make_csv_sink({});
      check::equal(written(*plain, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,0.5\n");
      check::equal(plain->memory(), "GEN\tmodel\nGEN\ttask_id\nGEN\tarrival\n");
      check::equal(written(*plain, message, weighted(kMessageValues)),
                   "1707234567.123456,DEBUG,\"a,b took 0.013s\",17\n");
      check::equal(written(*plain, text, weighted({of("x"), of(17)})),
                   "1707234567.123456,LOG,x,17\n");
      check::equal(written(*plain, sampled(kInlineEvent), named), "1707234567.123456,GEN,,7,\n");

      SinkOptions options;
      options.weight = true;
      const auto sink = make_csv_sink(options);
      check::equal(written(*sink, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,0.5,100.0\n");
      check::equal(sink->memory(), "GEN\tmodel\nGEN\ttask_id\nGEN\tarrival\n");
      check::equal(written(*sink, message, weighted(kMessageValues)),
                   "1707234567.123456,DEBUG,\"a,b took 0.013s\",17,100.0\n");
      check::equal(written(*sink, text, weighted({of("x"), of(17)})),
                   "1707234567.123456,LOG,x,17,100.0\n");
      check::equal(written(*sink, sampled(kInlineEvent), named),
                   "1707234567.123456,GEN,,7,,100.0\n");
      check::equal(written(*sink, sampled(kInlineMessage), weighted({of("{}!"), of(1)})),
                   "1707234567.123456,INFO,1!,100.0\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5\n");
      // Later columns stand before it, and so do values beyond the fields.
      check::equal(written(*sink, gen, weighted({of("m"), of(1), of(2), of(9)})),
                   "1707234567.123456,GEN,m,1,2,9,100.0\n");
      check::equal(sink->memory(), "GEN\tv4\n");
      check::equal(written(*sink, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,0.5,,100.0\n");

      options.columns = 5;
      const auto packed = make_csv_sink(options);
      check::equal(written(*packed, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,\"0.5,100.0\"\n");
      check::equal(written(*packed, sampled(kInlineMessage), weighted({of("{}!"), of(1)})),
                   "1707234567.123456,INFO,1!,100.0,\n");
    }};

const check::Test jsonl_weight{
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
      check::equal(written(*sink, sampled(site_of(Kind::text, "", {})), weighted({of("x")})),
                   start + "\"text\":\"x\",\"weight\":100.0}\n");
      check::equal(
          written(*sink, sampled(kInlineEvent), {of("E"), of("k"), of(1), of("weight"), of(100.0)}),
          start + "\"event\":\"E\",\"k\":1,\"weight\":100.0}\n");
      Value whole = of("{} {}");
      whole.is_formatted = true;
      whole.formatted = "1 2";
      check::equal(written(*sink, sampled(kInlineMessage), weighted({whole, of(1)})),
                   start + "\"level\":\"INFO\",\"message\":\"1 2\",\"v1\":1,\"weight\":100.0}\n");
      const Site& twice = sampled(site_of(Kind::event, "E", {"weight"}));
      check::equal(written(*sink, twice, weighted({of(1)})),
                   start + "\"event\":\"E\",\"weight_\":1,\"weight\":100.0}\n");
    }};

const check::Test text_weight{
    "text: a weight is not shown, and fills no hole", [] {
      const auto sink = make_text_sink({.digits = 6, .columns = 0, .pattern = "{message}"});
      const auto message = [&](std::string shape, Names fields,
                               std::uint16_t bound = 0) -> const Site& {
        return sampled(site_of(Kind::message, std::move(shape), std::move(fields), bound, kInfo));
      };
      check::equal(written(*sink, sampled(kGen), weighted({of("m"), of(7), of(0.5), of(8)})),
                   "GEN model=m task_id=7 arrival=0.5 v4=8\n");
      check::equal(written(*sink, sampled(kMessage), weighted(kMessageValues)),
                   "a,b took 0.013s request=17\n");
      check::equal(written(*sink, message("{} {}", {"a"}), weighted({of(1)})), "{} {} a=1\n");
      check::equal(written(*sink, message("{weight}", {"weight_"}), weighted({of(1)})), "1\n");
      check::equal(written(*sink, message("{a} {a:>2}", {"a", "request", "message"}, 1),
                           weighted({of(1), of(2), of("1  1")})),
                   "1  1 request=2\n");
      check::equal(written(*sink, sampled(kText), weighted({of("x")})), "x\n");
      check::equal(written(*sink, sampled(kInlineMessage), weighted({of("{} {}"), of(1)})),
                   "{} {} v1=1\n");
      check::equal(written(*sink, kInlineMessage, {of("{} {}"), of(1), of(100)}), "1 100\n");
    }};

const check::Test csv_inline{
    "CSV: names that travel in the record find their columns", [] {
      const auto sink = make_csv_sink({});
      written(*sink, kGen, kGenValues);
      check::equal(
          written(*sink, kInlineEvent,
                  {of("GEN"), of("arrival"), of(0.5), of("model"), of("m"), of("new"), of(1)}),
          "1707234567.123456,GEN,m,,0.5,1\n");
      check::equal(written(*sink, kInlineMessage, {of("{} of {n}"), of(1), of(2)}),
                   "1707234567.123456,INFO,1 of 2\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5,\n");
      check::equal(written(*sink, kInlineEvent, {}), "1707234567.123456,\n");
    }};

const check::Test jsonl_rows{
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
      const Site bound_text = site_of(Kind::text, "", {"text", "request"}, 1);
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

const check::Test jsonl_values{"JSON Lines: values", [] {
                                 const auto sink = make_jsonl_sink({});
                                 const Site one = site_of(Kind::event, "E", {"x"});
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
                                 check::equal(json(of(Tag::datetime, 0)),
                                              "\"1970-01-01T00:00:00\"");
                                 check::equal(json(of(Tag::date, 0)), "\"1970-01-01\"");
                                 check::equal(json(of(Tag::time, 0)), "\"00:00:00\"");
                                 check::equal(json(of(Tag::duration, 1000000)), "\"P0DT0H0M1S\"");
                               }};

const check::Test jsonl_keys{
    "JSON Lines: no key stands twice", [] {
      const auto sink = make_jsonl_sink({});
      const Site site =
          site_of(Kind::event, "E", {"time", "event", "a", "a", "a_", "level", "say \"x\"", "v8"});
      check::equal(
          written(*sink, site, Values(9, of(1))),
          "{\"time\":1707234567.123456,\"event\":\"E\",\"time_\":1,\"event_\":1,\"a\":1,\"a_\":1,"
          "\"a__\":1,\"level_\":1,\"say \\\"x\\\"\":1,\"v8\":1,\"v9\":1}\n");
      check::equal(written(*sink, site, {of(1)}),
                   "{\"time\":1707234567.123456,\"event\":\"E\",\"time_\":1}\n");
    }};

const check::Test whole_messages{
    "a message made at the call is no field", [] {
      const Site site =
          site_of(Kind::message, "{x} {x:.2f}", {"x", "request", "message"}, 1, kWarning);
      const Values values{of(1), of(17), of("1 1.00")};
      const auto csv = make_csv_sink({}), jsonl = make_jsonl_sink({}), text = make_text_sink({});
      check::equal(written(*csv, site, values), "1707234567.123456,WARNING,1 1.00,17\n");
      check::equal(
          written(*jsonl, site, values),
          "{\"time\":1707234567.123456,\"level\":\"WARNING\",\"message\":\"1 1.00\",\"x\":1,"
          "\"request\":17}\n");
      check::equal(written(*text, site, values),
                   "2024-02-06T15:49:27.123456Z WARNING  1 1.00 request=17\n");
    }};

const check::Test text_rows{
    "text: a line for each kind of record", [] {
      const auto sink = make_text_sink({});
      const std::string time = "2024-02-06T15:49:27.123456Z ";
      check::equal(written(*sink, kGen, kGenValues),
                   time + "EVENT    GEN model=ResNet50 task_id=7 arrival=0.5\n");
      check::equal(written(*sink, kMessage, kMessageValues),
                   time + "DEBUG    a,b took 0.013s request=17\n");
      check::equal(written(*sink, kText, {of("raw \x1b[1m\ntext \xed\xb2\x80")}),
                   "raw \x1b[1m\ntext \\udc80\n");
      check::equal(written(*sink, kText, {of(7)}), "7\n");
      check::equal(written(*sink, kText, {of(Tag::none)}), "None\n");
      for (const Site* site : {&kPrint, &kErrorPrint})
        check::equal(written(*sink, *site, {of("no newline")}), "no newline");
      check::equal(written(*sink, kDropped, {of(3), of(Tag::int64, kNow - 1000000000)}),
                   time + "WARNING  DROPPED n=3 since=2024-02-06T15:49:26.123456Z\n");
      check::equal(written(*sink, kClock, {of(Tag::int64, -1500000000)}),
                   time + "WARNING  CLOCK seconds=-1.500000\n");
      check::equal(written(*sink, kThreadSiteOf, {of(1), of("name")}), "");
      check::equal(written(*sink, kInlineEvent, {of("E"), of("k"), of("")}),
                   time + "EVENT    E k=\"\"\n");
      check::equal(written(*sink, kInlineMessage, {of("{} {}"), of(1)}),
                   time + "INFO     {} {} v1=1\n");
    }};

const check::Test text_fields{
    "text: one record is one line, its fields can be told apart", [] {
      const auto sink = make_text_sink({.digits = 9, .columns = 0, .pattern = "{message}"});
      const Site site = site_of(Kind::event, "E", {"a", "b"});
      check::equal(written(*sink, site, {of("x\ny \x1b"), of("C:\\x")}),
                   "E a=\"x\\ny \\x1b\" b=C:\\\\x\n");
      check::equal(written(*sink, site, {of(1), of(2), of(3)}), "E a=1 b=2 v3=3\n");
      const Site message = site_of(Kind::message, "{}", {"a", "request"}, 1, kInfo);
      check::equal(written(*sink, message, {of("x\u2028y"), of(1)}), "x\\u2028y request=1\n");
      // A bound field that the text shows, or that stands behind a raw template, is not said twice.
      const Site shown = site_of(Kind::message, "{a} {request}", {"a", "request"}, 1, kInfo);
      check::equal(written(*sink, shown, {of(1), of(2)}), "1 2\n");
      const Site unfilled = site_of(Kind::message, "{} {}", {"a", "request"}, 1, kInfo);
      check::equal(written(*sink, unfilled, {of(1), of(2)}), "{} {} a=1 request=2\n");
    }};

const check::Test text_patterns{
    "text: patterns", [] {
      const auto line = [](const char* pattern, const Site& site, const Values& values,
                           int digits = 6) {
        const auto sink = make_text_sink({.digits = digits, .columns = 0, .pattern = pattern});
        return written(*sink, site, values);
      };
      check::equal(line("{file}:{line:>4} {function} [{thread}] {event}", kGen, kGenValues),
                   "app.py:  12 main [worker\\x1b[2J] GEN\n");
      check::equal(line("{{{level}}} {level:.1} {event}|", kMessage, kMessageValues),
                   "{DEBUG} D |\n");
      check::equal(line("{time}", kGen, kGenValues, 9), "2024-02-06T15:49:27.123456789Z\n");
      check::equal(line("{message:*<40}", kGen, {of(1)}),
                   "GEN model=1*****************************\n");
      check::equal(line("{nonsense}", kGen, {of(1)}), "GEN model=1\n");
      const auto old = make_text_sink({.digits = 9, .columns = 0, .pattern = "{time}"});
      check::equal(written(*old, kGen, {}, -1), "1969-12-31T23:59:59.999999999Z\n");
    }};

const check::Test bad_patterns{
    "patterns that cannot be used are refused", [] {
      check::equal(check_pattern(kDefaultPattern), "");
      check::equal(check_pattern("{file}:{line:04d} C:\\logs {level} {level:>8} é"), "");
      for (const char* pattern :
           {"{", "}", "{}", "{0}", "{nonsense}", "{level:d}", "{line:s}", "{time.year}",
            "{line:{line}}", "{message!r}", "a\nb {message}", "\x1b[1m{message}", "\u2028"})
        check::that(!check_pattern(pattern).empty());
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
