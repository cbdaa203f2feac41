#include "writer/save_trigger.hpp"

#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "check.hpp"
#include "logged.hpp"
#include "temp.hpp"

using namespace attolog;
using logged::Logged;
using steps::name;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;

SaveTriggerOptions options_of(std::int64_t before = -1, std::int64_t after = 0) {
  return {"", "", before, after, "box-{n}.csv"};
}
SaveTriggerOptions options_when(const steps::Steps& condition, std::int64_t after = 0) {
  return {"when", condition.bytes, -1, after, "box-{n}.csv"};
}

Record at(const Logged& logged, std::int64_t time_ns, bool is_stamped = false) {
  Record record = logged.record();
  record.time_ns = time_ns;
  record.is_stamped = is_stamped;
  return record;
}

Logged with(std::int64_t x) {
  return {SiteKind::event, "E", {{"x", Value::of_int(x)}}};
}

std::string told(const std::optional<Capture>& capture) {
  if (!capture) return "-";
  std::string text;
  for (const TriggerEvent& trigger : capture->triggers) {
    text += std::to_string((trigger.time_ns - kNow) / kSecond) + " " + trigger.reason + "; ";
  }
  return text;
}

}  // namespace

static const check::Test expressions{
    "what is no expression is refused when it is made", [] {
      const steps::Steps damaged(steps::encoded(">"));
      check::that(!temp::error_of([&] { SaveTrigger recorder(options_when(damaged)); }).empty());
      check::that(!SaveTrigger(options_of()).has_condition());
      check::that(SaveTrigger(options_when(name("x") > 1)).has_condition());
    }};

static const check::Test sees{"a record of which it is true opens a capture, others do not", [] {
                                SaveTrigger recorder(options_when(name("x") > 5));
                                const Logged low = with(5);
                                const Logged high = with(6);
                                recorder.on_record(at(low, kNow));
                                check::equal(told(recorder.pop_due(kNow, true)), "-");
                                recorder.on_record(at(high, kNow + kSecond));
                                check::equal(told(recorder.pop_due(kNow, false)), "1 when; ");
                                check::equal(told(recorder.pop_due(kNow, true)), "-");
                              }};

static const check::Test range{
    "a capture goes from so much before its first trigger to so much after it", [] {
      SaveTrigger recorder(options_of(2 * kSecond, 3 * kSecond));
      check::that(!recorder.trigger(kNow, false, "first").empty());
      recorder.trigger(kNow + kSecond, false, "second");
      check::equal(told(recorder.pop_due(kNow + 3 * kSecond - 1, false)), "-");
      const auto capture = recorder.pop_due(kNow + 3 * kSecond, false);
      check::equal(told(capture), "0 first; 1 second; ");
      check::equal(capture->since_ns, kNow - 2 * kSecond);
      check::equal(capture->until_ns, kNow + 3 * kSecond);
    }};

static const check::Test everything{"without limits it is all there is", [] {
                                      SaveTrigger recorder(options_of());
                                      recorder.trigger(kNow, false, "now");
                                      const auto capture = recorder.pop_due(kNow - kSecond, false);
                                      check::equal(capture->since_ns, INT64_MIN);
                                      check::equal(capture->until_ns, INT64_MAX);
                                    }};

static const check::Test at_once{"at the end it does not wait for what comes after", [] {
                                   SaveTrigger recorder(options_of(-1, 60 * kSecond));
                                   recorder.trigger(kNow, false, "now");
                                   check::equal(told(recorder.pop_due(kNow, false)), "-");
                                   check::equal(told(recorder.pop_due(kNow, true)), "0 now; ");
                                 }};

static const check::Test records_tell{
    "what comes after has come also where a record says so, and the clock does not yet", [] {
      SaveTrigger recorder(options_when(name("x") == 1, 2 * kSecond));
      const Logged one = with(1);
      const Logged two = with(2);
      recorder.on_record(at(one, kNow));
      recorder.on_record(at(two, kNow + 1 * kSecond));
      check::equal(told(recorder.pop_due(kNow, false)), "-");
      recorder.on_record(at(two, kNow + 2 * kSecond));
      check::equal(told(recorder.pop_due(kNow, false)), "0 when; ");
    }};

