// The prints of a program that `attolog run` runs: what stands in print's place, and what each
// `print(...)` of the program's own source is compiled to.
#pragma once

#include "python/compat.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "core/clock.hpp"
#include "python/logger.hpp"
#include "writer/screen.hpp"

namespace attolog::python {

// Where the prints of this process go; set by take_prints. What it refers to is never given back:
// other threads may be using it.
struct Prints {
  enum Stream : std::uint8_t { out, error };

  Root* root = nullptr;
  PyObject* logger = nullptr;
  PyObject* print = nullptr;         // the fast one
  PyObject* builtin = nullptr;       // the one it stands for
  PyObject* sys = nullptr;           // dict
  PyObject* names[2] = {};           // "stdout", "stderr"
  PyObject* streams[2] = {};         // what sys has to have there; null: not ours
  PyObject* stream_write = nullptr;  // io.TextIOWrapper.write
  PyObject* proxies[2] = {};         // the last ones that were not null

  // How many there were, and the ticks that they took, as one in kOneIn tells. Relaxed: counts.
  static constexpr std::uint64_t kOneIn = 64;
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> ticks{0};
  std::atomic<std::uint64_t> raised{0};  // those that took none: their exception says so

  // Whether a print to that stream goes to the log.
  bool has(Stream stream) const {
    return streams[stream] != nullptr && dict_holds(sys, names[stream], streams[stream]) &&
           root->mode.load(std::memory_order_relaxed) == Mode::on;
  }
  // The most bytes of a text.
  std::size_t longest_text() const {
    return root == nullptr ? std::size_t{1} << 30 : root->longest_text();
  }
  // Counts a print; whether it is one of those that are timed.
  bool count() {
    add_count(calls, 1);
    return calls.load(std::memory_order_relaxed) % kOneIn == 0;
  }
};
extern Prints prints;

// A print of this thread that asks a value for its text: should that print, too, what stands before
// the value goes first, as print would have written it by then.
class Unfinished {
 public:
  Unfinished();
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  // Puts what of all unfinished prints of this thread is not out yet, those around others first.
  // False with an exception set.
  static bool put_all();

 protected:
  ~Unfinished();
  virtual bool put() = 0;

 private:
  Unfinished* const around_;
};
inline std::atomic<int> n_unfinished{0};  // in all threads; relaxed: a thread asks for its own

// Whether a print has to look twice: a stream takes no text any more, or it is one in another.
inline bool has_obstacle() {
  return has_screen_failed.load(std::memory_order_relaxed) ||
         n_unfinished.load(std::memory_order_relaxed) != 0;
}

// Ticks that prints of this thread have waited, for room or for the screen: counted as they are.
inline thread_local Ticks t_waited = 0;

// Times one print, for as many as it stands for.
class Timed {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  ~Timed() {
    const Ticks own = now_ticks() - start_ - (t_waited - waited_);
    add_count(prints.ticks, own * Prints::kOneIn);
  }

 private:
  const Ticks start_ = now_ticks();
  const Ticks waited_ = t_waited;
};

// Logs what was printed: the encoded values of a site. `off`: there is no log any more (a forked
// child that could not open one), and it has to be shown in another way. `raised`: by a signal
// handler, or since the stream takes no text any more, as its print would have.
enum class Put { done, off, raised };
Put put_print(Prints::Stream stream, std::uint32_t site, const Buffer& values);
// Waits until all is shown, as `flush=True` asks for. False with an exception set: interrupted, or
// the stream takes no text any more.
bool flush_stream(Prints::Stream stream);
// Puts the text on the screen, behind all that is still to be shown. False with an exception set.
bool show(Prints::Stream stream, std::string_view text);
// One text as a record of its own. Likewise.
bool put_text(Prints::Stream stream, std::string_view text);

// What a print has written by the time that one of its values raises. The exception stays.
template <class Put>
void put_before_raising(const Put& put) {
  PyObject* type = nullptr;
  PyObject* error = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &error, &traceback);
  if (!put()) PyErr_Clear();
  PyErr_Restore(type, error, traceback);
}

// Whether the text has lone surrogates, which a stream may refuse.
bool has_surrogates(PyObject* text);

// Functions of the module.
PyObject* take_prints(PyObject*, PyObject* args);
PyObject* compile_print(PyObject*, PyObject* args, PyObject* kwargs);
PyObject* restore_print(PyObject*, PyObject* args, PyObject* kwargs);  // what that is bound to
PyObject* write_to(PyObject*, PyObject* args);
PyObject* make_stream_write(PyObject*, PyObject* stream);
PyObject* make_stream_flush(PyObject*, PyObject* stream);
PyObject* count_prints(PyObject*, PyObject*);
PyObject* call_as_main(PyObject*, PyObject* args);

bool add_printed_type(PyObject* module);

}  // namespace attolog::python
