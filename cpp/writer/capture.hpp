// Saving what a circular log holds: records of its box, and of rings that were not drained yet,
// into a file of their own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "shm/place.hpp"
#include "shm/ring.hpp"
#include "shm/session.hpp"
#include "writer/save_trigger.hpp"

namespace attolog {

// Writes the records of `rings` in order of time, with the capture's triggers among them, in place
// of what is at the target's path: all of it or nothing. How many records. Throws std::system_error
// and std::runtime_error that name the path.
std::uint64_t write_capture(const Session& session, std::span<const Ring* const> rings,
                            const LogTarget& target, const Capture& capture);

struct Rescue {
  std::uint64_t sessions = 0;  // circular logs of the process
  std::uint64_t records = 0;
  bool is_alive = false;
  std::vector<std::string> messages;
};

// Saves the circular logs of process `pid` in a place to the target. Those of a killed process are
// then removed; a living process is not disturbed. `check`: only counts.
Rescue rescue(const RingPlace& place, std::uint32_t pid, const LogTarget& target, bool check);

// The circular logs of a killed process.
struct CircularLeftover {
  std::uint32_t pid = 0;
  std::uint64_t records = 0;
};
// Lists killed processes whose circular logs lie in a place, by number; changes nothing. A log that
// cannot be read is a message.
std::vector<CircularLeftover> list_circular_leftovers(const RingPlace& place,
                                                      std::vector<std::string>& messages);

// Removes what killed circular logs left in a place, the last few excepted.
void remove_old_circular_buffers(const RingPlace& place);

}  // namespace attolog
