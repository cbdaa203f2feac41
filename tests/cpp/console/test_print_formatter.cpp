#include "console/print_formatter.hpp"

#include <limits>
#include <string>

#include "check.hpp"
#include "logged.hpp"

using namespace attolog;
using logged::Logged;
using logged::of_float;
using logged::of_tag;
using logged::of_text;

namespace {

std::string printed(Logged logged) {
  if (logged.site.id == 0) logged.site.id = kFirstSite;
  PrintFormatter printer;
  Buffer once, twice;
  printer.append(logged.record(), once);
  printer.append(logged.record(), twice);  // now from what is kept of the site
  check::equal(twice.view(), once.view());
  return std::string(once.view());
}

Value formatted(Value value, std::string_view text) {
  value.is_formatted = true;
  value.formatted = text;
  return value;
}

std::string of(const Value& value) {
  const std::string text = printed({SiteKind::event, "E", {{"x", value}}});
  return text.substr(2, text.size() - 3);
}

Value aware(std::int64_t us, std::int32_t offset) {
  Value value = of_tag(Tag::datetime_utc, us);
  value.offset_seconds = offset;
  return value;
}

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86400 * kSecond;

const check::Test events{"an event is its name and its values, as print would have separated them",
                         [] {
                           check::equal(printed({SiteKind::event,
                                                 "GEN",
                                                 {{"model", Value::of_str("ResNet 50")},
                                                  {"task_id", Value::of_int(7)},
                                                  {"took", of_float(0.5)},
                                                  {"of", of_tag(Tag::none)},
                                                  {"done", of_tag(Tag::true_)}}}),
                                        "GEN ResNet 50 7 0.5 None True\n");
                           check::equal(printed({SiteKind::event, "START", {}}), "START\n");
                           check::equal(of(Value::of_str("")), "");
                         }};

const check::Test values{"values look as their str()", [] {
                           check::equal(of(of_text(Tag::bytes, "a'\n\xff")), R"(b"a'\n\xff")");
                           check::equal(of(of_text(Tag::bigint, "18446744073709551616")),
                                        "18446744073709551616");
                           check::equal(of(of_tag(Tag::uint64, -1)), "18446744073709551615");
                           check::equal(of(of_float(1e16)), "1e+16");
                           check::equal(of(of_float(-0.0)), "-0.0");
                         }};

const check::Test floats{"a float of 32 bits has the digits that tell it from its neighbours", [] {
                           const auto shown = [](float f) {
                             Value value = of_tag(Tag::float32);
                             value.f = f;
                             return of(value);
                           };
                           check::equal(shown(0.1F), "0.1");
                           check::equal(shown(-2.5F), "-2.5");
                           check::equal(shown(16777216.0F), "16777216.0");
                           check::equal(shown(1e-5F), "1e-05");
                           check::equal(shown(3.4028235e38F), "3.4028235e+38");
                           check::equal(shown(0.0F), "0.0");
                           check::equal(shown(std::numeric_limits<float>::infinity()), "inf");
                           check::equal(shown(-std::numeric_limits<float>::infinity()), "-inf");
                           check::equal(shown(std::numeric_limits<float>::quiet_NaN()), "nan");
                         }};

const check::Test dates{
    "dates, times and durations have a blank and words where ISO 8601 has letters", [] {
      constexpr std::int64_t kStart = 20454 * kDay;  // 2026-01-01
      check::equal(of(of_tag(Tag::datetime, kStart)), "2026-01-01 00:00:00");
      check::equal(of(of_tag(Tag::datetime, kStart + 1)), "2026-01-01 00:00:00.000001");
      check::equal(of(aware(kStart, 0)), "2026-01-01 00:00:00+00:00");
      check::equal(of(aware(kStart, -19800)), "2025-12-31 18:30:00-05:30");
      check::equal(of(of_tag(Tag::date, 20454)), "2026-01-01");
      check::equal(of(of_tag(Tag::time, 3 * 3600 * kSecond + 5)), "03:00:00.000005");
      check::equal(of(of_tag(Tag::duration, 0)), "0:00:00");
      check::equal(of(of_tag(Tag::duration, 3 * 3600 * kSecond + 61 * kSecond)), "3:01:01");
      check::equal(of(of_tag(Tag::duration, kDay + 10 * 3600 * kSecond)), "1 day, 10:00:00");
      check::equal(of(of_tag(Tag::duration, 100 * kDay + 1)), "100 days, 0:00:00.000001");
      check::equal(of(of_tag(Tag::duration, -kSecond)), "-1 day, 23:59:59");
      check::equal(of(of_tag(Tag::duration, -2 * kDay)), "-2 days, 0:00:00");
    }};

const check::Test with_text{"a value with its text shows that", [] {
                              check::equal(of(formatted(Value::of_int(3), "Color.RED")),
                                           "Color.RED");
                              check::equal(of(formatted(Value::of_int(3), kUnfillable)), "3");
                            }};

const check::Test messages{
    "a message is its template, filled; fields beside it are not shown", [] {
      check::equal(printed({SiteKind::message,
                            "{model} took {dt:.2f}s",
                            {{"model", Value::of_str("R")}, {"dt", of_float(1.006)}}}),
                   "R took 1.01s\n");
      check::equal(
          printed(
              {SiteKind::message, "{x}", {{"x", Value::of_int(1)}, {"beside", Value::of_int(2)}}}),
          "1\n");
      check::equal(printed({SiteKind::message, "no {such", {{"x", Value::of_int(1)}}}),
                   "no {such x=1\n");
      check::equal(printed({SiteKind::message,
                            "failed",
                            {{"exception", Value::of_str("Traceback ...\nE: 1\n")}},
                            kError}),
                   "failed\nTraceback ...\nE: 1\n");
    }};

const check::Test texts{
    "a text is a line; a print is its very bytes", [] {
      check::equal(printed({SiteKind::text, "LOG", {{"text", Value::of_str("{a}\n b")}}}),
                   "{a}\n b\n");
      check::equal(printed({SiteKind::print, "PRINT", {{"text", Value::of_str("a b")}}}), "a b");
      check::equal(printed({SiteKind::print, "PRINT", {{"text", of_text(Tag::bytes, "\xff\n")}}}),
                   "\xff\n");
      check::equal(printed({SiteKind::text, "LOG", {{"text", of_text(Tag::bytes, "\xff")}}}),
                   "b'\\xff'\n");
      check::equal(printed({SiteKind::print, "PRINT", {{"text", of_tag(Tag::none)}}}), "None");
      // A lone surrogate may stand for a byte, which is written.
      check::equal(printed({SiteKind::print, "PRINT", {{"text", Value::of_str("a\xed\xa0\x80")}}}),
                   "a\\ud800");
      check::equal(printed({SiteKind::message, "{}", {{"v1", Value::of_str("a\xed\xb3\xa9z")}}}),
                   "a\xe9z\n");
    }};

const check::Test inlined{
    "names that travel in the record make no difference", [] {
      check::equal(printed({SiteKind::inline_event,
                            "",
                            {{"", Value::of_str("GEN")},
                             {"", Value::of_str("model")},
                             {"", Value::of_str("R")},
                             {"", Value::of_str("n")},
                             {"", Value::of_int(7)}}}),
                   "GEN R 7\n");
      check::equal(
          printed(
              {SiteKind::inline_message,
               "",
               {{"", Value::of_str("{} of {}")}, {"", Value::of_int(1)}, {"", Value::of_int(2)}}}),
          "1 of 2\n");
    }};

const check::Test sampled{"the weight of a sample is not shown", [] {
                            Logged logged(SiteKind::event, "GEN",
                                          {{"n", Value::of_int(7)}, {"weight", of_float(100)}});
                            logged.site.is_weighted = true;
                            check::equal(printed(logged), "GEN 7\n");
                          }};

const check::Test own{
    "what attolog tells of itself is for the file", [] {
      check::equal(printed({SiteKind::dropped, "DROPPED", {{"n", Value::of_int(1)}}}), "");
      check::equal(printed({SiteKind::clock, "CLOCK", {{"jump_ns", Value::of_int(1)}}}), "");
      check::equal(printed({SiteKind::thread, "THREAD", {{"id", Value::of_int(1)}}}), "");
      check::equal(printed({SiteKind::event, "LOGGING", {{"n", Value::of_int(1)}}}), "");
      check::equal(printed({SiteKind::inline_event, "", {{"", Value::of_str("LOGGING")}}}), "");
      Logged skipped(SiteKind::event, "SKIPPED", {{"of", Value::of_str("GEN")}});
      skipped.site.id = kSkippedSite;
      check::equal(printed(skipped), "");
      skipped.site.id = kTriggerSite;
      check::equal(printed(skipped), "");
    }};

const check::Test streams{"from WARNING on it is standard error", [] {
                            const auto stream = [](std::uint8_t level) {
                              return stream_of(Logged(SiteKind::message, "", {}, level).site);
                            };
                            for (const std::uint8_t level : {kNone, kDebug, kInfo})
                              check::equal(stream(level), 1);
                            for (const std::uint8_t level : {kWarning, kError, kCritical})
                              check::equal(stream(level), 2);
                          }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
