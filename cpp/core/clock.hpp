// Time stamps. A call reads raw ticks, the cheapest clock there is. The writer turns them into wall
// time, by a model that follows the system's clock and never runs backwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace attolog {

using Ticks = std::uint64_t;

// Whether ticks are the processor's time stamp counter. Only where the kernel itself trusts it.
bool detect_tsc();
extern const bool kTicksAreTsc;

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// `is_tsc`: kTicksAreTsc, for a caller that has it at hand.
inline Ticks now_ticks([[maybe_unused]] bool is_tsc = kTicksAreTsc) {
#if defined(__x86_64__)
  if (is_tsc) [[likely]]
    return __rdtsc();
#endif
  return clock_ns(CLOCK_MONOTONIC);
}

// How many ns a tick takes: for lengths of time, not for time stamps. Measured when first asked
// for, for up to 2 ms.
double tick_ns();

// From `ticks` on, wall time is ns + (t - ticks) * ns_per_tick.
struct ClockSegment {
  Ticks ticks;
  std::int64_t ns;
  double ns_per_tick;
};

// The history of the model, in mapped memory: recovery converts as the writer would have.
struct ClockHistory {
  static constexpr std::uint64_t kSegments = 64;
  std::atomic<std::uint64_t> count;  // release: segments[count - 1] is complete; acquire by readers
  ClockSegment segments[kSegments];

  // Wall time in ns since 1970, UTC. Ticks from before the oldest segment kept use that one.
  std::int64_t to_ns(Ticks ticks) const;
};

// All clocks at one moment; times in ns.
struct ClockReading {
  Ticks ticks;
  std::int64_t monotonic;
  std::int64_t wall;
};

// Keeps a ClockHistory up to date. One owner (the writer).
class Clock {
 public:
  // Writes the first segment. Takes up to 2 ms where no earlier reading is at hand to measure the
  // ticks' rate against.
  void start(ClockHistory& history);
  // Called now and then. Differences below a second are slewed over the next seconds; a larger one
  // is a jump, which is returned in ns (else 0) and taken over at once.
  std::int64_t follow(ClockHistory& history);

 private:
  static void add(ClockHistory& history, const ClockSegment& segment);

  ClockReading last_{};
  double rate_ = 1.0;
};

}  // namespace attolog
