// Draining, waiting and counting; opening is in channel_open.cpp.
#include "writer/channel.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>
#include <system_error>
#include <thread>

#include "core/report.hpp"
#include "strategies/sampler.hpp"
#include "writer/last_signal.hpp"
#include "writer/merge.hpp"
#include "writer/recovery.hpp"

namespace attolog {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTextDelay{40};       // rounds can be shorter than that
constexpr milliseconds kJournalDelay{500};   // a journal's blocks pack better the larger they are
constexpr milliseconds kRetryInterval{500};  // of an output that fails
constexpr milliseconds kSayInterval{10'000};
constexpr milliseconds kLongBusy{2'000};  // to wait for others' batches is nothing to be told
constexpr milliseconds kReportInterval{1'000};
constexpr milliseconds kTendInterval{1'000};
constexpr milliseconds kForkedInterval{200};
constexpr milliseconds kSweepPatience{1'000};  // an idle sweep takes microseconds

}  // namespace

// ---- draining ---------------------------------------------------------------------------------

bool Channel::is_due(SteadyTime now) const {
  const SteadyTime last_sweep = last_sweep_.load(std::memory_order_relaxed);
  if (is_failing()) return now - last_sweep >= kRetryInterval;
  const bool is_slow =
      options_.format == Format::journal || (recorder_ != nullptr && !recorder_->has_condition());
  milliseconds delay = is_slow ? kJournalDelay : kTextDelay;
  // What is to be on the disk must be in the file by then.
  if (options_.fsync_interval > 0) {
    const std::chrono::duration<double> interval(options_.fsync_interval);
    if (interval < delay) delay = std::chrono::duration_cast<milliseconds>(interval);
  }
  return urgent_.load(std::memory_order_relaxed) || now - last_sweep >= delay;
}

bool Channel::drain() {
  const std::unique_lock lock(drain_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || is_forked() || is_released()) return false;
  urgent_.store(false, std::memory_order_relaxed);
  try {
    drain_now();
  } catch (const std::exception&) {
    failing_.store(true, std::memory_order_relaxed);  // no memory; it is tried again
  }
  last_sweep_.store(steady_clock::now(), std::memory_order_relaxed);
  const std::lock_guard state(progress_.mutex);
  ++progress_.steps;
  progress_.moved.notify_all();
  return true;
}

void Channel::drain_now() {
  // Looked at once: a sweep is the last one, of all there is and with all that an end brings, or
  // it is not.
  const bool is_last = is_closed();
  // The clock is read before the heads: whatever is stamped later may have an earlier neighbour
  // that is not committed yet, and stays for the next sweep. After close there is none.
  const Ticks until = is_last ? std::numeric_limits<Ticks>::max() : now_ticks();
  const auto now = steady_clock::now();
  std::vector<const Ring*> added;
  rings_->hand_over_new(RingPool::Reader::drain, [&](const Ring& ring) {
    added.push_back(&ring);
    drain_->add(ring);
  });
  const bool report_drops = is_last || now - last_drop_report_ >= kReportInterval;
  if (report_drops) last_drop_report_ = now;
  sweep(until, report_drops, is_last ? Drain::Extent::end : Drain::Extent::now);
  if (!is_last)
    for (const Ring* ring : added) ring->populate_rest();
}

bool Channel::sweep(Ticks until, bool report_drops, Drain::Extent extent) {
  Drain::Outcome outcome;
  try {
    outcome = drain_->run(until, report_drops, extent);
  } catch (const std::system_error& error) {
    outcome.error = error.code().value();
    outcome.message = error.what();
  } catch (const std::exception&) {
    outcome.error = ENOMEM;
  }
  report_outcome(outcome);
  return outcome.error == 0;
}

void Channel::report_outcome(const Drain::Outcome& outcome) {
  // A lock that another process holds is no reason to drop anything: callers wait as for a slow
  // disk.
  const bool is_busy = outcome.error == EWOULDBLOCK;
  const bool was_failing =
      failing_.exchange(outcome.error != 0 && !is_busy, std::memory_order_relaxed);
  const auto now = steady_clock::now();
  if (!is_busy) busy_since_.reset();
  if (is_busy) {
    if (!busy_since_) busy_since_ = now;
    if (now - *busy_since_ < kLongBusy || now - last_failure_report_ < kSayInterval) return;
    last_failure_report_ = now;
    return report(outcome.message + "; records wait in memory");
  }
  if (outcome.error == EBADF && !was_failing) {
    // A child that is about to exec has closed its descriptors: said where it goes on.
    last_failure_report_ = {};
  } else if (outcome.error != 0 && (!was_failing || now - last_failure_report_ >= kSayInterval)) {
    last_failure_report_ = now;
    report((outcome.message.empty() ? target_.path + ": " + describe_errno(outcome.error)
                                    : outcome.message) +
           "; records wait in memory, and are dropped and counted once that is full");
  } else if (outcome.error == 0 && !outcome.message.empty()) {
    report(outcome.message);
  }
}

namespace {

void report_skipped(const SampledSite& site, std::string_view values) {
  for (const auto& each : site.channels) {
    if (const auto channel = each.lock())
      channel->add_internal_record(kSkippedSite, values, site.sampler->end_ns());
  }
}

}  // namespace

void Channel::flush_skipped_counts() {
  skipped_.report_all(report_skipped);
}

void Channel::add_internal_record(std::uint32_t site, std::string_view values,
                                  std::optional<std::int64_t> time_ns) {
  if (drain_ != nullptr) drain_->add_internal_record(site, values, time_ns);
}

void Channel::run_maintenance(bool has_forked_lately) {
  skipped_.report_due(now_ticks(), report_skipped);
  if (recorder_ != nullptr && !is_forked() && !is_released()) recorder_->save_triggered(false);
  const auto now = steady_clock::now();
  if (now - last_tended_ < (has_forked_lately ? kForkedInterval : kTendInterval)) return;
  last_tended_ = now;
  {
    const std::unique_lock lock(drain_mutex_, std::try_to_lock);
    if (!lock.owns_lock() || is_forked() || is_released()) return;
    // Not by us: we remove it under this lock.
    if (session_->is_removed() && !std::exchange(is_removal_reported_, true)) {
      report(session_->folder() +
             " was taken away; what is not in the file yet is lost with the process");
    }
    const auto remove = [this](const Ring& ring) { return drain_->remove(ring); };
    has_mirror() ? mirror_->remove_idle_rings(remove) : rings_->remove_idle(remove);
    if (const std::int64_t jump = clock_.follow(session_->header().clock)) drain_->note_jump(jump);
  }
  if (session_->name().empty() || output_ == nullptr || is_failing()) return;
  // Each round has these messages again, about all that cannot be recovered.
  std::vector<std::string> messages =
      recover(session_->folder(), main_path_,
              {.patience = milliseconds(0), .tells_of_holder = false, .log_fd = output_->fd()})
          .messages;
  for (const std::string& message : messages) {
    if (std::ranges::find(last_messages_, message) == last_messages_.end()) report(message);
  }
  last_messages_ = std::move(messages);
  // The logger was closed meanwhile, and has left the folder to those still at work in it.
  if (session_->is_removed()) tidy(session_->folder());
}

void Channel::sync_if_due() {
  if (options_.fsync_interval <= 0 || output_ == nullptr || is_forked() || is_released()) return;
  const std::unique_lock lock(drain_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || is_released()) return;
  const auto now = steady_clock::now();
  if (now - last_sync_ < std::chrono::duration<double>(options_.fsync_interval)) return;
  const std::uint64_t committed = session_->committed();
  if (committed == synced_batch_) return;  // nothing new
  last_sync_ = now;
  synced_batch_ = committed;
  output_->sync();
}

milliseconds Channel::longest_round() const {
  constexpr milliseconds kRound{50};  // text is to be in the file within 100 ms
  constexpr milliseconds kShortest{1};
  if (options_.fsync_interval <= 0 || output_ == nullptr) return kRound;
  const double interval_ms = std::ceil(options_.fsync_interval * 1000);
  return std::clamp(milliseconds(static_cast<int>(std::min(interval_ms, 1000.0))), kShortest,
                    kRound);
}

// ---- showing ----------------------------------------------------------------------------------

// Up to when the mirror shows: all there is once no more can come.
std::optional<Ticks> Channel::mirrored_until() const {
  if (is_released()) return std::nullopt;
  return is_closed() ? std::numeric_limits<Ticks>::max() : now_ticks();
}

bool Channel::mirror_to_console() {
  ConsoleMirror* const mirror = live_mirror();
  return mirror != nullptr && mirror->try_show(mirrored_until());
}

bool Channel::drop_and_mirror(std::uint32_t site, std::string_view values) {
  drop(1);
  if (!has_mirror() || !options_.block) return true;
  if (is_forked() || is_released()) return false;
  return mirror_->show_dropped(site, values);
}

std::uint64_t Channel::mirror_position() {
  ConsoleMirror* const mirror = live_mirror();
  return mirror == nullptr ? 0 : mirror->position(mirrored_until());
}

std::uint64_t Channel::mirror_now() {
  ConsoleMirror* const mirror = live_mirror();
  return mirror == nullptr ? 0 : mirror->mirror_now(mirrored_until());
}

bool Channel::has_unmirrored() const {
  const ConsoleMirror* const mirror = live_mirror();
  if (mirror == nullptr) return false;
  return mirror->is_behind() || (!is_released() && rings_->has_unmirrored());
}

bool Channel::wait_for_console(std::uint64_t position, Deadline deadline) {
  ConsoleMirror* const mirror = live_mirror();
  return mirror == nullptr || mirror->wait(position, deadline);
}

std::uint64_t Channel::console_progress() const {
  const ConsoleMirror* const mirror = live_mirror();
  return mirror == nullptr ? 0 : mirror->progress();
}

void Channel::pause_console(SteadyTime until) {
  if (ConsoleMirror* const mirror = live_mirror()) mirror->pause(until);
}

void Channel::resume_console() {
  if (ConsoleMirror* const mirror = live_mirror()) mirror->resume();
}

int Channel::console_error(int stream) const {
  return has_mirror() ? mirror_->error(stream) : 0;
}

void Channel::clear_console_error(int stream) {
  if (has_mirror()) mirror_->forget_error(stream);
}

// ---- waiting ----------------------------------------------------------------------------------

void Channel::request_drain() {
  urgent_.store(true, std::memory_order_relaxed);
  waker_.wake();
}

void Channel::wait_for_room(milliseconds slice) {
  if (!waker_.is_running()) {
    drain();
    return;
  }
  std::unique_lock lock(progress_.mutex);
  const std::uint64_t seen = progress_.steps;
  request_drain();
  progress_.moved.wait_for(lock, slice, [&] { return progress_.steps != seen; });
}

std::optional<std::uint64_t> Channel::spill(std::string_view values) {
  try {
    return session_->spill(values);
  } catch (const std::exception& error) {  // no room, no memory
    report(std::string(error.what()) + "; a record of that size is dropped");
    return std::nullopt;
  }
}

bool Channel::flush(Deadline deadline) {
  if (is_forked()) return true;  // nothing of ours is in it
  const auto wanted = rings_->heads();
  bool has_swept = false;
  for (;;) {
    std::unique_lock lock(progress_.mutex);
    if (rings_->is_drained_to(wanted) && (!is_closed() || is_through())) return true;
    const auto now = steady_clock::now();
    if (is_released() || is_forked() || (has_swept && is_failing()) ||
        (deadline && now >= *deadline)) {
      return false;
    }
    const std::uint64_t seen = progress_.steps;
    if (waker_.is_running()) {
      request_drain();
      const auto slice = now + milliseconds(20);
      progress_.moved.wait_until(lock, deadline ? std::min(*deadline, slice) : slice,
                                 [&] { return progress_.steps != seen; });
      has_swept = has_swept || progress_.steps != seen;
    } else {
      lock.unlock();
      has_swept = drain() || has_swept;
    }
  }
}

void Channel::write_before_end(SteadyTime until, std::span<const ThreadRings::Slot> stopped) {
  if (is_forked() || is_released() || output_ == nullptr) return;
  const auto wanted = rings_->heads();
  const auto is_ours = [this](const ThreadRings::Slot& slot) { return slot.channel == id; };
  const auto n_stopped = static_cast<std::size_t>(std::ranges::count_if(stopped, is_ours));
  const bool is_last = rings_->seal_if_unused(n_stopped);
  if (is_last) closed_.store(true, std::memory_order_relaxed);
  while (steady_clock::now() < until) {
    drain();
    if (is_failing()) return;
    if (is_last ? release() : rings_->is_drained_to(wanted)) return;
    std::this_thread::sleep_for(milliseconds(1));  // others hold the file's lock
  }
}

bool Channel::is_through() const {
  if (output_ == nullptr) return true;  // a box has nobody to tell
  const bool has_internal_records =
      session_->header().dropped.load(std::memory_order_relaxed) > session_->reported() ||
      drain_->has_internal_records();
  return !has_internal_records && !drain_->is_holding();
}

bool Channel::close(Deadline deadline) {
  closed_.store(true, std::memory_order_relaxed);
  if (is_forked() || is_released()) return true;
  flush_skipped_counts();
  const bool got_through = flush(deadline) && release(kSweepPatience);
  if (!got_through && is_failing() && session_->name().empty())
    abandon();  // nothing to recover from
  return got_through;
}

bool Channel::release(milliseconds patience) {
  if (recorder_ != nullptr && !is_released()) recorder_->save_triggered(true);
  const std::unique_lock lock(drain_mutex_, patience);
  if (is_released()) return true;
  if (!lock.owns_lock() || !is_through() || !rings_->seal_if_drained()) return false;
  if (!session_->name().empty() && output_ != nullptr) {
    // What children left that have died meanwhile.
    const Recovery recovered = recover(session_->folder(), main_path_,
                                       {.patience = kSweepPatience, .log_fd = output_->fd()});
    for (const std::string& message : recovered.messages) report(message);
  }
  if (options_.fsync_interval > 0 && output_ != nullptr) output_->sync();
  if (output_ != nullptr && target_.path != main_path_)
    merge_part(session_->folder(), target_.path, Merge::first, options_.fsync_interval > 0);
  remove_session();
  if (output_ != nullptr) output_->leave();
  if (main_output_ != nullptr) main_output_->leave();
  released_.store(true, std::memory_order_release);
  return true;
}

void Channel::abandon() {
  if (is_forked() || is_released()) return;
  const std::uint64_t left = counts().waiting;
  if (left == 0) {
    if (!release(kSweepPatience)) released_.store(true, std::memory_order_release);
    return;
  }
  const std::string what = target_.path + ": " + std::to_string(left) + " records ";
  if (session_->name().empty()) {
    const std::lock_guard lock(progress_.mutex);
    session_->drop(left);
    abandoned_ = left;
    report(what + "could not be written");
  } else {
    report(what + "are not in the file yet; the next logger of this file, or `attolog recover " +
           main_path_ + "`, writes them");
  }
  released_.store(true, std::memory_order_release);
}

// ---- a log without a file ----------------------------------------------------------------------

std::uint64_t Channel::save(const LogTarget& target) {
  flush(std::nullopt);
  return recorder_->save(target);
}

std::string Channel::trigger(std::int64_t time_ns, bool is_stamped, std::string_view reason) {
  if (recorder_ == nullptr) return "";
  std::string path = recorder_->trigger(time_ns, is_stamped, reason);
  flush(std::nullopt);
  recorder_->save_triggered(false);
  const std::lock_guard lock(drain_mutex_);  // a drain under way may be the one that saves it
  return path;
}

std::uint64_t Channel::buffered_records() {
  flush(std::nullopt);
  return drain_->buffers().records();
}

// ---- counting ---------------------------------------------------------------------------------

std::uint64_t Channel::waiting_in_rings() const {
  const std::uint64_t waiting = rings_->waiting();
  return waiting - std::min(waiting, abandoned_);
}

RecordCounts Channel::counts() const {
  const std::lock_guard lock(progress_.mutex);
  const CircularBuffer::Totals kept = drain_->buffers().counts();
  RecordCounts counts;
  counts.written = progress_.written + kept.saved;
  counts.aggregated = progress_.aggregated;
  counts.dropped = session_->header().dropped.load(std::memory_order_relaxed);
  counts.overwritten = kept.overwritten;
  counts.waiting = waiting_in_rings();
  // What a box without a file still had at its end is gone as what was overwritten.
  (is_released() && output_ == nullptr ? counts.overwritten : counts.waiting) += kept.unsaved;
  return counts;
}

void Channel::snapshot(const StatsEmit& emit) {
  flush(std::nullopt);
  const std::lock_guard lock(drain_mutex_);
  if (!is_forked()) drain_->snapshot(emit);
}

std::vector<std::uint64_t> Channel::written_by_site() const {
  const std::lock_guard lock(progress_.mutex);
  return progress_.by_site;
}

void Channel::forget_in_child() {
  forked_.store(true, std::memory_order_relaxed);
  session_->close_in_child();
  if (output_ != nullptr) output_->renew_in_child();
  main_output_.reset();
}

}  // namespace attolog
