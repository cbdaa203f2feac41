#include "core/clock.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>

#include "core/file.hpp"

namespace attolog {

bool detect_tsc() {
#if defined(__x86_64__) && defined(__linux__)
  return read_system_file("/sys/devices/system/clocksource/clocksource0/current_clocksource") ==
         "tsc\n";
#else
  return false;
#endif
}

const bool kTicksAreTsc = detect_tsc();

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSlewNs = kSecond;  // differences are taken back over about this time

// The segment may be damaged, and the ticks of a record too: then the time is a wrong one, but one
// that can be counted with.
std::int64_t at(const ClockSegment& segment, Ticks ticks) {
  constexpr double kMostTicks = 1e9;  // ns in one: a clock that ticks once a second
  constexpr double kFarthest = 4e18;  // ns: the year 2096
  const bool is_rate = segment.ns_per_tick > 0 && segment.ns_per_tick <= kMostTicks;
  const auto ticked = static_cast<std::int64_t>(ticks - segment.ticks);
  const double passed = is_rate ? static_cast<double>(ticked) * segment.ns_per_tick : 0;
  const double bounded = std::clamp(passed, -kFarthest, kFarthest);
  const auto ns = static_cast<std::int64_t>(bounded + (bounded < 0 ? -0.5 : 0.5));
  const auto bound = static_cast<std::int64_t>(kFarthest);
  return std::clamp(segment.ns, -bound, bound) + ns;
}

ClockReading read_clocks() {
  // The reading with the narrowest bracket of three: an interrupt in between does not count.
  ClockReading best{};
  Ticks narrowest = ~Ticks{0};
  for (int i = 0; i < 3; ++i) {
    const Ticks before = now_ticks();
    const auto wall = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
    const auto monotonic = static_cast<std::int64_t>(clock_ns(CLOCK_MONOTONIC));
    const Ticks width = now_ticks() - before;
    if (width <= narrowest) {
      narrowest = width;
      best = {before + width / 2, monotonic, wall};
    }
  }
  return best;
}

// Kept from the start of the process, so that later ones have a long base line.
const ClockReading kFirst = read_clocks();

double rate_at(const ClockReading& now) {
  return static_cast<double>(now.monotonic - kFirst.monotonic) /
         static_cast<double>(now.ticks - kFirst.ticks);
}

// A reading late enough to measure a rate by.
ClockReading late_reading() {
  ClockReading now = read_clocks();
  while (now.monotonic - kFirst.monotonic < 2'000'000) now = read_clocks();
  return now;
}

}  // namespace

double tick_ns() {
  static std::atomic<double> rate{0};
  // relaxed: two threads that both measure store rates that are equally good
  double known = rate.load(std::memory_order_relaxed);
  if (known == 0) {
    known = kTicksAreTsc ? rate_at(late_reading()) : 1.0;
    rate.store(known, std::memory_order_relaxed);
  }
  return known;
}

std::int64_t ClockHistory::to_ns(Ticks ticks) const {
  // acquire: pairs with the release in Clock::add; the segments below count are complete.
  const std::uint64_t n = count.load(std::memory_order_acquire);
  if (n == 0) return 0;
  const std::uint64_t oldest = n > kSegments / 2 ? n - kSegments / 2 : 0;
  std::uint64_t i = n - 1;
  while (i > oldest && segments[i % kSegments].ticks > ticks) --i;
  return at(segments[i % kSegments], ticks);
}

void Clock::add(ClockHistory& history, const ClockSegment& segment) {
  const std::uint64_t n = history.count.load(std::memory_order_relaxed);  // only this thread adds
  history.segments[n % ClockHistory::kSegments] = segment;
  history.count.store(n + 1, std::memory_order_release);
}

void Clock::start(ClockHistory& history) {
  const ClockReading now = late_reading();
  rate_ = rate_at(now);
  last_ = now;
  add(history, {now.ticks, now.wall, rate_});
}

std::int64_t Clock::follow(ClockHistory& history) {
  const ClockReading now = read_clocks();
  const std::int64_t passed = now.monotonic - last_.monotonic;
  if (passed < kSecond / 2) return 0;
  rate_ = static_cast<double>(passed) / static_cast<double>(now.ticks - last_.ticks);
  last_ = now;
  const std::int64_t shown = history.to_ns(now.ticks);
  const std::int64_t error = now.wall - shown;
  if (std::abs(error) > kSecond) {
    add(history, {now.ticks, now.wall, rate_});
    return error;
  }
  // At most a tenth faster or slower, so that time always moves forward.
  const double slew = std::clamp(static_cast<double>(error) / kSlewNs, -0.1, 0.1);
  add(history, {now.ticks, shown, rate_ * (1.0 + slew)});
  return 0;
}

}  // namespace attolog
