#include "writer/writer_thread.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <system_error>
#include <thread>

#include "core/folder.hpp"
#include "core/report.hpp"
#include "writer/last_signal.hpp"
#include "writer/thread_rings.hpp"

namespace attolog {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// An idle round costs some microseconds.
constexpr milliseconds kRound{50};
// The round while there is text for the screen, which shall seem to show it at once. Without text,
// waking up so often would cost more than an idle writer may.
constexpr milliseconds kEchoRound{10};
constexpr milliseconds kLively{500};
// Work that can wait takes no more of a round.
constexpr milliseconds kShort{5};
// A child that ends without a word leaves its page to its parent.
constexpr milliseconds kLately{1'000};
constexpr milliseconds kTidyInterval{200};
// How long a fork waits for a thread that is busy.
constexpr milliseconds kRest{250};
// How long the end of the process waits for who reads what it shows.
constexpr milliseconds kLastWords{1'000};

// Never destroyed: threads and exit handlers may need it to the very end. The child of a fork
// leaves its parent's behind, whose mutex may be held by a thread that the child does not have.
std::atomic<WriterThread*> current{nullptr};

}  // namespace

// Registered once; prepare and parent only hold mutexes still, which are never held for long. The
// first is that of control, under which the others may be asked for.
struct ForkHandlers {
  static WriterThread& writer() { return *current.load(std::memory_order_acquire); }

  static void prepare() {
    writer().control_mutex_.lock();
    writer().mutex_.lock();
    site_registry().mutex().lock();
    writer().leftovers_.mutex().lock();
  }
  static void parent() {
    // relaxed: when it was is all there is to know
    writer().last_fork_.store(steady_clock::now(), std::memory_order_relaxed);
    writer().leftovers_.mutex().unlock();
    site_registry().mutex().unlock();
    writer().mutex_.unlock();
    writer().control_mutex_.unlock();
  }
  static void child() {
    WriterThread& old = writer();
    // The parent's channels still know it: they find no thread, and wake none.
    old.running_.store(false, std::memory_order_release);
    old.is_wanted_.store(true, std::memory_order_release);
    old.leftovers_.mutex().unlock();
    site_registry().forget_mirrors();
    site_registry().mutex().unlock();
    old.mutex_.unlock();
    old.control_mutex_.unlock();
    ForkPause::forget_in_child();
    thread_rings::forget_in_child();
    last_signal::forget_in_child();
    ScopedFileUse::forget_in_child();
    if (old.page_ != nullptr) old.page_->close_in_child();
    old.page_.reset();
    for (const auto& channel : old.channels_) channel->forget_in_child();
    try {
      std::unique_ptr<WriterThread> fresh(new WriterThread());
      fresh->leftovers_.inherit(old.leftovers_);
      fresh->has_tidied_ = old.has_tidied_;
      fresh->control_ = std::move(old.control_);
      current.store(fresh.release(), std::memory_order_release);
    } catch (const std::bad_alloc&) {
      // The old one goes on, without the thread and the channels of the parent.
      old.channels_.clear();
      old.is_page_published_ = false;
      old.is_wanted_.store(false, std::memory_order_relaxed);
    }
  }
};

WriterThread& WriterThread::get() {
  static const bool once = [] {
    current.store(std::unique_ptr<WriterThread>(new WriterThread()).release(),
                  std::memory_order_release);
    ::pthread_atfork(ForkHandlers::prepare, ForkHandlers::parent, ForkHandlers::child);
    std::atexit([] { WriterThread::get().shut_down(); });
    return true;
  }();
  (void)once;
  return *current.load(std::memory_order_acquire);
}

bool WriterThread::is_there() {
  return current.load(std::memory_order_acquire) != nullptr;
}

std::shared_ptr<Channel> WriterThread::open(const ChannelOptions& options) {
  return add(Channel::open(options, *this));
}

std::shared_ptr<Channel> WriterThread::reopen(Channel& channel) {
  return add(channel.reopen(*this));
}

std::shared_ptr<Channel> WriterThread::add(std::shared_ptr<Channel> channel) {
  try {
    if (const std::string folder = channel->ring_folder(); !folder.empty())
      leftovers_.add(place_of(folder), folder);
    publish_page();
    const std::lock_guard lock(mutex_);
    channels_.push_back(channel);
    start();
  } catch (...) {
    channel->remove_session();
    throw;
  }
  return channel;
}

void WriterThread::pause_for_fork() {
  ForkPause::begin();
  const SteadyTime now = steady_clock::now();
  std::unique_lock lock(mutex_);
  const SteadyTime until = has_not_stopped_ ? now : now + kRest;
  if (running_.load(std::memory_order_relaxed)) {
    changed_.notify_one();
    const auto has_ended = [this] { return !running_.load(std::memory_order_relaxed); };
    has_not_stopped_ = !stopped_.wait_until(lock, until, has_ended);
    if (has_not_stopped_) return;
    const ::pid_t thread = thread_;
    lock.unlock();
    wait_until_gone(thread, until);
    lock.lock();
  }
  const auto all = channels_;
  lock.unlock();
  for (const auto& channel : all) channel->pause_console(until);
}

void WriterThread::resume_after_fork() {
  ForkPause::end();
  std::unique_lock lock(mutex_);
  start();
  const auto all = channels_;
  lock.unlock();
  for (const auto& channel : all) channel->resume_console();
}

void WriterThread::set_control(Control control) {
  const std::lock_guard lock(control_mutex_);
  control_ = std::move(control);
}

// From the first channel on the process can be asked.
void WriterThread::publish_page() {
  const std::lock_guard lock(control_mutex_);
  if (is_page_published_ || !control_) return;
  is_page_published_ = true;
  try {
    if (!std::exchange(has_tidied_, true)) list_processes(default_ring_root());
    page_ = ControlPage::create(default_ring_root());
  } catch (const std::exception& error) {
    report_once("control", "",
                std::string(error.what()) + "; attolog ctl does not find this process");
  }
}

bool WriterThread::has_forked_lately() const {
  return steady_clock::now() - last_fork_.load(std::memory_order_relaxed) < kLately;
}

// To list them removes what killed ones have left.
void WriterThread::remove_dead_pages() {
  const auto now = steady_clock::now();
  if (!has_forked_lately() || now - last_tidied_ < kTidyInterval) return;
  last_tidied_ = now;
  const ScopedNoReserve section;
  list_processes(default_ring_root());
}

void WriterThread::withdraw_page() {
  const std::lock_guard lock(control_mutex_);
  page_.reset();
  is_page_published_ = false;
}

void WriterThread::answer_control() {
  const std::lock_guard lock(control_mutex_);
  if (page_ == nullptr) return;
  try {
    const auto request = page_->request();
    if (!request) return;
    std::string answer;
    try {
      answer = control_(*request);
    } catch (const std::exception& error) {  // no memory
      answer = std::string("error ") + error.what();
    }
    page_->answer(answer);
  } catch (const std::exception& error) {
    report(std::string("attolog ctl gets no answer: ") + error.what());
  }
}

// Under the mutex.
void WriterThread::start() {
  if (running_.load(std::memory_order_relaxed) || stopping_ || ForkPause::is_wanted()) return;
  if (channels_.empty()) return;
  last_signal::expect_writer();
  // Signals belong to the program's threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([this] { run(); }).detach();
    running_.store(true, std::memory_order_release);
  } catch (const std::exception&) {
    // No thread to be had, or no memory: callers drain for themselves.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void WriterThread::wake() {
  if (is_wanted_.exchange(true, std::memory_order_acq_rel)) return;
  const std::lock_guard lock(mutex_);
  changed_.notify_one();
}

std::vector<std::shared_ptr<Channel>> WriterThread::channels() {
  const std::lock_guard lock(mutex_);
  return channels_;
}

bool WriterThread::has_unmirrored() {
  // One after the other: a channel's mutexes are taken before the writer's own.
  auto channel = channel_after(0);
  while (channel != nullptr && !channel->has_unmirrored()) channel = channel_after(channel->id);
  return channel != nullptr;
}

std::shared_ptr<Channel> WriterThread::channel_after(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<Channel>* next = nullptr;
  for (const auto& channel : channels_) {
    if (channel->id > id && (next == nullptr || channel->id < (*next)->id)) next = &channel;
  }
  return next == nullptr ? nullptr : *next;
}

namespace {

// Whether it has shown anything.
bool service(Channel& channel, bool has_forked_lately) {
  const bool has_shown = channel.mirror_to_console();
  try {
    if (channel.is_due(steady_clock::now())) channel.drain();
    channel.sync_if_due();
    channel.run_maintenance(has_forked_lately);
    if (channel.is_closed()) channel.release();
  } catch (const std::exception& error) {
    // No memory, or no file descriptor, for something that can wait. The thread goes on.
    report(channel.path());
    report(error.what());
  }
  return has_shown;
}

}  // namespace

void WriterThread::run() {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), "attolog");
#endif
  last_signal::leave_this_thread();
  const ::pid_t number = thread_number();
  SteadyTime lively_until{};
  for (;;) {
    milliseconds round = service_all(lively_until);
    std::unique_lock lock(mutex_);
    std::erase_if(channels_, [](const auto& channel) {
      return channel->is_released() && channel->is_idle() && channel.use_count() == 1 &&
             channel->drain_console(steady_clock::now());
    });
    if (steady_clock::now() < lively_until) round = std::min(round, kEchoRound);
    changed_.wait_for(lock, round, [this] {
      return is_wanted_.load(std::memory_order_acquire) || ForkPause::is_wanted();
    });
    is_wanted_.store(false, std::memory_order_release);
    has_not_stopped_ = false;
    if (!ForkPause::is_wanted()) continue;
    thread_ = number;
    running_.store(false, std::memory_order_release);
    stopped_.notify_all();
    return;
  }
}

