// Policies: what a logger does with a site. One grammar for code, environment, TOML and ctl:
//
//   off | all | sample:0.01[@KEY] | every:100 | first:N[,M[,PERIOD]] | cap:N | budget:0.01
//   | stats:1s[@FIELD[,FIELD...]] | last:100000
//
// A period is seconds as a number, or with a unit: 500ms, 1s, 5m.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attolog {

struct Policy {
  enum class Kind : std::uint8_t { all, off, sample, every, first, cap, budget, stats, last };

  Kind kind = Kind::all;
  double share = 1.0;           // sample: of the calls; budget: of the wall time
  std::uint64_t n = 0;          // every, first, cap, last
  std::uint64_t then = 0;       // first: every so many calls after the first n; 0: none
  std::int64_t period_ns = 0;   // first: the interval; stats: the window
  std::string key;              // sample: the field whose hash decides; "": chance does
  std::vector<std::string> by;  // stats: a group for each combination of these fields' values

  bool samples() const { return kind >= Kind::sample && kind <= Kind::budget; }
  bool operator==(const Policy&) const = default;
};

inline constexpr std::string_view kPolicyForms =
    "off, all, sample:0.01, every:100, first:100, cap:1000, budget:0.01, stats:1s, last:100000";

// Nothing where the text is no policy; `complaint` says what is wrong with it then.
std::optional<Policy> parse_policy(std::string_view text, std::string& complaint);

// The policy in the grammar above; parsing it gives an equal policy.
std::string to_text(const Policy& policy);

// Seconds as a number, or "500ms", "1s", "5m", as ns; nothing where it is none, or not above 0.
std::optional<std::int64_t> parse_period(std::string_view text);

}  // namespace attolog
