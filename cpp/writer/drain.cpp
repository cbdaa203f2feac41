#include "writer/drain.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/report.hpp"

namespace attolog {

namespace {

// Nobody commits as many batches; the numbers behind it do not wrap.
constexpr std::uint64_t kLastBatch = std::uint64_t{1} << 62;

}  // namespace

Drain::Drain(Session& session, Output* output, std::unique_ptr<Sink> sink, Progress& progress,
             const CircularBufferOptions& box)
    : session_(session),
      output_(output),
      sink_(std::move(sink)),
      merge_(session),
      progress_(progress),
      checkpoint_(session.stats_path()),
      emit_([this](std::span<const Value> values, std::int64_t time_ns) {
        add_stats_row(values, time_ns);
      }),
      buffers_(session, box) {
  if (output_ != nullptr) sink_->remember(output_->read_memory());
  last_batch_ = session_.committed();
  if (last_batch_ == 0) return;
  if (last_batch_ > kLastBatch) session_.commit(last_batch_ = kLastBatch);  // damaged
  // Another process's windows go on where its last batch left them.
  if (std::optional<std::string> state = checkpoint_.read(last_batch_)) {
    committed_stats_.append(*state);
    undo();
  }
  is_holding_.store(stats_ != nullptr || buffers_.records() != 0, std::memory_order_release);
}

// Sketches go where bytes keep their type.
std::unique_ptr<Aggregator> Drain::make_aggregator() const {
  const SessionHeader& header = session_.header();
  return std::make_unique<Aggregator>(header.started_ns,
                                      header.format == static_cast<int>(Format::journal));
}

void Drain::add(const Ring& ring) {
  ring.settle(session_.committed());
  merge_.add(ring);
  if (!on_record_) merge_.skip_buffered_records();
}

// What cannot be read counts as dropped, and the file says so as of any drop. What to tell, if
// anything.
std::string Drain::drop_damaged() {
  const std::uint64_t n = merge_.damaged() - damaged_;
  if (n == 0) return "";
  damaged_ += n;
  session_.drop(n);
  return session_.target().path + ": its rings are damaged in " + std::to_string(n) +
         (n == 1 ? " place" : " places") + "; what cannot be read is lost, and counted as dropped";
}

// ---- rows of its own ----------------------------------------------------------------------------

void Drain::add_own(std::uint32_t site, std::int64_t time_ns, std::span<const Value> values) {
  if (sink_) sink_->append({fixed_sites_.find(site), &writer_, time_ns, values}, batch_);
}

void Drain::add_stats_row(std::span<const Value> values, std::int64_t time_ns) {
  tally_.has_rows = true;
  add_own(kInlineEventSite, time_ns, values);
}

void Drain::add_own_rows(bool report_drops) {
  reported_ = session_.reported();
  drops_since_ = 0;
  const std::int64_t now = now_ns();
  const SessionHeader& header = session_.header();
  const std::uint64_t dropped = header.dropped.load(std::memory_order_relaxed);
  if (report_drops && dropped > reported_) {
    drops_since_ = header.dropped_since.load(std::memory_order_relaxed);
    drops_reported_at_ = now_ticks();
    // A kill between the two steps of forget_drop_time leaves none.
    const std::int64_t since =
        drops_since_ != 0 ? header.clock.to_ns(drops_since_) : header.started_ns;
    const Value values[] = {Value::of_int(static_cast<std::int64_t>(dropped - reported_)),
                            Value::of_int(since)};
    add_own(kDroppedSite, now, values);
    reported_ = dropped;
  }
  if (jump_ns_ != 0) {
    // Windows do not go across a step of the clock.
    if (stats_) stats_->close_real(now - jump_ns_, emit_);
    const Value values[] = {Value::of_int(jump_ns_)};
    add_own(kClockSite, now, values);
  }
}

// The drops that the batch tells of are in the file; only then their time goes. Others may have
// come meanwhile, and found a time that was not theirs.
void Drain::forget_drop_time() {
  if (std::exchange(drops_since_, 0) == 0) return;
  SessionHeader& header = session_.header();
  header.dropped_since.store(0, std::memory_order_relaxed);
  if (header.dropped.load(std::memory_order_relaxed) == reported_) return;
  Ticks none = 0;
  header.dropped_since.compare_exchange_strong(none, drops_reported_at_, std::memory_order_relaxed);
}

void Drain::add_internal_record(std::uint32_t site, std::string_view values,
                                std::optional<std::int64_t> time_ns) {
  const std::lock_guard lock(internal_mutex_);
  internal_records_.push_back({site, std::string(values), time_ns});
  n_internal_records_.store(internal_records_.size(), std::memory_order_release);
}

void Drain::append_internal_records(std::int64_t time_ns) {
  const std::lock_guard lock(internal_mutex_);
  Arena arena;
  std::vector<Value> values;
  for (const InternalRecord& told : internal_records_) {
    decode_values(told.values, arena, values);
    add_own(told.site, told.time_ns.value_or(time_ns), values);
  }
  in_batch_ = internal_records_.size();
}

// They are in the file now.
void Drain::remove_committed_records() {
  const std::lock_guard lock(internal_mutex_);
  internal_records_.erase(internal_records_.begin(),
                          internal_records_.begin() + static_cast<std::ptrdiff_t>(in_batch_));
  in_batch_ = 0;
  n_internal_records_.store(internal_records_.size(), std::memory_order_release);
}

// ---- filling a batch ----------------------------------------------------------------------------

// Whether there may be more than what is in the batch now.
bool Drain::fill(std::uint64_t most_records) {
  while (tally_.taken < most_records && batch_.size() < kBatch) {
    const Record* record = merge_.next();
    if (record == nullptr) return false;
    if (stats_) stats_->close_until(record->time_ns, record->is_stamped, emit_);
    if (!dispatch(*record)) {
      merge_.unread();
      return true;
    }
    ++tally_.taken;
    if (is_match_pending_) return true;
  }
  return true;
}

// False: a box has no room for it in this batch.
bool Drain::dispatch(const Record& record) {
  const std::uint64_t call = is_own_site(record.site->id) ? 0 : 1;
  const bool is_kept = record.site->destination == Destination::buffer || sink_ == nullptr;
  if (is_kept) {
    if (call == 0) return true;  // a box without a file reports nothing that it left out
    if (!buffers_.append(record, merge_.raw())) return false;
    merge_.retain_spill();
    if (on_record_ && on_record_(record)) is_match_pending_ = true;
    ++tally_.kept;
  } else if (record.site->destination == Destination::stats) {
    if (!stats_) stats_ = make_aggregator();
    stats_->add(record);
    ++tally_.aggregated;
  } else {
    sink_->append(record, batch_);
    tally_.written += call;
  }
  if (call != 0) by_site_.add(record.site->id);
  return true;
}

// The rings have nothing more up to `until`.
void Drain::end_windows(Ticks until, Extent extent) {
  if (!stats_) return;
  if (extent == Extent::end) {
    stats_->close_all(now_ns(), emit_);
  } else if (until != std::numeric_limits<Ticks>::max()) {
    stats_->close_until(session_.header().clock.to_ns(until), false, emit_);
  }
}

bool Drain::is_empty_batch() const {
  // Announcements of threads alone are freed with the next batch.
  return batch_.empty() && tally_.aggregated == 0 && !tally_.has_rows && buffers_.is_empty();
}

// ---- committing ---------------------------------------------------------------------------------

void Drain::prepare_stats(std::uint64_t batch) {
  if (tally_.aggregated == 0 && !tally_.has_rows) return;
  stats_state_.clear();
  stats_->save(stats_state_);
  checkpoint_.move_to(session_.stats_path());
  if (checkpoint_.prepare(batch, stats_state_.view()) || is_checkpoint_lost_) return;
  is_checkpoint_lost_ = true;
  report(session_.folder() + ": no room for open statistics; a kill would now lose their windows");
}

Output::Result Drain::commit(RingMerge& from) {
  const std::uint64_t batch = ++last_batch_;
  const auto prepare = [&] {
    for (const RingMerge::Source& source : from.sources()) {
      if (source.is_touched()) source.ring->prepare(batch, source.position, *source.thread);
    }
    session_.prepare_batch(batch, tally_.written, reported_);
    prepare_stats(batch);
    buffers_.prepare(batch);
  };
  if (!batch_.empty()) return output_->append(session_, batch, batch_.view(), prepare);
  prepare();
  session_.commit(batch);
  return {};
}

// What was announced and did not get into the file must not look committed when a later batch is.
void Drain::restart() {
  for (const RingMerge::Source& source : merge_.sources()) {
    if (source.is_touched()) source.ring->abandon();
  }
  undo();
}

// The last run ended by an exception, at any point before its commit.
void Drain::load_state() {
  if (sink_) sink_->abandon();
  for (const CircularBuffer& box : buffers_.list()) box.ring().abandon();
  restart();
  if (output_ != nullptr) sink_->remember(output_->read_memory());
}

// As it was after the last committed batch.
void Drain::undo() {
  merge_.rewind();
  buffers_.clear();
  if (committed_stats_.empty()) {
    stats_.reset();
    return;
  }
  if (!stats_) stats_ = make_aggregator();
  stats_->load(committed_stats_.view());
}

// Frees what the batch has taken from the rings.
void Drain::release(RingMerge& from) noexcept {
  for (RingMerge::Source& source : from.sources()) {
    if (!source.is_touched()) continue;
    source.ring->release(last_batch_);
    source.committed = source.position;
    source.committed_thread = source.thread;
    for (const std::uint64_t number : source.spills) session_.remove_spill(number);
    source.spills.clear();
  }
}

// Called also at the moment from which the rings count as drained: a thread that waits for the end
// asks for both.
void Drain::update_holding() {
  const bool holds_kept = sink_ != nullptr && buffers_.records() != 0;
  is_holding_.store((stats_ && !stats_->empty()) || holds_kept, std::memory_order_release);
}

void Drain::make_room() {
  const std::lock_guard lock(progress_.mutex);
  by_site_.make_room(progress_.by_site);
}

void Drain::adopt_positions(RingMerge& from) noexcept {
  const std::lock_guard lock(progress_.mutex);
  release(from);
  buffers_.release(last_batch_);
  if (tally_.aggregated != 0 || tally_.has_rows) {
    checkpoint_.commit();
    std::swap(committed_stats_, stats_state_);
  }
  update_holding();
  progress_.written += tally_.written;
  progress_.aggregated += tally_.aggregated;
  by_site_.move_to(progress_.by_site);
  ++progress_.steps;
  progress_.moved.notify_all();
}

// The disk takes a part of the batch: how many whole records are tried next, a little fewer than
// would fit.
std::uint64_t Drain::fewer(std::uint64_t records, std::size_t written) const {
  const double share = static_cast<double>(written) / static_cast<double>(batch_.size());
  const auto fit = static_cast<std::uint64_t>(static_cast<double>(records) * share * 0.9);
  return std::max<std::uint64_t>(fit, 1);
}

Drain::Outcome Drain::run(Ticks until, bool report_drops, Extent extent) {
  Outcome outcome;
  if (!std::exchange(is_settled_, false)) load_state();
  merge_.sweep(until);
  if (before_run_) before_run_(until);
  std::uint64_t most_records = std::numeric_limits<std::uint64_t>::max();
  for (;;) {
    batch_.clear();
    tally_ = {};
    by_site_.clear();
    add_own_rows(report_drops);
    in_batch_ = 0;
    if (!fill(most_records)) {
      end_windows(until, extent);
      if (has_internal_records())
        append_internal_records(now_ns());  // behind the records that it tells of
    }
    // Another process gave the file's events new columns meanwhile: once more, after its order.
    if (sink_ && !remember()) {
      undo();
      continue;
    }
    // What cannot be read gets a row with the next batch.
    const std::string said = drop_damaged();
    if (!said.empty()) {
      outcome.message = said;
      if (is_empty_batch() && sink_) continue;  // that batch frees the bytes, too
    }
    if (sink_) sink_->finish(batch_);
    if (is_empty_batch()) break;
    const bool has_own_only = tally_.taken == 0 && said.empty();
    make_room();
    Output::Result result = commit(merge_);
    if (!result.message.empty()) outcome.message = std::move(result.message);
    if (result.error == 0) {
      adopt_positions(merge_);
      outcome.records += tally_.written + tally_.aggregated + tally_.kept;
      jump_ns_ = 0;
      forget_drop_time();
      remove_committed_records();
      if (std::exchange(is_match_pending_, false)) on_match_();
      if (has_own_only) break;
      continue;
    }
    const std::uint64_t tried = tally_.taken;
    restart();
    if (tried < 2 || result.written == 0) {
      outcome.error = result.error;
      is_settled_ = true;
      return outcome;
    }
    most_records = fewer(tried, result.written);
  }
  if (extent == Extent::end && sink_) flush_boxes(outcome);
  update_holding();
  is_settled_ = true;
  return outcome;
}

// False: another process has added to what is remembered, which the sink goes by now.
bool Drain::remember() {
  memory_ += sink_->memory();
  if (memory_.empty()) return true;
  const bool is_remembered = output_->add_memory(memory_);
  memory_.clear();
  if (!is_remembered) sink_->remember(output_->read_memory());
  return is_remembered;
}

// What was kept for the file goes into it, in batches as from any ring.
void Drain::flush_boxes(Outcome& outcome) {
  buffers_.mark_saved();  // as far as the last try got
  RingMerge kept(session_);
  for (const CircularBuffer& box : buffers_.list()) kept.add(box.ring());
  std::uint64_t most_records = std::numeric_limits<std::uint64_t>::max();
  kept.sweep(std::numeric_limits<Ticks>::max());
  for (;;) {
    batch_.clear();
    tally_ = {};
    reported_ = session_.reported();
    while (tally_.taken < most_records && batch_.size() < kBatch) {
      const Record* record = kept.next();
      if (record == nullptr) break;
      sink_->append(*record, batch_);
      ++tally_.taken;
    }
    if (!remember()) {
      kept.rewind();
      continue;
    }
    sink_->finish(batch_);
    if (batch_.empty()) break;
    Output::Result result = commit(kept);
    if (!result.message.empty()) outcome.message = std::move(result.message);
    if (result.error == 0) {
      const std::lock_guard lock(progress_.mutex);
      release(kept);
      buffers_.mark_saved();
      continue;
    }
    for (const RingMerge::Source& source : kept.sources()) {
      if (source.is_touched()) source.ring->abandon();
    }
    kept.rewind();
    if (tally_.taken < 2 || result.written == 0) {
      outcome.error = result.error;
      return;
    }
    most_records = fewer(tally_.taken, result.written);
  }
}

void Drain::snapshot(const StatsEmit& emit) const {
  if (stats_) stats_->snapshot(now_ns(), emit);
}

}  // namespace attolog