// A look at all that there is to do. How long the next one may wait.
milliseconds WriterThread::service_all(SteadyTime& lively_until) {
  milliseconds next{kRound};
  try {
    const ScopedFileUse section;
    if (ScopedNumberTransfer::is_stream_reopening()) return milliseconds{1};
    for (const auto& channel : channels()) {
      if (service(*channel, has_forked_lately())) lively_until = steady_clock::now() + kLively;
      next = std::min(next, channel->longest_round());
    }
    answer_control();
    end_if_wanted();
    leftovers_.recover(kShort);
    remove_dead_pages();
  } catch (const std::exception&) {
    // No memory. The thread goes on.
  }
  return next;
}

void WriterThread::end_if_wanted() {
  if (last_signal::is_wanted()) last_signal::write_all(channels());
}

namespace {

void close_at_exit(Channel& channel) {
  if (channel.is_released() || channel.is_forked()) return;
  const auto patience = std::chrono::duration_cast<steady_clock::duration>(
      std::chrono::duration<double>(channel.options().exit_timeout));
  // Memory, or a descriptor, may be short for a moment: the writer's thread has the last ones.
  constexpr int kTries = 10;
  constexpr milliseconds kBetween{5};
  for (int tries = 1; tries <= kTries; ++tries) {
    try {
      if (!channel.close(steady_clock::now() + patience)) channel.abandon();
      return;
    } catch (const std::exception& error) {
      if (tries == kTries) return report(error.what());
      std::this_thread::sleep_for(kBetween);
    }
  }
}

}  // namespace

void WriterThread::shut_down() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  std::uint64_t last = 0;
  while (const auto channel = channel_after(last)) {
    close_at_exit(*channel);
    last = channel->id;
  }
  {
    const std::lock_guard lock(mutex_);  // the end comes in two steps, Python's and C's
    if (!exit_deadline_) exit_deadline_ = steady_clock::now() + kLastWords;
  }
  last = 0;
  while (const auto channel = channel_after(last)) {
    channel->drain_console(exit_deadline_);
    last = channel->id;
  }
  leftovers_.recover(kLastWords);
  const std::lock_guard lock(control_mutex_);
  control_ = nullptr;
  page_.reset();
}

}  // namespace attolog
