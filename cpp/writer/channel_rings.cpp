// The caller's side of a channel: rings, and room in them.
#include <algorithm>
#include <system_error>

#include "core/codec.hpp"
#include "core/cut.hpp"
#include "writer/channel.hpp"
#include "writer/say.hpp"
#include "writer/writer.hpp"

namespace attolog {

namespace {

using std::chrono::milliseconds;

// All rings of a process, then small ones.
constexpr std::size_t kRingBudget = std::size_t{256} << 20;
constexpr std::size_t kSmallRing = std::size_t{256} << 10;

std::atomic<std::size_t> ring_bytes_in_use{0};

}  // namespace

Channel::~Channel() {
  if (session_ && !is_forked()) Writer::get().sites().detach(*session_);
  for (const Slot& slot : slots_) ring_bytes_in_use -= slot.ring.capacity();
}

Producer* Channel::attach(std::uint64_t thread_id, std::string_view thread_name) {
  if (is_forked() || is_closed()) return nullptr;
  Producer* producer = Writer::get().find_thread(id);
  if (producer != nullptr) return producer;
  Writer::get().reserve_thread();
  Buffer record;
  encode_thread(record, now_ticks(), thread_id, cut_text(thread_name, RingThread::kName - 1));
  {
    const std::lock_guard lock(rings_mutex_);
    if (is_sealed_) return nullptr;
    producer = take_free();
    if (producer == nullptr) producer = make_ring();
    if (producer == nullptr) return nullptr;
  }
  // Nothing that can fail stands between taking a ring and binding it to the thread.
  announce(*producer, record.view());
  Writer::get().bind_thread(id, producer);
  return producer;
}

Producer* Channel::take_free() {
  for (std::size_t i = 0; i < free_.size(); ++i) {
    Producer* producer = free_[i];
    // Room for the announcement and a record at least; a ring that is full waits its turn.
    if (!has_room(*producer, kPage)) continue;
    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
    return producer;
  }
  return nullptr;
}

std::size_t Channel::ring_size() const {
  const bool is_tight = ring_bytes_in_use.load() + options_.ring_bytes > kRingBudget;
  return is_tight ? std::min(kSmallRing, options_.ring_bytes) : options_.ring_bytes;
}

Producer* Channel::make_ring() {
  std::optional<Ring> ring = allocate_ring(session_->ring_path(ring_names_++), ring_size());
  return ring ? add_ring(std::move(*ring)) : nullptr;
}

Producer* Channel::add_ring(Ring ring) {
  free_.reserve(slots_.size() + 1);
  const auto index = static_cast<std::uint32_t>(slots_.size());
  Slot& slot = slots_.emplace_back(std::move(ring));
  ring_bytes_in_use += slot.ring.capacity();
  Producer& producer = slot.producer;
  producer.data = slot.ring.data();
  producer.mask = slot.ring.capacity() - 1;
  producer.header = &slot.ring.header();
  producer.channel = this;
  producer.index = index;
  producer.limit = slot.ring.capacity() / 2;
  slot.older = newest_.load(std::memory_order_relaxed);
  newest_.store(&slot, std::memory_order_release);
  return &producer;
}

// A small ring that outlives the process is better than a large one that does not.
std::optional<Ring> Channel::allocate_ring(const std::string& path, std::size_t capacity) {
  std::string reason;
  for (const std::string& place : {path, std::string()}) {
    for (std::size_t size = capacity;; size = std::max(size / 4, kMinRing)) {
      try {
        std::optional<Ring> ring = Ring::create(place, size);
        if (place.empty() && !path.empty()) {
          say_once(Said::in_memory,
                   reason + "; rings are kept in memory and lost with the process");
        }
        return ring;
      } catch (const std::system_error& error) {
        reason = error.what();
      }
      if (size <= kMinRing) break;
    }
  }
  say_once(Said::no_ring, reason + "; threads without a ring have their records dropped");
  return std::nullopt;
}

void Channel::say_once(Said what, const std::string& text) {
  const auto bit = static_cast<unsigned>(what);
  if ((said_.fetch_or(bit, std::memory_order_relaxed) & bit) == 0) say(text);
}

bool Channel::announce(Producer& producer, std::string_view record) {
  if (!has_room(producer, record.size())) return false;
  std::memcpy(producer.place(), record.data(), record.size());
  producer.commit(record.size());
  return true;
}

void Channel::detach(Producer& producer) {
  const std::lock_guard lock(rings_mutex_);
  free_.push_back(&producer);
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
  } catch (const std::system_error& error) {
    say(std::string(error.what()) + "; a record of that size is dropped");
    return std::nullopt;
  }
}

}  // namespace attolog
