#include "console/console_writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "console/backlog.hpp"
#include "console/fork_pause.hpp"
#include "console/signals.hpp"

namespace attolog {

namespace {

// A turn writes as much: the thread is better at more.
constexpr std::uint64_t kTurn = std::uint64_t{64} << 10;
// A pipe or a terminal that takes anything takes as much.
constexpr std::size_t kLine = 1024;

// Writes what takes no waiting for a reader; -1 with EAGAIN where all of it would.
ssize_t write_at_once(int fd, std::string_view text) {
  struct stat info{};
  if (::fstat(fd, &info) != 0 || S_ISREG(info.st_mode))
    return ::write(fd, text.data(), text.size());
#if defined(RWF_NOWAIT)
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  // pwritev2, at the place where the file is; musl has a function for it from 1.2.5 on.
  const ssize_t n = ::syscall(SYS_pwritev2, fd, &piece, 1, -1L, 0L, RWF_NOWAIT);
  if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)) return n;
#endif
  pollfd ready{fd, POLLOUT, 0};
  if (::poll(&ready, 1, 0) == 1) return ::write(fd, text.data(), std::min(text.size(), kLine));
  errno = EAGAIN;
  return -1;
}

// A write to a broken pipe sends SIGPIPE to its thread, and the screen's thread takes no signals. A
// program that does not ignore it is to have it, as for a write of its own.
void hand_on_broken_pipe() {
  struct sigaction action{};
  sigset_t blocked;
  if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler != SIG_IGN &&
      ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0 && sigismember(&blocked, SIGPIPE) == 1)
    ::kill(::getpid(), SIGPIPE);
}

}  // namespace

struct ConsoleWriter::State {
  explicit State(const Streams& given) : streams(given) {}

  const Streams streams;
  std::array<std::atomic<int>, 2> errors{};  // relaxed: each a number of its own

  std::mutex mutex;                // all below
  std::condition_variable wanted;  // there is text, or no more to come
  std::condition_variable written;
  Backlog backlog;
  bool is_taken = false;  // somebody writes: the thread, or a thread that has a turn
  bool is_started = false;
  ::pid_t thread = 0;
  bool is_over = false;
  // Counts of bytes, changed under the mutex. release: pairs with the acquire of a thread that
  // reads a count without the mutex, and then sees all that was done before it.
  std::atomic<std::uint64_t> shown{0};
  std::atomic<std::uint64_t> done{0};  // of them, written or thrown away

  std::atomic<int>& error(int stream) { return errors[stream == 2 ? 1 : 0]; }
  static void wake(const std::shared_ptr<State>& state);
  void advance(std::uint64_t to);
  bool write_next();
  bool write_now();
  bool may_go_on(const Backlog::Piece& piece);
  void fail(const Backlog::Piece& piece, int why);
  void write(const Backlog::Piece& piece);
  void run();
};

ConsoleWriter::ConsoleWriter(const Streams& streams)
    : pid_(::getpid()), state_(std::make_shared<State>(streams)) {}

ConsoleWriter::~ConsoleWriter() {
  if (!is_ours()) return;
  const std::lock_guard lock(state_->mutex);
  state_->is_over = true;
  state_->wanted.notify_one();
}

bool ConsoleWriter::is_ours() const {
  return ::getpid() == pid_;
}

int ConsoleWriter::error(int stream) const {
  return state_->error(stream).load(std::memory_order_relaxed);
}

void ConsoleWriter::forget_error(int stream) {
  state_->error(stream).store(0, std::memory_order_relaxed);
}

void ConsoleWriter::enqueue(int stream, std::string_view text) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->backlog.push(stream, text);
    state_->shown.store(state_->shown.load(std::memory_order_relaxed) + text.size(),
                        std::memory_order_release);
    if (state_->is_taken) return;  // the thread that writes looks again
  }
  State::wake(state_);
}

// Where no thread is to be had the text is written here.
void ConsoleWriter::State::wake(const std::shared_ptr<State>& state) {
  {
    const std::lock_guard lock(state->mutex);
    if (ForkPause::is_wanted()) return;
    if (std::exchange(state->is_started, true)) return state->wanted.notify_one();
    const SignalsBlocked blocked(all_signals());  // of a broken pipe the write itself tells
    try {
      std::thread([state] { state->run(); }).detach();
      return;
    } catch (const std::exception&) {
      state->is_started = false;
    }
  }
  while (state->write_next()) {
  }
}

std::uint64_t ConsoleWriter::position() const {
  return is_ours() ? state_->shown.load(std::memory_order_acquire) : 0;
}

bool ConsoleWriter::is_behind() const {
  // In this order: what is written was shown before.
  const std::uint64_t done = state_->done.load(std::memory_order_acquire);
  return done != state_->shown.load(std::memory_order_acquire);
}

std::uint64_t ConsoleWriter::progress() const {
  return state_->done.load(std::memory_order_acquire);
}

