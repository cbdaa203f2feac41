#include <cstdint>
#include <memory>

#include "check.hpp"
#include "core/clock.hpp"

using namespace attolog;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1000 * kMillisecond;

std::int64_t wall() {
  return static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
}

void add(ClockHistory& history, Ticks ticks, std::int64_t ns, double rate) {
  history.segments[history.count % ClockHistory::kSegments] = {ticks, ns, rate};
  ++history.count;
}

// A clock that shows the time `ahead_ns` too early or late, and what following does about it.
struct Corrected {
  explicit Corrected(std::int64_t ahead_ns) {
    clock.start(history);
    history.segments[0].ns += ahead_ns;
    while (history.count == 1) result = clock.follow(history);
  }
  const ClockSegment& before() const { return history.segments[0]; }
  const ClockSegment& after() const { return history.segments[1]; }
  // What the model before shows at the moment the new one takes over.
  std::int64_t shown_then() const {
    ClockHistory old{};
    add(old, before().ticks, before().ns, before().ns_per_tick);
    return old.to_ns(after().ticks);
  }

  Clock clock;
  ClockHistory history{};
  std::int64_t result = 0;
};

}  // namespace

static const check::Test forward{"ticks never go back", [] {
                                   Ticks last = now_ticks();
                                   for (int i = 0; i < 100'000; ++i) {
                                     const Ticks now = now_ticks();
                                     check::that(now >= last);
                                     last = now;
                                   }
                                 }};

static const check::Test none{"without a segment there is no time", [] {
                                const ClockHistory history{};
                                check::equal(history.to_ns(123), 0);
                              }};

static const check::Test segments{
    "each tick is converted by the segment it belongs to, the first one's past by the first", [] {
      ClockHistory history{};
      add(history, 1000, 50'000, 2.0);
      add(history, 2000, 52'000, 3.0);
      check::equal(history.to_ns(1000), 50'000);
      check::equal(history.to_ns(1500), 51'000);
      check::equal(history.to_ns(1999), 51'998);
      check::equal(history.to_ns(2000), 52'000);
      check::equal(history.to_ns(3000), 55'000);
      check::equal(history.to_ns(900), 49'800);
    }};

static const check::Test wraps{
    "a long history keeps its newest half, and time goes forward across all of it", [] {
      ClockHistory history{};
      constexpr std::uint64_t kAdded = 3 * ClockHistory::kSegments + 7;
      for (std::uint64_t i = 0; i < kAdded; ++i) {
        add(history, i * 1000, static_cast<std::int64_t>(i) * 2000, 2.0);
      }
      for (std::uint64_t ticks = (kAdded - ClockHistory::kSegments / 2) * 1000;
           ticks < (kAdded + 5) * 1000; ticks += 100) {
        check::equal(history.to_ns(ticks), static_cast<std::int64_t>(ticks) * 2);
      }
    }};

static const check::Test wall_time{"a clock shows the system's time", [] {
                                     Clock clock;
                                     ClockHistory history{};
                                     const std::int64_t before = wall();
                                     clock.start(history);
                                     const std::int64_t shown = history.to_ns(now_ticks());
                                     const std::int64_t after = wall();
                                     // Ticks are read between the two; their rate is known to 1 %.
                                     const std::int64_t slack =
                                         kMillisecond + (after - before) / 100;
                                     check::that(shown >= before - slack && shown <= after + slack);
                                   }};

static const check::Test early{"a look too soon after the last changes nothing", [] {
                                 Clock clock;
                                 ClockHistory history{};
                                 clock.start(history);
                                 check::equal(clock.follow(history), 0);
                                 check::equal(history.count.load(), 1u);
                               }};

static const check::Test ahead{
    "a clock that is ahead is slowed down, and does not go back", [] {
      const Corrected fast(300 * kMillisecond);
      check::equal(fast.result, 0);
      check::equal(fast.after().ns, fast.shown_then());
      check::that(fast.after().ns_per_tick < fast.before().ns_per_tick * 0.95);
      check::that(fast.after().ns_per_tick > fast.before().ns_per_tick * 0.85);
    }};

static const check::Test behind{
    "a clock that is behind is sped up, and does not leap", [] {
      const Corrected slow(-300 * kMillisecond);
      check::equal(slow.result, 0);
      check::equal(slow.after().ns, slow.shown_then());
      check::that(slow.after().ns_per_tick > slow.before().ns_per_tick * 1.05);
      check::that(slow.after().ns_per_tick < slow.before().ns_per_tick * 1.15);
    }};

static const check::Test jumps{
    "a difference of more than a second is a jump, reported and taken over at once", [] {
      for (const std::int64_t ahead_ns : {5 * kSecond, -5 * kSecond}) {
        const Corrected jumped(ahead_ns);
        // All but exactly: the ticks' rate was measured over a few milliseconds.
        check::that(jumped.result > -ahead_ns - 100 * kMillisecond);
        check::that(jumped.result < -ahead_ns + 100 * kMillisecond);
        check::equal(jumped.after().ns, jumped.shown_then() + jumped.result);
        // Records from before keep the time they had.
        check::equal(jumped.history.to_ns(jumped.before().ticks + 1000) / kSecond,
                     (jumped.before().ns + 1000) / kSecond);
      }
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
