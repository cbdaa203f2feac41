// The flight recorder of a circular log: what makes it save itself, and when that is due.
//
// A trigger opens a capture; those that come before it is saved belong to it too. It is saved once
// what comes after the first of them, as wished, has been logged.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/record.hpp"
#include "query/expression.hpp"

namespace attolog {

struct TriggerEvent {
  std::int64_t time_ns;
  std::string reason;
};

// What is saved, and as what.
struct Capture {
  std::string path;
  std::int64_t since_ns = INT64_MIN;
  std::int64_t until_ns = INT64_MAX;
  std::vector<TriggerEvent> triggers;  // in order of time; each becomes a TRIGGER row
};

struct SaveTriggerOptions {
  std::string when;             // the condition as the program spells it
  std::string condition;        // the condition as Expression reads it; "": none
  std::int64_t before_ns = -1;  // of what was logged before a trigger; negative: all there is
  std::int64_t after_ns = 0;    // of what comes after it
  std::string path;             // {pid}, {time} and {n}, a number of its own, are filled in
};

class SaveTrigger {
 public:
  static constexpr std::uint64_t kMostCaptures = 100;        // by `when`: no disk is filled by them
  static constexpr std::int64_t kSpacingNs = 1'000'000'000;  // between two of those
  static constexpr std::size_t kMostTriggers = 100;          // of a capture that have rows

  // Throws std::invalid_argument where the condition is no expression.
  explicit SaveTrigger(const SaveTriggerOptions& options);

  bool has_condition() const { return when_.has_value(); }
  // Every record, by the drain alone. Whether a capture is due with it, before later ones take the
  // place of what belongs to it.
  bool on_record(const Record& record);
  // From any thread. Where it will be saved.
  std::string trigger(std::int64_t time_ns, bool is_stamped, std::string_view reason);
  // The capture that is due at `now_ns`, or at the time of the last record seen; `at_once`: any.
  std::optional<Capture> pop_due(std::int64_t now_ns, bool at_once);

 private:
  enum class Cause { when, asked };
  std::string open(std::int64_t time_ns, std::string_view reason, bool is_stamped, Cause cause);
  std::int64_t due_by_when(std::int64_t time_ns, bool is_stamped);

  SaveTriggerOptions options_;
  std::optional<Expression> when_;
  // Relaxed: the drain sets the first, a thread that opens a capture the second, and a look that is
  // late by a record is early enough.
  std::atomic<std::int64_t> last_seen_ns_{INT64_MIN};
  std::atomic<bool> is_stamped_{false};  // the open capture's clock is the program's

  std::atomic<bool> is_waiting_{false};  // there is an open capture

  std::mutex mutex_;  // all below
  std::optional<Capture> open_;
  std::int64_t due_ns_ = 0;        // of the open capture
  std::uint64_t by_when_ = 0;      // captures
  std::int64_t last_by_when_ = 0;  // when the last of them was due
  bool is_last_stamped_ = false;   // by which clock
};

// `{pid}`, `{time}` (UTC) and, unless it is 0, `{n}` of a path filled in.
std::string fill_in_path(std::string path, std::uint64_t n);

}  // namespace attolog
