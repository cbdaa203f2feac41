// Draining: from the rings of one session, in order of time, through the sink into the output. The
// live writer and recovery are both this.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/arena.hpp"
#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "core/ring.hpp"
#include "core/session.hpp"
#include "core/site_table.hpp"
#include "writer/output.hpp"
#include "writer/sink.hpp"
#include "writer/site_tally.hpp"

namespace attolog {

// Records of one session's rings as they come, in order of time. Reading only.
class RingMerge {
 public:
  // `committed` is the session's last committed batch, as far as the reader knows better.
  explicit RingMerge(const Session& session, std::uint64_t committed = 0)
      : session_(session), committed_(committed) {}

  // Starts to read `ring` at its tail, with the next sweep. It must outlive the merge.
  void add(const Ring& ring);
  // Looks how far each ring has got. Records with a later stamp than `until` stay for the next
  // sweep.
  void sweep(Ticks until);
  // The next record; null at the end of the sweep. Valid until the next call.
  const Record* next();

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
    bool is_touched() const { return position != committed; }
  };
  std::vector<Source>& sources() { return sources_; }
  // Records so far that could not be read; the rest of a ring whose bytes make no sense is one.
  std::uint64_t damaged() const { return damaged_; }
  // Forgets what was read and not committed; it will be read again.
  void rewind();

 private:
  void peek(Source& source);
  bool decode(Source& source, std::string_view bytes);
  bool give_up(Source& source, std::uint64_t position);
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
};

// How far a drain has got. Tails and `written` move together under the mutex, so that others can
// read both at one moment; whoever waits for room or for the end waits for `moved`.
struct Progress {
  std::mutex mutex;
  std::condition_variable moved;
  std::uint64_t written = 0;           // records in the file
  std::uint64_t steps = 0;             // batches and sweeps so far
  std::vector<std::uint64_t> by_site;  // the records, by the number of their site
};

class Drain {
 public:
  Drain(Session& session, Output& output, std::unique_ptr<Sink> sink, Progress& progress);

  // From now on `ring` is drained too; it must outlive the drain.
  void add(const Ring& ring);

  struct Outcome {
    std::uint64_t records = 0;
    int error = 0;  // errno of the output; what was not written stays in the rings
    std::string message;
  };
  // Writes everything stamped up to `until`. `report_drops`: whether losses not yet told of go into
  // the file now.
  Outcome run(Ticks until, bool report_drops);
  // Adds a record of the writer's own to the next batch: the wall clock jumped.
  void note_jump(std::int64_t ns) { jump_ns_ += ns; }
  // The same for one of a fixed site, with encoded values. From any thread.
  void tell(std::uint32_t site, std::string_view values);
  bool has_untold() const { return n_untold_.load(std::memory_order_acquire) != 0; }

 private:
  static constexpr std::size_t kBatch = std::size_t{1} << 20;

  void fill(std::uint64_t most_records);
  std::string drop_damaged();
  void add_told(std::int64_t time_ns);
  void forget_told();
  void add_own(std::uint32_t site, std::int64_t time_ns, std::vector<Value> values);
  Output::Result commit();
  void take_over();
  void start_over();

  Session& session_;
  Output& output_;
  std::unique_ptr<Sink> sink_;
  RingMerge merge_;
  SiteReader fixed_sites_;
  Progress& progress_;
  Thread writer_{0, "attolog"};
  Buffer batch_;
  std::uint64_t records_ = 0;   // in the batch, from rings
  std::uint64_t calls_ = 0;     // of them
  SiteTally tally_;             // likewise
  std::uint64_t reported_ = 0;  // drops told of once the batch is committed
  std::uint64_t last_batch_ = 0;
  std::uint64_t damaged_ = 0;  // of the merge, counted as dropped so far
  std::int64_t jump_ns_ = 0;
  std::int64_t drop_since_ns_ = 0;

  struct Told {
    std::uint32_t site;
    std::string values;
  };
  std::mutex told_mutex_;  // told_
  std::deque<Told> told_;
  std::size_t in_batch_ = 0;              // of told_
  std::atomic<std::size_t> n_untold_{0};  // release/acquire: its size, for those without the mutex
};

}  // namespace attolog
