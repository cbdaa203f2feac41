// The producer's end of a ring, and where the calling thread finds its own. Each log call uses
// them, so both are as plain as can be.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shm/ring.hpp"

namespace attolog {

// Only its thread touches it (and the next owner, after a hand-over).
struct alignas(64) Producer {
  std::uint64_t head = 0;   // where the next record goes
  std::uint64_t limit = 0;  // up to here there is room, without asking again
  std::uint64_t mask = 0;
  char* data = nullptr;
  RingHeader* header = nullptr;

  char* place() const { return data + (head & mask); }
  void commit(std::uint64_t size) {
    head += size;
    // release: the record is complete before it can be seen; pairs with RingMerge::sweep.
    header->head.store(head, std::memory_order_release);
  }
};

// Which rings this thread uses: the last one of each slot. All of them are in thread_rings.hpp.
struct ThreadRings {
  static constexpr std::size_t kSlots = 4;
  struct Slot {
    std::uint64_t channel;  // its id; 0: empty
    Producer* producer;
  };
  Slot slots[kSlots];
};
extern constinit thread_local ThreadRings t_rings;

// The calling thread's end of its ring in a channel; null if it has none yet, or not at hand. 0 is
// no channel.
inline Producer* producer_in(std::uint64_t channel) {
  const ThreadRings::Slot& slot = t_rings.slots[channel % ThreadRings::kSlots];
  return slot.channel == channel ? slot.producer : nullptr;
}

}  // namespace attolog