bool ConsoleWriter::wait(std::uint64_t position, Deadline deadline) {
  if (!is_ours()) return true;
  std::unique_lock lock(state_->mutex);
  State& state = *state_;
  const auto is_done = [&] { return state.done.load(std::memory_order_relaxed) >= position; };
  const auto is_left = [&] {
    return ForkPause::is_wanted() && !state.is_started && !state.is_taken;
  };
  const auto may_go_on = [&] { return is_done() || is_left(); };
  for (;;) {
    if (!deadline) {
      state.written.wait(lock, may_go_on);
    } else if (!state.written.wait_until(lock, *deadline, may_go_on)) {
      return false;
    }
    if (is_done()) return true;
    lock.unlock();  // the thread is away: a fork's hook waits
    state.write_next();
    lock.lock();
  }
}

void ConsoleWriter::pause(std::chrono::steady_clock::time_point until) {
  if (!is_ours()) return;
  std::unique_lock lock(state_->mutex);
  if (!state_->is_started) return;
  state_->wanted.notify_one();
  if (!state_->written.wait_until(lock, until, [this] { return !state_->is_started; })) return;
  const ::pid_t thread = state_->thread;
  lock.unlock();
  wait_until_gone(thread, until);
}

void ConsoleWriter::resume() {
  if (!is_ours()) return;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->backlog.is_empty() && !state_->is_over) return;
  }
  State::wake(state_);
}

ConsoleWriter::Turn::Turn(ConsoleWriter& screen) {
  if (!screen.is_ours()) return;
  const std::lock_guard lock(screen.state_->mutex);
  if (!std::exchange(screen.state_->is_taken, true)) state_ = screen.state_;
}

ConsoleWriter::Turn::~Turn() {
  if (state_ == nullptr) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_taken = false;
    if (state_->backlog.is_empty() && !state_->is_over) return;
  }
  State::wake(state_);
}

void ConsoleWriter::Turn::write() {
  if (state_ == nullptr) return;
  const std::uint64_t end = state_->done.load(std::memory_order_relaxed) + kTurn;
  while (state_->done.load(std::memory_order_relaxed) < end && state_->write_now()) {
  }
}

void ConsoleWriter::State::run() {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), "attolog-echo");
#endif
  const ::pid_t number = thread_number();
  for (;;) {
    try {
      while (!ForkPause::is_wanted() && write_next()) {
      }
      std::unique_lock lock(mutex);
      wanted.wait(lock, [this] {
        return ForkPause::is_wanted() || (!is_taken && (is_over || !backlog.is_empty()));
      });
      if (ForkPause::is_wanted()) {
        thread = number;
        is_started = false;
        written.notify_all();
        return;
      }
      if (backlog.is_empty()) return;
    } catch (const std::bad_alloc&) {  // it is still there: later
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

// Under the mutex.
void ConsoleWriter::State::advance(std::uint64_t to) {
  // What a broken disk has swallowed is not waited for.
  done.store(backlog.is_empty() ? shown.load(std::memory_order_relaxed) : to,
             std::memory_order_release);
  written.notify_all();
}

// False: there is nothing, or somebody else is at it.
bool ConsoleWriter::State::write_next() {
  std::optional<Backlog::Piece> piece;
  {
    const std::lock_guard lock(mutex);
    if (is_taken) return false;
    piece = backlog.pop();
    if (!piece) {
      advance(done.load(std::memory_order_relaxed));
      return false;
    }
    is_taken = true;
  }
  write(*piece);
  const std::lock_guard lock(mutex);
  is_taken = false;
  advance(done.load(std::memory_order_relaxed) + piece->text.size());
  return true;
}

// Writes a piece for a thread that has a turn. False: there is none, or a reader would have to be
// waited for.
bool ConsoleWriter::State::write_now() {
  std::optional<Backlog::Piece> piece;
  {
    const std::lock_guard lock(mutex);
    piece = backlog.pop();
    if (!piece) {
      advance(done.load(std::memory_order_relaxed));
      return false;
    }
  }
  const int fd = streams[piece->stream == 2 ? 1 : 0];
  const std::size_t size = piece->text.size();
  std::size_t n = 0;
  while (n < size && may_go_on(*piece)) {
    const ssize_t some = write_at_once(fd, std::string_view(piece->text).substr(n));
    if (some < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (some < 0) fail(*piece, errno);
    n += static_cast<std::size_t>(std::max<ssize_t>(some, 0));
  }
  if (!may_go_on(*piece)) n = size;
  const std::lock_guard lock(mutex);
  if (n < size) {
    piece->text.erase(0, n);
    backlog.push_front(std::move(*piece));
  }
  advance(done.load(std::memory_order_relaxed) + n);
  return n == size;
}

// Text of a stream that has failed is thrown away.
bool ConsoleWriter::State::may_go_on(const Backlog::Piece& piece) {
  return error(piece.stream).load(std::memory_order_relaxed) == 0;
}

void ConsoleWriter::State::fail(const Backlog::Piece& piece, int why) {
  if (why == EPIPE && hands_on_broken_pipes.load(std::memory_order_relaxed)) hand_on_broken_pipe();
  error(piece.stream).store(why, std::memory_order_relaxed);
  has_screen_failed.store(true, std::memory_order_relaxed);
}

void ConsoleWriter::State::write(const Backlog::Piece& piece) {
  const int fd = streams[piece.stream == 2 ? 1 : 0];
  std::string_view rest = piece.text;
  while (!rest.empty() && may_go_on(piece)) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      fail(piece, errno);
    }
  }
}

}  // namespace attolog
