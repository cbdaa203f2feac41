// The prints of a program that `attolog run` runs: the state that they share, and the print in the
// place of Python's own. From here they go into the log and onto the screen.
#pragma once

#include "python/compat.hpp"

#include <atomic>
#include <cstdint>
#include <string_view>

#include "console/console_writer.hpp"
#include "core/buffer.hpp"
#include "core/clock.hpp"
#include "python/route/logger_core.hpp"

namespace attolog::python {

// The object in the place of sys.stdout or sys.stderr.
struct StandIn {
  PyObject* stream = nullptr;  // null until attach_stream; never given back
  bool is_open = false;
  bool has_own = false;  // the program has given it a `write` or a `flush`
  bool has_plain_newline = true;
  bool is_encoded = false;  // its bytes are not those of the records: only the stream makes them
  bool is_shown = true;     // on the screen
  bool is_echoed = true;    // by the logger's echo
  bool is_write_through = false;  // as the program sees it

  // Whether each print has to ask.
  bool is_special() const { return is_open && (is_encoded || (is_shown && !is_echoed)); }
};

// Where the prints of this process go; set by redirect_prints. What it refers to is never given
// back: other threads may be using it.
struct alignas(64) Prints {
  enum Stream : std::uint8_t { out, error };

  // Some of those that only write into the ring are timed, each for as many as lie before it. How
  // many lie between two is left to chance: a loop's own period must not choose which are seen.
  static constexpr std::int64_t kGap = 128;  // on average

  // All that each print needs lies together.
  PyObject* print = nullptr;  // the fast one
  PyObject* sys = nullptr;    // dict
  PyObject* names[2] = {};    // "stdout", "stderr"
  PyObject* streams[2] = {};  // what sys has to have there; null: a print is not ours
  LoggerCore* core = nullptr;
  // All counts are relaxed. `left`: how many come before the next that is timed, and that one.
  std::atomic<std::int64_t> left{kGap};

  PyObject* logger = nullptr;
  PyObject* builtin = nullptr;  // the print that the fast one stands for
  StandIn stand_ins[2];
  // Whether a print has raised the error of its stream. Relaxed: only the thread it was raised in
  // has to know.
  std::atomic<bool> is_error_told[2] = {};
  std::atomic<std::uint64_t> given{kGap};  // the calls up to that one
  std::atomic<std::int64_t> gap{kGap};     // those between it and the last one
  std::atomic<std::uint64_t> ticks{0};     // what prints took
  std::atomic<std::uint64_t> raised{0};    // prints that were not logged: their exception says so

  // Whether a print to that stream goes to the log.
  bool has(Stream stream) const {
    return streams[stream] != nullptr && dict_holds(sys, names[stream], streams[stream]) &&
           core->mode() == Mode::on;
  }
  // The most bytes of a text.
  std::size_t longest_text() const {
    return core == nullptr ? std::size_t{1} << 30 : core->longest_text();
  }
  // Counts a print; whether it is one of those that are timed.
  bool count() {
    if constexpr (!kHasGil) return left.fetch_sub(1, std::memory_order_relaxed) == 1;
    const std::int64_t now = left.load(std::memory_order_relaxed) - 1;
    left.store(now, std::memory_order_relaxed);
    return now == 0;
  }
  std::uint64_t calls() const {
    return given.load(std::memory_order_relaxed) -
           static_cast<std::uint64_t>(left.load(std::memory_order_relaxed));
  }
  // For how many prints stands the one that is timed now? It also chooses the next.
  std::uint64_t choose_next_timed();
};
extern Prints prints;

// A print of this thread that asks a value for its text. That may print, too: then the text before
// the value goes first, as print would have written it by then.
class PartialPrint {
 public:
  PartialPrint();
  PartialPrint(const PartialPrint&) = delete;
  PartialPrint& operator=(const PartialPrint&) = delete;
  // Puts what of all unfinished prints of this thread is not out yet, those around others first.
  // False with an exception set.
  static bool emit_all();

 protected:
  ~PartialPrint();
  virtual bool emit() = 0;

 private:
  PartialPrint* const around_;
};
// Partial prints in all threads, and special streams. Relaxed: a thread asks for its own.
inline std::atomic<int> n_slow_path_reasons{0};

// Whether a print has to look twice: a stream takes no text any more or makes its own bytes, or the
// print is one in another.
inline bool needs_slow_path() {
  return has_screen_failed.load(std::memory_order_relaxed) ||
         n_slow_path_reasons.load(std::memory_order_relaxed) != 0;
}

// Ticks of this thread's prints that are counted already, or belong to none.
inline constinit thread_local Ticks t_counted = 0;

// Counts the ticks of one print, those of prints within it once.
class PrintTimer {
 public:
  explicit PrintTimer(std::uint64_t stands_for = 1) : stands_for_(stands_for) {}
  PrintTimer(const PrintTimer&) = delete;
  PrintTimer& operator=(const PrintTimer&) = delete;
  ~PrintTimer() {
    const Ticks own = now_ticks() - start_ - (t_counted - counted_);
    t_counted += own;
    add_count(prints.ticks, own * stands_for_);
  }

 private:
  const std::uint64_t stands_for_;
  const Ticks start_ = now_ticks();
  const Ticks counted_ = t_counted;
};

// Logs what was printed: the encoded values of a site. `off`: there is no log any more (a forked
// child that could not open one), or no ring for it, and it has to be shown in another way
// (`show`). `raised`: by a signal handler, or since the stream takes no text any more, as its print
// would have.
enum class PrintResult { done, off, raised };
PrintResult emit_print(Prints::Stream stream, std::uint32_t site, const Buffer& values);
// Waits until all is shown, as `flush=True` asks for. False with an exception set: interrupted, or
// the stream takes no text any more.
bool flush_stream(Prints::Stream stream);
// Puts the bytes on the screen, behind all that is still to be shown. False with an exception set.
bool show(Prints::Stream stream, std::string_view bytes);
// Logs one text, and shows it. False with an exception set. `is_refused`: the stream does not take
// it, and nothing is done.
bool emit_text(Prints::Stream stream, std::string_view wtf8);
bool emit_text(Prints::Stream stream, PyObject* text, bool* is_refused = nullptr);
// One text of a few bytes: straight into the ring. False, with nothing done, where it takes more.
bool emit_quickly(Prints::Stream stream, PyObject* text);

// By which site a print is logged that is text alone.
std::uint32_t text_site(Prints::Stream stream);

// The text that a print has written by the time that one of its values raises. The exception stays.
template <class Emit>
void emit_before_raising(const Emit& emit) {
  PyObject* type = nullptr;
  PyObject* error = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &error, &traceback);
  if (!emit()) PyErr_Clear();
  PyErr_Restore(type, error, traceback);
}

// Whether the text has lone surrogates, which a stream may refuse.
bool has_surrogates(PyObject* text);

// Functions of the module.
PyObject* redirect_prints(PyObject*, PyObject* args);
PyObject* count_prints(PyObject*, PyObject*);

}  // namespace attolog::python
