// Rules: from names of sites to policies. A logger has its own, and `attolog ctl` sets some for the
// whole process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/site.hpp"
#include "strategies/policy.hpp"

namespace attolog::python {

// The facts that choose a policy.
struct SiteFacts {
  std::uint32_t site = 0;
  SiteKind kind = SiteKind::event;
  std::uint8_t level = kNone;
  std::string_view name;                             // event's name or template
  const std::vector<std::string>* fields = nullptr;  // bound ones last; null: not known
  std::size_t n_bound = 0;
  const std::optional<Policy>* strategy = nullptr;  // of a declared event
};

// The rank of what no level leaves out: events, texts, prints.
inline constexpr std::uint8_t kAlways = 255;

bool is_message(SiteKind kind);
// The name by which rules find a site that has none of its own: DEBUG, LOG, PRINT. An event's name.
std::string_view word_of(const SiteFacts& facts);

// A rule's policy, and whether the rule names the site exactly.
struct RuleMatch {
  Policy policy;
  bool is_exact = false;
};

// From names to policies: the exact name before the longest pattern (of fnmatch) before `*`.
// Messages go by their template or their level, texts by LOG, prints by PRINT.
class Rules {
 public:
  std::optional<RuleMatch> find(const SiteFacts& facts) const;
  void set(std::string name, const Policy& policy);
  bool remove(const std::string& name);  // false: there was none
  bool empty() const { return entries_.empty(); }
  const std::vector<std::pair<std::string, Policy>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, Policy>> entries_;
};

// Rules of the whole process (ctl), before all others: the first logger on a call's way decides by
// them, and those behind it sample no more. Each logger's routes have to be invalidated.
void set_override(const std::string& name, const Policy& policy);
bool remove_override(const std::string& name);  // false: there was none
std::optional<RuleMatch> find_override(const SiteFacts& facts);
Rules overrides_now();
bool has_overrides();

}  // namespace attolog::python
