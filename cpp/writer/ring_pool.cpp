#include "writer/ring_pool.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "core/codec.hpp"
#include "core/cut.hpp"
#include "core/report.hpp"
#include "writer/thread_rings.hpp"

namespace attolog {

namespace {

using std::chrono::steady_clock;

// The size that a thread begins with: thousands of such rings take little, and are made at once.
constexpr std::size_t kSmallRing = std::size_t{16} << 10;
constexpr std::size_t kGrowth = 16;
// How long a thread does without a larger ring that there was no room for.
constexpr std::chrono::milliseconds kRetryDelay{100};

std::size_t index_of(Growth growth) {
  return growth == Growth::needed ? 1 : 0;
}

void announce(Producer& producer, std::string_view record) {
  std::memcpy(producer.place(), record.data(), record.size());
  producer.commit(record.size());
}

std::uint64_t tail_of(const Producer& producer) {
  // acquire: pairs with Ring::release; the drain's reads of the freed bytes are over.
  return producer.header->tail.load(std::memory_order_acquire);
}

std::uint64_t head_of(const Producer& producer) {
  // acquire: pairs with Producer::commit; the records below it are complete.
  return producer.header->head.load(std::memory_order_acquire);
}

// Calls `see` with each whole record between the positions, as long as it returns true. Whether it
// always has.
template <class See>
bool for_each_record(const Producer& producer, std::uint64_t from, std::uint64_t to,
                     const See& see) {
  while (from < to) {
    RingRecord record;
    if (!parse_record({producer.data + (from & producer.mask), to - from}, record)) break;
    if (!see(record)) return false;
    from += record.head.size;
  }
  return true;
}

}  // namespace

RingPool::Slot::Slot(Ring made, RingBytes counted, std::uint32_t name)
    : ring(std::move(made)), bytes(std::move(counted)), number(name) {
  data = ring.data();
  mask = ring.capacity() - 1;
  header = &ring.header();
  limit = ring.capacity() / 2;
}

RingPool::RingPool(Session& session, Options options)
    : session_(session), options_(std::move(options)) {}

// ---- making rings -------------------------------------------------------------------------------

void RingPool::add_first() {
  const std::lock_guard lock(mutex_);
  const std::string folder = session_.folder();
  if (!may_take(folder, options_.ring_bytes, options_.ring_bytes, Growth::needed))
    throw std::system_error(ENOSPC, std::generic_category(), folder);
  const std::uint32_t number = n_numbers_++;
  const std::string path = session_.ring_path(number);
  free_.push_back(add(Ring::create(path, spare_ring(folder)), number));
}

void RingPool::ensure_first() {
  const std::lock_guard lock(mutex_);
  if (!slots_.empty()) return;
  const std::size_t size = session_.name().empty() ? spare_ring("") : small_ring();
  if (Slot* spare = make_first(size)) free_.push_back(spare);
}

std::size_t RingPool::small_ring() const {
  return std::min(kSmallRing, options_.ring_bytes);
}

// The size of the ring that waits for the logger's first thread: a full one, whose memory is zeroed
// before there is anything to log. Children are many, and most of them log little.
std::size_t RingPool::spare_ring(const std::string& folder) const {
  const std::size_t full = options_.ring_bytes;
  return !options_.is_child && may_take(folder, full, full, Growth::early) ? full : small_ring();
}

RingPool::Slot* RingPool::make_first(std::size_t size) {
  std::string reason;
  for (const bool is_named : {true, false}) {
    const std::uint32_t number = n_numbers_++;
    const std::string path = is_named ? session_.ring_path(number) : "";
    const std::string folder = path.empty() ? "" : session_.folder();
    try {
      if (!may_take(folder, size, options_.ring_bytes, Growth::none)) {
        throw std::system_error(ENOSPC, std::generic_category(), folder);
      }
      Slot* slot = add(Ring::create(path, size), number);
      if (!is_named && !session_.name().empty()) {
        report_once("in memory", options_.log_path,
                    reason + "; rings are kept in memory and lost with the process");
      }
      return slot;
    } catch (const std::system_error& error) {
      reason = error.what();
    }
  }
  report_once("no ring", options_.log_path,
              reason + "; records of threads without a ring are not in the file, and counted");
  return nullptr;
}

// A small ring that outlives the process is better than a large one that does not.
RingPool::Slot* RingPool::make_larger(const Slot& old, std::size_t wanted, Growth growth) {
  const bool is_named = !old.ring.path().empty();
  const std::string folder = is_named ? session_.folder() : "";
  for (std::size_t size = wanted; size > old.ring.capacity(); size /= 4) {
    if (!may_take(folder, size, options_.ring_bytes, growth)) continue;
    const std::uint32_t number = n_numbers_++;
    try {
      return add(Ring::create(is_named ? session_.ring_path(number) : "", size), number);
    } catch (const std::system_error&) {
      continue;  // a smaller one may do
    }
  }
  return nullptr;
}

RingPool::Slot* RingPool::add(Ring ring, std::uint32_t number) {
  const std::size_t n = slots_.size() + 1;
  free_.reserve(n);
  undrained_.reserve(n);
  unmirrored_.reserve(n);
  const std::uint64_t device = ring.path().empty() ? 0 : device_of(session_.folder());
  RingBytes bytes(device, ring.capacity());
  Slot& slot = slots_.emplace_back(std::move(ring), std::move(bytes), number);
  undrained_.push_back(&slot);
  if (options_.has_mirror) unmirrored_.push_back(&slot);
  return &slot;
}

// ---- the calling threads ------------------------------------------------------------------------

// As large at least, with room for `n` bytes. A ring that is full waits its turn.
RingPool::Slot* RingPool::find_free(std::size_t at_least, std::uint64_t n) {
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

Producer* RingPool::attach(std::uint64_t thread_id, std::string_view thread_name) {
  Producer* known = thread_rings::find(options_.channel);
  if (known != nullptr) return known;
  thread_rings::reserve();
  Thread thread{thread_id, std::string(cut_text(thread_name, RingThread::kName - 1))};
  Buffer record;
  encode_thread(record, now_ticks(), thread.id, thread.name);
  Slot* slot = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (is_sealed_) return nullptr;
    slot = find_free(0, kPage);
    if (slot == nullptr) slot = make_first(small_ring());
    if (slot == nullptr) return nullptr;
  }
  // Nothing that can fail stands between finding a ring and binding it to the thread.
  slot->thread = std::move(thread);
  announce(*slot, record.view());
  thread_rings::bind(options_.channel, slot, weak_from_this());
  return slot;
}

void RingPool::detach(Producer& producer) {
  const std::lock_guard lock(mutex_);
  free_.push_back(static_cast<Slot*>(&producer));
}

bool RingPool::has_room(Producer& producer, std::uint64_t n) const {
  const std::uint64_t capacity = producer.mask + 1;
  const std::uint64_t tail = tail_of(producer);
  const std::uint64_t used = producer.head - tail;
  if (used >= capacity / 2) options_.on_half_full();
  // The next look is due when the ring is half full, or, past that, after an eighth more.
  const std::uint64_t next_look =
      used < capacity / 2 ? tail + capacity / 2 : producer.head + capacity / 8;
  producer.limit = std::min(tail + capacity, std::max(next_look, producer.head + n));
  return producer.head + n <= tail + capacity;
}

Growth RingPool::growth_for(const Producer& producer, std::uint64_t n) const {
  const std::uint64_t capacity = producer.mask + 1;
  if (capacity >= options_.ring_bytes) return Growth::none;
  const std::uint64_t used = producer.head - tail_of(producer) + n;
  // A record that is too large for any ring lies beside them.
  const bool is_large = n > capacity / 4 && n <= options_.ring_bytes / 4;
  if (!is_large && used <= capacity / 2) return Growth::none;
  const Growth growth = is_large || used > capacity ? Growth::needed : Growth::early;
  const auto retry = static_cast<const Slot&>(producer).retry[index_of(growth)];
  return steady_clock::now() < retry ? Growth::none : growth;
}

void RingPool::grow(Producer& producer, std::uint64_t n, Growth growth) {
  Slot& old = static_cast<Slot&>(producer);
  old.retry[index_of(growth)] = steady_clock::now() + kRetryDelay;
  std::size_t wanted = old.ring.capacity() * kGrowth;
  while (wanted / 4 < n) wanted *= kGrowth;
  wanted = std::min(wanted, options_.ring_bytes);
  const Ticks last = now_ticks();
  Buffer record;
  encode_thread(record, last, old.thread.id, old.thread.name);
  Thread thread = old.thread;
  Slot* larger = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (is_sealed_) return;
    larger = find_free(wanted, kPage + n);
    if (larger == nullptr) larger = make_larger(old, wanted, growth);
    if (larger == nullptr) return;
    // Nothing that can fail stands from here on.
    free_.push_back(&old);
  }
  larger->thread = std::move(thread);
  announce(*larger, record.view());
  thread_rings::rebind(options_.channel, &old, larger);
  // Rings are merged by time: the next record is later than all that the old ring holds.
  while (now_ticks() == last) continue;
}

