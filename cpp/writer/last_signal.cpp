#include "writer/last_signal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <exception>
#include <new>

#include "console/signals.hpp"
#include "core/report.hpp"
#include "writer/channel.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::last_signal {

namespace {

constexpr std::chrono::seconds kLastSecond{1};
constexpr timespec kPause{0, 10'000'000};
// In pauses.
constexpr int kRounds = 150;   // the second, and the writer's own round
constexpr int kPatience = 15;  // until a thread that is in the way goes on
constexpr int kCrashPatience = 100;

constexpr std::array<int, 5> kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
// Not SIGPIPE: a program that it ends has no reader.
constexpr std::array<int, 13> kEnds = {SIGHUP,    SIGINT,  SIGQUIT, SIGTRAP, SIGUSR1,
                                       SIGUSR2,   SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ,
                                       SIGVTALRM, SIGPROF, SIGSYS};
constexpr int kMost = 64;  // signals have the numbers from 1 on

// acquire and release: who sees a stage sees what was done before it.
enum class Stage : int { none, wanted, composed, let_go, done };
std::atomic<Stage> stage{Stage::none};
std::atomic<int> number{0};
// The rings of the thread that has stopped; before `wanted`.
std::array<ThreadRings::Slot, ThreadRings::kSlots> stopped{};
// Relaxed: each bit stands for itself.
std::atomic<std::uint64_t> handled{0};
std::atomic<bool> is_on{false};
// The process of the writer's thread. A child that was just forked has no such thread, whatever
// stands in the memory of its parent. Relaxed: a number, asked by its own process.
std::atomic<pid_t> process{0};
// The actions behind the handler at a crash. Changed only while the handler is not installed, or by
// the thread that crashes.
std::array<struct sigaction, kMost + 1> behind{};

constinit thread_local bool t_is_ours = false;
// How many mutexes this thread has that the writer needs. Volatile: its handler looks at it.
constinit thread_local volatile int t_needed = 0;

bool is_crash(int signal) {
  return std::ranges::find(kCrashes, signal) != kCrashes.end();
}

struct sigaction default_action() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  return action;
}

// In the handler: only what is safe there. False: the program goes on, and the writer ends it. It
// may need what the stopped thread holds, such as malloc's lock.
bool wait_for_writer(bool is_crash) {
  const int patience = is_crash ? kCrashPatience : kPatience;
  for (int i = 0; i < kRounds; ++i) {
    Stage now = stage.load(std::memory_order_acquire);
    if (now == Stage::done || now == Stage::none) return true;
    if (now == Stage::wanted && i >= patience) {
      if (is_crash) return true;
      if (stage.compare_exchange_strong(now, Stage::let_go, std::memory_order_acq_rel))
        return false;
    }
    ::nanosleep(&kPause, nullptr);
  }
  return true;
}

void call(const struct sigaction& action, int signal, siginfo_t* info, void* context) {
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signal, info, context);
  } else if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) {
    action.sa_handler(signal);
  }
}

// A fault happens again as soon as its handler returns; any other signal is sent again. What comes
// behind is called with the default in place: Python's faulthandler may be off by then, and would
// return from fault after fault.
void hand_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction next = behind[static_cast<std::size_t>(signal)];
  const struct sigaction last = default_action();
  behind[static_cast<std::size_t>(signal)] = last;
  const bool is_fault = is_crash(signal) && signal != SIGABRT && info->si_code > 0;
  ::sigaction(signal, is_fault ? &last : &next, nullptr);
  if (is_fault) {
    call(next, signal, info, context);
  } else {
    ::raise(signal);
  }
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const bool is_a_crash = is_crash(signal);
  bool is_first = false;
  if (!t_is_ours && process.load(std::memory_order_relaxed) == ::getpid() &&
      WriterThread::is_there() && WriterThread::get().is_running()) {
    auto before = Stage::none;
    static_assert(std::atomic<Stage>::is_always_lock_free);
    if (stage.load(std::memory_order_relaxed) == Stage::none) {
      std::ranges::copy(t_rings.slots, stopped.begin());
      number.store(signal, std::memory_order_relaxed);
      const Stage first = t_needed == 0 ? Stage::wanted : Stage::let_go;
      is_first = stage.compare_exchange_strong(before, first, std::memory_order_acq_rel);
    }
    const bool goes_on = t_needed != 0 ? is_first && !is_a_crash
                                       : (is_first || is_a_crash) && !wait_for_writer(is_a_crash);
    if (goes_on) {
      errno = error;
      return;
    }
  }
  hand_on(signal, info, context);
  errno = error;
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_signal;
}

