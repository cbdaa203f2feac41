// A channel: everything between the calls of one logger and its log file, inside one process. It
// owns session, drain and output, and joins ring pool, console mirror, flight recorder and skipped
// counts. No Python here: the caller's side gives and takes the GIL.
//
// Mutexes are taken in this order: the flight recorder's, the drain's, the mirror's or that of the
// progress, the pool's, the writer's. That of the skipped counts comes before the drain's records.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/mapping.hpp"
#include "shm/place.hpp"
#include "shm/ring_budget.hpp"
#include "shm/session.hpp"
#include "sinks/sink.hpp"
#include "writer/console_mirror.hpp"
#include "writer/drain.hpp"
#include "writer/flight_recorder.hpp"
#include "writer/last_signal.hpp"
#include "writer/output.hpp"
#include "writer/producer.hpp"
#include "writer/ring_pool.hpp"
#include "writer/save_trigger.hpp"
#include "writer/skipped_counts.hpp"
#include "writer/waker.hpp"

namespace attolog {

using SteadyTime = std::chrono::steady_clock::time_point;
using Deadline = std::optional<SteadyTime>;  // none: wait without a limit

struct ChannelOptions {
  std::string path;  // as given; empty: standard output, or for a box nothing
  Format format = Format::text;
  SinkOptions sink;
  std::size_t ring_bytes = std::size_t{4} << 20;  // a power of two, of pages
  bool block = true;          // a full ring makes the caller wait; otherwise its record is dropped
  double block_timeout = -1;  // seconds; negative: no limit
  double exit_timeout = 5.0;  // seconds
  std::size_t max_record = std::size_t{256} << 20;  // bytes
  std::string ring_dir;                             // "": tmpfs
  bool append = true;
  double fsync_interval = 0;  // seconds; 0: never
  bool echo = false;          // what is logged is shown on standard output and error, too
  CircularBufferOptions circular_buffer;  // of a log without a file (Format::none)
  SaveTriggerOptions save_trigger;        // of a log without a file
};

// The description of a file with these options, at that path, in a session of this process.
LogTarget target_of(const ChannelOptions& options, const std::string& path);

struct RecordCounts {
  std::uint64_t written = 0;
  std::uint64_t waiting = 0;
  std::uint64_t dropped = 0;
  std::uint64_t sampled_out = 0;
  std::uint64_t aggregated = 0;
  std::uint64_t overwritten = 0;
};

class Channel {
 public:
  // Opens the log file, and takes in what dead processes left for it. Throws std::system_error and
  // std::runtime_error that name the path. Loggers go through WriterThread::open, which has it
  // drained too. `waker` must outlive the channel.
  static std::shared_ptr<Channel> open(const ChannelOptions& options, Waker& waker) {
    return open(options, waker, Inherited());
  }
  // The channel of a forked child in place of its parent's.
  std::shared_ptr<Channel> reopen(Waker& waker);
  // Stands where this channel was, with nothing open: reopen() opens the file for the next call, as
  // in a forked child.
  std::shared_ptr<Channel> successor() const;
  ~Channel();

  const std::uint64_t id;  // unique in the process, never used again
  const ChannelOptions& options() const { return options_; }
  const std::string& path() const { return target_.path; }

  // The calling thread's end of its ring; null if it has none yet (attach).
  Producer* producer() const { return producer_in(id); }
  // Gives the calling thread a ring; null where there is none to be had (forked, closed, no
  // memory).
  Producer* attach(std::uint64_t thread_id, std::string_view thread_name);
  // As in RingPool.
  Growth growth_for(const Producer& producer, std::uint64_t n) const {
    return rings_->growth_for(producer, n);
  }
  void grow(Producer& producer, std::uint64_t n, Growth growth) {
    rings_->grow(producer, n, growth);
  }
  // Whether `n` bytes fit now. Wakes the writer where the ring is half full.
  bool has_room(Producer& producer, std::uint64_t n) { return rings_->has_room(producer, n); }
  // Waits until they might, `slice` at most. For callers without the GIL.
  void wait_for_room(std::chrono::milliseconds slice);
  // Puts values that are too large for the ring beside it; the number to refer to them by.
  std::optional<std::uint64_t> spill(std::string_view values);
  void drop(std::uint64_t n) {
    if (!is_forked()) session_->drop(n);
  }
  // Drops a record for which there is no room. It is shown nevertheless, unless full rings are to
  // cost callers nothing: a full disk does not stop the screen. False: it could not be shown.
  bool drop_and_mirror(std::uint32_t site, std::string_view values);
  bool has_file() const { return output_ != nullptr; }
  bool has_mirror() const { return mirror_ != nullptr; }
  bool is_failing() const { return failing_.load(std::memory_order_relaxed); }
  bool is_forked() const { return forked_.load(std::memory_order_relaxed); }
  bool is_closed() const { return closed_.load(std::memory_order_relaxed); }

