#include "python/prints/prints.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <string>

#include "core/codec.hpp"
#include "format/number.hpp"
#include "python/call/fast.hpp"
#include "python/call/submit.hpp"
#include "python/prints/echo_errors.hpp"
#include "python/prints/streams.hpp"
#include "python/route/logger_object.hpp"
#include "python/screen_order.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"
#include "python/waiting.hpp"

namespace attolog::python {

constinit Prints prints;

namespace {

thread_local PartialPrint* t_innermost_print = nullptr;

}  // namespace

PartialPrint::PartialPrint() : around_(t_innermost_print) {
  t_innermost_print = this;
  n_slow_path_reasons.fetch_add(1, std::memory_order_relaxed);
}

PartialPrint::~PartialPrint() {
  t_innermost_print = around_;
  n_slow_path_reasons.fetch_sub(1, std::memory_order_relaxed);
}

bool PartialPrint::emit_all() {
  PartialPrint* const last = t_innermost_print;
  if (last == nullptr) return true;
  t_innermost_print = last->around_;  // they go first, and what is put is none of them
  const bool done = emit_all() && last->emit();
  t_innermost_print = last;
  return done;
}

namespace {

constexpr std::uint32_t kSites[] = {kPrintSite, kErrorPrintSite};

// What a print is told by keywords. Those that it does not know are the built-in print's business.
struct Options {
  PyObject* sep = nullptr;  // null: a blank
  PyObject* end = nullptr;  // null: a newline
  Prints::Stream stream = Prints::out;
  bool is_given = false;  // the stream, by `file=`
  bool is_flushed = false;
  bool is_known = true;
};

Options read_options(PyObject* const* values, PyObject* kwnames) {
  Options options;
  for (Py_ssize_t i = 0; kwnames != nullptr && i < PyTuple_GET_SIZE(kwnames); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(kwnames, i);
    PyObject* const value = values[i];
    const bool is_text = value == Py_None || PyUnicode_CheckExact(value);
    if (is_text && PyUnicode_CompareWithASCIIString(name, "sep") == 0) {
      options.sep = value == Py_None ? nullptr : value;
    } else if (is_text && PyUnicode_CompareWithASCIIString(name, "end") == 0) {
      options.end = value == Py_None ? nullptr : value;
    } else if (PyBool_Check(value) && PyUnicode_CompareWithASCIIString(name, "flush") == 0) {
      options.is_flushed = value == Py_True;
    } else if (PyUnicode_CompareWithASCIIString(name, "file") == 0) {
      if (value == Py_None) continue;
      options.is_given = true;
      if (value == prints.streams[Prints::error]) {
        options.stream = Prints::error;
      } else if (value != prints.streams[Prints::out]) {
        options.is_known = false;
      }
    } else {
      options.is_known = false;
    }
  }
  return options;
}

// The parts of a line, joined to what print writes.
class Line {
 public:
  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { Py_XDECREF(parts_); }

  bool add(PyObject* text) {
    if (parts_ == nullptr) parts_ = PyList_New(0);
    return parts_ != nullptr && PyList_Append(parts_, text) == 0;
  }
  bool add_char(Py_UCS4 c) {
    PyObject* text = PyUnicode_FromOrdinal(static_cast<int>(c));  // CPython keeps one of each
    const bool done = text != nullptr && add(text);
    Py_XDECREF(text);
    return done;
  }
  // What is not taken yet, as a new reference; null with an exception set.
  PyObject* take() {
    PyObject* nothing = PyUnicode_New(0, 0);
    if (nothing == nullptr || parts_ == nullptr) return nothing;
    PyObject* text = PyUnicode_Join(nothing, parts_);
    Py_DECREF(nothing);
    Py_CLEAR(parts_);
    ++n_taken_;
    return text;
  }
  int n_taken() const { return n_taken_; }

 private:
  PyObject* parts_ = nullptr;
  int n_taken_ = 0;
};

// Puts what there is of a line. False with an exception set; `is_refused` as of emit_text.
bool emit_line(Line& line, Prints::Stream stream, bool* is_refused = nullptr) {
  PyObject* text = line.take();
  const bool done = text != nullptr && emit_text(stream, text, is_refused);
  Py_XDECREF(text);
  return done;
}

class PartialLine final : public PartialPrint {
 public:
  PartialLine(Line& line, Prints::Stream stream) : line_(line), stream_(stream) {}

 private:
  bool emit() override { return emit_line(line_, stream_); }

