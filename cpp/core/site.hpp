// A site: a place in the program that logs. Registered once, then a number.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attolog {

enum class SiteKind : std::uint8_t {
  event = 1,    // name is the event's name
  message = 2,  // name is the template
  text = 3,     // one value: the sentence
  print = 4,    // one value: print's exact text
  dropped = 5,  // two values: how many records were dropped, and since when (ns)
  clock = 6,    // one value: by how many ns the wall clock jumped
  // Where names do not fit the site table, they travel in the record.
  inline_event = 7,    // values: name, then field name and value in turn
  inline_message = 8,  // values: template, then the fields v1, v2, ...
  thread =
      9,  // a ring's new owner: native id, name. Never shown; it names what follows in the ring.
};

// Standard library levels; 0 for what has none.
enum Level : std::uint8_t {
  kNone = 0,
  kDebug = 10,
  kInfo = 20,
  kWarning = 30,
  kError = 40,
  kCritical = 50
};

// The destination of a site's records behind the ring.
enum class Destination : std::uint8_t {
  file = 0,    // into the file
  stats = 1,   // into the statistics of their window
  buffer = 2,  // into the box, until later ones take their place
};

// The event of StatsLogger.log_event(), which has no name of its own.
inline constexpr std::string_view kAnyEvent = "EVENT";

inline constexpr std::string_view kWeightField = "weight";

struct Site {
  std::uint32_t id = 0;
  SiteKind kind = SiteKind::event;
  Destination destination = Destination::file;
  bool is_weighted = false;  // the last field is `weight`: how many calls a record stands for
  std::uint8_t level = kNone;
  std::uint16_t bound = 0;  // how many of the own fields, the last ones, come from bind()
  std::uint32_t line = 0;
  std::string name;  // event name or template
  std::vector<std::string> fields;
  std::string file;
  std::string function;
  std::string
      policy;  // how it was sampled or is handled, as in strategies/policy.hpp; "": all is written

  // The fields of the call itself: all but the weight.
  std::span<const std::string> own_fields() const {
    const std::span<const std::string> all(fields);
    return is_weighted && !all.empty() ? all.first(all.size() - 1) : all;
  }
};

// Sites that every program has, under fixed numbers; a program's own start at kFirstSite.
inline constexpr std::uint32_t kThreadSite = 0;
inline constexpr std::uint32_t kTextSite = 1;
inline constexpr std::uint32_t kPrintSite = 2;
inline constexpr std::uint32_t kDroppedSite = 3;
inline constexpr std::uint32_t kClockSite = 4;
inline constexpr std::uint32_t kInlineEventSite = 5;
inline constexpr std::uint32_t kInlineMessageSite = 6;  // + level / 10
inline constexpr std::uint32_t kSkippedSite = 12;       // calls that no weight stands for
inline constexpr std::uint32_t kTriggerSite = 13;       // why a circular log was saved
inline constexpr std::uint32_t kErrorPrintSite = 14;    // print(..., file=sys.stderr)
inline constexpr std::uint32_t kFirstSite = 16;
inline constexpr std::uint32_t kMaxSites = 65536;
// Whether a record of the site is attolog's own, no call.
constexpr bool is_own_site(std::uint32_t id) {
  return id == kThreadSite || id == kSkippedSite || id == kTriggerSite;
}
// Numbers of sites and of their variants: what one becomes under a policy has a number of its own.
inline constexpr std::uint32_t kMaxNumbers = 4 * kMaxSites;

}  // namespace attolog
