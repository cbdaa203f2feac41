// The order between what is shown of the log and what others write: whatever leaves the process
// waits until all that was logged before is on the screen.
#pragma once

#include "python/compat.hpp"

#include <atomic>
#include <optional>

#include "writer/channel.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

// Whether there are processes that were started from this one, or this is such a process. What it
// does to a regular file tells them something. Relaxed: it is looked at with each call.
inline std::atomic<bool> has_relatives{false};
// The program was ended by Ctrl-C, and the screen had its second. Relaxed: it is looked at with
// each call.
inline std::atomic<bool> is_screen_given_up{false};

// Whether something is not shown yet.
inline bool has_unmirrored() {
  return !is_screen_given_up.load(std::memory_order_relaxed) &&
         WriterThread::get().has_unmirrored();
}

// Waits until all is shown that was logged. What this thread has logged it waits for as long as
// print would; for others' text no longer than a second in which the screen does not move. False
// with an exception set: interrupted.
bool wait_for_screen(const Deadline& deadline = std::nullopt);
// For what ends the process, or another.
Deadline last_second();

// Whether another process sees writes to the descriptor: a pipe, a socket, a terminal, the screen's
// own file.
bool is_observed(int fd);

// From now on echoes are drained before the process ends, and before others write to the screen.
// False with an exception set.
bool drain_echoes_in_time();

// A function of the module.
PyObject* expect_relatives(PyObject*, PyObject*);

}  // namespace attolog::python