  Line& line_;
  const Prints::Stream stream_;
};

// The str() of a value, whose own code may print.
PyObject* ask_for_text(PyObject* value, Line& line, Prints::Stream stream) {
  if (PyUnicode_CheckExact(value)) return Py_NewRef(value);
  if (PyLong_CheckExact(value) || PyFloat_CheckExact(value)) return PyObject_Str(value);
  const PartialLine unfinished(line, stream);
  return PyObject_Str(value);
}

bool add_values(Line& line, PyObject* const* values, Py_ssize_t n, const Options& options) {
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (i != 0 && !(options.sep == nullptr ? line.add_char(' ') : line.add(options.sep)))
      return false;
    PyObject* text = ask_for_text(values[i], line, options.stream);
    const bool done = text != nullptr && line.add(text);
    Py_XDECREF(text);
    if (!done) return false;
  }
  return options.end == nullptr ? line.add_char('\n') : line.add(options.end);
}

// Appends a short ASCII text; null where it is another, or does not fit.
char* append_ascii(char* to, const char* end, PyObject* text) {
  const auto n = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
  if (!PyUnicode_IS_COMPACT_ASCII(text) || n + kNumberRoom > static_cast<std::size_t>(end - to))
    return nullptr;
  return copy_short(to, static_cast<const char*>(PyUnicode_DATA(text)), n);
}

// Appends the str() of a value that needs no Python for it; null where it does, or does not fit.
char* append_value(char* to, const char* end, PyObject* value) {
  if (PyUnicode_CheckExact(value)) return append_ascii(to, end, value);
  if (end - to < kNumberRoom) return nullptr;
  if (PyFloat_CheckExact(value)) return write_double(to, PyFloat_AS_DOUBLE(value));
  std::int64_t number = 0;
  if (PyLong_CheckExact(value) && (small_int(value, number) || word_int(value, number))) {
    return write_int(to, number);
  }
  std::string_view word;
  if (value == Py_None) word = "None";
  if (value == Py_True) word = "True";
  if (value == Py_False) word = "False";
  return word.empty() ? nullptr : copy_short(to, word.data(), word.size());
}

// A line of such values, put together in the ring itself. False, with nothing done, where it takes
// more.
bool print_quickly(PyObject* const* values, Py_ssize_t n, const Options& options) {
  const Channel* channel = prints.core->channel();
  if (needs_slow_path() || channel == nullptr) return false;
  Producer* producer = channel->producer();
  if (producer == nullptr || producer->head + kFastRecord > producer->limit) return false;
  char* const start = producer->place();
  const Ticks ticks = now_ticks();
  char* const text = start + sizeof(RecordHead) + 1 + sizeof(std::uint32_t);
  // One for the newline; the padding is stored as eight bytes.
  const char* const end = start + kFastRecord - 1 - sizeof(std::uint64_t);
  char* to = text;
  for (Py_ssize_t i = 0; to != nullptr && i < n; ++i) {
    if (i != 0 && options.sep == nullptr) *to++ = ' ';
    if (i != 0 && options.sep != nullptr) to = append_ascii(to, end, options.sep);
    if (to != nullptr) to = append_value(to, end, values[i]);
  }
  if (to != nullptr && options.end == nullptr) *to++ = '\n';
  if (to != nullptr && options.end != nullptr) to = append_ascii(to, end, options.end);
  if (to == nullptr) return false;
  if (to == text) return true;
  text[-5] = static_cast<char>(Tag::long_ascii);
  store_as(text - sizeof(std::uint32_t), static_cast<std::uint32_t>(to - text));
  store_as(to, std::uint64_t{0});
  const auto size = (static_cast<std::uint64_t>(to - start) + 7) & ~std::uint64_t{7};
  store_as(start, RecordHead{static_cast<std::uint32_t>(size), kSites[options.stream], ticks});
  producer->commit(size);
  return true;
}

[[gnu::noinline, gnu::cold]] PyObject* print_slowly(PyObject* const* values, Py_ssize_t n,
                                                    PyObject* kwnames, const Options& options) {
  const PrintTimer time;
  Line line;
  if (!add_values(line, values, n, options)) {
    emit_before_raising([&] { return emit_line(line, options.stream); });
    return nullptr;
  }
  bool is_refused = false;
  if (emit_line(line, options.stream, &is_refused)) Py_RETURN_NONE;
  if (!is_refused || line.n_taken() > 1 || !clear_if_ordinary()) return nullptr;
  // Piece by piece: those that stand before the one that the stream does not take are written.
  return PyObject_Vectorcall(prints.builtin, values, static_cast<std::size_t>(n), kwnames);
}

[[gnu::always_inline]] inline PyObject* print_line(PyObject* const* values, Py_ssize_t n,
                                                   PyObject* kwnames, const Options& options) {
  if (print_quickly(values, n, options)) [[likely]]
    Py_RETURN_NONE;
  return print_slowly(values, n, kwnames, options);
}

PyObject* print_known(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                      const Options& options) {
  if (!prints.count()) [[likely]]
    return print_line(args, nargs, kwnames, options);
  const PrintTimer time(prints.choose_next_timed());
  return print_line(args, nargs, kwnames, options);
}

PyObject* fast_print(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const Options options = read_options(args + nargs, kwnames);
  if (!options.is_known || !(options.is_given ? prints.core->mode() == Mode::on
                                              : prints.has(Prints::out))) [[unlikely]] {
    return PyObject_Vectorcall(prints.builtin, args, static_cast<std::size_t>(nargs), kwnames);
  }
  try {
    PyObject* done = print_known(args, nargs, kwnames, options);
    if (options.is_flushed && done != nullptr && !flush_stream(options.stream)) Py_CLEAR(done);
    return done;
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}

PyMethodDef print_method = {"print",
                            reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(fast_print)),
                            METH_FASTCALL | METH_KEYWORDS, nullptr};

// An error number of the stream that the echo has met becomes print's OSError.
bool raise_broken(Channel& channel, Prints::Stream stream) {
  const int number = stream == Prints::out ? 1 : 2;
  const int error = channel.console_error(number);
  if (error == 0) return false;
  if (error == EBADF && ::fcntl(number, F_GETFD) >= 0) {  // the program has opened it again
    forget_screen_error(number);
    return false;
  }
  prints.is_error_told[stream].store(true, std::memory_order_relaxed);
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return true;
}

// Whether a record may have less of the text than there is.
bool is_long(PyObject* text) {
  const auto n = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
  return n * static_cast<std::size_t>(PyUnicode_KIND(text)) > prints.longest_text();
}

}  // namespace