// ---- the readers of rings -----------------------------------------------------------------------

void RingPool::hand_over_new(Reader reader, const std::function<void(const Ring&)>& add) {
  const std::lock_guard lock(mutex_);
  auto& rings = reader == Reader::drain ? undrained_ : unmirrored_;
  for (; !rings.empty(); rings.erase(rings.begin())) add(rings.front()->ring);
}

// A program that starts threads all the time does not make rings anew all the time: so they stay
// from one call to the next.
void RingPool::remove_idle(const std::function<bool(const Ring&)>& remove) {
  const std::lock_guard lock(mutex_);
  try {
    for (Slot* slot : free_) {
      const bool was_free = std::exchange(slot->was_free, true);
      if (was_free && slot->thread.id != 0) remove_if_drained(*slot, remove);
    }
  } catch (const std::bad_alloc&) {
    // Rings that were not looked at wait for the next time.
  }
  std::erase_if(free_, [](const Slot* slot) { return slot->is_over; });
  slots_.remove_if([](const Slot& slot) { return slot.is_over; });
}

void RingPool::remove_if_drained(Slot& slot, const std::function<bool(const Ring&)>& remove) {
  if (tail_of(slot) != head_of(slot) || is_new(slot)) return;
  // The session's folder may have become another since the ring was made.
  const std::string path = slot.ring.path().empty() ? "" : session_.ring_path(slot.number);
  if (!remove(slot.ring)) return;
  if (!path.empty()) ::unlink(path.c_str());
  slot.is_over = true;
}

