#include <deque>
#include <string>

#include "check.hpp"
#include "sink_records.hpp"
#include "sinks/sink.hpp"
#include "sinks/text_sink.hpp"

using namespace sink_records;

static const check::Test text_weight{
    "text: a weight is not shown, and fills no hole", [] {
      const auto sink = make_text_sink({.digits = 6, .columns = 0, .pattern = "{message}"});
      const auto message = [&](std::string shape, Names fields,
                               std::uint16_t bound = 0) -> const Site& {
        return sampled(
            site_of(SiteKind::message, std::move(shape), std::move(fields), bound, kInfo));
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

static const check::Test text_rows{
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

static const check::Test text_fields{
    "text: one record is one line, its fields can be told apart", [] {
      const auto sink = make_text_sink({.digits = 9, .columns = 0, .pattern = "{message}"});
      const Site site = site_of(SiteKind::event, "E", {"a", "b"});
      check::equal(written(*sink, site, {of("x\ny \x1b"), of("C:\\x")}),
                   "E a=\"x\\ny \\x1b\" b=C:\\\\x\n");
      check::equal(written(*sink, site, {of(1), of(2), of(3)}), "E a=1 b=2 v3=3\n");
      const Site message = site_of(SiteKind::message, "{}", {"a", "request"}, 1, kInfo);
      check::equal(written(*sink, message, {of("x\u2028y"), of(1)}), "x\\u2028y request=1\n");
      // A bound field that the text shows, or that stands behind a raw template, is not said twice.
      const Site shown = site_of(SiteKind::message, "{a} {request}", {"a", "request"}, 1, kInfo);
      check::equal(written(*sink, shown, {of(1), of(2)}), "1 2\n");
      const Site unfilled = site_of(SiteKind::message, "{} {}", {"a", "request"}, 1, kInfo);
      check::equal(written(*sink, unfilled, {of(1), of(2)}), "{} {} a=1 request=2\n");
    }};

// A width in the pattern is the general way to a line.
static const check::Test text_direct{
    "text: lines of plain values are those of the general way", [] {
      const auto direct = make_text_sink({});
      const auto general =
          make_text_sink({.digits = 6, .columns = 0, .pattern = "{time} {level:<8} {message:<0}"});
      const std::string long_text(1000, 'x');
      Value formatted = of(1);
      formatted.is_formatted = true;
      formatted.formatted = "one";
      const Value each[] = {of(0),
                            of(-7),
                            of(Tag::int64, INT64_MIN),
                            of(0.1),
                            of(-1e300),
                            of(1707234567.1309106),
                            of(""),
                            of("ResNet50"),
                            of(long_text),
                            of("C:\\x"),
                            of("a\nb"),
                            of("\xc3\xa9"),
                            of("\xe2\x80\xa8"),
                            of(Tag::none),
                            of(Tag::true_),
                            of(Tag::date, 19759),
                            of_text(Tag::bytes, "b"),
                            formatted};
      std::deque<Site> sites;  // sinks know a site by its address
      for (const char* shape :
           {"{},{}", "{1} {0} {1}", "GEN,{},{},{}", "a literal of more than sixteen bytes {} {}|",
            "a\nb{}{}", "\xc3\xa9{}{}", "{:>9}{}", "{!r}{}", "{{}}{}{}"}) {
        const Site& site =
            sites.emplace_back(site_of(SiteKind::message, shape, {"v1", "v2"}, 0, kInfo));
        for (const Value& first : each) {
          for (const Value& second : each)
            for (const Values& values : {Values{first, second}, Values{first}, Values{}})
              check::equal(written(*direct, site, values), written(*general, site, values));
        }
      }
      const Site site = site_of(SiteKind::message, "{} of {}", {"a", "b"}, 0, kInfo);
      check::equal(written(*direct, site, {of("x"), of(2.5)}),
                   "2024-02-06T15:49:27.123456Z INFO     x of 2.5\n");
      check::equal(written(*direct, site, {of(1), of(2)}, kNow + 1'000'000'000),
                   "2024-02-06T15:49:28.123456Z INFO     1 of 2\n");
    }};

static const check::Test text_patterns{
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

static const check::Test bad_patterns{
    "patterns that cannot be used are refused", [] {
      check::equal(check_pattern(kDefaultPattern), "");
      check::equal(check_pattern("{file}:{line:04d} C:\\logs {level} {level:>8} é"), "");
      for (const char* pattern :
           {"{", "}", "{}", "{0}", "{nonsense}", "{level:d}", "{line:s}", "{time.year}",
            "{line:{line}}", "{message!r}", "a\nb {message}", "\x1b[1m{message}", "\u2028"})
        check::that(!check_pattern(pattern).empty());
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