static const check::Test stamped{"a trigger with the program's time waits for the program's time",
                                 [] {
                                   SaveTrigger recorder(options_when(name("x") == 1, 2 * kSecond));
                                   const Logged one = with(1);
                                   const Logged two = with(2);
                                   recorder.on_record(at(one, 5 * kSecond, true));
                                   check::equal(told(recorder.pop_due(kNow, false)), "-");
                                   recorder.on_record(at(two, kNow, false));  // of the real clock
                                   check::equal(told(recorder.pop_due(kNow, false)), "-");
                                   recorder.on_record(at(two, 7 * kSecond, true));
                                   check::equal(recorder.pop_due(kNow, false)->triggers.size(), 1u);
                                 }};

static const check::Test ends_of_time{"times at the ends of what there is do not overflow", [] {
                                        SaveTrigger recorder(options_of(kSecond, kSecond));
                                        recorder.trigger(INT64_MAX - 1, false, "late");
                                        check::equal(recorder.pop_due(0, true)->until_ns,
                                                     INT64_MAX);
                                        recorder.trigger(INT64_MIN + 1, false, "early");
                                        const auto capture = recorder.pop_due(0, true);
                                        check::that(capture->since_ns <= INT64_MIN + 1);
                                      }};

static const check::Test order{"triggers are told of in order of time, a hundred at most", [] {
                                 SaveTrigger recorder(options_of(-1, kSecond));
                                 for (int i = 150; i > 0; --i) {
                                   recorder.trigger(kNow + i, false, std::to_string(i));
                                 }
                                 const auto capture = recorder.pop_due(0, true);
                                 check::equal(capture->triggers.size(), SaveTrigger::kMostTriggers);
                                 check::equal(capture->triggers.front().reason, "51");
                                 check::equal(capture->triggers.back().reason, "150");
                               }};

static const check::Test most{
    "by its condition it saves itself a hundred times, each time to a path of its own", [] {
      SaveTrigger recorder(options_when(name("x") > 5));
      const Logged high = with(6);
      std::set<std::string> paths;
      std::int64_t now = kNow;
      for (std::uint64_t i = 0; i < SaveTrigger::kMostCaptures; ++i, now += 2 * kSecond) {
        check::that(recorder.on_record(at(high, now)));
        paths.insert(recorder.pop_due(now, false).value().path);
      }
      check::equal(paths.size(), SaveTrigger::kMostCaptures);
      check::that(!recorder.on_record(at(high, now)));
      check::that(!recorder.pop_due(now, true).has_value());
      // Who asks for it has it all the same.
      check::that(!recorder.trigger(now, false, "crash").empty());
      check::equal(recorder.pop_due(now, false)->triggers.at(0).reason, "crash");
    }};

static const check::Test spacing{
    "a condition that is true all the time saves it once a second, and what came between is told",
    [] {
      SaveTrigger recorder(options_when(name("x") > 5));
      const Logged high = with(6);
      check::that(recorder.on_record(at(high, kNow)));
      check::that(recorder.pop_due(kNow, false).has_value());
      check::that(!recorder.on_record(at(high, kNow + kSecond / 2)));
      check::that(!recorder.on_record(at(high, kNow + kSecond - 1)));
      check::that(!recorder.pop_due(kNow + kSecond - 1, false).has_value());
      check::that(recorder.on_record(at(high, kNow + kSecond)));
      check::equal(recorder.pop_due(kNow + kSecond, false)->triggers.size(), std::size_t{3});
      // Who asks for it does not wait.
      check::that(!recorder.on_record(at(high, kNow + kSecond + 1)));
      recorder.trigger(kNow + kSecond + 2, false, "crash");
      check::that(recorder.pop_due(kNow + kSecond + 2, false).has_value());
    }};

static const check::Test one_path{"triggers of one capture have one path", [] {
                                    SaveTrigger recorder(options_of(-1, kSecond));
                                    const std::string path = recorder.trigger(kNow, false, "a");
                                    check::equal(recorder.trigger(kNow, false, "b"), path);
                                    check::equal(recorder.pop_due(0, true)->path, path);
                                    check::that(recorder.trigger(kNow, false, "c") != path);
                                  }};

static const check::Test paths{
    "names in a path are filled in wherever they stand", [] {
      const std::string pid = std::to_string(::getpid());
      check::equal(fill_in_path("a.csv", 3), "a.csv");
      check::equal(fill_in_path("{pid}/{n}-{pid}.csv", 3), pid + "/3-" + pid + ".csv");
      check::equal(fill_in_path("{n}.csv", 0), "{n}.csv");
      check::equal(fill_in_path("{x}{{n}}.csv", 1), "{x}{1}.csv");
      const std::string timed = fill_in_path("{time}.csv", 1);
      check::equal(timed.size(), std::string("20260101T000000.csv").size());
      check::equal(timed[8], 'T');
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
