// Draining: from the rings of one session, in order of time, to where its site's records go:
// through the sink into the output, into the statistics of their window, or into the box. The live
// writer and recovery are both this.
//
// A batch is what is committed together: bytes of the file, the state of the statistics, what is
// added to the boxes, and the ring positions that all of it covers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/arena.hpp"
#include "core/buffer.hpp"
#include "core/site_table.hpp"
#include "shm/checkpoint.hpp"
#include "shm/ring.hpp"
#include "shm/ring_merge.hpp"
#include "shm/session.hpp"
#include "sinks/sink.hpp"
#include "strategies/aggregator.hpp"
#include "writer/circular_buffers.hpp"
#include "writer/output.hpp"
#include "writer/site_tally.hpp"

namespace attolog {

// How far a drain has got. Tails and counts move together under the mutex, so that others can read
// both at one moment; a thread that waits for room or for the end waits for `moved`.
struct Progress {
  std::mutex mutex;
  std::condition_variable moved;
  std::uint64_t written = 0;           // records in the file
  std::uint64_t aggregated = 0;        // records in statistics
  std::uint64_t steps = 0;             // batches and sweeps so far
  std::vector<std::uint64_t> by_site;  // all of them, by the number of their site
};

class Drain {
 public:
  // Without an output (and a sink) there is no file: all records are kept in a box, as `box` says.
  Drain(Session& session, Output* output, std::unique_ptr<Sink> sink, Progress& progress,
        const CircularBufferOptions& box = {});

  // From now on `ring` is drained too; it must outlive the drain.
  void add(const Ring& ring);
  // Between two runs: the ring is empty, and is not read any more. False: not yet.
  bool remove(const Ring& ring) { return is_settled_ && merge_.remove(ring); }
  // From now on `look` sees every record that is kept; where it says so, `act` is called once the
  // record is in the box, and before any later one is.
  void watch_buffered(std::function<bool(const Record&)> look, std::function<void()> act) {
    on_record_ = std::move(look);
    on_match_ = std::move(act);
  }

  // From now on `look` is called before a run takes anything: at that moment, all that it is going
  // to take is in the rings.
  void call_before_runs(std::function<void(Ticks until)> look) { before_run_ = std::move(look); }

  struct Outcome {
    std::uint64_t records = 0;
    int error = 0;  // errno of the output; what was not written stays in the rings
    std::string message;
  };
  // How far to go: all that is stamped up to now, or all there is, for the last time. Then windows
  // end, and what is kept goes into the file, if there is one.
  enum class Extent { now, end };
  // Writes everything stamped up to `until`. `report_drops`: whether losses not yet reported go
  // into the file now.
  Outcome run(Ticks until, bool report_drops, Extent extent = Extent::now);
  // Adds a record of the writer's own to the next batch: the wall clock jumped.
  void note_jump(std::int64_t ns) { jump_ns_ += ns; }
  // Adds a record of a fixed site, with encoded values, to the next batch. From any thread.
  // `time_ns`: of the program's own time; else it is of now.
  void add_internal_record(std::uint32_t site, std::string_view values,
                           std::optional<std::int64_t> time_ns = std::nullopt);
  bool has_internal_records() const {
    return n_internal_records_.load(std::memory_order_acquire) != 0;
  }
  // Whether something waits for the last run: a window, or what is kept for the file. From any
  // thread.
  bool is_holding() const { return is_holding_.load(std::memory_order_acquire); }

  // Rows of the windows that are open.
  void snapshot(const StatsEmit& emit) const;
  CircularBuffers& buffers() { return buffers_; }
  const CircularBuffers& buffers() const { return buffers_; }

 private:
  static constexpr std::size_t kBatch = std::size_t{1} << 20;

  // Records of a batch.
  struct Tally {
    std::uint64_t taken = 0;  // from the rings
    std::uint64_t written = 0;
    std::uint64_t aggregated = 0;
    std::uint64_t kept = 0;
    bool has_rows = false;  // of windows that ended
  };

  std::unique_ptr<Aggregator> make_aggregator() const;
  bool fill(std::uint64_t most_records);
  bool dispatch(const Record& record);
  void end_windows(Ticks until, Extent extent);
  void add_stats_row(std::span<const Value> values, std::int64_t time_ns);
  std::string drop_damaged();
  void add_own_rows(bool report_drops);
  void forget_drop_time();
  void append_internal_records(std::int64_t time_ns);
  void remove_committed_records();
  void add_own(std::uint32_t site, std::int64_t time_ns, std::span<const Value> values);
  std::int64_t now_ns() const { return session_.header().clock.to_ns(now_ticks()); }
  bool is_empty_batch() const;
  Output::Result commit(RingMerge& from);
  void prepare_stats(std::uint64_t batch);
  void update_holding();
  // What a commit is followed by takes no memory: it cannot fail any more.
  void make_room();
  void adopt_positions(RingMerge& from) noexcept;
  void release(RingMerge& from) noexcept;
  void restart();
  void load_state();
  void undo();
  std::uint64_t fewer(std::uint64_t records, std::size_t written) const;
  void flush_boxes(Outcome& outcome);
  bool remember();

  Session& session_;
  Output* output_;
  std::unique_ptr<Sink> sink_;
  RingMerge merge_;
  SiteReader fixed_sites_;
  Progress& progress_;
  Thread writer_{0, "attolog"};
  Buffer batch_;
  std::string memory_;  // what the sink wants remembered and is not yet
  Tally tally_;
  SiteTally by_site_;           // of the batch
  std::uint64_t reported_ = 0;  // drops that the file reports once the batch is committed
  std::uint64_t last_batch_ = 0;
  std::uint64_t damaged_ = 0;  // of the merge, counted as dropped so far
  bool is_settled_ = false;    // the last run came to its end
  std::int64_t jump_ns_ = 0;
  Ticks drops_since_ = 0;  // since when there were the drops that the batch tells of; 0: of none
  Ticks drops_reported_at_ = 0;  // later ones came after that

  std::unique_ptr<Aggregator> stats_;  // null until a record wants it
  Checkpoint checkpoint_;
  Buffer committed_stats_;  // as of the last committed batch
  Buffer stats_state_;      // as of this one
  bool is_checkpoint_lost_ = false;
  StatsEmit emit_;

  CircularBuffers buffers_;
  std::function<bool(const Record&)> on_record_;
  std::function<void()> on_match_;
  std::function<void(Ticks)> before_run_;
  bool is_match_pending_ = false;        // after this batch
  std::atomic<bool> is_holding_{false};  // release/acquire: for those who wait for the end

  struct InternalRecord {
    std::uint32_t site;
    std::string values;
    std::optional<std::int64_t> time_ns;
  };
  std::mutex internal_mutex_;  // internal_records_
  std::deque<InternalRecord> internal_records_;
  std::size_t in_batch_ = 0;  // of internal_records_
  std::atomic<std::size_t> n_internal_records_{
      0};  // release/acquire: its size, for those without the mutex
};

}  // namespace attolog
