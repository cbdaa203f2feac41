#include "writer/drain.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <system_error>

namespace attolog {

void RingMerge::add(const Ring& ring) {
  const std::uint64_t committed = std::max(committed_, session_.committed());
  const RingThread& thread = ring.thread(committed);
  const std::uint64_t tail = ring.tail(committed);
  const Thread* owner = intern(thread.id, {thread.name, ::strnlen(thread.name, RingThread::kName)});
  sources_.push_back({&ring, tail, tail, tail, owner, owner, 0, {}});
}

const Thread* RingMerge::intern(std::uint64_t id, std::string_view name) {
  const auto key = std::make_pair(id, std::string(name));
  const auto found = by_name_.find(key);
  if (found != by_name_.end()) return found->second;
  const Thread* thread = &threads_.emplace_back(Thread{id, key.second});
  by_name_.emplace(key, thread);
  return thread;
}

void RingMerge::sweep(Ticks until) {
  until_ = until;
  current_ = nullptr;
  for (Source& source : sources_) {
    // acquire: pairs with the producer's commit.
    const std::uint64_t head = source.ring->header().head.load(std::memory_order_acquire);
    const std::uint64_t waiting = head - source.position;
    const bool is_possible = waiting <= source.ring->capacity();
    source.head = is_possible ? head : source.position;
    if (!is_possible) give_up(source, source.position);
    peek(source);
  }
  // After the heads: a site is in the table before the first record that names it.
  sites_.read(session_.sites());
}

void RingMerge::peek(Source& source) {
  if (source.position == source.head) return;
  RecordHead head{};
  std::memcpy(&head, source.ring->data() + source.position % source.ring->capacity(), sizeof head);
  source.next = head.ticks;
}

RingMerge::Source* RingMerge::earliest() {
  Source* first = nullptr;
  Ticks second = until_;
  for (Source& source : sources_) {
    if (source.position == source.head || source.next > until_) continue;
    if (first == nullptr || source.next < first->next) {
      if (first != nullptr) second = std::min(second, first->next);
      first = &source;
    } else {
      second = std::min(second, source.next);
    }
  }
  current_until_ = second;
  return first;
}

const Record* RingMerge::next() {
  arena_.clear();
  for (;;) {
    // As long as one ring alone has the earliest records there is nothing to compare.
    if (current_ == nullptr || current_->position == current_->head ||
        current_->next > current_until_) {
      current_ = earliest();
      if (current_ == nullptr) return nullptr;
    }
    Source& source = *current_;
    const std::uint64_t offset = source.position % source.ring->capacity();
    const bool shown =
        decode(source, {source.ring->data() + offset, source.head - source.position});
    peek(source);
    if (shown) return &record_;
  }
}

// What lies at `position` cannot be read. It is met again after each rewind, and counted once.
bool RingMerge::give_up(Source& source, std::uint64_t position) {
  if (position >= source.counted_to) {
    source.counted_to = position + 1;
    ++damaged_;
  }
  return false;
}

bool RingMerge::decode(Source& source, std::string_view bytes) {
  const std::uint64_t position = source.position;
  RingRecord raw;
  if (!parse_record(bytes, raw)) {
    source.position = source.head;
    return give_up(source, position);
  }
  source.position += raw.head.size;
  std::string_view encoded = raw.values;
  if ((raw.head.site & kSpilled) != 0) {
    source.spills.push_back(raw.spill_number);
    const File file(::open(session_.spill_path(raw.spill_number).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info{};
    if (!file || ::fstat(file.fd(), &info) != 0 ||
        static_cast<std::uint64_t>(info.st_size) < raw.spill_size) {
      return give_up(source, position);
    }
    char* place = arena_.take(raw.spill_size);
    std::size_t got = 0;
    while (got < raw.spill_size) {
      const ssize_t n =
          ::pread(file.fd(), place + got, raw.spill_size - got, static_cast<off_t>(got));
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    encoded = {place, got};
  }
  const Site* site = sites_.find(raw.site());
  if (!decode_values(encoded, arena_, values_) || site == nullptr) {
    return give_up(source, position);
  }
  if (site->kind == Kind::thread) {
    if (values_.size() == 2 && values_[0].tag == Tag::int64) {
      source.thread = intern(static_cast<std::uint64_t>(values_[0].i), values_[1].text);
    }
    return false;
  }
  record_.site = site;
  record_.thread = source.thread;
  record_.time_ns =
      (raw.head.site & kStamped) != 0 ? raw.stamp : session_.header().clock.to_ns(raw.head.ticks);
  record_.values = values_;
  return true;
}

void RingMerge::rewind() {
  current_ = nullptr;
  for (Source& source : sources_) {
    source.position = source.committed;
    source.thread = source.committed_thread;
    source.spills.clear();
    peek(source);
  }
}

Drain::Drain(Session& session, Output& output, std::unique_ptr<Sink> sink, Progress& progress)
    : session_(session),
      output_(output),
      sink_(std::move(sink)),
      merge_(session),
      progress_(progress) {
  sink_->remember(output_.remembered());
  last_batch_ = session_.committed();
}

void Drain::add(const Ring& ring) {
  ring.settle(session_.committed());
  merge_.add(ring);
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

void Drain::add_own(std::uint32_t site, std::int64_t time_ns, std::vector<Value> values) {
  sink_->append({fixed_sites_.find(site), &writer_, time_ns, values}, batch_);
}

void Drain::tell(std::uint32_t site, std::string_view values) {
  const std::lock_guard lock(told_mutex_);
  told_.push_back({site, std::string(values)});
  n_untold_.store(told_.size(), std::memory_order_release);
}

void Drain::add_told(std::int64_t time_ns) {
  const std::lock_guard lock(told_mutex_);
  Arena arena;
  std::vector<Value> values;
  for (const Told& told : told_) {
    decode_values(told.values, arena, values);
    add_own(told.site, time_ns, values);
  }
  in_batch_ = told_.size();
}

// They are in the file now.
void Drain::forget_told() {
  const std::lock_guard lock(told_mutex_);
  told_.erase(told_.begin(), told_.begin() + static_cast<std::ptrdiff_t>(in_batch_));
  in_batch_ = 0;
  n_untold_.store(told_.size(), std::memory_order_release);
}

void Drain::fill(std::uint64_t most_records) {
  calls_ = 0;
  tally_.clear();
  for (records_ = 0; records_ < most_records && batch_.size() < kBatch; ++records_) {
    const Record* record = merge_.next();
    if (record == nullptr) break;
    sink_->append(*record, batch_);
    if (is_own_site(record->site->id)) continue;
    ++calls_;
    tally_.add(record->site->id);
  }
}

Output::Result Drain::commit() {
  const std::uint64_t batch = ++last_batch_;
  const auto prepare = [&] {
    for (const RingMerge::Source& source : merge_.sources()) {
      if (source.is_touched()) source.ring->prepare(batch, source.position, *source.thread);
    }
    session_.prepare_reported(batch, reported_);
  };
  return output_.append(session_, batch, batch_.view(), prepare);
}

// What was announced and did not get into the file must not look committed when a later batch is.
void Drain::start_over() {
  for (const RingMerge::Source& source : merge_.sources()) {
    if (source.is_touched()) source.ring->abandon();
  }
  merge_.rewind();
}

void Drain::take_over() {
  const std::lock_guard lock(progress_.mutex);
  for (RingMerge::Source& source : merge_.sources()) {
    if (!source.is_touched()) continue;
    source.ring->release(last_batch_);
    source.committed = source.position;
    source.committed_thread = source.thread;
    for (const std::uint64_t number : source.spills) session_.remove_spill(number);
    source.spills.clear();
  }
  progress_.written += calls_;
  tally_.move_to(progress_.by_site);
  ++progress_.steps;
  progress_.moved.notify_all();
}

Drain::Outcome Drain::run(Ticks until, bool report_drops) {
  Outcome outcome;
  start_over();  // where the last run ended by an exception
  merge_.sweep(until);
  std::uint64_t most_records = std::numeric_limits<std::uint64_t>::max();
  for (;;) {
    batch_.clear();
    reported_ = session_.reported();
    const std::int64_t now = session_.header().clock.to_ns(now_ticks());
    const std::uint64_t dropped = session_.header().dropped.load(std::memory_order_relaxed);
    if (report_drops && dropped > reported_) {
      const Ticks since = session_.header().dropped_since.exchange(0, std::memory_order_relaxed);
      if (since != 0) drop_since_ns_ = session_.header().clock.to_ns(since);
      add_own(kDroppedSite, now,
              {Value::of_int(static_cast<std::int64_t>(dropped - reported_)),
               Value::of_int(drop_since_ns_)});
      reported_ = dropped;
    }
    if (jump_ns_ != 0) add_own(kClockSite, now, {Value::of_int(jump_ns_)});
    if (has_untold()) add_told(now);
    fill(most_records);
    // Another process gave the file's events new columns meanwhile: once more, after its order.
    if (const std::string memory = sink_->memory(); !memory.empty() && !output_.remember(memory)) {
      sink_->remember(output_.remembered());
      merge_.rewind();
      continue;
    }
    if (std::string said = drop_damaged(); !said.empty()) {
      outcome.message = std::move(said);
      if (batch_.empty()) continue;  // for the row that tells of it, which frees the bytes too
    }
    const bool has_own = !batch_.empty() && records_ == 0;
    sink_->finish(batch_);
    if (batch_.empty()) {
      // Nothing but announcements of threads, if anything: they are freed with the next batch.
      return outcome;
    }
    const Output::Result result = commit();
    if (!result.message.empty()) outcome.message = result.message;
    if (result.error == 0) {
      take_over();
      outcome.records += calls_;
      jump_ns_ = 0;
      forget_told();
      if (has_own) return outcome;
      continue;
    }
    start_over();
    if (records_ < 2 || result.written == 0) {
      outcome.error = result.error;
      return outcome;
    }
    // The disk takes a part: whole records of it, a little fewer than would fit.
    const double share = static_cast<double>(result.written) / static_cast<double>(batch_.size());
    most_records = static_cast<std::uint64_t>(static_cast<double>(records_) * share * 0.9);
    most_records = std::max<std::uint64_t>(most_records, 1);
  }
}

}  // namespace attolog
