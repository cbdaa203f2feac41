#include "query/expression.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"
#include "logged.hpp"
#include "steps.hpp"
#include "temp.hpp"

using namespace attolog;
using logged::holds;
using logged::Logged;
using logged::of_float;
using logged::of_tag;
using logged::of_text;
using namespace steps;

namespace {

using Expressions = std::vector<Steps>;

void all_are(bool expected, const Logged& logged, const Expressions& expressions) {
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    if (holds(expressions[i], logged) != expected) {
      check::equal("number " + std::to_string(i),
                   expected ? "one that holds" : "one that does not");
    }
  }
}
void all_hold(const Logged& logged, const Expressions& expressions) {
  all_are(true, logged, expressions);
}
void none_hold(const Logged& logged, const Expressions& expressions) {
  all_are(false, logged, expressions);
}

Logged request() {
  return {SiteKind::event,
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

const Steps n = name("n");
const Steps model = name("model");
const Steps missing = name("missing");
const Steps event = name("event");
const Steps level = name("level");
const Steps message = name("message");
const Steps thread = name("thread");
const Steps at = name("time");

const check::Test operators{
    "each operator does what it does in Python", [] {
      all_hold(request(),
               {name("total_ms") > 50 && model == "ResNet50", Steps(false) || n,
                series("or", {false, 0, n}), series("and", {true, 1, n}), !(n == 1), !!n, n != 8,
                n < 8, n <= 7, n > 6, n >= 7, in(n, list({1, 7})), not_in(n, list({})),
                not_in(n, list({"7", nullptr, true})), in("Net", model), in(model, "a ResNet50 b"),
                not_in("net", model), name("a.b") == 1, name("größe") == 3});
      none_hold(request(), {n == 7 && model == "VGG", Steps(false) || 0, !(n == 7), n != 7, n < 7,
                            n <= 6, n > 7, n >= 8, in(n, list({1, 2})), in(n, list({})),
                            not_in(n, list({7})), in("net", model), not_in("Net", model)});
    }};

const check::Test texts{
    "texts are compared by all of their characters", [] {
      const std::string odd = "it's \"x\"\n\t\\ \xc3\xa4\xf0\x9f\x98\x80";
      const Logged said{SiteKind::event,
                        "SAID",
                        {{"a", Value::of_str(odd)}, {"lone", Value::of_str("\xed\xa0\x80")}}};
      all_hold(said, {name("a") == std::string_view(odd), name("lone") == "\xed\xa0\x80",
                      in("", name("a")), in("", ""), Steps("or not") != "and"});
    }};

const check::Test truth{
    "a value alone is true as in Python, and a field that is not there is false", [] {
      all_hold(request(), {n, name("flag"), model, name("total_ms"), 1, "0", -1, at, event});
      none_hold(request(), {name("off"), name("nothing"), name("empty"), name("zero"), nullptr, 0,
                            0.0, "", missing});
      const Logged others{SiteKind::event,
                          "T",
                          {{"midnight", of_tag(Tag::time)},
                           {"none", of_tag(Tag::duration)},
                           {"big", of_text(Tag::bigint, "18446744073709551616")},
                           {"nan", of_float(std::nan(""))},
                           {"raw", of_text(Tag::bytes, "")}}};
      all_hold(others, {name("midnight"), name("big"), name("nan"), !name("none"), !name("raw")});
    }};

const check::Test absent{
    "a comparison with a field that is not there is false, and `not` turns it around", [] {
      none_hold(request(),
                {missing == 1, missing != 1, missing < 1, (1 > missing), in(missing, list({1, 2})),
                 not_in(missing, list({1, 2})), in("a", missing), not_in("a", missing),
                 missing == nullptr, missing != missing, 1 < n && n < missing, name("v99") == 1});
      all_hold(request(), {!(missing == 1), !(missing != 1), !missing, missing == 1 || n == 7,
                           !(missing && n)});
    }};

const check::Test shorter{"a record may have fewer values than its site has fields, or more", [] {
                            Logged logged = request();
                            logged.values.resize(2);
                            all_hold(logged, {name("total_ms") > 50, !n, !(n == 7)});
                            logged = request();
                            logged.values.push_back(Value::of_int(11));
                            all_hold(logged, {name("v11") == 11, !name("v12"), !name("v10"),
                                              !name("v011"), !name("v"), !name("v11x")});
                          }};

const check::Test unlike{
    "unlike kinds are unequal, and not ordered", [] {
      all_hold(request(), {n != "7", model != 7, name("nothing") == nullptr, Steps(nullptr) != 0,
                           n != nullptr, not_in("7", n), not_in(n, list({"7", nullptr})),
                           in(name("nothing"), list({0, nullptr}))});
      none_hold(request(),
                {n == "7", n < "8", n > "6", name("nothing") < 1, name("nothing") >= 0, model > 7,
                 in("7", n), in(7, model), Steps(nullptr) == false, Steps(nullptr) <= nullptr});
    }};

const check::Test numbers{
    "numbers compare by value, whatever their kinds", [] {
      const Logged logged{SiteKind::event,
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
      all_hold(logged, {name("i") != 9007199254740992.0,
                        name("i") > name("f"),
                        name("f") < name("i"),
                        name("f") == 9007199254740992,
                        name("most") == 9223372036854775807,
                        name("most") < big("9223372036854775808"),
                        name("most") < 9223372036854775808.0,
                        name("least") == INT64_MIN,
                        name("least") == -9223372036854775808.0,
                        name("least") > big("-9223372036854775809"),
                        name("u") == big("18446744073709551615"),
                        name("u") < 18446744073709551616.0,
                        name("u") > name("most"),
                        name("u") < name("big"),
                        name("u1") == 1,
                        name("u1") == name("yes"),
                        name("u1") == 1.0,
                        name("small") == -3,
                        name("small") < -2.5,
                        name("small") < name("half"),
                        name("half") < -2,
                        name("half") > -3,
                        name("big") == big("18446744073709551616"),
                        name("big") == 18446744073709551616.0,
                        name("big") > big("18446744073709551615"),
                        name("big") < 1e300,
                        name("big") > name("u"),
                        name("low") < name("least"),
                        name("low") < -18446744073709551616.0,
                        name("low") > -1e300,
                        name("low") > big("-18446744073709551618"),
                        name("big") < name("inf"),
                        name("low") < name("inf"),
                        name("hex") < name("inf"),
                        name("hex") > 1e308,
                        name("hex") > name("big"),
                        name("yes") == 1,
                        name("yes") == 1.0,
                        name("yes") < 2,
                        name("nan") != name("nan"),
                        name("nan") != name("big"),
                        name("nan") != 1,
                        name("inf") > name("most"),
                        Steps(-0.0) == 0,
                        Steps(0) == false});
      none_hold(logged, {name("nan") == name("nan"), name("nan") < 1, name("nan") > 1,
                         name("nan") >= name("big"), name("big") <= name("nan"),
                         name("i") == 9007199254740992.0, name("u") == -1,
                         name("u") == 18446744073709551616.0, name("yes") == "1"});
    }};

const check::Test times{
    "dates, times and bytes compare with text as they are shown, and with their own kind by value",
    [] {
      const Steps naive = name("at");
      const Steps aware = name("aware");
      const Steps utc = name("utc");
      const Steps day = name("day");
      const Steps raw = name("raw");
      Value later = of_tag(Tag::datetime_utc, 1'700'000'000'000'000);
      later.offset_seconds = 3600;
      const Logged logged{SiteKind::event,
                          "T",
                          {{"at", of_tag(Tag::datetime, 1'700'000'000'000'000)},
                           {"aware", later},
                           {"utc", of_tag(Tag::datetime_utc, 1'700'000'000'000'000)},
                           {"day", of_tag(Tag::date, 19675)},
                           {"raw", of_text(Tag::bytes, "ab")},
                           {"raw2", of_text(Tag::bytes, "ac")}}};
      all_hold(logged, {naive == "2023-11-14T22:13:20", naive > "2023-11-14", "2023-12" > naive,
                        aware == "2023-11-14T23:13:20+01:00", aware == utc, aware <= utc,
                        naive != utc, day == "2023-11-14", in("T22:", naive), raw == "b'ab'",
                        raw < name("raw2"), day != 19675, in(day, list({"x", "2023-11-14"}))});
      none_hold(logged, {naive < utc, naive >= utc, day < 20000, day == naive});
    }};

const check::Test text_order{
    "text is ordered by code points", [] {
      const Steps letter = name("s");
      const Logged logged{SiteKind::event,
                          "S",
                          {{"s", Value::of_str("z")},
                           {"umlaut", Value::of_str("ä")},
                           {"face", Value::of_str("😀")},
                           {"last", Value::of_str("\xef\xbf\xbd")}}};
      all_hold(logged,
               {letter < name("umlaut"), name("umlaut") < name("last"), name("last") < name("face"),
                "Z" < letter, "" < letter, letter < "za", letter <= "z"});
    }};

const check::Test reserved_of_message{
    "a message has a level, a text, a thread and a time", [] {
      const Logged logged{SiteKind::message,
                          "{model} took {dt:.1f}s",
                          {{"model", Value::of_str("VGG")}, {"dt", of_float(1.25)}},
                          kWarning};
      all_hold(logged,
               {level == "WARNING", level > "INFO", level >= "WARNING", "ERROR" > level,
                level < "CRITICAL", in(level, list({"WARNING", "ERROR"})),
                not_in(level, list({"DEBUG"})), level != nullptr, message == "VGG took 1.2s",
                in("took", message), name("dt") > 1, in("VGG", message) && in("took", message),
                event == nullptr, !event, thread == "worker-1", at == 1700000000.5,
                1700000000 < at && at < 1700000001, in("WARN", level)});
      none_hold(logged, {level < "WARNING", level == "DEBUG", event == "VGG", level > "WARNING"});
    }};

const check::Test reserved_of_others{
    "what a record has not is None", [] {
      all_hold(request(), {event == "GEN", level == nullptr, level != "DEBUG", message == nullptr,
                           !message, not_in("x", message), !(level >= "DEBUG")});
      const Logged text{SiteKind::text, "LOG", {{"text", Value::of_str("an error")}}};
      all_hold(text,
               {in("err", message), message == name("text"), event == nullptr, level == nullptr});
      const Logged print{SiteKind::print, "PRINT", {{"text", Value::of_str("done\n")}}};
      all_hold(print, {message == "done\n", !event});
      const Logged dropped{SiteKind::dropped, "DROPPED", {{"n", Value::of_int(3)}}};
      all_hold(dropped, {event == "DROPPED", n == 3, message == nullptr});
      Logged bare = request();
      bare.thread.name = "";
      all_hold(bare, {thread == "42"});
      Record record = bare.record();
      record.thread = nullptr;
      check::that(Expression((thread == nullptr).bytes).matches(record));
    }};

const check::Test each_site{
    "one expression is each site's own", [] {
      Expression expression(((n > 5 && event == "GEN") || in("lost", message)).bytes);
      const Logged gen = request();
      const Logged other{SiteKind::event, "SCHED", {{"n", Value::of_int(9)}}};
      const Logged moved{
          SiteKind::event, "GEN", {{"x", Value::of_int(1)}, {"n", Value::of_int(6)}}};
      const Logged text{SiteKind::text, "LOG", {{"text", Value::of_str("lost it")}}};
      for (int i = 0; i < 2; ++i) {
        check::that(expression.matches(gen.record()));
        check::that(!expression.matches(other.record()));
        check::that(expression.matches(moved.record()));
        check::that(expression.matches(text.record()));
      }
    }};

const check::Test same_message{
    "each record's own message is looked at", [] {
      Expression expression((in("1", message) || in("2", message)).bytes);
      Logged logged{SiteKind::message, "got {n}", {{"n", Value::of_int(1)}}};
      check::that(expression.matches(logged.record()));
      logged.values[0] = Value::of_int(3);
      check::that(!expression.matches(logged.record()));
      logged.values[0] = Value::of_int(2);
      check::that(expression.matches(logged.record()));
    }};

const check::Test inline_records{
    "names that travel in the record are found there", [] {
      const Logged declared{SiteKind::inline_event,
                            "",
                            {{"", Value::of_str("GEN")},
                             {"", Value::of_str("model")},
                             {"", Value::of_str("VGG")},
                             {"", Value::of_str("n")},
                             {"", Value::of_int(3)}}};
      all_hold(declared, {series("and", {event == "GEN", model == "VGG", n > 2}), !missing});
      Expression expression((event == "GEN" && n == 3).bytes);
      Logged next = declared;
      check::that(expression.matches(next.record()));
      next.values[0] = Value::of_str("SCHED");
      check::that(!expression.matches(next.record()));
      const Logged said{
          SiteKind::inline_message,
          "",
          {{"", Value::of_str("{} of {}")}, {"", Value::of_int(1)}, {"", Value::of_int(2)}},
          kError};
      all_hold(said, {message == "1 of 2", name("v2") == 2, level == "ERROR"});
    }};

const check::Test owner{"a ring's new owner is no record that could be meant", [] {
                          const Logged logged{SiteKind::thread, "THREAD", {}};
                          check::that(!holds(true, logged));
                          check::that(!holds(!event, logged));
                        }};

const check::Test moved{"an expression can be moved", [] {
                          Expression first((model == "ResNet50").bytes);
                          check::that(first.matches(request().record()));
                          Expression second = std::move(first);
                          const Logged logged = request();
                          check::that(second.matches(logged.record()));
                        }};

void is_refused(const std::string& bytes) {
  check::that(!temp::error_of([&] { Expression expression(bytes); }).empty());
}

const check::Test refused{
    "steps that are no expression are refused", [] {
      const std::string one = Steps(1).bytes;
      for (const std::string& bytes :
           {std::string(),
            encoded("x"),
            encoded(1),
            one + one,
            n.bytes + n.bytes,
            encoded("name"),
            encoded("name") + encoded(1),
            name("").bytes,
            encoded("value"),
            encoded("not"),
            encoded("and"),
            encoded("and") + one,
            encoded("and") + encoded(0),
            encoded("and") + encoded(-1) + one,
            encoded("or") + encoded(2) + one,
            encoded("or") + encoded(INT64_MAX) + one,
            binary("=>", n, 1).bytes,
            encoded("<") + one,
            encoded("<") + one + (!n).bytes,
            (list({1}) == n).bytes,
            (n == list({1})).bytes,
            list({1}).bytes,
            encoded("in") + n.bytes + encoded("list"),
            encoded("in") + n.bytes + encoded("list") + encoded(2) + encoded(1),
            (n == Literal(Tag::bytes, "raw")).bytes,
            (n == 1).bytes.substr(0, (n == 1).bytes.size() - 1),
            std::string("\x7f")}) {
        is_refused(bytes);
      }
    }};

const check::Test bounds{"nesting is limited, and what is within the limits is quick", [] {
                           const auto nested = [](int levels) {
                             std::string bytes;
                             for (int i = 0; i < levels; ++i) bytes += encoded("not");
                             return Steps(bytes + n.bytes);
                           };
                           check::that(holds(nested(256), request()));
                           is_refused(nested(257).bytes);
                           is_refused(nested(1'000'000).bytes);
                           // The naive search would take 10^11 steps here.
                           const std::string hay(20'000'000, 'a');
                           const std::string half(4000, 'a');
                           const std::string needle = half + "b" + half;
                           const Logged text{SiteKind::text, "LOG", {{"text", Value::of_str(hay)}}};
                           check::that(!holds(in(std::string_view(needle), message), text));
                         }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