std::uint64_t Prints::choose_next_timed() {
  // Marsaglia's xorshift; what two threads lose of each other's steps makes it no less random.
  static constinit std::atomic<std::uint32_t> seed{2463534242};  // relaxed: a number of its own
  std::uint32_t x = seed.load(std::memory_order_relaxed);
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  seed.store(x, std::memory_order_relaxed);
  const std::int64_t next = kGap / 2 + x % (kGap + 1);
  given.fetch_add(static_cast<std::uint64_t>(next), std::memory_order_relaxed);
  left.fetch_add(next, std::memory_order_relaxed);
  return static_cast<std::uint64_t>(gap.exchange(next, std::memory_order_relaxed));
}

bool has_surrogates(PyObject* text) {
  const Py_ssize_t n = PyUnicode_GET_LENGTH(text);
  if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND) return false;
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (Py_UNICODE_IS_SURROGATE(PyUnicode_READ_CHAR(text, i))) return true;
  }
  return false;
}

std::uint32_t text_site(Prints::Stream stream) {
  return kSites[stream];
}

bool emit_quickly(Prints::Stream stream, PyObject* text) {
  return !needs_slow_path() && write_fast(prints.core, nullptr, kSites[stream], &text, 1, kFastStr);
}

namespace {

// A text whose record has not the bytes that the screen gets: a longer one than a record may have,
// or one that the stream has to encode.
bool emit_specially(Prints::Stream stream, PyObject* text, bool* is_refused) {
  const StandIn& stand_in = prints.stand_ins[stream];
  std::string bytes;
  if (!stand_in.is_encoded && !has_surrogates(text)) {
    bytes = to_wtf8(text);
  } else if (!encode_by_stream(stream, text, bytes)) {
    if (is_refused != nullptr) *is_refused = true;
    return false;
  }
  Buffer values;
  encode_text(values, text, prints.longest_text());
  const bool is_special = is_long(text) || (stand_in.is_shown && !stand_in.is_echoed);
  if (is_special || bytes != to_wtf8(text))
    return emit_beside(stream, kSites[stream], values, bytes);
  const PrintResult result = emit_print(stream, kSites[stream], values);
  return result == PrintResult::done || (result == PrintResult::off && show(stream, bytes));
}

}  // namespace

