#include "strategies/policy.hpp"

#include <string>

#include "check.hpp"

namespace {

using attolog::parse_period;
using attolog::parse_policy;
using attolog::Policy;
using attolog::to_text;

std::string complaint_of(std::string_view text) {
  std::string complaint;
  check::that(!parse_policy(text, complaint).has_value());
  return complaint;
}

Policy parsed(std::string_view text) {
  std::string complaint;
  const auto policy = parse_policy(text, complaint);
  check::equal(complaint, std::string());
  return policy.value_or(Policy{});
}

const check::Test round_trip{
    "every form reads back as it was written", [] {
      for (const char* text : {"off", "all", "sample:0.01", "sample:0.5@task_id", "every:100",
                               "first:100,50,1s", "first:3,0,0.25s", "cap:1000", "budget:0.01",
                               "stats:1s", "stats:0.5s@model,exit", "last:100000"}) {
        check::equal(to_text(parsed(text)), std::string(text));
      }
    }};

const check::Test short_forms{
    "what may be left out is filled in", [] {
      check::equal(to_text(parsed("first:7")), std::string("first:7,0,1s"));
      check::equal(to_text(parsed("first:7,2")), std::string("first:7,2,1s"));
      check::equal(to_text(parsed("stats:500ms")), std::string("stats:0.5s"));
      check::equal(parsed("stats:5m").period_ns, std::int64_t{300'000'000'000});
      check::equal(parsed("sample:1e-3").share, 1e-3);
    }};

const check::Test refused{
    "what is no policy is refused with what is allowed", [] {
      for (const char* text :
           {"",          "some",          "sample",    "sample:",
            "sample:0",  "sample:1.5",    "sample:x",  "sample:0.1@",
            "every:0",   "every:1.5",     "first:",    "first:1,2,3,4",
            "cap:-1",    "budget:2",      "stats:",    "stats:0",
            "stats:1s@", "stats:1s@a,,b", "last:0",    "all:1",
            "off:",      "sample:nan",    "stats:inf", "every:99999999999999999999"}) {
        check::that(!complaint_of(text).empty());
      }
      check::that(complaint_of("smaple:0.1").find("sample:0.01") != std::string::npos);
    }};

const check::Test periods{
    "periods are seconds, or have a unit", [] {
      check::equal(parse_period("2").value_or(0), std::int64_t{2'000'000'000});
      check::equal(parse_period("1.5s").value_or(0), std::int64_t{1'500'000'000});
      check::equal(parse_period("20ms").value_or(0), std::int64_t{20'000'000});
      check::that(!parse_period("1h").has_value());
      check::that(!parse_period("-1s").has_value());
      check::that(!parse_period("s").has_value());
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
