// Signals that end the process by default wait for its screen and its files, a second at most: also
// those of a crash. Status, core dump and faulthandler's traceback are those of the program.
#pragma once

#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <vector>

namespace attolog {

class Channel;

namespace last_signal {

// From now on they wait, where the program leaves them to the system. Asked twice, those that are
// no crash end the process at once.
void wait_for_screen();
// The action of a signal may have changed since.
void renew(int signal);
// Those of crashes may have. `has_handler`: Python's faulthandler has one for them; it comes
// behind.
void renew_crashes(bool has_handler);

// The signals that wait: a thread blocks them while it holds what the screen needs.
sigset_t waiting();

// A mutex that the writer needs when the process is to end. A thread that has it, or waits for it,
// is not stopped by the signal: it goes on, and the writer ends the process.
class Mutex {
 public:
  void lock() {
    count(1);
    mutex_.lock();
  }
  bool try_lock() { return try_lock_for(std::chrono::milliseconds(0)); }
  template <class Duration>
  bool try_lock_for(const Duration& patience) {
    count(1);
    if (mutex_.try_lock_for(patience)) return true;
    count(-1);
    return false;
  }
  void unlock() {
    mutex_.unlock();
    count(-1);
  }

 private:
  static void count(int change);

  std::timed_mutex mutex_;
};

// In the writer's thread:
bool is_wanted();
void write_all(const std::vector<std::shared_ptr<Channel>>& channels);

// This process is about to have a writer's thread.
void expect_writer();
// A crash of this thread waits for no other thread: the others would wait for it.
void leave_this_thread();
void forget_in_child();

// The stack for a handler of this thread, whose own may be full. Ends with the thread.
class Stack {
 public:
  Stack() = default;
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack();
  // Without memory there is none.
  void prepare();

 private:
  std::unique_ptr<char[]> memory_;
};

}  // namespace last_signal
}  // namespace attolog