bool emit_text(Prints::Stream stream, PyObject* text, bool* is_refused) {
  if (PyUnicode_GET_LENGTH(text) == 0) return true;
  if (prints.stand_ins[stream].is_special() || is_long(text) || has_surrogates(text)) {
    return emit_specially(stream, text, is_refused);
  }
  Buffer values;
  encode_text(values, text, prints.longest_text());
  const PrintResult result = emit_print(stream, kSites[stream], values);
  return result == PrintResult::done || (result == PrintResult::off && show(stream, to_wtf8(text)));
}

bool emit_text(Prints::Stream stream, std::string_view wtf8) {
  PyObject* text = from_wtf8(wtf8);
  const bool done = text != nullptr && emit_text(stream, text);
  Py_XDECREF(text);
  return done;
}

PrintResult emit_print(Prints::Stream stream, std::uint32_t site, const Buffer& values) {
  if (!PartialPrint::emit_all()) return PrintResult::raised;
  LoggerCore& core = *prints.core;
  Channel* channel = core.channel();
  if (core.mode() != Mode::on || channel == nullptr) {
    return PrintResult::off;
  }
  if (!channel->is_forked() && raise_broken(*channel, stream)) return PrintResult::raised;
  const SubmitResult done = submit(core, site, values.view(), core);
  if (done == SubmitResult::lost) return PrintResult::off;
  if (done == SubmitResult::raised) add_count(prints.raised, 1);
  return done == SubmitResult::done ? PrintResult::done : PrintResult::raised;
}

bool flush_stream(Prints::Stream stream) {
  if (has_unmirrored() && !wait_for_screen()) return false;
  if (!has_screen_failed.load(std::memory_order_relaxed)) return true;
  Channel* channel = prints.core->channel();
  return channel == nullptr || channel->is_forked() || !raise_broken(*channel, stream);
}

bool show(Prints::Stream stream, std::string_view bytes) {
  bool is_done = true;
  if (!show_all(*prints.core, std::nullopt, is_done)) return false;
  const int fd = stream == Prints::out ? STDOUT_FILENO : STDERR_FILENO;
  while (!bytes.empty()) {
    PyThreadState* state = PyEval_SaveThread();
    const ::ssize_t n = ::write(fd, bytes.data(), bytes.size());
    const int error = n < 0 ? errno : 0;
    if (error == EAGAIN) {
      ::pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, 100);
    }
    PyEval_RestoreThread(state);
    if (PyErr_CheckSignals() != 0) return false;
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (error != EINTR && error != EAGAIN) {
      errno = error;
      PyErr_SetFromErrno(PyExc_OSError);
      return false;
    }
  }
  return true;
}

PyObject* redirect_prints(PyObject*, PyObject* args) {
  PyObject* logger = nullptr;
  if (!PyArg_ParseTuple(args, "O!:redirect_prints", logger_type, &logger)) return nullptr;
  hands_on_broken_pipes.store(true, std::memory_order_relaxed);
  if (prints.print == nullptr) {
    PyObject* builtins = PyImport_ImportModule("builtins");
    if (builtins == nullptr) return nullptr;
    prints.builtin = PyObject_GetAttrString(builtins, "print");
    if (prints.builtin == nullptr) return nullptr;
    if (PyCFunction_Check(prints.builtin)) {
      print_method.ml_doc = reinterpret_cast<PyCFunctionObject*>(prints.builtin)->m_ml->ml_doc;
    }
    PyObject* module = PyUnicode_FromString("builtins");
    prints.names[Prints::out] = PyUnicode_InternFromString("stdout");
    prints.names[Prints::error] = PyUnicode_InternFromString("stderr");
    if (prints.names[Prints::out] == nullptr || prints.names[Prints::error] == nullptr)
      return nullptr;
    PyObject* sys = PyImport_ImportModule("sys");
    prints.sys = sys == nullptr ? nullptr : Py_NewRef(PyModule_GetDict(sys));
    Py_XDECREF(sys);
    prints.logger = Py_NewRef(logger);
    prints.core = as_logger(logger)->core;
    prints.print = PyCFunction_NewEx(&print_method, builtins, module);
    Py_XDECREF(module);
    Py_DECREF(builtins);
    if (prints.print == nullptr || prints.sys == nullptr) return nullptr;
  }
  return Py_NewRef(prints.print);
}

PyObject* count_prints(PyObject*, PyObject*) {
  const auto ticks = static_cast<double>(prints.ticks.load(std::memory_order_relaxed));
  return Py_BuildValue("KKd", prints.calls(), prints.raised.load(std::memory_order_relaxed),
                       ticks * tick_ns() * 1e-9);
}

}  // namespace attolog::python
