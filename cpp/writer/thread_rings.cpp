#include "writer/thread_rings.hpp"

#include <utility>
#include <vector>

#include "writer/last_signal.hpp"
#include "writer/ring_pool.hpp"

namespace attolog {

constinit thread_local ThreadRings t_rings{};

namespace {

struct BoundRing {
  ThreadRings::Slot slot;
  std::weak_ptr<RingPool> pool;  // expired: the ring is gone with its channel
};

// Gives all rings of its thread back at the thread's end, which takes no memory.
struct ThreadEnd {
  last_signal::Stack stack;
  std::vector<BoundRing> rings;
  ~ThreadEnd() {
    t_rings = {};
    for (const BoundRing& ring : rings) {
      if (const auto pool = ring.pool.lock()) pool->detach(*ring.slot.producer);
    }
  }
};
thread_local ThreadEnd t_end;

// Puts the ring where calls look first.
void cache(const ThreadRings::Slot& slot) {
  t_rings.slots[slot.channel % ThreadRings::kSlots] = slot;
}

}  // namespace

void thread_rings::reserve() {
  t_end.stack.prepare();
  std::erase_if(t_end.rings, [](const BoundRing& ring) { return ring.pool.expired(); });
  t_end.rings.reserve(t_end.rings.size() + 1);
}

void thread_rings::bind(std::uint64_t channel, Producer* producer, std::weak_ptr<RingPool> pool) {
  cache({channel, producer});
  t_end.rings.push_back({{channel, producer}, std::move(pool)});
}

Producer* thread_rings::find(std::uint64_t channel) {
  for (const BoundRing& ring : t_end.rings) {
    if (ring.slot.channel != channel) continue;
    cache(ring.slot);
    return ring.slot.producer;
  }
  return nullptr;
}

void thread_rings::rebind(std::uint64_t channel, Producer* from, Producer* to) {
  cache({channel, to});
  for (BoundRing& ring : t_end.rings) {
    if (ring.slot.producer == from) ring.slot.producer = to;
  }
}

void thread_rings::forget_in_child() {
  t_rings = {};
  t_end.rings.clear();
}

}  // namespace attolog
