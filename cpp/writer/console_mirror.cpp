#include "writer/console_mirror.hpp"

#include <exception>

#include "console/signals.hpp"
#include "writer/last_signal.hpp"

namespace attolog {

ConsoleMirror::ConsoleMirror(const Session& session, RingPool& rings,
                             const ConsoleWriter::Streams& streams)
    : rings_(rings), echo_(session, streams) {}

bool ConsoleMirror::show(Ticks until) {
  const std::lock_guard lock(mutex_);
  rings_.hand_over_new(RingPool::Reader::mirror, [this](const Ring& ring) { echo_.add(ring); });
  const bool has_shown = echo_.feed(until);
  rings_.note_mirrored(echo_.sources());
  return has_shown;
}

bool ConsoleMirror::try_show(std::optional<Ticks> until) {
  if (!until) return false;
  const SignalsBlocked blocked(last_signal::waiting());
  try {
    return show(*until);
  } catch (const std::exception&) {
    return false;  // no memory: the next call begins where this one did
  }
}

bool ConsoleMirror::show_dropped(std::uint32_t site, std::string_view values) {
  const SignalsBlocked blocked(last_signal::waiting());
  try {
    show(now_ticks());
    const std::lock_guard lock(mutex_);
    echo_.show_dropped(site, values);
    return true;
  } catch (const std::exception&) {
    return false;  // no memory
  }
}

std::uint64_t ConsoleMirror::position(std::optional<Ticks> until) {
  try_show(until);
  return echo_.screen().position();
}

std::uint64_t ConsoleMirror::mirror_now(std::optional<Ticks> until) {
  const SignalsBlocked blocked(last_signal::waiting());
  ConsoleWriter::Turn turn(echo_.screen());
  const std::uint64_t reached = position(until);
  turn.write();
  return reached;
}

bool ConsoleMirror::wait(std::uint64_t position, ConsoleWriter::Deadline deadline) {
  if (progress() >= position) return true;
  const SignalsBlocked blocked(last_signal::waiting());
  return echo_.screen().wait(position, deadline);
}

void ConsoleMirror::remove_idle_rings(const std::function<bool(const Ring&)>& remove) {
  const std::lock_guard lock(mutex_);
  rings_.remove_idle([&](const Ring& ring) {
    if (!remove(ring)) return false;
    echo_.remove(ring);
    return true;
  });
}

}  // namespace attolog
