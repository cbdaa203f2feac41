#include "strategies/policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace attolog {

namespace {

constexpr double kLongestPeriod = 1e9;  // seconds; ns of it fit into 64 bits

struct Word {
  std::string_view word;
  Policy::Kind kind;
};
constexpr std::array<Word, 9> kWords{{{"all", Policy::Kind::all},
                                      {"off", Policy::Kind::off},
                                      {"sample", Policy::Kind::sample},
                                      {"every", Policy::Kind::every},
                                      {"first", Policy::Kind::first},
                                      {"cap", Policy::Kind::cap},
                                      {"budget", Policy::Kind::budget},
                                      {"stats", Policy::Kind::stats},
                                      {"last", Policy::Kind::last}}};

// What is in front of the separator; `text` becomes what is behind it.
std::string_view split_off(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text = at == text.npos ? std::string_view() : text.substr(at + 1);
  return part;
}

template <class T>
bool parse_all(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_count(std::string_view text, std::uint64_t& n) {
  return parse_all(text, n) && n >= 1 && n <= 1'000'000'000'000;
}

bool parse_share(std::string_view text, double& share) {
  return parse_all(text, share) && share > 0 && share <= 1;
}

bool parse_first(std::string_view text, Policy& policy) {
  const std::string_view n = split_off(text, ',');
  const std::string_view then = split_off(text, ',');
  policy.period_ns = 1'000'000'000;
  if (!parse_count(n, policy.n)) return false;
  if (!then.empty() && then != "0" && !parse_count(then, policy.then)) return false;
  if (text.empty()) return true;
  const auto period = parse_period(text);
  policy.period_ns = period.value_or(0);
  return period.has_value();
}

bool parse_names(std::string_view text, std::vector<std::string>& names) {
  while (!text.empty()) {
    const std::string_view name = split_off(text, ',');
    if (name.empty()) return false;
    names.emplace_back(name);
  }
  return !names.empty();
}

bool parse_stats(std::string_view text, Policy& policy) {
  const bool has_by = text.find('@') != text.npos;
  const auto window = parse_period(split_off(text, '@'));
  policy.period_ns = window.value_or(0);
  return window.has_value() && (!has_by || parse_names(text, policy.by));
}

bool parse_sample(std::string_view text, Policy& policy) {
  const bool has_key = text.find('@') != text.npos;
  if (!parse_share(split_off(text, '@'), policy.share)) return false;
  policy.key = text;
  return !has_key || !text.empty();
}

std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string period(std::int64_t ns) {
  return number(static_cast<double>(ns) / 1e9) + "s";
}

}  // namespace

std::optional<std::int64_t> parse_period(std::string_view text) {
  double factor = 1;
  if (text.ends_with("ms")) {
    factor = 1e-3;
    text.remove_suffix(2);
  } else if (text.ends_with('s')) {
    text.remove_suffix(1);
  } else if (text.ends_with('m')) {
    factor = 60;
    text.remove_suffix(1);
  }
  double value = 0;
  if (!parse_all(text, value) || !std::isfinite(value)) return std::nullopt;
  const double seconds = value * factor;
  if (!(seconds >= 1e-6) || seconds > kLongestPeriod) return std::nullopt;
  return std::llround(seconds * 1e9);
}

std::optional<Policy> parse_policy(std::string_view text, std::string& complaint) {
  const bool has_argument = text.find(':') != text.npos;
  std::string_view rest = text;
  const std::string_view word = split_off(rest, ':');
  const auto* known = std::ranges::find(kWords, word, &Word::word);
  if (known == kWords.end()) {
    complaint = "is no strategy; allowed are " + std::string(kPolicyForms);
    return std::nullopt;
  }
  Policy policy;
  policy.kind = known->kind;
  bool is_good = true;
  const char* wanted = "";
  switch (policy.kind) {
    case Policy::Kind::all:
    case Policy::Kind::off:
      is_good = !has_argument;
      wanted = "stands alone";
      break;
    case Policy::Kind::sample:
      is_good = parse_sample(rest, policy);
      wanted = "needs a share above 0 and up to 1, and may name a key: sample:0.01@user";
      break;
    case Policy::Kind::budget:
      is_good = parse_share(rest, policy.share);
      wanted = "needs a share of the time above 0 and up to 1: budget:0.01";
      break;
    case Policy::Kind::every:
      is_good = parse_count(rest, policy.n);
      wanted = "needs a whole number from 1: every:100";
      break;
    case Policy::Kind::cap:
      is_good = parse_count(rest, policy.n);
      policy.period_ns = 1'000'000'000;
      wanted = "needs a whole number of records a second, from 1: cap:1000";
      break;
    case Policy::Kind::first:
      is_good = parse_first(rest, policy);
      wanted = "needs whole numbers and a time: first:100 or first:100,50,1s";
      break;
    case Policy::Kind::stats:
      is_good = parse_stats(rest, policy);
      wanted = "needs a window from 1 us, and may name fields: stats:1s@user";
      break;
    case Policy::Kind::last:
      is_good = parse_count(rest, policy.n);
      wanted = "needs a whole number of records from 1: last:100000";
      break;
  }
  if (is_good) return policy;
  complaint = std::string(word) + " " + wanted;
  return std::nullopt;
}

std::string to_text(const Policy& policy) {
  const auto* known = std::ranges::find(kWords, policy.kind, &Word::kind);
  std::string text(known->word);
  switch (policy.kind) {
    case Policy::Kind::all:
    case Policy::Kind::off: break;
    case Policy::Kind::sample:
      text += ":" + number(policy.share);
      if (!policy.key.empty()) text += "@" + policy.key;
      break;
    case Policy::Kind::budget: text += ":" + number(policy.share); break;
    case Policy::Kind::every:
    case Policy::Kind::cap:
    case Policy::Kind::last: text += ":" + std::to_string(policy.n); break;
    case Policy::Kind::first:
      text += ":" + std::to_string(policy.n) + "," + std::to_string(policy.then) + "," +
              period(policy.period_ns);
      break;
    case Policy::Kind::stats:
      text += ":" + period(policy.period_ns);
      for (std::size_t i = 0; i < policy.by.size(); ++i)
        text += (i == 0 ? "@" : ",") + policy.by[i];
      break;
  }
  return text;
}

}  // namespace attolog
