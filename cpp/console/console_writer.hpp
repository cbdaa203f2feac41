// Standard output and standard error, written by a thread of its own: a thread that has text for
// them never waits for a reader. A thread that wants its text written takes a turn, and writes.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace attolog {

// Whether a stream of any screen has failed, for those who ask with each text. Relaxed: which one
// and why is asked for then.
inline std::atomic<bool> has_screen_failed{false};

// Whether a broken pipe of any screen sends SIGPIPE to a program that does not ignore it, as a
// write of its own would. Relaxed: set once, before there is text.
inline std::atomic<bool> hands_on_broken_pipes{false};

class ConsoleWriter {
  struct State;

 public:
  // The descriptors of stream 1 and 2. Others than these are for tests.
  using Streams = std::array<int, 2>;
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  explicit ConsoleWriter(const Streams& streams = {1, 2});
  ConsoleWriter(const ConsoleWriter&) = delete;
  ConsoleWriter& operator=(const ConsoleWriter&) = delete;
  // What is not written yet still is, as long as the process lives.
  ~ConsoleWriter();

  // From any thread, in order. Throws std::bad_alloc, and has taken nothing then.
  void enqueue(int stream, std::string_view text);
  // How far it has got: what was shown until now.
  std::uint64_t position() const;
  // Whether there is text that is not written yet. From any thread, without a lock.
  bool is_behind() const;
  // How many bytes are written, or thrown away.
  std::uint64_t progress() const;

  // While it lives the screen's thread rests, unless it was at work already: then this is no turn.
  class Turn {
   public:
    explicit Turn(ConsoleWriter& screen);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();
    // Writes as much as needs no wait for a reader. The writer's own thread writes what is left.
    void write();

   private:
    std::shared_ptr<State> state_;  // null: no turn
  };

  // Waits until all that was shown before, or up to the position, is written, or its stream has
  // failed. False: time ran out.
  bool wait(Deadline deadline) { return wait(position(), deadline); }
  bool wait(std::uint64_t position, Deadline deadline);
  // Ends the thread, if it comes to rest until then; see rest.hpp. Text waits.
  void pause(std::chrono::steady_clock::time_point until);
  void resume();
  // Why the first write failed that did, as errno; text of that stream is thrown away since. 0: all
  // is well.
  int error(int stream) const;
  // The descriptor leads elsewhere from now on.
  void forget_error(int stream);

 private:
  // In the child of a fork all of it is the parent's, mutex and file included.
  bool is_ours() const;

  const ::pid_t pid_;
  std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace attolog