  // One sweep, by any thread; the writer calls it all the time. False: another thread is at it.
  // Throws nothing: without memory the channel is failing until there is some.
  bool drain();
  // Shows what is logged, ahead of the drain; whether there was any. The writer calls it all the
  // time, too.
  bool mirror_to_console();
  // The maintenance that the writer does now and then. `has_forked_lately`: children may have ended
  // that left much.
  void run_maintenance(bool has_forked_lately);
  // Puts the file onto the disk itself, where its fsync_interval is over.
  void sync_if_due();
  // How long the writer may rest between two looks at the channel, at most.
  std::chrono::milliseconds longest_round() const;
  // Whether the writer has to sweep at once (else it may wait for the next round).
  bool is_due(SteadyTime now) const;

  // From now on looks whether the sampler's interval is over; at close it is.
  void add_sampled_site(SampledSite watch) { skipped_.add(std::move(watch)); }
  // Tells now of what watched samplers have left out, whether their intervals are over or not.
  void flush_skipped_counts();
  // A record of attolog's own, into the next batch. A successor takes none.
  void add_internal_record(std::uint32_t site, std::string_view values,
                           std::optional<std::int64_t> time_ns);

  // Of a log without a file: saves what it holds to the target. How many records. Throws
  // std::system_error and std::runtime_error.
  std::uint64_t save(const LogTarget& target);
  // Saves it as the recorder's options say, now or once what comes after has been logged. Where; ""
  // if nothing is saved any more.
  std::string trigger(std::int64_t time_ns, bool is_stamped, std::string_view reason);
  std::uint64_t buffered_records();
  // Rows of the statistics whose windows are open.
  void snapshot(const StatsEmit& emit);

  // Waits until all that was logged before is in the file. False: time ran out, or it cannot be.
  bool flush(Deadline deadline);
  // Waits until all that was logged before is shown, or cannot be. False: time ran out.
  bool drain_console(Deadline deadline) { return wait_for_console(mirror_position(), deadline); }
  // The two steps of drain_console: hand over to the screen, then wait for it; the wait can be
  // repeated. mirror_position leaves the writing to the screen's thread, mirror_now tries it
  // itself.
  std::uint64_t mirror_position();
  std::uint64_t mirror_now();
  // Its thread is away from a fork; see rest.hpp.
  void pause_console(SteadyTime until);
  void resume_console();
  bool wait_for_console(std::uint64_t position, Deadline deadline);
  // Whether something was logged that is not shown yet. Takes some nanoseconds.
  bool has_unmirrored() const;
  // How far the screen is: it does not move while the stream has no reader.
  std::uint64_t console_progress() const;
  // Why a stream is not shown any more, as errno; 0: it is.
  int console_error(int stream) const;
  void clear_console_error(int stream);
  // Takes no more records, flushes, gives all resources back. False: records are left; the writer
  // goes on trying until the process ends.
  bool close(Deadline deadline);
  // No thread will log any more, and none waits: the writer finishes by itself.
  void close_async() { closed_.store(true, std::memory_order_relaxed); }
  // The folder of its session and rings, where the log file has one; else "".
  std::string ring_folder() const;
  // Takes back what open() made, where the channel is not used after all.
  void remove_session();
  // Gives the resources back if everything is in the file; waits up to `patience` for a sweep to
  // end.
  bool release(std::chrono::milliseconds patience = {});
  // The process ends by a signal, at which the threads with these rings have stopped. Writes the
  // records, and gives the resources back if no other thread can log any more.
  void write_before_end(SteadyTime until, std::span<const ThreadRings::Slot> stopped);
  // The process ends, or nothing can come of waiting: says what is left behind. The rings of a
  // regular file stay for recovery.
  void abandon();
  bool is_released() const { return released_.load(std::memory_order_acquire); }
  bool is_idle() const { return pins_.load(std::memory_order_acquire) == 0; }

