// Waiting for file and screen without the GIL, open to Ctrl-C.
#pragma once

#include "python/compat.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "python/route/logger_core.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

// The longest wait in seconds, which the clock's nanoseconds hold.
inline constexpr double kLongest = 1e9;

// From now; without an end for None, and for more seconds than kLongest. False with an exception
// set.
bool take_deadline(PyObject* timeout, Deadline& deadline);

// Calls `wait(end, is_over)` in slices, so that Ctrl-C gets through: false then, with the exception
// set. It says whether what is waited for has come, and may say that it never will.
template <class Wait>
bool wait_in_slices(Channel& channel, const Deadline& deadline, bool& is_done, const Wait& wait) {
  bool is_through = false;
  bool is_over = false;
  bool is_interrupted = false;
  std::exception_ptr error;
  channel.pin();
  while (!is_through && !is_over && !is_interrupted) {
    const auto now = std::chrono::steady_clock::now();
    const auto slice = now + std::chrono::milliseconds(100);
    is_over = deadline && *deadline <= slice;
    PyThreadState* state = PyEval_SaveThread();
    try {
      is_through = wait(is_over ? *deadline : slice, is_over);
    } catch (const std::exception&) {  // no memory: told once the GIL is back
      error = std::current_exception();
      is_over = true;
    }
    PyEval_RestoreThread(state);
    // A signal that comes while there is nothing to wait for is Python's own business.
    is_interrupted = !is_through && PyErr_CheckSignals() != 0;
  }
  channel.unpin();
  if (error != nullptr) std::rethrow_exception(std::move(error));
  is_done = is_done && is_through;
  return !is_interrupted;
}

// Calls `wait` with all channels that records of the logger go to. False with an exception set:
// interrupted.
template <class Wait>
bool wait_for_all(const LoggerCore& core, const Wait& wait) {
  for (const auto& before : core.unfinished()) {
    if (!wait(*before)) return false;
  }
  Channel* channel = core.channel();
  if (channel != nullptr && !wait(*channel)) return false;
  return std::ranges::all_of(core.targets(),
                             [&](const auto& target) { return wait_for_all(*target, wait); });
}

// Waits until all of it is shown. False with an exception set: interrupted.
bool show_channel(Channel& channel, const Deadline& deadline, bool& is_done);
bool show_all(const LoggerCore& core, const Deadline& deadline, bool& is_done);

}  // namespace attolog::python
