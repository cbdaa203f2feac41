#include "writer/screen.hpp"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "writer/backlog.hpp"
#include "writer/signals.hpp"

namespace attolog {

struct Screen::State {
  explicit State(const Streams& given) : streams(given) {}

  const Streams streams;
  std::array<std::atomic<int>, 2> errors{};  // relaxed: each a number of its own

  std::mutex mutex;                // all below
  std::condition_variable wanted;  // there is text, or no more to come
  std::condition_variable written;
  Backlog backlog;
  std::uint64_t shown = 0;  // bytes
  std::uint64_t done = 0;   // of them, written or thrown away
  bool is_started = false;
  bool is_over = false;

  std::atomic<int>& error(int stream) { return errors[stream == 2 ? 1 : 0]; }
  bool write_next();
  void write(const Backlog::Piece& piece);
  void run();
};

Screen::Screen(const Streams& streams)
    : pid_(::getpid()), state_(std::make_shared<State>(streams)) {}

Screen::~Screen() {
  if (!is_ours()) return;
  const std::lock_guard lock(state_->mutex);
  state_->is_over = true;
  state_->wanted.notify_one();
}

bool Screen::is_ours() const {
  return ::getpid() == pid_;
}

int Screen::error(int stream) const {
  return state_->error(stream).load(std::memory_order_relaxed);
}

void Screen::forget_error(int stream) {
  state_->error(stream).store(0, std::memory_order_relaxed);
}

void Screen::show(int stream, std::string_view text) {
  std::unique_lock lock(state_->mutex);
  state_->backlog.push(stream, text);
  state_->shown += text.size();
  if (std::exchange(state_->is_started, true)) return state_->wanted.notify_one();
  const SignalsBlocked blocked(all_signals());  // of a broken pipe the write itself tells
  try {
    std::thread([state = state_] { state->run(); }).detach();
  } catch (const std::exception&) {  // no thread to be had: it is written here
    state_->is_started = false;
    lock.unlock();
    while (state_->write_next()) {
    }
  }
}

std::uint64_t Screen::position() const {
  if (!is_ours()) return 0;
  const std::lock_guard lock(state_->mutex);
  return state_->shown;
}

bool Screen::wait(std::uint64_t position, Deadline deadline) {
  if (!is_ours()) return true;
  std::unique_lock lock(state_->mutex);
  const auto is_done = [&] { return state_->done >= position; };
  if (deadline) return state_->written.wait_until(lock, *deadline, is_done);
  state_->written.wait(lock, is_done);
  return true;
}

void Screen::State::run() {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), "attolog-echo");
#endif
  for (;;) {
    try {
      while (write_next()) {
      }
      std::unique_lock lock(mutex);
      wanted.wait(lock, [this] { return is_over || !backlog.is_empty(); });
      if (backlog.is_empty()) return;
    } catch (const std::bad_alloc&) {  // it is still there: later
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

// False: there is nothing.
bool Screen::State::write_next() {
  std::uint64_t then = 0;
  std::optional<Backlog::Piece> piece;
  {
    const std::lock_guard lock(mutex);
    piece = backlog.take();
    // What a broken disk has swallowed is not waited for.
    then = backlog.is_empty() ? shown : done + piece->text.size();
  }
  if (piece) write(*piece);
  const std::lock_guard lock(mutex);
  done = then;
  written.notify_all();
  return piece.has_value();
}

void Screen::State::write(const Backlog::Piece& piece) {
  std::atomic<int>& failed = error(piece.stream);
  const int fd = streams[piece.stream == 2 ? 1 : 0];
  std::string_view rest = piece.text;
  while (!rest.empty() && failed.load(std::memory_order_relaxed) == 0) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      failed.store(errno, std::memory_order_relaxed);
      has_screen_failed.store(true, std::memory_order_relaxed);
    }
  }
}

}  // namespace attolog
