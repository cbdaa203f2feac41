#include "query/expression.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"
#include "logged.hpp"

using namespace attolog;
using logged::holds;
using logged::Logged;
using logged::of_float;
using logged::of_tag;
using logged::of_text;
using logged::parsed;

namespace {

std::string complaint_of(std::string_view text) {
  std::string complaint;
  check::that(!Expression::parse(text, complaint).has_value());
  return complaint;
}

void all_hold(const Logged& logged, const std::vector<const char*>& texts) {
  for (const char* text : texts) {
    if (!holds(text, logged)) check::equal(text, std::string_view("one that holds"));
  }
}
void none_hold(const Logged& logged, const std::vector<const char*>& texts) {
  for (const char* text : texts) {
    if (holds(text, logged)) check::equal(text, std::string_view("one that does not hold"));
  }
}

Logged request() {
  return {Kind::event,
          "GEN",
          {{"model", Value::of_str("ResNet50")},
           {"total_ms", of_float(51.5)},
           {"n", Value::of_int(7)},
           {"a.b", Value::of_int(1)},
           {"flag", of_tag(Tag::true_)},
           {"off", of_tag(Tag::false_)},
           {"nothing", of_tag(Tag::none)},
           {"empty", Value::of_str("")},
           {"zero", of_float(-0.0)},
           {"größe", Value::of_int(3)}}};
}

const check::Test grammar{"the grammar binds as Python's does", [] {
                            all_hold(request(), {"total_ms > 50 and model == 'ResNet50'",
                                                 "True or False and False",
                                                 "(True or False) and True",
                                                 "not False and True",
                                                 "not False == True",
                                                 "not not n",
                                                 "not n == 1 or False",
                                                 "1 < n <= 7",
                                                 "1 < n < 10 > n",
                                                 "n == 7 == 7.0",
                                                 "((n)) == (7)",
                                                 "n in (1, 7)",
                                                 "n in [1, 7,]",
                                                 "n in (7,)",
                                                 "n not in ()",
                                                 "'Net' in model",
                                                 "model in 'a ResNet50 b'",
                                                 "model in ('ResNet50')",
                                                 "'net' not in model",
                                                 "a.b == 1",
                                                 "größe == 3",
                                                 "n==7 and(model!='x')",
                                                 " n\t==\n7 ",
                                                 "n == +7",
                                                 "-7 < n",
                                                 "n == 0_7.0",
                                                 "n == 7e0",
                                                 "total_ms == 5_1.5",
                                                 ".5 < n > 5.",
                                                 "total_ms > 5e-1"});
                            none_hold(request(),
                                      {"True and False or False", "not (n == 7)", "not n == 7",
                                       "7 < n < 9", "1 < n < 5 > n", "n in (1, 2)", "n in []",
                                       "'net' in model", "not True or False", "n == 70_0"});
                          }};

const check::Test strings{
    "strings are written as in Python", [] {
      const Logged said{Kind::event,
                        "SAID",
                        {{"a", Value::of_str("it's \"x\"\n\t\\ \xc3\xa4\xf0\x9f\x98\x80")},
                         {"quote", Value::of_str("'")},
                         {"lone", Value::of_str("\xed\xa0\x80")}}};
      all_hold(said, {"a == 'it\\'s \"x\"\\n\\t\\\\ \\xe4\\U0001f600'",
                      "a == \"it's \\\"x\\\"\\n\\t\\x5c ä😀\"", "quote == \"'\"", "quote == '\\''",
                      "lone == '\\ud800'", "'' in a", "'' in ''", "'or not' != 'and'"});
    }};

const check::Test truth{
    "a value alone is true as in Python, and a field that is not there is false", [] {
      all_hold(request(), {"n", "flag", "model", "total_ms", "1", "'0'", "-1", "time", "event"});
      none_hold(request(),
                {"off", "nothing", "empty", "zero", "None", "0", "0.0", "''", "missing"});
      const Logged others{Kind::event,
                          "T",
                          {{"midnight", of_tag(Tag::time)},
                           {"none", of_tag(Tag::duration)},
                           {"big", of_text(Tag::bigint, "18446744073709551616")},
                           {"nan", of_float(std::nan(""))},
                           {"raw", of_text(Tag::bytes, "")}}};
      all_hold(others, {"midnight", "big", "nan", "not none", "not raw"});
    }};

const check::Test absent{
    "a comparison with a field that is not there is false, and `not` turns it around", [] {
      none_hold(request(),
                {"missing == 1", "missing != 1", "missing < 1", "1 > missing", "missing in (1, 2)",
                 "missing not in (1, 2)", "'a' in missing", "'a' not in missing", "missing == None",
                 "missing != missing", "1 < n < missing", "v99 == 1"});
      all_hold(request(), {"not missing == 1", "not missing != 1", "not missing",
                           "missing == 1 or n == 7", "not (missing and n)"});
    }};

const check::Test shorter{
    "a record may have fewer values than its site has fields, or more", [] {
      Logged logged = request();
      logged.values.resize(2);
      all_hold(logged, {"total_ms > 50", "not n", "not n == 7"});
      logged = request();
      logged.values.push_back(Value::of_int(11));
      all_hold(logged, {"v11 == 11", "not v12", "not v10", "not v011", "not v", "not v11x"});
    }};

const check::Test unlike{
    "unlike kinds are unequal, and not ordered", [] {
      all_hold(request(), {"n != '7'", "model != 7", "nothing == None", "None != 0", "n != None",
                           "'7' not in n", "n not in ('7', None)", "nothing in (0, None)"});
      none_hold(request(),
                {"n == '7'", "n < '8'", "n > '6'", "nothing < 1", "nothing >= 0", "model > 7",
                 "'7' in n", "7 in model", "None == False", "None <= None"});
    }};

const check::Test numbers{"numbers compare by value, whatever their kinds", [] {
                            const Logged logged{
                                Kind::event,
                                "N",
                                {{"i", Value::of_int(9007199254740993)},
                                 {"most", Value::of_int(INT64_MAX)},
                                 {"least", Value::of_int(INT64_MIN)},
                                 {"u", of_tag(Tag::uint64, -1)},
                                 {"u1", of_tag(Tag::uint64, 1)},
                                 {"small", of_tag(Tag::int8, -3)},
                                 {"big", of_text(Tag::bigint, "18446744073709551616")},
                                 {"low", of_text(Tag::bigint, "-18446744073709551617")},
                                 {"hex", of_text(Tag::bigint, "0x1")},
                                 {"f", of_float(9007199254740992.0)},
                                 {"half", of_float(-2.5)},
                                 {"inf", of_float(std::numeric_limits<double>::infinity())},
                                 {"nan", of_float(std::nan(""))},
                                 {"yes", of_tag(Tag::true_)}}};
                            all_hold(logged, {"i != 9007199254740992.0",
                                              "i > f",
                                              "f < i",
                                              "f == 9007199254740992",
                                              "most == 9223372036854775807",
                                              "most < 9223372036854775808",
                                              "most < 9223372036854775808.0",
                                              "least == -9223372036854775808",
                                              "least == -9223372036854775808.0",
                                              "least > -9223372036854775809",
                                              "u == 18446744073709551615",
                                              "u < 18446744073709551616.0",
                                              "u > most",
                                              "u < big",
                                              "u1 == 1",
                                              "u1 == yes",
                                              "u1 == 1.0",
                                              "small == -3",
                                              "small < -2.5",
                                              "small < half",
                                              "half < -2",
                                              "half > -3",
                                              "big == 18446744073709551616",
                                              "big == 18446744073709551616.0",
                                              "big > 18446744073709551615",
                                              "big < 1e300",
                                              "big > u",
                                              "low < least",
                                              "low < -18446744073709551616.0",
                                              "low > -1e300",
                                              "low > -18446744073709551618",
                                              "big < inf",
                                              "low < inf",
                                              "hex < inf",
                                              "hex > 1e308",
                                              "hex > big",
                                              "yes == 1",
                                              "yes == 1.0",
                                              "yes < 2",
                                              "nan != nan",
                                              "nan != big",
                                              "nan != 1",
                                              "inf > most",
                                              "-0.0 == 0",
                                              "0 == False"});
                            none_hold(logged, {"nan == nan", "nan < 1", "nan > 1", "nan >= big",
                                               "big <= nan", "i == 9007199254740992.0", "u == -1",
                                               "u == 18446744073709551616.0", "yes == '1'"});
                          }};

const check::Test times{
    "dates, times and bytes compare with text as they are shown, and with their own kind by value",
    [] {
      Value aware = of_tag(Tag::datetime_utc, 1'700'000'000'000'000);
      aware.offset_seconds = 3600;
      const Logged logged{Kind::event,
                          "T",
                          {{"at", of_tag(Tag::datetime, 1'700'000'000'000'000)},
                           {"aware", aware},
                           {"utc", of_tag(Tag::datetime_utc, 1'700'000'000'000'000)},
                           {"day", of_tag(Tag::date, 19675)},
                           {"raw", of_text(Tag::bytes, "ab")},
                           {"raw2", of_text(Tag::bytes, "ac")}}};
      all_hold(logged, {"at == '2023-11-14T22:13:20'", "at > '2023-11-14'", "'2023-12' > at",
                        "aware == '2023-11-14T23:13:20+01:00'", "aware == utc", "aware <= utc",
                        "at != utc", "day == '2023-11-14'", "'T22:' in at", "raw == \"b'ab'\"",
                        "raw < raw2", "day != 19675", "day in ('x', '2023-11-14')"});
      none_hold(logged, {"at < utc", "at >= utc", "day < 20000", "day == at"});
    }};

const check::Test text_order{"text is ordered by code points", [] {
                               const Logged logged{Kind::event,
                                                   "S",
                                                   {{"s", Value::of_str("z")},
                                                    {"umlaut", Value::of_str("ä")},
                                                    {"face", Value::of_str("😀")},
                                                    {"last", Value::of_str("\xef\xbf\xbd")}}};
                               all_hold(logged, {"s < umlaut", "umlaut < last", "last < face",
                                                 "'Z' < s", "'' < s", "s < 'za'", "s <= 'z'"});
                             }};

const check::Test reserved_of_message{
    "a message has a level, a text, a thread and a time", [] {
      const Logged logged{Kind::message,
                          "{model} took {dt:.1f}s",
                          {{"model", Value::of_str("VGG")}, {"dt", of_float(1.25)}},
                          kWarning};
      all_hold(logged,
               {"level == 'WARNING'", "level > 'INFO'", "level >= 'WARNING'", "'ERROR' > level",
                "level < 'CRITICAL'", "level in ('WARNING', 'ERROR')", "level not in ['DEBUG']",
                "level != None", "message == 'VGG took 1.2s'", "'took' in message", "dt > 1",
                "'VGG' in message and 'took' in message", "event == None", "not event",
                "thread == 'worker-1'", "time == 1700000000.5", "1700000000 < time < 1700000001",
                "'WARN' in level"});
      none_hold(logged,
                {"level < 'WARNING'", "level == 'DEBUG'", "event == 'VGG'", "level > 'WARNING'"});
    }};

const check::Test reserved_of_others{
    "what a record has not is None", [] {
      all_hold(request(), {"event == 'GEN'", "level == None", "level != 'DEBUG'", "message == None",
                           "not message", "'x' not in message", "not level >= 'DEBUG'"});
      const Logged text{Kind::text, "LOG", {{"text", Value::of_str("an error")}}};
      all_hold(text, {"'err' in message", "message == text", "event == None", "level == None"});
      const Logged print{Kind::print, "PRINT", {{"text", Value::of_str("done\n")}}};
      all_hold(print, {"message == 'done\\n'", "not event"});
      const Logged dropped{Kind::dropped, "DROPPED", {{"n", Value::of_int(3)}}};
      all_hold(dropped, {"event == 'DROPPED'", "n == 3", "message == None"});
      Logged bare = request();
      bare.thread.name = "";
      all_hold(bare, {"thread == '42'"});
      Record record = bare.record();
      record.thread = nullptr;
      check::that(parsed("thread == None").matches(record));
    }};

const check::Test each_site{
    "one expression is each site's own", [] {
      Expression expression = parsed("n > 5 and event == 'GEN' or 'lost' in message");
      const Logged gen = request();
      const Logged other{Kind::event, "SCHED", {{"n", Value::of_int(9)}}};
      const Logged moved{Kind::event, "GEN", {{"x", Value::of_int(1)}, {"n", Value::of_int(6)}}};
      const Logged text{Kind::text, "LOG", {{"text", Value::of_str("lost it")}}};
      for (int i = 0; i < 2; ++i) {
        check::that(expression.matches(gen.record()));
        check::that(!expression.matches(other.record()));
        check::that(expression.matches(moved.record()));
        check::that(expression.matches(text.record()));
      }
    }};

const check::Test same_message{"each record's own message is looked at", [] {
                                 Expression expression = parsed("'1' in message or '2' in message");
                                 Logged logged{Kind::message, "got {n}", {{"n", Value::of_int(1)}}};
                                 check::that(expression.matches(logged.record()));
                                 logged.values[0] = Value::of_int(3);
                                 check::that(!expression.matches(logged.record()));
                                 logged.values[0] = Value::of_int(2);
                                 check::that(expression.matches(logged.record()));
                               }};

const check::Test inline_records{
    "names that travel in the record are found there", [] {
      const Logged event{Kind::inline_event,
                         "",
                         {{"", Value::of_str("GEN")},
                          {"", Value::of_str("model")},
                          {"", Value::of_str("VGG")},
                          {"", Value::of_str("n")},
                          {"", Value::of_int(3)}}};
      all_hold(event, {"event == 'GEN' and model == 'VGG' and n > 2", "not missing"});
      Expression expression = parsed("event == 'GEN' and n == 3");
      Logged next = event;
      check::that(expression.matches(next.record()));
      next.values[0] = Value::of_str("SCHED");
      check::that(!expression.matches(next.record()));
      const Logged message{
          Kind::inline_message,
          "",
          {{"", Value::of_str("{} of {}")}, {"", Value::of_int(1)}, {"", Value::of_int(2)}},
          kError};
      all_hold(message, {"message == '1 of 2'", "v2 == 2", "level == 'ERROR'"});
    }};

const check::Test owner{"a ring's new owner is no record that could be meant", [] {
                          const Logged logged{Kind::thread, "THREAD", {}};
                          check::that(!holds("True", logged));
                          check::that(!holds("not event", logged));
                        }};

const check::Test moved{"an expression can be moved", [] {
                          Expression first = parsed("model == 'ResNet50'");
                          check::that(first.matches(request().record()));
                          Expression second = std::move(first);
                          const Logged logged = request();
                          check::that(second.matches(logged.record()));
                        }};

const check::Test complaints{
    "what is no expression is refused with the place and what is wrong", [] {
      const std::pair<const char*, const char*> cases[] = {
          {"", "at column 1: expected a name, a literal or '(', found the end"},
          {"n >", "at column 4: expected a name, a literal or '(', found the end"},
          {"n = 1", "at column 3: expected an operator or the end, found ="},
          {"n is None", "at column 3: expected an operator or the end, found is"},
          {"ä = 'ö' b", "at column 3: expected an operator or the end, found ="},
          {"f(x)", "at column 2: expected an operator or the end, found ("},
          {"n + 1 > 2", "at column 3: expected an operator or the end, found +"},
          {"n[0]", "at column 2: expected an operator or the end, found ["},
          {"(n", "at column 3: expected an operator or ')', found the end"},
          {"n)", "at column 2: expected an operator or the end, found )"},
          {"and", "at column 1: expected a name, a literal or '(', found and"},
          {"n == not 1", "at column 6: expected a name, a literal or '(', found not"},
          {"n not 1", "at column 7: expected 'in' after 'not', found 1"},
          {"n in (1)", "at column 8: expected ',', which makes a tuple of one, found )"},
          {"n in (1 2)", "at column 9: expected ',' or ')', found 2"},
          {"n in [m]", "at column 7: expected a literal in this list, found m"},
          {"n in (1, (2,))", "at column 10: expected a literal in this list, found ("},
          {"n in (1, 2", "at column 11: expected ',' or ')', found the end"},
          {"n in (1, 2) == 3", "at column 13: expected an operator or the end, found =="},
          {"n == (1, 2)", "at column 8: expected an operator or ')', found ,"},
          {"(n > 1) == True",
           "at column 1: expected a name or a literal to compare, found an expression"},
          {"1 < (not n)",
           "at column 5: expected a name or a literal to compare, found an expression"},
          {"-n > 1", "at column 2: expected a number behind the sign, found n"},
          {"--1", "at column 2: expected a number behind the sign, found -"},
          {"5x", "at column 1: 5x is no number"},
          {"1.2.3", "at column 1: 1.2.3 is no number"},
          {"007", "at column 1: 007 is no number"},
          {"1__0", "at column 1: 1__0 is no number"},
          {"1_", "at column 1: 1_ is no number"},
          {"1e", "at column 1: 1e is no number"},
          {"n > 1e999", "at column 5: this number is too large or too small"},
          {"n == 'abc", "at column 6: this string has no end"},
          {"n == 'abc\\'", "at column 6: this string has no end"},
          {"n == 'a\nb'", "at column 6: this string has no end"},
          {"n == '\\d'",
           "at column 7: unknown escape; a backslash that stands for itself is written twice"},
          {"'a' == '\\xg0'", "at column 9: this escape is no character"},
          {"'\\U00110000'", "at column 2: this escape is no character"},
          {"'\\u12'", "at column 2: this escape is no character"},
          {"level == 'warn'",
           "at column 10: a level is 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"},
          {"level >= 30",
           "at column 10: a level is 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"},
          {"level in ('INFO', 'x')",
           "at column 19: a level is 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"},
      };
      for (const auto& [text, complaint] : cases) check::equal(complaint_of(text), complaint);
    }};

const check::Test bounds{
    "nesting and length are limited, and what is within the limits is quick", [] {
      const auto repeat = [](std::string_view part, int n) {
        std::string text;
        for (int i = 0; i < n; ++i) text += part;
        return text;
      };
      check::that(holds(repeat("(", 100) + "n" + repeat(")", 100), request()));
      check::equal(complaint_of(repeat("(", 101) + "n" + repeat(")", 101)),
                   "at column 101: more than 100 levels of nesting");
      check::that(holds(repeat("not ", 100) + "n", request()));
      check::equal(complaint_of(repeat("not ", 101) + "n"),
                   "at column 401: more than 100 levels of nesting");
      check::that(complaint_of(repeat("not (", 2000)).ends_with("levels of nesting"));
      check::that(holds(repeat("0 or ", 1999) + "n", request()));
      check::that(holds(repeat("0<", 4999) + "n", request()) == false);
      check::that(holds("n in (" + repeat("1,", 4990) + "7)", request()));
      check::equal(complaint_of(repeat(" ", 10'000) + "n"),
                   "at column 10001: expected the end; an expression has 10000 bytes at most");
      check::equal(complaint_of("n > " + repeat("9", 4301)),
                   "at column 5: this number is too long");
      // The naive search would take 10^11 steps here.
      const std::string hay(20'000'000, 'a');
      const Logged text{Kind::text, "LOG", {{"text", Value::of_str(hay)}}};
      check::that(!holds("'" + repeat("a", 4000) + "b" + repeat("a", 4000) + "' in message", text));
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
