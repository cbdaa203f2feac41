#include "shm/circular_buffer.hpp"

#include <sched.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "core/codec.hpp"
#include "core/cut.hpp"
#include "shm/record_walk.hpp"

namespace attolog {

namespace {

constexpr int kLooks = 100;  // at a living owner's box, giving way in between
// The largest announcement: head, an int, a text, padding.
constexpr std::size_t kAnnouncement = sizeof(RecordHead) + 9 + 5 + RingThread::kName + 8;

// The mirror makes them one piece. Nothing where the ends are damaged.
std::string_view bytes_of(const Ring& ring, std::uint64_t tail, std::uint64_t head) {
  if (!ring.can_hold(tail, head)) return {};
  return {ring.data() + tail % ring.capacity(), head - tail};
}

void note_spill(const RingRecord& record, std::vector<std::uint64_t>& spills) {
  if ((record.head.site & kSpilled) != 0) spills.push_back(record.spill_number);
}

// A thread as a ring's header keeps it, so that it is equal wherever it is read.
RingThread stored(const Thread& thread) {
  RingThread owner{};
  owner.id = thread.id;
  const std::string_view name = cut_text(thread.name.c_str(), RingThread::kName - 1);
  std::memcpy(owner.name, name.data(), name.size());
  return owner;
}

bool is_same(const RingThread& a, const RingThread& b) {
  return a.id == b.id && std::memcmp(a.name, b.name, sizeof a.name) == 0;
}

// Counts what lies in the box anew; the sum of the counts stays. Where the bytes are damaged, so do
// the counts, unless there is no room for as many. Whose the last record is.
Thread tally(const Ring& ring, std::uint64_t saved_to, CircularBuffer::State& state) {
  std::uint64_t records = 0;
  std::uint64_t unsaved = 0;
  RecordWalk walk(bytes_of(ring, state.tail, state.head), state.thread);
  while (walk.next() != nullptr) {
    ++records;
    if (state.tail + walk.start() >= saved_to) ++unsaved;
  }
  const std::uint64_t most = (state.head - state.tail) / sizeof(RecordHead);
  if (!walk.is_damaged() || state.records > most || state.counts.unsaved > state.records) {
    state.records = records;
    state.counts.saved += state.counts.unsaved - unsaved;
    state.counts.unsaved = unsaved;
  }
  return walk.thread();
}

}  // namespace

std::uint64_t CrashSafeCounter::at(std::uint64_t end) const {
  return end >= from.load(std::memory_order_relaxed) ? next.load(std::memory_order_relaxed)
                                                     : now.load(std::memory_order_relaxed);
}

void CrashSafeCounter::announce(std::uint64_t end, std::uint64_t position, std::uint64_t more) {
  const std::uint64_t total = at(end);
  // In this order, so that a kill between any two leaves `at(end)` what it is.
  now.store(total, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  from.store(position, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  next.store(total + more, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

CircularBuffer CircularBuffer::create(const std::string& path, std::size_t capacity,
                                      std::uint64_t max_records) {
  // A process that finds a box finds a whole one.
  const auto complete = [&](char* page) {
    auto* header = new (page + CircularBufferHeader::kOffset) CircularBufferHeader{};
    header->max_records = std::max<std::uint64_t>(max_records, 1);
    // release: pairs with the acquire in open.
    header->magic.store(CircularBufferHeader::kMagic, std::memory_order_release);
  };
  return CircularBuffer(Ring::create(path, capacity, complete));
}

CircularBuffer CircularBuffer::open(const std::string& path, bool writable) {
  CircularBuffer box(Ring::open(path, writable));
  // acquire: pairs with the release in create.
  if (box.header().magic.load(std::memory_order_acquire) != CircularBufferHeader::kMagic ||
      box.max_records() == 0) {
    throw DamagedFile(path + ": not a box, or one that was never used");
  }
  return box;
}

CircularBufferHeader& CircularBuffer::header() const {
  char* const page = reinterpret_cast<char*>(&ring_.header());
  return *reinterpret_cast<CircularBufferHeader*>(page + CircularBufferHeader::kOffset);
}

// ---- looking ----------------------------------------------------------------------------------

CircularBuffer::State CircularBuffer::read(std::uint64_t committed_batch) const {
  const CircularBufferHeader& b = header();
  State state;
  state.tail = ring_.tail(committed_batch);
  state.head = ring_.head(committed_batch);
  state.thread = thread_of(ring_.thread(committed_batch));
  state.records = b.records.load(std::memory_order_relaxed);
  // However damaged they are, the counts are those of all records.
  const std::uint64_t all = b.appended.at(state.head);
  Totals& counts = state.counts;
  counts.overwritten = std::min(all, b.overwritten.at(state.tail) + b.skipped.at(state.head));
  counts.unsaved = std::min(all - counts.overwritten, b.unsaved.load(std::memory_order_relaxed));
  counts.saved = all - counts.overwritten - counts.unsaved;
  return state;
}

std::optional<CircularBuffer::State> CircularBuffer::read_state(std::uint64_t committed_batch,
                                                                CircularBufferOwner owner) const {
  const RingHeader& h = ring_.header();
  const bool may_change = owner == CircularBufferOwner::living;
  for (int i = 0; i < kLooks; ++i) {
    if (i != 0) ::sched_yield();
    // acquire: pairs with the end of RingChange.
    const std::uint64_t version = h.version.load(std::memory_order_acquire);
    if (may_change && version % 2 != 0) continue;
    State state = read(committed_batch);
    // A batch that is committed and not yet released: the counts lag behind.
    const bool is_between = state.head != h.head.load(std::memory_order_relaxed) ||
                            state.tail != h.tail.load(std::memory_order_relaxed);
    // acquire: what was read came before the second look at the version; pairs with the fence of
    // RingChange.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (may_change && (is_between || h.version.load(std::memory_order_relaxed) != version)) {
      continue;
    }
    if (!ring_.can_hold(state.tail, state.head)) {
      throw DamagedFile(ring_.path() + ": damaged, its ends make no sense");
    }
    if (!may_change) tally(ring_, header().saved_to.load(std::memory_order_relaxed), state);
    return state;
  }
  return std::nullopt;
}

CircularBuffer::Totals CircularBuffer::counts() const {
  return read(0).counts;
}

// ---- adding -----------------------------------------------------------------------------------

void CircularBuffer::settle(std::uint64_t committed_batch) {
  ring_.settle(committed_batch);
  // What the last owner announced and did not do is not done by an end that gets there later.
  CircularBufferHeader& b = header();
  const RingHeader& h = ring_.header();
  b.overwritten.announce(h.tail.load(std::memory_order_relaxed), ~std::uint64_t{0}, 0);
  clear();
  recount(b.saved_to.load(std::memory_order_relaxed));
}

void CircularBuffer::recount(std::uint64_t saved_to) {
  State state = read(0);
  if (!ring_.can_hold(state.tail, state.head)) {
    throw DamagedFile(ring_.path() + ": damaged, its ends make no sense");
  }
  thread_ = stored(tally(ring_, saved_to, state));
  if (batch_.empty()) batch_thread_ = thread_;
  CircularBufferHeader& b = header();
  const RingChange change(ring_.header());
  b.saved_to.store(saved_to, std::memory_order_relaxed);
  b.records.store(state.records, std::memory_order_relaxed);
  b.unsaved.store(state.counts.unsaved, std::memory_order_relaxed);
}

bool CircularBuffer::fits(std::size_t record_bytes) const {
  return record_bytes <= record_limit() &&
         batch_.size() + kAnnouncement + record_bytes <= ring_.capacity() / 2;
}

void CircularBuffer::append(std::string_view record, const Thread& thread) {
  RecordHead head{};
  if (!fits(record.size()) || record.size() < sizeof head) {
    throw std::length_error("a record does not fit a batch of the box");
  }
  std::memcpy(&head, record.data(), sizeof head);
  const RingThread owner = stored(thread);
  if (!is_same(batch_thread_, owner)) {
    encode_thread(batch_, head.ticks, owner.id, owner.name);
    batch_thread_ = owner;
  }
  batch_.append(record);
  ++batch_records_;
}

void CircularBuffer::clear() {
  ring_.abandon_head();
  batch_.clear();
  batch_records_ = 0;
  batch_thread_ = thread_;
}

// Of a batch with more records than the box holds only the last ones get into it.
void CircularBuffer::skip_oldest() {
  skipped_ = skipped_to_ = 0;
  lead_.clear();
  skipped_spills_.clear();
  if (batch_records_ <= max_records()) return;
  RecordWalk walk(batch_.view(), thread_of(thread_));
  const RingRecord* oldest = walk.next();
  for (; oldest != nullptr && batch_records_ - skipped_ > max_records(); oldest = walk.next()) {
    note_spill(*oldest, skipped_spills_);
    ++skipped_;
  }
  skipped_to_ = walk.start();
  const RingThread owner = stored(walk.thread());
  if (oldest != nullptr && !is_same(owner, thread_)) {
    encode_thread(lead_, oldest->head.ticks, owner.id, owner.name);
  }
}

void CircularBuffer::make_room(std::uint64_t bytes, std::uint64_t records) {
  RingHeader& h = ring_.header();
  CircularBufferHeader& b = header();
  const std::uint64_t head = h.head.load(std::memory_order_relaxed);
  const std::uint64_t tail = h.tail.load(std::memory_order_relaxed);
  const std::uint64_t saved_to = b.saved_to.load(std::memory_order_relaxed);
  std::uint64_t position = tail;
  std::uint64_t left = b.records.load(std::memory_order_relaxed);
  std::uint64_t unsaved = b.unsaved.load(std::memory_order_relaxed);
  const auto has_room = [&] {
    return head - position + bytes <= ring_.capacity() && left + records <= max_records();
  };
  if (has_room()) return;

  std::uint64_t lost = 0;
  RecordWalk walk(bytes_of(ring_, tail, head), thread_of(ring_.thread(0)));
  const RingRecord* oldest = walk.next();
  for (; oldest != nullptr; oldest = walk.next()) {
    position = tail + walk.start();
    if (has_room()) break;
    note_spill(*oldest, passed_spills_);
    --left;
    if (position >= saved_to) ++lost;
  }
  Thread thread = walk.thread();
  if (oldest == nullptr) {  // all has to go, be it for damage
    position = head;
    left = 0;
    lost = unsaved;
    thread = thread_of(thread_);
  }
  const RingChange change(h);
  b.overwritten.announce(tail, position, lost);
  ring_.discard(position, thread);
  b.records.store(left, std::memory_order_relaxed);
  b.unsaved.store(unsaved - std::min(unsaved, lost), std::memory_order_relaxed);
}

void CircularBuffer::prepare(std::uint64_t batch) {
  if (batch_.empty()) return;
  skip_oldest();
  const std::string_view rest = batch_.view().substr(skipped_to_);
  const std::size_t bytes = lead_.size() + rest.size();
  make_room(bytes, batch_records_ - skipped_);
  passed_spills_.reserve(passed_spills_.size() + skipped_spills_.size());  // for `release`
  // release: the tail moves before what lies below it is overwritten; pairs with the acquire fence
  // in CircularSnapshot::validate.
  std::atomic_thread_fence(std::memory_order_release);
  RingHeader& h = ring_.header();
  const std::uint64_t head = h.head.load(std::memory_order_relaxed);
  char* const place = ring_.data() + head % ring_.capacity();
  if (!lead_.empty()) std::memcpy(place, lead_.data(), lead_.size());
  std::memcpy(place + lead_.size(), rest.data(), rest.size());

  CircularBufferHeader& b = header();
  const RingChange change(h);
  b.appended.announce(head, head + bytes, batch_records_);
  b.skipped.announce(head, head + bytes, skipped_);
  ring_.prepare_head(batch, head + bytes);
}

std::vector<std::uint64_t> CircularBuffer::release(std::uint64_t batch) noexcept {
  CircularBufferHeader& b = header();
  {
    const RingChange change(ring_.header());
    if (!ring_.publish(batch)) return {};
    const std::uint64_t added = batch_records_ - skipped_;
    b.records.store(records() + added, std::memory_order_relaxed);
    b.unsaved.store(b.unsaved.load(std::memory_order_relaxed) + added, std::memory_order_relaxed);
  }
  thread_ = batch_thread_;
  clear();
  passed_spills_.insert(passed_spills_.end(), skipped_spills_.begin(), skipped_spills_.end());
  return std::exchange(passed_spills_, {});
}

void CircularBuffer::mark_saved(std::uint64_t position) {
  const std::uint64_t head = ring_.header().head.load(std::memory_order_relaxed);
  const std::uint64_t before = header().saved_to.load(std::memory_order_relaxed);
  recount(std::max(before, std::min(position, head)));
}

// ---- copying ----------------------------------------------------------------------------------

std::optional<CircularSnapshot> CircularSnapshot::copy(const CircularBuffer& box,
                                                       std::uint64_t committed_batch,
                                                       CircularBufferOwner owner) {
  std::optional<CircularSnapshot> copy = start(box, committed_batch, owner);
  if (copy && !copy->validate(box, committed_batch, owner)) copy.reset();
  return copy;
}

std::optional<CircularSnapshot> CircularSnapshot::start(const CircularBuffer& box,
                                                        std::uint64_t committed_batch,
                                                        CircularBufferOwner owner) {
  std::optional<CircularBuffer::State> state = box.read_state(committed_batch, owner);
  if (!state) return std::nullopt;
  const std::string_view bytes = bytes_of(box.ring(), state->tail, state->head);
  const std::size_t pages = std::max<std::size_t>((bytes.size() + kPage - 1) / kPage, 1);
  CircularSnapshot copy(Ring::create("", pages * kPage), std::move(*state));
  // The owner may be overwriting some of it: that is looked at in `finish`, and cut off.
  if (!bytes.empty()) std::memcpy(copy.ring_.data(), bytes.data(), bytes.size());
  copy.ring_.header().head.store(bytes.size(), std::memory_order_relaxed);
  return copy;
}

bool CircularSnapshot::validate(const CircularBuffer& box, std::uint64_t committed_batch,
                                CircularBufferOwner owner) {
  // acquire: pairs with the release fence in CircularBuffer::prepare. An owner that overwrote a
  // copied byte moved the tail before.
  std::atomic_thread_fence(std::memory_order_acquire);
  const std::optional<CircularBuffer::State> now = box.read_state(committed_batch, owner);
  if (!now) return false;
  const std::uint64_t head = ring_.header().head.load(std::memory_order_relaxed);
  cut_bytes_ = std::min(now->tail - state_.tail, head);
  if (cut_bytes_ == 0) {
    ring_.discard(0, state_.thread);
    return true;
  }
  ring_.discard(cut_bytes_, now->thread);
  std::uint64_t left = 0;
  RecordWalk walk(bytes_of(ring_, cut_bytes_, head), now->thread);
  while (walk.next() != nullptr) ++left;
  cut_records_ = state_.records - std::min(state_.records, left);
  return true;
}

}  // namespace attolog
