#include "writer/channel.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <system_error>

#include "core/codec.hpp"
#include "core/folder.hpp"
#include "writer/recovery.hpp"
#include "writer/run_id.hpp"
#include "writer/sampler.hpp"
#include "writer/say.hpp"
#include "writer/writer.hpp"

namespace attolog {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kRingBudget = std::size_t{256}
                                    << 20;  // all rings of a process, then small ones
constexpr std::size_t kSmallRing = std::size_t{256} << 10;
constexpr milliseconds kJournalDelay{500};   // a journal's blocks pack better the larger they are
constexpr milliseconds kRetryInterval{500};  // of an output that fails
constexpr milliseconds kSayInterval{10'000};
constexpr milliseconds kReportInterval{1'000};
constexpr milliseconds kTendInterval{1'000};
constexpr milliseconds kSweepPatience{1'000};  // an idle sweep takes microseconds

std::atomic<std::uint64_t> next_channel{1};
std::atomic<std::size_t> ring_bytes_in_use{0};

std::string part_path(const std::string& path, std::uint64_t number) {
  const std::size_t dot = path.rfind('.');
  return path.substr(0, dot) + "." + std::to_string(::getpid()) + "-" + std::to_string(number) +
         path.substr(dot);
}

}  // namespace

Channel::Channel(const ChannelOptions& options, std::uint64_t number)
    : id(number), options_(options) {}

std::shared_ptr<Channel> Channel::open(const ChannelOptions& options) {
  std::shared_ptr<Channel> channel(new Channel(options, next_channel.fetch_add(1)));
  try {
    channel->open_session();
  } catch (...) {
    channel->remove_session();
    throw;
  }
  Writer::get().add(channel);
  return channel;
}

std::shared_ptr<Channel> Channel::reopen() const {
  ChannelOptions options = options_;
  options.path = main_path_;
  options.append = true;
  return open(options);
}

void Channel::open_session() {
  const std::filesystem::path given(options_.path);
  if (given.has_parent_path()) std::filesystem::create_directories(given.parent_path());
  main_path_ = real_log_path(options_.path);
  target_ = {main_path_,
             static_cast<std::uint8_t>(options_.format),
             static_cast<std::uint8_t>(options_.sink.digits),
             static_cast<std::uint16_t>(options_.sink.columns),
             options_.sink.pattern,
             run_id(),
             static_cast<std::uint32_t>(::getpid())};
  struct stat info{};
  const bool is_device = ::stat(main_path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  if (!is_device) {
    try {
      if (!options_.ring_dir.empty()) std::filesystem::create_directories(options_.ring_dir);
      folder_ = log_folder(ring_root(), main_path_, true);
    } catch (const std::exception& error) {
      say(std::string(error.what()) + "; rings are kept in memory and lost with the process");
    }
  }
  std::uint64_t living = 0;
  if (!folder_.empty()) {
    const Recovery recovered = recover(folder_, main_path_);
    for (const std::string& message : recovered.messages) say(message);
    living = recovered.living;
    // A journal belongs to one process: the next one gets a part of its own.
    if (options_.format == Format::journal && living > 0) target_.path = part_path(main_path_, id);
  }
  create_session();
  output_ = std::make_unique<Output>(target_.path, folder_);
  if (!options_.append && target_.path == main_path_ && output_->is_regular()) {
    // Asked again now that others can see us, and while nobody can write.
    const auto is_ours = [&] { return !has_other_living(folder_, session_->name()); };
    if (!output_->truncate(is_ours)) {
      say(main_path_ + ": another logger writes it, so it is appended to and not replaced");
    } else if (options_.format == Format::journal) {
      for (const std::string& part : journal_parts(main_path_)) {
        if (part != main_path_) ::unlink(part.c_str());
      }
    }
  }
  if (options_.format == Format::csv || options_.format == Format::jsonl) output_->end_line();
  if (living == 0 && output_->is_regular() && output_->is_empty()) output_->forget();
  clock_.start(session_->header().clock);
  if (!Writer::get().sites().attach(*session_)) {
    throw std::runtime_error(folder_ + ": no room for the names of what is logged");
  }
  drain_ = std::make_unique<Drain>(*session_, *output_, make_sink(target_), progress_);
  // The first ring takes a millisecond or two to make: not in the first call.
  if (Producer* spare = make_ring()) free_.push_back(spare);
}

void Channel::create_session() {
  for (int attempt = 0; !folder_.empty(); ++attempt) {
    try {
      session_ = Session::create(folder_, target_);
      return;
    } catch (const std::system_error& error) {
      // Its last user may have removed the folder just now.
      if (error.code().value() == ENOENT && attempt < 3) {
        folder_ = log_folder(ring_root(), main_path_, true);
        continue;
      }
      say(std::string(error.what()) + "; rings are kept in memory and lost with the process");
      break;
    }
  }
  session_ = Session::create("", target_);
}

void Channel::remove_session() {
  if (session_) session_->remove();
  if (!folder_.empty()) tidy(folder_);
}

std::string Channel::ring_root() const {
  return options_.ring_dir.empty() ? default_ring_root() : options_.ring_dir;
}

Channel::~Channel() {
  if (session_ && !is_forked()) Writer::get().sites().detach(*session_);
  for (const Slot& slot : slots_) ring_bytes_in_use -= slot.ring.capacity();
}

// ---- rings ------------------------------------------------------------------------------------

Producer* Channel::attach(std::uint64_t thread_id, std::string_view thread_name) {
  if (is_forked() || is_closed()) return nullptr;
  Producer* producer = Writer::get().find_thread(id);
  if (producer != nullptr) return producer;
  {
    const std::lock_guard lock(rings_mutex_);
    producer = take_free();
    if (producer == nullptr) producer = make_ring();
    if (producer == nullptr) return nullptr;
  }
  announce(*producer, thread_id, thread_name);
  Writer::get().bind_thread(id, producer);
  return producer;
}

Producer* Channel::take_free() {
  for (std::size_t i = 0; i < free_.size(); ++i) {
    Producer* producer = free_[i];
    // Room for the announcement and a record at least; a ring that is full waits its turn.
    if (!has_room(*producer, kPage)) continue;
    free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
    return producer;
  }
  return nullptr;
}

Producer* Channel::make_ring() {
  const bool is_tight = ring_bytes_in_use.load() + options_.ring_bytes > kRingBudget;
  const std::size_t capacity =
      is_tight ? std::min(kSmallRing, options_.ring_bytes) : options_.ring_bytes;
  const auto index = static_cast<std::uint32_t>(slots_.size());
  std::optional<Ring> ring = allocate_ring(session_->ring_path(index), capacity);
  if (!ring) return nullptr;
  ring_bytes_in_use += ring->capacity();
  Slot& slot = slots_.emplace_back(Slot{std::move(*ring), {}});
  Producer& producer = slot.producer;
  producer.data = slot.ring.data();
  producer.mask = slot.ring.capacity() - 1;
  producer.header = &slot.ring.header();
  producer.channel = this;
  producer.index = index;
  producer.limit = slot.ring.capacity() / 2;
  return &producer;
}

// A small ring that outlives the process is better than a large one that does not.
std::optional<Ring> Channel::allocate_ring(const std::string& path, std::size_t capacity) {
  std::string reason;
  for (const std::string& place : {path, std::string()}) {
    for (std::size_t size = capacity;; size = std::max(size / 4, kMinRing)) {
      try {
        std::optional<Ring> ring = Ring::create(place, size);
        if (place.empty() && !path.empty()) {
          say_once(Said::in_memory,
                   reason + "; rings are kept in memory and lost with the process");
        }
        return ring;
      } catch (const std::system_error& error) {
        reason = error.what();
      }
      if (size <= kMinRing) break;
    }
  }
  say_once(Said::no_ring, reason + "; threads without a ring have their records dropped");
  return std::nullopt;
}

void Channel::say_once(Said what, const std::string& text) {
  const auto bit = static_cast<unsigned>(what);
  if ((said_.fetch_or(bit, std::memory_order_relaxed) & bit) == 0) say(text);
}

bool Channel::announce(Producer& producer, std::uint64_t thread_id, std::string_view name) {
  Buffer values;
  encode_int(values, static_cast<std::int64_t>(thread_id));
  encode_str(values, name.substr(0, RingThread::kName - 1));
  Buffer record;
  encode_record(record, kThreadSite, now_ticks(), values.view());
  if (!has_room(producer, record.size())) return false;
  std::memcpy(producer.place(), record.data(), record.size());
  producer.commit(record.size());
  return true;
}

void Channel::detach(Producer& producer) {
  const std::lock_guard lock(rings_mutex_);
  free_.push_back(&producer);
}

bool Channel::has_room(Producer& producer, std::uint64_t n) {
  const std::uint64_t capacity = producer.mask + 1;
  // acquire: pairs with Ring::release; the drain's reads of the freed bytes are over.
  const std::uint64_t tail = producer.header->tail.load(std::memory_order_acquire);
  const std::uint64_t used = producer.head - tail;
  if (used >= capacity / 2) {
    urgent_.store(true, std::memory_order_relaxed);
    Writer::get().wake();
  }
  // The next look is due when the ring is half full, or, past that, after an eighth more.
  const std::uint64_t next_look =
      used < capacity / 2 ? tail + capacity / 2 : producer.head + capacity / 8;
  producer.limit = std::min(tail + capacity, std::max(next_look, producer.head + n));
  return producer.head + n <= tail + capacity;
}

void Channel::wait_for_room(milliseconds slice) {
  if (!Writer::get().is_running()) {
    drain();
    return;
  }
  std::unique_lock lock(progress_.mutex);
  const std::uint64_t seen = progress_.steps;
  urgent_.store(true, std::memory_order_relaxed);
  Writer::get().wake();
  progress_.moved.wait_for(lock, slice, [&] { return progress_.steps != seen; });
}

std::optional<std::uint64_t> Channel::spill(std::string_view values) {
  try {
    return session_->spill(values);
  } catch (const std::system_error& error) {
    say(std::string(error.what()) + "; a record of that size is dropped");
    return std::nullopt;
  }
}

// ---- draining ---------------------------------------------------------------------------------

bool Channel::is_due(SteadyTime now) const {
  if (is_failing()) return now - last_sweep_ >= kRetryInterval;
  return options_.format != Format::journal || urgent_.load(std::memory_order_relaxed) ||
         now - last_sweep_ >= kJournalDelay;
}

bool Channel::drain() {
  const std::unique_lock lock(drain_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || is_forked() || is_finished()) return false;
  urgent_.store(false, std::memory_order_relaxed);
  // The clock is read before the heads: whatever is stamped later may have an earlier neighbour
  // that is not committed yet, and stays for the next sweep. After close there is none.
  const Ticks until = is_closed() ? std::numeric_limits<Ticks>::max() : now_ticks();
  const auto now = steady_clock::now();
  {
    const std::lock_guard rings(rings_mutex_);
    for (; drained_rings_ < slots_.size(); ++drained_rings_)
      drain_->add(slots_[drained_rings_].ring);
  }
  const bool report_drops = is_closed() || now - last_report_ >= kReportInterval;
  if (report_drops) last_report_ = now;
  sweep(until, report_drops);
  last_sweep_ = steady_clock::now();
  const std::lock_guard state(progress_.mutex);
  ++progress_.steps;
  progress_.moved.notify_all();
  return true;
}

bool Channel::sweep(Ticks until, bool report_drops) {
  Drain::Outcome outcome;
  try {
    outcome = drain_->run(until, report_drops);
  } catch (const std::system_error& error) {
    outcome.error = error.code().value();
    outcome.message = error.what();
  } catch (const std::exception&) {
    outcome.error = ENOMEM;
  }
  report(outcome);
  return outcome.error == 0;
}

void Channel::report(const Drain::Outcome& outcome) {
  const bool was_failing = failing_.exchange(outcome.error != 0, std::memory_order_relaxed);
  const auto now = steady_clock::now();
  if (outcome.error != 0 && (!was_failing || now - last_said_ >= kSayInterval)) {
    last_said_ = now;
    say((outcome.message.empty() ? target_.path + ": " + describe_errno(outcome.error)
                                 : outcome.message) +
        "; records wait in memory, and are dropped and counted once that is full");
  } else if (outcome.error == 0 && !outcome.message.empty()) {
    say(outcome.message);
  }
}

void Channel::watch(Watch watch) {
  const std::lock_guard lock(watch_mutex_);
  const bool is_known = std::ranges::any_of(
      watches_, [&](const Watch& known) { return known.sampler == watch.sampler; });
  if (!is_known) watches_.push_back(std::move(watch));
}

void Channel::tell_remainders() {
  look_at_samplers(true);
}

void Channel::look_at_samplers(bool all) {
  const std::lock_guard lock(watch_mutex_);
  for (const Watch& watch : watches_) {
    const std::uint64_t n =
        all ? watch.sampler->take_remainder() : watch.sampler->take_remainder_if_over(now_ticks());
    if (n == 0) continue;
    Buffer values;
    encode_str(values, watch.name);
    encode_int(values, static_cast<std::int64_t>(n));
    for (const auto& each : watch.channels) {
      if (const auto channel = each.lock()) channel->tell(kSkippedSite, values.view());
    }
  }
}

void Channel::tell(std::uint32_t site, std::string_view values) {
  drain_->tell(site, values);
}

void Channel::tend() {
  look_at_samplers(false);
  const auto now = steady_clock::now();
  if (now - last_tended_ < kTendInterval) return;
  last_tended_ = now;
  {
    const std::unique_lock lock(drain_mutex_, std::try_to_lock);
    if (!lock.owns_lock() || is_forked() || is_finished()) return;
    if (session_->is_removed()) {  // not by us: that happens under the same lock
      say_once(Said::removed,
               folder_ + " was taken away; what is not in the file yet is lost with the process");
    }
    if (const std::int64_t jump = clock_.follow(session_->header().clock)) drain_->note_jump(jump);
    if (options_.fsync_interval > 0 &&
        now - last_sync_ >= std::chrono::duration<double>(options_.fsync_interval)) {
      last_sync_ = now;
      output_->sync();
    }
  }
  if (folder_.empty() || is_failing()) return;
  // Of what cannot be recovered each round says the same.
  std::vector<std::string> messages = recover(folder_, main_path_).messages;
  for (const std::string& message : messages) {
    if (std::ranges::find(last_messages_, message) == last_messages_.end()) say(message);
  }
  last_messages_ = std::move(messages);
}

// ---- waiting ----------------------------------------------------------------------------------

std::vector<std::uint64_t> Channel::heads() const {
  const std::lock_guard lock(rings_mutex_);
  std::vector<std::uint64_t> heads;
  for (const Slot& slot : slots_) {
    heads.push_back(slot.ring.header().head.load(std::memory_order_acquire));
  }
  return heads;
}

bool Channel::is_drained_to(const std::vector<std::uint64_t>& heads) const {
  const std::lock_guard lock(rings_mutex_);
  for (std::size_t i = 0; i < heads.size(); ++i) {
    std::uint64_t position = slots_[i].ring.header().tail.load(std::memory_order_acquire);
    // A last announcement of a thread that logged nothing is not waited for.
    while (position < heads[i]) {
      RingRecord record;
      const std::uint64_t offset = position & slots_[i].producer.mask;
      if (!parse_record({slots_[i].ring.data() + offset, heads[i] - position}, record)) break;
      if (record.site() != kThreadSite) return false;
      position += record.head.size;
    }
  }
  return true;
}

bool Channel::flush(Deadline deadline) {
  if (is_forked()) return true;  // nothing of ours is in it
  const std::vector<std::uint64_t> wanted = heads();
  bool has_swept = false;
  for (;;) {
    std::unique_lock lock(progress_.mutex);
    if (is_drained_to(wanted) && !(is_closed() && has_untold_drops())) return true;
    const auto now = steady_clock::now();
    if (is_finished() || is_forked() || (has_swept && is_failing()) ||
        (deadline && now >= *deadline)) {
      return false;
    }
    const std::uint64_t seen = progress_.steps;
    if (Writer::get().is_running()) {
      urgent_.store(true, std::memory_order_relaxed);
      Writer::get().wake();
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

bool Channel::has_untold_drops() const {
  return session_->header().dropped.load(std::memory_order_relaxed) > session_->reported() ||
         drain_->has_untold();
}

bool Channel::close(Deadline deadline) {
  closed_.store(true, std::memory_order_relaxed);
  if (is_forked() || is_finished()) return true;
  tell_remainders();
  const bool got_through = flush(deadline) && finish(kSweepPatience);
  if (!got_through && is_failing() && session_->name().empty())
    give_up();  // nothing to recover from
  return got_through;
}

bool Channel::finish(milliseconds patience) {
  const std::unique_lock lock(drain_mutex_, patience);
  if (is_finished()) return true;
  if (!lock.owns_lock() || counts().waiting != 0) return false;
  if (has_untold_drops()) return false;
  if (!folder_.empty()) {  // what children left that have died meanwhile
    for (const std::string& message : recover(folder_, main_path_).messages) say(message);
  }
  if (options_.fsync_interval > 0) output_->sync();
  remove_session();
  finished_.store(true, std::memory_order_release);
  return true;
}

void Channel::give_up() {
  if (is_forked() || is_finished()) return;
  const std::uint64_t left = counts().waiting;
  if (left == 0) {
    if (!finish(kSweepPatience)) finished_.store(true, std::memory_order_release);
    return;
  }
  const std::string what = target_.path + ": " + std::to_string(left) + " records ";
  if (session_->name().empty()) {
    const std::lock_guard lock(progress_.mutex);
    session_->drop(left);
    abandoned_ = left;
    say(what + "could not be written");
  } else {
    say(what + "are not in the file yet; the next logger of this file, or `attolog recover " +
        main_path_ + "`, writes them");
  }
  finished_.store(true, std::memory_order_release);
}

// ---- counting ---------------------------------------------------------------------------------

Counts Channel::counts() const {
  const std::scoped_lock lock(progress_.mutex, rings_mutex_);
  Counts counts;
  counts.written = progress_.written;
  counts.dropped = session_->header().dropped.load(std::memory_order_relaxed);
  for (const Slot& slot : slots_) {
    const RingHeader& header = slot.ring.header();
    std::uint64_t position = header.tail.load(std::memory_order_acquire);
    const std::uint64_t head = header.head.load(std::memory_order_acquire);
    while (position < head) {
      RingRecord record;
      if (!parse_record({slot.ring.data() + (position & slot.producer.mask), head - position},
                        record)) {
        break;
      }
      if (!is_own_site(record.site())) ++counts.waiting;
      position += record.head.size;
    }
  }
  counts.waiting -= std::min(counts.waiting, abandoned_);
  return counts;
}

std::vector<std::uint64_t> Channel::written_by_site() const {
  const std::lock_guard lock(progress_.mutex);
  return progress_.by_site;
}

void Channel::forget_in_child() {
  forked_.store(true, std::memory_order_relaxed);
  session_->close_lock();
  output_->close_locks();
}

}  // namespace attolog
