// The order between what is shown of the log and what others write: whatever leaves the process
// waits until all that was logged before is on the screen.
#pragma once

#include "python/compat.hpp"

#include <atomic>

#include "python/logger.hpp"
#include "writer/writer.hpp"

namespace attolog::python {

// Whether there are processes that were started from this one, or this is such a process. What it
// does to a regular file tells them something. Relaxed: it is looked at with each call.
inline std::atomic<bool> has_relatives{false};
// The program was ended by Ctrl-C, and the screen had its second. Relaxed: likewise.
inline std::atomic<bool> is_screen_given_up{false};

// Whether something is not shown yet.
inline bool has_unshown() {
  return !is_screen_given_up.load(std::memory_order_relaxed) && Writer::get().has_unshown();
}

// Waits until all is shown that was logged. What this thread has logged it waits for as long as
// print would; for others' text no longer than a second in which the screen does not move. False
// with an exception set: interrupted.
bool wait_for_screen(const Deadline& deadline = std::nullopt);
// For what ends the process, or another.
Deadline last_second();

// The process ends at once, behind Python's back: waits for the screen, and for the files a second
// at most. False with an exception set: interrupted.
bool end_process();
// The stream's descriptor leads elsewhere from now on.
void forget_screen_error(int stream);

// Whether somebody else sees what is done to the descriptor: a pipe, a socket, a terminal, the
// screen's own file.
bool is_observed(int fd);

// Functions of the module.
PyObject* drain_echo(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* echo_error(PyObject*, PyObject* args);
PyObject* has_raised_echo_error(PyObject*, PyObject* args);
PyObject* expect_relatives(PyObject*, PyObject*);

}  // namespace attolog::python
