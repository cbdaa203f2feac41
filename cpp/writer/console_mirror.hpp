// The console mirror: shows the records of one channel on the terminal, ahead of the drain. So a
// file that cannot be written does not stop the screen. From any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>

#include "console/console_feed.hpp"
#include "console/console_writer.hpp"
#include "core/clock.hpp"
#include "shm/ring.hpp"
#include "shm/session.hpp"
#include "writer/ring_pool.hpp"

namespace attolog {

class ConsoleMirror {
 public:
  ConsoleMirror(const Session& session, RingPool& rings,
                const ConsoleWriter::Streams& streams = {1, 2});

  // Shows everything stamped up to `until` that is not shown yet. Whether there was any. After an
  // exception the next call begins where this one did.
  bool show(Ticks until);
  // As `show`, with those signals blocked that wait for the screen. Without memory it shows
  // nothing. `until`: none where the rings are gone.
  bool try_show(std::optional<Ticks> until);
  // Shows a record that got into no ring, behind those that did. False: no memory.
  bool show_dropped(std::uint32_t site, std::string_view values);

  // `try_show`, and how far the screen has to get until all of it is written. The writing is left
  // to the screen's thread.
  std::uint64_t position(std::optional<Ticks> until);
  // `try_show`, and writes as much as can be without waiting for readers. Returns the position,
  // too.
  std::uint64_t mirror_now(std::optional<Ticks> until);
  // Waits until the screen is there, or has failed. False: time ran out.
  bool wait(std::uint64_t position, ConsoleWriter::Deadline deadline);
  // The position of the screen: it does not move while no program reads the streams.
  std::uint64_t progress() const { return echo_.screen().progress(); }
  // Whether text that was shown is not written yet. Takes some nanoseconds.
  bool is_behind() const { return echo_.screen().is_behind(); }

  // The screen's thread is away from a fork; see rest.hpp.
  void pause(std::chrono::steady_clock::time_point until) { echo_.screen().pause(until); }
  void resume() { echo_.screen().resume(); }

  // Why a stream is not shown any more, as errno; 0: it is.
  int error(int stream) const { return echo_.screen().error(stream); }
  void forget_error(int stream) { echo_.screen().forget_error(stream); }

  // RingPool::remove_idle, for rings that the mirror reads, too.
  void remove_idle_rings(const std::function<bool(const Ring&)>& remove);

 private:
  RingPool& rings_;
  std::mutex mutex_;  // guards `show`; taken after the drain's mutex, before the pool's
  ConsoleFeed echo_;  // its screen may be used without the mutex
};

}  // namespace attolog
