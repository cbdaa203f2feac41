// The ring pool: the rings of one channel, and which thread has which. Threads get a ring with
// their first record, go on in a larger one as they need it, and leave theirs to the next thread.
// Rings that no thread has any more are removed once they are drained.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.hpp"
#include "shm/ring.hpp"
#include "shm/ring_budget.hpp"
#include "shm/ring_merge.hpp"
#include "shm/session.hpp"
#include "writer/producer.hpp"

namespace attolog {

class RingPool : public std::enable_shared_from_this<RingPool> {
 public:
  struct Options {
    std::uint64_t channel = 0;           // the id that threads know the channel by
    std::size_t ring_bytes = 0;          // of a full ring: a power of two, of pages
    bool is_child = false;               // of a fork: it begins with small rings
    bool has_mirror = false;             // new rings are handed to the console mirror, too
    std::string log_path;                // for messages
    std::function<void()> on_half_full;  // a ring has to be drained soon; short, for it holds locks
  };
  // Threads refer to the pool until they end: it must belong to a std::shared_ptr. The session must
  // outlive all uses of the pool except `detach`.
  RingPool(Session& session, Options options);
  RingPool(const RingPool&) = delete;
  RingPool& operator=(const RingPool&) = delete;

  // Makes the first ring before there is a thread for it. Throws std::system_error where there is
  // no room for one as large as rings become.
  void add_first();
  // Makes a first ring of the size that there is room for, unless there is a ring already.
  void ensure_first();

  // Gives the calling thread a ring; null where there is none to be had (sealed, no memory).
  Producer* attach(std::uint64_t thread_id, std::string_view thread_name);
  // The thread behind `producer` is gone: the ring may go to another. Takes no memory.
  void detach(Producer& producer);
  // Whether the calling thread should go on in a larger ring before it puts `n` bytes. Rings begin
  // small: nearly all threads log little.
  Growth growth_for(const Producer& producer, std::uint64_t n) const;
  // Moves the calling thread to a larger ring. Where there is no room for one, the thread stays in
  // its ring, and `growth_for` is `none` for a while.
  void grow(Producer& producer, std::uint64_t n, Growth growth);
  // Whether `n` bytes fit now. Reads the tail, and sets the limit below which a call need not ask.
  bool has_room(Producer& producer, std::uint64_t n) const;

  // The readers of rings. Each of them is handed every ring once.
  enum class Reader { drain, mirror };
  // Calls `add` for each ring that the reader has not got yet. Where `add` throws, the next call
  // begins with that ring.
  void hand_over_new(Reader reader, const std::function<void(const Ring&)>& add);
  // Removes the drained rings that no thread has had since the last call. A ring that waits for a
  // first thread stays. `remove` takes the ring from its readers; false: they still need it.
  void remove_idle(const std::function<bool(const Ring&)>& remove);

  // How far the mirror has read its rings, in the order in which they were handed over.
  void note_mirrored(const std::vector<RingMerge::Source>& sources);
  // Whether a ring has anything that the mirror has not read. Takes some nanoseconds.
  bool has_unmirrored() const;

  struct RingEnd {
    std::uint32_t number;
    std::uint64_t head;
  };
  // How far all rings are filled, in the order of their numbers.
  std::vector<RingEnd> heads() const;
  // Whether all records below these heads are drained.
  bool is_drained_to(const std::vector<RingEnd>& heads) const;
  // How many records of the program are not drained.
  std::uint64_t waiting() const;

  // Seals the pool if no record waits in it: from then on no thread gets a ring. False: one waits.
  bool seal_if_drained();
  // Seals the pool if all rings in use belong to `n_stopped` threads that log no more. False: other
  // threads have rings.
  bool seal_if_unused(std::size_t n_stopped);

 private:
  struct Slot : Producer {
    Slot(Ring made, RingBytes counted, std::uint32_t name);
    Ring ring;
    RingBytes bytes;
    std::uint32_t number;  // of the ring; grows
    Thread thread{};       // whose it is, or was
    // When a larger ring may be asked for again: early, needed. The thread's own.
    std::chrono::steady_clock::time_point retry[2]{};
    bool was_free = false;    // at the last remove_idle; under mutex_
    std::uint64_t shown = 0;  // up to here the mirror has read; under mutex_
    bool is_over = false;     // given back; under mutex_
  };

  // All of these under the mutex; null: there is none.
  Slot* find_free(std::size_t at_least, std::uint64_t n);
  Slot* make_first(std::size_t size);
  Slot* make_larger(const Slot& old, std::size_t wanted, Growth growth);
  Slot* add(Ring ring, std::uint32_t number);
  void remove_if_drained(Slot& slot, const std::function<bool(const Ring&)>& remove);
  bool is_new(const Slot& slot) const;
  std::uint64_t count_waiting() const;

  std::size_t small_ring() const;
  std::size_t spare_ring(const std::string& folder) const;

  Session& session_;
  const Options options_;

  mutable std::mutex mutex_;       // all below; nothing but the writer's is taken within it
  std::list<Slot> slots_;          // by number
  std::vector<Slot*> free_;        // has room for all
  std::vector<Slot*> undrained_;   // those that the drain has not got yet; has room for all
  std::vector<Slot*> unmirrored_;  // those that the mirror has not got yet; has room for all
  std::uint32_t n_numbers_ = 0;    // spent
  bool is_sealed_ = false;         // the session is over
};

}  // namespace attolog
