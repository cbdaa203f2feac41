// The rings of the calling thread. They go back to their pools when the thread ends.
#pragma once

#include <cstdint>
#include <memory>

#include "writer/producer.hpp"

namespace attolog {

class RingPool;

namespace thread_rings {

// Before `bind`, which takes no memory then. Also prepares the stack of signal handlers.
void reserve();
// The ring of a channel is this thread's until the thread ends.
void bind(std::uint64_t channel, Producer* producer, std::weak_ptr<RingPool> pool);
// The thread's ring in a channel; null: it has none. Puts it where calls look first.
Producer* find(std::uint64_t channel);
// The thread goes on in another ring of the channel. Takes no memory.
void rebind(std::uint64_t channel, Producer* from, Producer* to);
// In the child of a fork: all of them are the parent's.
void forget_in_child();

}  // namespace thread_rings
}  // namespace attolog