// `is_chained`: what is there already comes behind.
void install(int signal, bool is_chained) {
  const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
  struct sigaction now{};
  if (::sigaction(signal, nullptr, &now) != 0) return;
  const bool is_free = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
  const bool is_ignored = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN;
  if (is_ours(now)) {
    handled.fetch_or(bit, std::memory_order_relaxed);
    if (!is_chained) behind[static_cast<std::size_t>(signal)] = default_action();
    return;
  }
  if (!is_free && (!is_chained || is_ignored)) {
    handled.fetch_and(~bit, std::memory_order_relaxed);
    return;
  }
  behind[static_cast<std::size_t>(signal)] = now;
  struct sigaction mine{};
  mine.sa_sigaction = on_signal;
  mine.sa_flags = SA_SIGINFO | SA_ONSTACK | (is_crash(signal) ? 0 : SA_RESTART);
  if (::sigaction(signal, &mine, nullptr) == 0) handled.fetch_or(bit, std::memory_order_relaxed);
}

bool is_one(int signal) {
#if defined(SIGRTMIN)
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) return signal <= kMost;
#endif
#if defined(__linux__)
  if (signal == SIGSTKFLT || signal == SIGPOLL || signal == SIGPWR) return true;
#endif
  return std::ranges::find(kEnds, signal) != kEnds.end();
}

}  // namespace

void wait_for_screen() {
  is_on.store(true, std::memory_order_relaxed);
  for (int signal = 1; signal <= kMost; ++signal) {
    if (is_one(signal)) install(signal, false);
  }
}

void renew(int signal) {
  if (!is_on.load(std::memory_order_relaxed)) return;
  if (is_one(signal) || is_crash(signal)) install(signal, false);
}

void renew_crashes(bool has_handler) {
  for (const int signal : kCrashes) install(signal, has_handler);
}

sigset_t waiting() {
  sigset_t set;
  sigemptyset(&set);
  std::uint64_t bits = handled.load(std::memory_order_relaxed);
  for (int signal = 1; bits != 0; ++signal, bits >>= 1) {
    if ((bits & 1) != 0) sigaddset(&set, signal);
  }
  return set;
}

bool is_wanted() {
  const Stage now = stage.load(std::memory_order_acquire);
  return now == Stage::wanted || now == Stage::let_go;
}

void write_all(const std::vector<std::shared_ptr<Channel>>& channels) {
  const auto until = std::chrono::steady_clock::now() + kLastSecond;
  std::vector<std::uint64_t> positions;
  for (const auto& channel : channels) positions.push_back(channel->mirror_position());
  auto before = Stage::wanted;
  const bool has_stopped =
      stage.compare_exchange_strong(before, Stage::composed, std::memory_order_acq_rel);
  for (const auto& channel : channels) {
    channel->write_before_end(until,
                              has_stopped ? std::span(stopped) : std::span(stopped).first(0));
  }
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (!channels[i]->wait_for_console(positions[i], until))
      report("the screen has not taken all texts; " + channels[i]->path() + " has them");
  }
  stage.store(Stage::done, std::memory_order_release);
  const int signal = number.load(std::memory_order_relaxed);
  if (is_crash(signal)) return;
  // The handler does it, or has given up.
  ::signal(signal, SIG_DFL);
  ::kill(::getpid(), signal);
}

void Mutex::count(int change) {
  t_needed = t_needed + change;
}

void expect_writer() {
  process.store(::getpid(), std::memory_order_relaxed);
}

void leave_this_thread() {
  t_is_ours = true;
}

void forget_in_child() {
  stage.store(Stage::none, std::memory_order_relaxed);
}

void Stack::prepare() {
  stack_t now{};
  if (!is_on.load(std::memory_order_relaxed) || memory_ != nullptr ||
      ::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) {
    return;
  }
  constexpr std::size_t kSize = std::size_t{32} << 10;
  memory_.reset(new (std::nothrow) char[kSize]);
  if (memory_ == nullptr) return;
  now = {};
  now.ss_sp = memory_.get();
  now.ss_size = kSize;
  if (::sigaltstack(&now, nullptr) != 0) memory_.reset();
}

Stack::~Stack() {
  stack_t now{};
  if (memory_ == nullptr || ::sigaltstack(nullptr, &now) != 0 || now.ss_sp != memory_.get()) return;
  now.ss_flags = SS_DISABLE;
  ::sigaltstack(&now, nullptr);
}

}  // namespace attolog::last_signal
