// Our threads are away while Python forks. Python warns of a fork in a process that has other
// threads, and the warning shall be about the program's own threads alone.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>

namespace attolog {

class ForkPause {
 public:
  // Whether threads are to end now, and none is to be started. Relaxed: each thread asks again
  // under the mutex that its starter holds.
  static bool is_wanted() { return n_wanted_.load(std::memory_order_relaxed) > 0; }
  static void begin() { n_wanted_.fetch_add(1, std::memory_order_relaxed); }
  static void end() { n_wanted_.fetch_sub(1, std::memory_order_relaxed); }
  static void forget_in_child() { n_wanted_.store(0, std::memory_order_relaxed); }

 private:
  static inline std::atomic<int> n_wanted_{0};  // several threads may fork at once
};

// The calling thread's number in the system; 0 where it is of no use to wait_until_gone.
::pid_t thread_number();
// Whether the calling thread is the one that the process began with.
bool is_first_thread();
// A thread that is about to end counts as one of the process until the system has cleared it away.
void wait_until_gone(::pid_t thread, std::chrono::steady_clock::time_point until);

}  // namespace attolog
