// Records of the rings of one session, merged in order of time. Reading only: the live writer,
// recovery and readers all begin with this.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/site_table.hpp"
#include "shm/ring.hpp"
#include "shm/session.hpp"

namespace attolog {

class RingMerge {
 public:
  // `committed` is the session's last committed batch, as far as the reader knows better.
  explicit RingMerge(const Session& session, std::uint64_t committed = 0)
      : session_(session), committed_(committed) {}

  // Starts to read `ring` at its tail, with the next sweep. It must outlive the merge.
  void add(const Ring& ring);
  // Between sweeps: the ring is not read any more. False: something of it was read, and is not
  // committed yet.
  bool remove(const Ring& ring);
  // Looks how far each ring has got. Records with a later stamp than `until` stay for the next
  // sweep.
  void sweep(Ticks until);
  // The next record; null at the end of the sweep. Valid until the next call.
  const Record* next();
  // The last record as it lies in its ring, and taken apart.
  std::string_view bytes() const { return bytes_; }
  const RingRecord& raw() const { return raw_; }
  // Gives the last record back: it is the next again.
  void unread();
  // The spill file of the last record is wanted further on: it does not go with the ring's batch.
  void retain_spill();
  // From now on the values of kept records (Destination::buffer) are left as they are: such a
  // record has none, and its spill file stays its own.
  void skip_buffered_records() { skips_buffered_ = true; }
  // From now on the values of records that are on the screen already are left as they are.
  void skip_printed_records() { skips_printed_ = true; }

  struct Source {
    const Ring* ring;
    std::uint64_t committed;  // up to here the file has it
    std::uint64_t position;   // up to here it was read
    std::uint64_t head;
    const Thread* committed_thread;
    const Thread* thread;
    Ticks next;                         // stamp of the record at `position`
    std::vector<std::uint64_t> spills;  // read since `committed`
    std::uint64_t counted_to = 0;       // damage before it is in `damaged` already
    std::uint64_t offset = 0;           // of `position` in the ring: a division less each time
    bool is_touched() const { return position != committed; }
    void move_to(std::uint64_t to) {
      position = to;
      offset = to % ring->capacity();
    }
    // By at most the ring's capacity.
    void advance(std::uint64_t n) {
      position += n;
      offset += n;
      if (offset >= ring->capacity()) offset -= ring->capacity();
    }
  };
  std::vector<Source>& sources() { return sources_; }
  const std::vector<Source>& sources() const { return sources_; }
  // Records so far that could not be read. From bytes of a ring that make no sense, all up to its
  // head counts as one.
  std::uint64_t damaged() const { return damaged_; }
  // A site of the session, as of the last sweep; null: there is none.
  const Site* site(std::uint32_t id) const { return sites_.find(id); }
  // Forgets what was read and not committed; it will be read again.
  void rewind();

 private:
  void peek(Source& source);
  bool decode(Source& source, std::string_view bytes);
  bool skip_damaged(Source& source, std::uint64_t position);
  const Thread* intern(std::uint64_t id, std::string_view name);
  Source* earliest();

  const Session& session_;
  std::uint64_t committed_;
  SiteReader sites_;
  std::deque<Thread> threads_;
  std::map<std::pair<std::uint64_t, std::string>, const Thread*, std::less<>> by_name_;
  std::vector<Source> sources_;
  Arena arena_;
  std::vector<Value> values_;
  Record record_;
  Ticks until_ = 0;
  Source* current_ = nullptr;  // the source of the last record
  Ticks current_until_ = 0;    // up to here no other source has anything earlier
  std::uint64_t damaged_ = 0;
  bool skips_buffered_ = false;
  bool skips_printed_ = false;
  RingRecord raw_;
  std::string_view bytes_;
  std::uint64_t last_position_ = 0;
};

}  // namespace attolog
