// The ring: a bounded single-producer single-consumer buffer in shared memory, one per thread.
//
//   header (one page) | capacity bytes | these bytes again (mirror)
//
// Positions count bytes and only grow; the byte at position p is data[p % capacity]. A record is
// committed by one release store of the head, and nothing past the head is ever read. Both ends
// survive the process: recovery goes on from the header alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

#include "core/mapping.hpp"
#include "core/record.hpp"

namespace attolog {

inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kMinRing = 64 * 1024;
inline constexpr std::size_t kMaxRing = std::size_t{1} << 30;

// A mapped file whose bytes make no sense. Unlike a std::system_error it is no reason to try again.
class DamagedFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Who logged what lies at the tail. Later owners announce themselves in the ring
// (SiteKind::thread).
struct RingThread {
  static constexpr std::size_t kName = 88;
  std::uint64_t id;
  char name[kName];
};

struct RingHeader {
  static constexpr std::uint64_t kMagic = 0x31474e4952545441;  // "ATTRING1"
  std::atomic<std::uint64_t> magic;  // stored last (release): a ring without it holds nothing yet
  std::uint64_t capacity;

  // Written by the producer. release: the record below it is complete; acquired by the consumer.
  alignas(64) std::atomic<std::uint64_t> head;
  // What the head becomes once the session's batch `head_batch` is committed: how a box (shm/box)
  // takes a batch over from other rings. 0: nothing pending, as in the rings of threads always.
  std::atomic<std::uint64_t> head_batch;
  std::atomic<std::uint64_t> pending_head;

  // Written by the consumer. `tail` release: the bytes below it are free; acquired by the producer.
  alignas(64) std::atomic<std::uint64_t> tail;
  // What the tail and thread become once the session's batch `pending_batch` is committed.
  std::atomic<std::uint64_t> pending_batch;  // 0: nothing pending
  std::atomic<std::uint64_t> pending_tail;
  std::atomic<std::uint32_t> pending_thread;
  std::atomic<std::uint32_t> thread;  // which of the two holds at the tail
  RingThread threads[2];
  std::atomic<std::uint64_t> version;  // see RingChange
};
static_assert(sizeof(RingHeader) <= kPage && std::atomic<std::uint64_t>::is_always_lock_free);

// While it lives, what is pending or at the tail is being changed, and the version is odd. A
// process that reads while another one changes compares the version before and after. Changes nest.
class RingChange {
 public:
  explicit RingChange(RingHeader& header);
  RingChange(const RingChange&) = delete;
  RingChange& operator=(const RingChange&) = delete;
  ~RingChange();

 private:
  RingHeader& header_;
  const std::uint64_t before_;
  const bool is_outermost_;
};

class Ring {
 public:
  // `capacity`: whole pages. An empty `path` makes a ring without a name, gone with the process.
  // `complete` adds to the header page what else is to be there before the ring has its name.
  // Throws std::system_error.
  static Ring create(const std::string& path, std::size_t capacity,
                     const std::function<void(char* page)>& complete = nullptr);
  // A ring that another process left behind; throws DamagedFile where it is none.
  static Ring open(const std::string& path, bool writable);

  // Maps the memory's pages now rather than at their first touch, each of which is a page fault.
  // `create` has done the first ones, which is as long as a first call may take; the others are
  // for a thread that has time.
  void populate_rest() const { populate(kFirst, kPage + capacity_); }

  RingHeader& header() const { return *reinterpret_cast<RingHeader*>(mapping_.data()); }
  char* data() const { return mapping_.data() + kPage; }
  std::uint64_t capacity() const { return capacity_; }
  // Whether whole records can lie between these positions. The header may be damaged: nothing
  // between its ends is read before this has been asked.
  bool can_hold(std::uint64_t tail, std::uint64_t head) const {
    return tail <= head && head - tail <= capacity_ && head <= kMaxPosition && tail % 8 == 0 &&
           head % 8 == 0;
  }
  const std::string& path() const { return path_; }

  // Where to go on reading, given the session's last committed batch.
  std::uint64_t tail(std::uint64_t committed_batch) const;
  RingThread& thread(std::uint64_t committed_batch) const;
  // Where the records end, given the last committed batch; all below it is complete.
  std::uint64_t head(std::uint64_t committed_batch) const;
  // Consumer: announces that `batch` takes everything below `tail`.
  void prepare(std::uint64_t batch, std::uint64_t tail, const Thread& thread) const;
  // Consumer, after the commit of that batch: frees the space.
  void release(std::uint64_t committed_batch) const;
  // Consumer: the announced batch failed.
  void abandon() const { header().pending_batch.store(0, std::memory_order_release); }
  // A new consumer: ends what the last one announced, one way or the other.
  void settle(std::uint64_t committed_batch) const;

  // Who is producer and consumer in one: frees everything below `tail` at once, in one step for
  // a recovery after a kill. Batches must have been committed before, and none be pending.
  void discard(std::uint64_t tail, const Thread& thread) const;
  // Producer: announces that with `batch` the records reach to `head`; they are complete.
  void prepare_head(std::uint64_t batch, std::uint64_t head) const;
  // Producer, after the commit of that batch. False: nothing was pending with it.
  bool publish(std::uint64_t committed_batch) const;
  // Producer: the announced batch failed.
  void abandon_head() const { header().head_batch.store(0, std::memory_order_release); }

 private:
  Ring(Mapping mapping, std::uint64_t capacity, std::string path)
      : mapping_(std::move(mapping)), capacity_(capacity), path_(std::move(path)) {}
  bool is_pending_over(std::uint64_t committed_batch) const;
  void populate(std::size_t from, std::size_t to) const;

  static constexpr std::size_t kFirst = std::size_t{256} << 10;
  // Nobody logs as much; from here positions can grow for years without a wrap.
  static constexpr std::uint64_t kMaxPosition = std::uint64_t{1} << 62;

  Mapping mapping_;
  std::uint64_t capacity_;
  std::string path_;
};

}  // namespace attolog