bool RingPool::is_new(const Slot& slot) const {
  return std::ranges::find(undrained_, &slot) != undrained_.end() ||
         std::ranges::find(unmirrored_, &slot) != unmirrored_.end();
}

void RingPool::note_mirrored(const std::vector<RingMerge::Source>& sources) {
  const std::lock_guard lock(mutex_);
  // Both in the order in which they were made; the newest may be unknown to the mirror.
  auto source = sources.begin();
  for (Slot& slot : slots_) {
    if (source == sources.end()) break;
    if (source->ring == &slot.ring) slot.shown = (source++)->committed;
  }
}

bool RingPool::has_unmirrored() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(slots_, [](const Slot& slot) { return slot.shown != head_of(slot); });
}

// ---- how far they are drained -------------------------------------------------------------------

std::vector<RingPool::RingEnd> RingPool::heads() const {
  const std::lock_guard lock(mutex_);
  std::vector<RingEnd> heads;
  for (const Slot& slot : slots_) heads.push_back({slot.number, head_of(slot)});
  return heads;
}

bool RingPool::is_drained_to(const std::vector<RingEnd>& heads) const {
  const std::lock_guard lock(mutex_);
  auto slot = slots_.begin();
  for (const auto& [number, head] : heads) {
    while (slot != slots_.end() && slot->number < number) ++slot;
    if (slot == slots_.end()) break;
    if (slot->number != number) continue;  // drained, and given back
    const std::uint64_t tail = tail_of(*slot);
    if (!slot->ring.can_hold(tail, std::max(tail, head))) continue;  // damaged
    // A last announcement of a thread that logged nothing is not waited for.
    const auto is_announcement = [](const RingRecord& record) {
      return record.site() == kThreadSite;
    };
    if (!for_each_record(*slot, tail, head, is_announcement)) return false;
  }
  return true;
}

std::uint64_t RingPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return count_waiting();
}

std::uint64_t RingPool::count_waiting() const {
  std::uint64_t waiting = 0;
  for (const Slot& slot : slots_) {
    const std::uint64_t tail = tail_of(slot);
    const std::uint64_t head = head_of(slot);
    if (!slot.ring.can_hold(tail, head)) continue;  // damaged
    for_each_record(slot, tail, head, [&](const RingRecord& record) {
      waiting += is_own_site(record.site()) ? 0 : 1;
      return true;
    });
  }
  return waiting;
}

bool RingPool::seal_if_drained() {
  const std::lock_guard lock(mutex_);
  if (count_waiting() != 0) return false;
  return is_sealed_ = true;
}

bool RingPool::seal_if_unused(std::size_t n_stopped) {
  const std::lock_guard lock(mutex_);
  const bool is_unused = free_.size() + n_stopped == slots_.size();
  is_sealed_ = is_sealed_ || is_unused;
  return is_unused;
}

}  // namespace attolog
