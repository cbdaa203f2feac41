// The caller's side of a channel: rings, and room in them.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "core/codec.hpp"
#include "core/cut.hpp"
#include "core/say.hpp"
#include "writer/channel.hpp"
#include "writer/writer.hpp"

namespace attolog {

namespace {

using std::chrono::milliseconds;

// What a thread begins with: thousands of them take little, and it is made in no time.
constexpr std::size_t kFirstRing = std::size_t{16} << 10;
constexpr std::size_t kStep = 16;
// How long a thread does without a larger ring that there was no room for.
constexpr milliseconds kRetry{100};

std::size_t index_of(Growth growth) {
  return growth == Growth::needed ? 1 : 0;
}

}  // namespace

Channel::Slot::Slot(Ring made, RingBytes counted, std::uint32_t name, Channel* owner)
    : ring(std::move(made)), bytes(std::move(counted)), number(name) {
  data = ring.data();
  mask = ring.capacity() - 1;
  header = &ring.header();
  channel = owner;
  limit = ring.capacity() / 2;
}

Channel::~Channel() {
  if (session_ && !is_forked()) site_registry().detach(*session_);
}

Producer* Channel::attach(std::uint64_t thread_id, std::string_view thread_name) {
  if (is_forked() || is_closed()) return nullptr;
  Producer* known = Writer::get().find_thread(id);
  if (known != nullptr) return known;
  Writer::get().reserve_thread();
  Thread thread{thread_id, std::string(cut_text(thread_name, RingThread::kName - 1))};
  Buffer record;
  encode_thread(record, now_ticks(), thread.id, thread.name);
  Slot* slot = nullptr;
  {
    const std::lock_guard lock(rings_mutex_);
    if (is_sealed_) return nullptr;
    slot = take_free(0, kPage);
    if (slot == nullptr) slot = make_first_ring(first_ring());
    if (slot == nullptr) return nullptr;
  }
  // Nothing that can fail stands between taking a ring and binding it to the thread.
  slot->thread = std::move(thread);
  announce(*slot, record.view());
  Writer::get().bind_thread(id, slot);
  return slot;
}

void Channel::detach(Producer& producer) {
  const std::lock_guard lock(rings_mutex_);
  free_.push_back(static_cast<Slot*>(&producer));
}

// As large at least, with room for `n` bytes. A ring that is full waits its turn.
Channel::Slot* Channel::take_free(std::size_t at_least, std::uint64_t n) {
  for (auto free = free_.begin(); free != free_.end(); ++free) {
    Slot* const slot = *free;
    if (slot->ring.capacity() < at_least || !has_room(*slot, n)) continue;
    free_.erase(free);
    slot->was_free = false;
    slot->retry[0] = slot->retry[1] = {};
    return slot;
  }
  return nullptr;
}

std::size_t Channel::first_ring() const {
  return std::min(kFirstRing, options_.ring_bytes);
}

// What there is at once, for the logger's first thread: a full ring, whose memory is zeroed before
// there is anything to log. Children are many, and most of them log little.
std::size_t Channel::spare_ring(const std::string& folder) const {
  const std::size_t full = options_.ring_bytes;
  return !is_child_ && may_take(folder, full, full, Growth::early) ? full : first_ring();
}

Channel::Slot* Channel::make_first_ring(std::size_t size) {
  std::string reason;
  for (const bool is_named : {true, false}) {
    const std::uint32_t number = ring_names_++;
    const std::string path = is_named ? session_->ring_path(number) : "";
    const std::string folder = path.empty() ? "" : session_->folder();
    try {
      if (!may_take(folder, size, options_.ring_bytes, Growth::none)) {
        throw std::system_error(ENOSPC, std::generic_category(), folder);
      }
      Slot* slot = add_ring(Ring::create(path, size), number);
      if (!is_named && !session_->name().empty()) {
        say_once("in memory", main_path_,
                 reason + "; rings are kept in memory and lost with the process");
      }
      return slot;
    } catch (const std::system_error& error) {
      reason = error.what();
    }
  }
  say_once("no ring", main_path_,
           reason + "; what threads without a ring log is not in the file, and counted");
  return nullptr;
}

// A small ring that outlives the process is better than a large one that does not.
Channel::Slot* Channel::make_larger_ring(const Slot& old, std::size_t wanted, Growth growth) {
  const bool is_named = !old.ring.path().empty();
  const std::string folder = is_named ? session_->folder() : "";
  for (std::size_t size = wanted; size > old.ring.capacity(); size /= 4) {
    if (!may_take(folder, size, options_.ring_bytes, growth)) continue;
    const std::uint32_t number = ring_names_++;
    try {
      return add_ring(Ring::create(is_named ? session_->ring_path(number) : "", size), number);
    } catch (const std::system_error&) {
      continue;  // a smaller one may do
    }
  }
  return nullptr;
}

Channel::Slot* Channel::add_ring(Ring ring, std::uint32_t number) {
  const std::size_t n = slots_.size() + 1;
  free_.reserve(n);
  undrained_.reserve(n);
  unshown_.reserve(n);
  const std::uint64_t device = ring.path().empty() ? 0 : device_of(session_->folder());
  RingBytes bytes(device, ring.capacity());
  Slot& slot = slots_.emplace_back(std::move(ring), std::move(bytes), number, this);
  undrained_.push_back(&slot);
  if (options_.echo) unshown_.push_back(&slot);
  return &slot;
}

Growth Channel::growth_for(const Producer& producer, std::uint64_t n) const {
  const std::uint64_t capacity = producer.mask + 1;
  if (capacity >= options_.ring_bytes) return Growth::none;
  // acquire: as in has_room.
  const std::uint64_t used =
      producer.head - producer.header->tail.load(std::memory_order_acquire) + n;
  // What is too large for any ring lies beside them.
  const bool is_large = n > capacity / 4 && n <= options_.ring_bytes / 4;
  if (!is_large && used <= capacity / 2) return Growth::none;
  const Growth growth = is_large || used > capacity ? Growth::needed : Growth::early;
  const SteadyTime retry = static_cast<const Slot&>(producer).retry[index_of(growth)];
  return std::chrono::steady_clock::now() < retry ? Growth::none : growth;
}

void Channel::grow(Producer& producer, std::uint64_t n, Growth growth) {
  Slot& old = static_cast<Slot&>(producer);
  old.retry[index_of(growth)] = std::chrono::steady_clock::now() + kRetry;
  std::size_t wanted = old.ring.capacity() * kStep;
  while (wanted / 4 < n) wanted *= kStep;
  wanted = std::min(wanted, options_.ring_bytes);
  const Ticks last = now_ticks();
  Buffer record;
  encode_thread(record, last, old.thread.id, old.thread.name);
  Thread thread = old.thread;
  Slot* larger = nullptr;
  {
    const std::lock_guard lock(rings_mutex_);
    if (is_sealed_) return;
    larger = take_free(wanted, kPage + n);
    if (larger == nullptr) larger = make_larger_ring(old, wanted, growth);
    if (larger == nullptr) return;
    // Nothing that can fail stands from here on.
    free_.push_back(&old);
  }
  larger->thread = std::move(thread);
  announce(*larger, record.view());
  Writer::get().rebind_thread(id, &old, larger);
  // Rings are merged by time: what comes is later than all that the old one holds.
  while (now_ticks() == last) continue;
}

// Rings that have had no thread since the last time, and nothing in them: a program that starts
// threads all the time does not make them anew all the time. What waits for a first thread stays.
void Channel::give_back_rings() {
  const std::lock_guard showing(echo_mutex_);
  const std::lock_guard lock(rings_mutex_);
  try {
    for (Slot* slot : free_) {
      const bool was_free = std::exchange(slot->was_free, true);
      if (was_free && slot->thread.id != 0) give_back(*slot);
    }
  } catch (const std::bad_alloc&) {
    // Rings that were not looked at wait for the next time.
  }
  std::erase_if(free_, [](const Slot* slot) { return slot->is_over; });
  slots_.remove_if([](const Slot& slot) { return slot.is_over; });
}

void Channel::give_back(Slot& slot) {
  // acquire: as in waiting_in_rings.
  const bool is_empty = slot.header->tail.load(std::memory_order_acquire) ==
                        slot.header->head.load(std::memory_order_acquire);
  const bool is_new = std::ranges::find(undrained_, &slot) != undrained_.end() ||
                      std::ranges::find(unshown_, &slot) != unshown_.end();
  if (!is_empty || is_new) return;
  // The session's folder may have become another since the ring was made.
  const std::string path = slot.ring.path().empty() ? "" : session_->ring_path(slot.number);
  if (!drain_->remove(slot.ring)) return;
  if (has_echo()) echo_->remove(slot.ring);
  if (!path.empty()) ::unlink(path.c_str());
  slot.is_over = true;
}

void Channel::announce(Producer& producer, std::string_view record) {
  std::memcpy(producer.place(), record.data(), record.size());
  producer.commit(record.size());
}

bool Channel::has_room(Producer& producer, std::uint64_t n) {
  const std::uint64_t capacity = producer.mask + 1;
  // acquire: pairs with Ring::release; the drain's reads of the freed bytes are over.
  const std::uint64_t tail = producer.header->tail.load(std::memory_order_acquire);
  const std::uint64_t used = producer.head - tail;
  if (used >= capacity / 2) {
    urgent_.store(true, std::memory_order_relaxed);
    Writer::get().wake();
  }
  // The next look is due when the ring is half full, or, past that, after an eighth more.
  const std::uint64_t next_look =
      used < capacity / 2 ? tail + capacity / 2 : producer.head + capacity / 8;
  producer.limit = std::min(tail + capacity, std::max(next_look, producer.head + n));
  return producer.head + n <= tail + capacity;
}

void Channel::wait_for_room(milliseconds slice) {
  if (!Writer::get().is_running()) {
    drain();
    return;
  }
  std::unique_lock lock(progress_.mutex);
  const std::uint64_t seen = progress_.steps;
  urgent_.store(true, std::memory_order_relaxed);
  Writer::get().wake();
  progress_.moved.wait_for(lock, slice, [&] { return progress_.steps != seen; });
}

std::optional<std::uint64_t> Channel::spill(std::string_view values) {
  try {
    return session_->spill(values);
  } catch (const std::exception& error) {  // no room, no memory
    say(std::string(error.what()) + "; a record of that size is dropped");
    return std::nullopt;
  }
}

}  // namespace attolog
