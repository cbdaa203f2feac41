// The box: where the circular log keeps the last records of a process, encoded as they were in the
// rings. One mapped file per session, laid out as a ring with a few fields more in its header page:
//
//   RingHeader | CircularBufferHeader | capacity bytes | these bytes again (mirror)
//
// Its owner, the writer, adds at the head, in batches, and frees the oldest at the tail to make
// room. A box without an owner is read as any other ring. A kill at any point leaves whole records,
// in order, without a gap, up to the last committed batch.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "shm/ring.hpp"

namespace attolog {

inline constexpr std::string_view kCircularBufferSuffix = ".box";

// A count that changes in the same instant as one end of the ring: it is `next` once that end has
// got to `from`. Relaxed: RingChange and the end itself give the order.
struct CrashSafeCounter {
  std::atomic<std::uint64_t> now;
  std::atomic<std::uint64_t> next;
  std::atomic<std::uint64_t> from;

  std::uint64_t at(std::uint64_t end) const;
  // From `position` on, which `end` has not reached, it is more by `more`.
  void announce(std::uint64_t end, std::uint64_t position, std::uint64_t more);
};

struct CircularBufferHeader {
  static constexpr std::uint64_t kMagic = 0x31584f42'4f545441;  // "ATTOBOX1"
  static constexpr std::size_t kOffset = 1024;                  // in the header page
  std::atomic<std::uint64_t> magic;  // stored last (release), before the box has its name
  std::uint64_t max_records;
  CrashSafeCounter appended;  // ever, by the head
  CrashSafeCounter
      skipped;  // of those, the ones that later ones of their batch replaced, by the head
  CrashSafeCounter
      overwritten;  // of the others, those that went without having been saved, by the tail
  std::atomic<std::uint64_t> saved_to;  // records below this position have been saved
  // What a walk would count; a new owner counts anew.
  std::atomic<std::uint64_t> records;
  std::atomic<std::uint64_t> unsaved;  // of them, not saved
};
static_assert(sizeof(RingHeader) <= CircularBufferHeader::kOffset &&
              CircularBufferHeader::kOffset + sizeof(CircularBufferHeader) <= kPage);

// Whether a box may change while it is looked at.
enum class CircularBufferOwner { living, dead };

class CircularBuffer {
 public:
  // All records there ever were are one of them.
  struct Totals {
    std::uint64_t unsaved = 0;      // in the box, in no save
    std::uint64_t overwritten = 0;  // gone before any save
    std::uint64_t saved = 0;        // in a save, whether still in the box or not
  };
  // What a box is at one moment.
  struct State {
    std::uint64_t tail = 0;
    std::uint64_t head = 0;
    Thread thread;              // at the tail
    std::uint64_t records = 0;  // in the box
    Totals counts;
  };

  // `capacity`: whole pages, up to kMaxRing. It holds the last `max_records` (at least 1), or as
  // many as there is room for. An empty `path`: as for a ring. Throws std::system_error.
  static CircularBuffer create(const std::string& path, std::size_t capacity,
                               std::uint64_t max_records);
  // One that another process made; throws DamagedFile where it is none.
  static CircularBuffer open(const std::string& path, bool writable);

  const Ring& ring() const { return ring_; }
  std::uint64_t max_records() const { return header().max_records; }

  // The state, given the session's last committed batch. Of a living owner it is null if the owner
  // stood still in the middle of a change for as long as we looked; look again. Throws
  // DamagedFile where the header makes no sense.
  std::optional<State> read_state(std::uint64_t committed_batch, CircularBufferOwner owner) const;

  // From here on the functions are the owner's. An owner that found the box begins with settle().
  void settle(std::uint64_t committed_batch);

  // Larger records are to be spilled first.
  std::size_t record_limit() const { return ring_.capacity() / 4; }
  // Whether the batch takes one more record, of this size. An empty one takes any that is within
  // the limit.
  bool fits(std::size_t record_bytes) const;
  // Adds to the batch a record as it lies in a ring. Throws std::length_error if it does not fit.
  void append(std::string_view record, const Thread& thread);
  std::uint64_t pending_records() const { return batch_records_; }
  // Forgets the batch: it failed, or starts anew.
  void clear();

  // With a batch's number, before its commit: makes room, and puts what was appended behind the
  // head. A batch either adds to the box or, through the ring, takes from it.
  void prepare(std::uint64_t batch);
  // After the commit: the batch is in the box. The spill files of records that are not any more,
  // for the caller to remove. Takes no memory: what is committed cannot fail any more.
  std::vector<std::uint64_t> release(std::uint64_t batch) noexcept;

  // All records below `position` (of a copy, or the tail after batches that took from the box) are
  // where they are wanted, and do not count as overwritten later.
  void mark_saved(std::uint64_t position);

  std::uint64_t records() const { return header().records.load(std::memory_order_relaxed); }
  Totals counts() const;

 private:
  explicit CircularBuffer(Ring ring) : ring_(std::move(ring)) {}
  CircularBufferHeader& header() const;
  State read(std::uint64_t committed_batch) const;
  void recount(std::uint64_t saved_to);
  void skip_oldest();
  void make_room(std::uint64_t bytes, std::uint64_t records);

  Ring ring_;
  RingThread thread_{};  // whose the last record in the box is

  Buffer batch_;
  std::uint64_t batch_records_ = 0;
  RingThread batch_thread_{};  // whose the last record of the batch is

  // Of a batch with more records than the box: how many of the oldest are left out, up to where,
  // and the announcement that stands in their place.
  std::uint64_t skipped_ = 0;
  std::size_t skipped_to_ = 0;
  Buffer lead_;
  std::vector<std::uint64_t> skipped_spills_;
  std::vector<std::uint64_t> passed_spills_;  // of records that the tail has passed
};

// A copy of what is in a box, taken while its owner goes on. Nothing in it was overwritten while it
// was copied: such records are cut off, and counted.
class CircularSnapshot {
 public:
  // Null: see CircularBuffer::read_state.
  static std::optional<CircularSnapshot> copy(const CircularBuffer& box,
                                              std::uint64_t committed_batch,
                                              CircularBufferOwner owner);

  // copy() in two steps: start() copies, and validate() cuts off what the owner has overwritten
  // meanwhile (false: see CircularBuffer::read_state). Without validate() the copy is not to be
  // believed.
  static std::optional<CircularSnapshot> start(const CircularBuffer& box,
                                               std::uint64_t committed_batch,
                                               CircularBufferOwner owner);
  bool validate(const CircularBuffer& box, std::uint64_t committed_batch,
                CircularBufferOwner owner);

  // A nameless ring whose positions start at 0, to read as any other (RingMerge, RecordWalk).
  const Ring& ring() const { return ring_; }
  // The box when the copy was started. Once the copy is saved, the box is saved up to its head.
  const CircularBuffer::State& state() const { return state_; }
  std::uint64_t cut_bytes() const { return cut_bytes_; }
  std::uint64_t cut_records() const { return cut_records_; }

 private:
  CircularSnapshot(Ring ring, CircularBuffer::State state)
      : ring_(std::move(ring)), state_(std::move(state)) {}

  Ring ring_;
  CircularBuffer::State state_;
  std::uint64_t cut_bytes_ = 0;
  std::uint64_t cut_records_ = 0;
};

}  // namespace attolog