  // A caller without the GIL keeps the channel alive by hand: its stack may never be unwound.
  void pin() { pins_.fetch_add(1, std::memory_order_acq_rel); }
  void unpin() { pins_.fetch_sub(1, std::memory_order_acq_rel); }

  RecordCounts counts() const;
  // Records in the file, by the number of their site.
  std::vector<std::uint64_t> written_by_site() const;
  // In a forked child: the channel is its parent's, and its memory is not even mapped any more.
  void forget_in_child();

 private:
  Channel(const ChannelOptions& options, std::uint64_t number, Waker& waker);
  // The parts of its parent that the child of a fork has.
  struct Inherited {
    File file;
    std::string folder;
    std::string session;
    bool is_fork = false;
    bool is_alive() const;
  };
  static std::shared_ptr<Channel> open(const ChannelOptions& options, Waker& waker,
                                       Inherited inherited);
  void open_session(Inherited inherited);
  void open_with_file(Inherited inherited);
  void open_file(File inherited);
  std::uint64_t recover_leftovers(const std::vector<RingPlace>& places);
  std::string create_session(const std::vector<RingPlace>& places, const FileId& main);
  void create_session_in(const RingPlace& place, const FileId& main, bool needs_ring);
  void make_session(const std::string& folder);
  // The rings are to be drained soon. From any thread, without a lock of the channel's.
  void request_drain();
  void begin_file(std::uint64_t living);
  std::uint64_t waiting_in_rings() const;  // under progress_.mutex
  bool is_through() const;                 // nothing is left to tell, and no window open
  void drain_now();                        // under drain_mutex_
  bool sweep(Ticks until, bool report_drops, Drain::Extent extent);  // under drain_mutex_
  void report_outcome(const Drain::Outcome& outcome);
  ConsoleMirror* live_mirror() const { return is_forked() ? nullptr : mirror_.get(); }
  std::optional<Ticks> mirrored_until() const;

  ChannelOptions options_;
  Waker& waker_;  // of the writer: all that a channel knows of it
  LogTarget target_;
  std::string main_path_;  // real path of what was asked for; a journal may write a part of it
  std::unique_ptr<Session> session_;
  std::string first_folder_;             // of the session; fixed
  std::unique_ptr<Output> output_;       // null: there is no file
  std::unique_ptr<Output> main_output_;  // of who writes a part: shows others that it does
  Clock clock_;
  bool is_child_ = false;  // of a fork

  // Null until the session is there. Shared with the threads that have a ring of it.
  std::shared_ptr<RingPool> rings_;

  last_signal::Mutex drain_mutex_;  // all that a sweep uses; held by one sweep at a time
  std::unique_ptr<Drain> drain_;
  std::unique_ptr<FlightRecorder> recorder_;  // of a log without a file; takes drain_mutex_ itself
  SteadyTime last_failure_report_{};
  SteadyTime last_drop_report_{};
  Deadline busy_since_;  // others hold the file's lock

  std::unique_ptr<ConsoleMirror> mirror_;  // null: nothing is shown; fixed

  mutable Progress progress_;
  std::uint64_t abandoned_ = 0;  // in the rings, but counted as dropped; under progress_.mutex

  // Relaxed, down to last_sweep_: nothing is read because of them but what a mutex guards. Who sees
  // one late tries once more, or waits for one more round.
  std::atomic<bool> failing_{false};  // the last sweep has
  std::atomic<bool> forked_{false};   // set where the child has one thread
  std::atomic<bool> closed_{false};
  std::atomic<bool> urgent_{false};  // a thread waits, or a ring is half full
  std::atomic<SteadyTime> last_sweep_{SteadyTime{}};
  // release: all resources are given back; pairs with the acquire of is_released.
  std::atomic<bool> released_{false};
  // acq_rel: what a caller did with the channel is over; pairs with the acquire of is_idle.
  std::atomic<int> pins_{0};

  SkippedCounts skipped_;

  // Of sync_if_due, under drain_mutex_.
  SteadyTime last_sync_{};
  std::uint64_t synced_batch_ = 0;

  // The writer's own, once the channel is open.
  bool is_removal_reported_ = false;
  SteadyTime last_tended_{};
  std::vector<std::string> last_messages_;
};

}  // namespace attolog
