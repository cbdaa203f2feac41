#include "python/route/rules.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <mutex>

#include "format/value_text.hpp"

namespace attolog::python {

namespace {

// No thread holds it around a fork: the writer keeps the control handler away, and of Python's
// threads only the one that forks runs.
std::mutex overrides_mutex;
Rules overrides;

}  // namespace

bool is_message(SiteKind kind) {
  return kind == SiteKind::message || kind == SiteKind::inline_message;
}

std::string_view word_of(const SiteFacts& facts) {
  switch (facts.kind) {
    case SiteKind::message:
    case SiteKind::inline_message: return level_name(std::max<std::uint8_t>(facts.level, kDebug));
    case SiteKind::text: return "LOG";
    case SiteKind::print: return "PRINT";
    default: return facts.name;
  }
}

std::optional<RuleMatch> Rules::find(const SiteFacts& facts) const {
  const std::string_view word = word_of(facts);
  const Policy* best = nullptr;
  std::size_t longest = 0;
  const std::string name(facts.name);
  for (const auto& [pattern, policy] : entries_) {
    if (pattern == facts.name || pattern == word) return RuleMatch{policy, true};
    const bool is_match = ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
                          ::fnmatch(pattern.c_str(), std::string(word).c_str(), 0) == 0;
    if (!is_match || (best != nullptr && pattern.size() <= longest)) continue;
    best = &policy;
    longest = pattern.size();
  }
  if (best == nullptr) return std::nullopt;
  return RuleMatch{*best, false};
}

void Rules::set(std::string name, const Policy& policy) {
  const auto known = std::ranges::find(entries_, name, &std::pair<std::string, Policy>::first);
  if (known != entries_.end()) {
    known->second = policy;
  } else {
    entries_.emplace_back(std::move(name), policy);
  }
}

bool Rules::remove(const std::string& name) {
  return std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; }) != 0;
}

void set_override(const std::string& name, const Policy& policy) {
  const std::lock_guard lock(overrides_mutex);
  overrides.set(name, policy);
}

bool remove_override(const std::string& name) {
  const std::lock_guard lock(overrides_mutex);
  return overrides.remove(name);
}

std::optional<RuleMatch> find_override(const SiteFacts& facts) {
  const std::lock_guard lock(overrides_mutex);
  return overrides.find(facts);
}

Rules overrides_now() {
  const std::lock_guard lock(overrides_mutex);
  return overrides;
}

bool has_overrides() {
  const std::lock_guard lock(overrides_mutex);
  return !overrides.empty();
}

}  // namespace attolog::python
