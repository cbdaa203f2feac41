// Signals that must not interrupt a thread just now.
#pragma once

#include <pthread.h>

#include <csignal>

namespace attolog {

class SignalsBlocked {
 public:
  explicit SignalsBlocked(const sigset_t& set) { ::pthread_sigmask(SIG_BLOCK, &set, &before_); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// For threads of our own: signals belong to the program's.
inline sigset_t all_signals() {
  sigset_t set;
  sigfillset(&set);
  return set;
}

}  // namespace attolog
