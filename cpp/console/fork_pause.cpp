#include "console/fork_pause.hpp"

#include <sched.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#else
#include <pthread.h>
#endif

namespace attolog {

#if defined(__linux__)

::pid_t thread_number() {
  return static_cast<::pid_t>(::syscall(SYS_gettid));
}

bool is_first_thread() {
  return thread_number() == ::getpid();
}

void wait_until_gone(::pid_t thread, std::chrono::steady_clock::time_point until) {
  const ::pid_t process = ::getpid();
  while (::syscall(SYS_tgkill, process, thread, 0) == 0 &&
         std::chrono::steady_clock::now() < until) {
    ::sched_yield();
  }
}

#else

::pid_t thread_number() {
  return 0;
}

bool is_first_thread() {
  return ::pthread_main_np() != 0;
}

void wait_until_gone(::pid_t, std::chrono::steady_clock::time_point) {}

#endif

}  // namespace attolog
