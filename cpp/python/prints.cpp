// The fast print, and what is written to the streams that stand in the place of sys.stdout and
// sys.stderr.
#include "python/prints.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <vector>

#include "core/codec.hpp"
#include "python/encode.hpp"
#include "python/fast.hpp"
#include "python/screen_order.hpp"
#include "python/submit.hpp"
#include "python/text.hpp"
#include "writer/number.hpp"

namespace attolog::python {

constinit Prints prints;

namespace {

thread_local Unfinished* t_unfinished = nullptr;

}  // namespace

Unfinished::Unfinished() : around_(t_unfinished) {
  t_unfinished = this;
  n_unfinished.fetch_add(1, std::memory_order_relaxed);
}

Unfinished::~Unfinished() {
  t_unfinished = around_;
  n_unfinished.fetch_sub(1, std::memory_order_relaxed);
}

bool Unfinished::put_all() {
  Unfinished* const last = t_unfinished;
  if (last == nullptr) return true;
  t_unfinished = last->around_;  // they go first, and what is put is none of them
  const bool done = put_all() && last->put();
  t_unfinished = last;
  return done;
}

namespace {

constexpr double kWait = 20'000;  // ns; no record takes as long that finds room

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
    return text;
  }

 private:
  PyObject* parts_ = nullptr;
};

// Writes text into a stream as the stream itself would: it may refuse it, or write it in another
// encoding.
bool write_as_stream(Prints::Stream stream, PyObject* text) {
  PyObject* done =
      PyObject_CallFunctionObjArgs(prints.stream_write, prints.proxies[stream], text, nullptr);
  Py_XDECREF(done);
  return done != nullptr;
}

// One text, as a record. False with an exception set.
bool write_text(Prints::Stream stream, PyObject* text) {
  if (PyUnicode_GET_LENGTH(text) == 0) return true;
  if (has_surrogates(text)) return write_as_stream(stream, text);
  Buffer values;
  encode_text(values, text, prints.longest_text());
  const Put put = put_print(stream, kSites[stream], values);
  return put == Put::done || (put == Put::off && show(stream, to_wtf8(text)));
}

// One text of a few bytes: straight into the ring.
bool write_quickly(Prints::Stream stream, PyObject* text) {
  return !has_obstacle() && write_fast(prints.root, nullptr, kSites[stream], &text, 1, kAcceptStr);
}

// Puts what there is of a line. False with an exception set.
bool put_line(Line& line, Prints::Stream stream) {
  PyObject* text = line.take();
  const bool done = text != nullptr && write_text(stream, text);
  Py_XDECREF(text);
  return done;
}

class UnfinishedLine final : public Unfinished {
 public:
  UnfinishedLine(Line& line, Prints::Stream stream) : line_(line), stream_(stream) {}

 private:
  bool put() override { return put_line(line_, stream_); }

  Line& line_;
  const Prints::Stream stream_;
};

// The str() of a value, whose own code may print.
PyObject* ask_for_text(PyObject* value, Line& line, Prints::Stream stream) {
  if (PyUnicode_CheckExact(value)) return Py_NewRef(value);
  if (PyLong_CheckExact(value) || PyFloat_CheckExact(value)) return PyObject_Str(value);
  const UnfinishedLine unfinished(line, stream);
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
char* put_ascii(char* to, const char* end, PyObject* text) {
  const auto n = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
  if (!PyUnicode_IS_COMPACT_ASCII(text) || n + kNumberRoom > static_cast<std::size_t>(end - to))
    return nullptr;
  return copy_short(to, static_cast<const char*>(PyUnicode_DATA(text)), n);
}

// The same of any value whose str() needs no Python.
char* put_value(char* to, const char* end, PyObject* value) {
  if (PyUnicode_CheckExact(value)) return put_ascii(to, end, value);
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
  const Channel* channel = prints.root->channel.load(std::memory_order_acquire);
  if (has_obstacle() || channel == nullptr) return false;
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
    if (i != 0 && options.sep != nullptr) to = put_ascii(to, end, options.sep);
    if (to != nullptr) to = put_value(to, end, values[i]);
  }
  if (to != nullptr && options.end == nullptr) *to++ = '\n';
  if (to != nullptr && options.end != nullptr) to = put_ascii(to, end, options.end);
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

PyObject* print_line(PyObject* const* values, Py_ssize_t n, const Options& options) {
  if (print_quickly(values, n, options)) [[likely]]
    Py_RETURN_NONE;
  Line line;
  if (!add_values(line, values, n, options)) {
    put_before_raising([&] { return put_line(line, options.stream); });
    return nullptr;
  }
  return put_line(line, options.stream) ? Py_NewRef(Py_None) : nullptr;
}

PyObject* print_known(PyObject* const* args, Py_ssize_t nargs, const Options& options) {
  if (!prints.count()) [[likely]]
    return print_line(args, nargs, options);
  const Timed time;
  return print_line(args, nargs, options);
}

PyObject* fast_print(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const Options options = read_options(args + nargs, kwnames);
  if (!options.is_known ||
      !(options.is_given ? prints.root->mode.load(std::memory_order_relaxed) == Mode::on
                         : prints.has(Prints::out))) [[unlikely]] {
    return PyObject_Vectorcall(prints.builtin, args, static_cast<std::size_t>(nargs), kwnames);
  }
  try {
    PyObject* done = print_known(args, nargs, options);
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
bool raise_broken(const Channel& channel, Prints::Stream stream) {
  const int error = channel.echo_error(stream == Prints::out ? 1 : 2);
  if (error == 0) return false;
  errno = error;
  PyErr_SetFromErrno(PyExc_OSError);
  return true;
}

// `write` of a stream: its `self` is 1 or 2.
PyObject* stream_write(PyObject* self, PyObject* text) {
  const auto stream = PyLong_AsLong(self) == 1 ? Prints::out : Prints::error;
  const bool is_ours = prints.streams[stream] != nullptr &&
                       prints.root->mode.load(std::memory_order_relaxed) == Mode::on;
  if (!is_ours || !PyUnicode_CheckExact(text)) {
    return PyObject_CallFunctionObjArgs(prints.stream_write, prints.proxies[stream], text, nullptr);
  }
  try {
    if (!write_quickly(stream, text) && !write_text(stream, text)) return nullptr;
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
  return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

PyMethodDef write_method = {"write", stream_write, METH_O, "Write a text to the stream."};

// `flush` of a stream, likewise: it raises what writing to it has raised.
PyObject* stream_flush(PyObject* self, PyObject*) {
  const auto stream = PyLong_AsLong(self) == 1 ? Prints::out : Prints::error;
  return flush_stream(stream) ? Py_NewRef(Py_None) : nullptr;
}

PyMethodDef flush_method = {"flush", stream_flush, METH_NOARGS, "Wait until all is written."};

// True for 1 and 2; else false with an exception set.
bool take_stream(long number, Prints::Stream& stream) {
  stream = number == 1 ? Prints::out : Prints::error;
  if (number == 1 || number == 2) return true;
  PyErr_SetString(PyExc_ValueError, "a stream is 1 (stdout) or 2 (stderr)");
  return false;
}

}  // namespace

bool has_surrogates(PyObject* text) {
  const Py_ssize_t n = PyUnicode_GET_LENGTH(text);
  if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND) return false;
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (Py_UNICODE_IS_SURROGATE(PyUnicode_READ_CHAR(text, i))) return true;
  }
  return false;
}

bool put_text(Prints::Stream stream, std::string_view text) {
  if (text.empty()) return true;
  Buffer values;
  encode_str(values, text);
  const Put put = put_print(stream, kSites[stream], values);
  return put == Put::done || (put == Put::off && show(stream, text));
}

Put put_print(Prints::Stream stream, std::uint32_t site, const Buffer& values) {
  if (!Unfinished::put_all()) return Put::raised;
  Root& root = *prints.root;
  const Channel* channel = root.channel.load(std::memory_order_acquire);
  if (root.mode.load(std::memory_order_relaxed) != Mode::on || channel == nullptr) {
    return Put::off;
  }
  if (!channel->is_forked() && raise_broken(*channel, stream)) return Put::raised;
  const Ticks start = now_ticks();
  const bool done = submit(root, site, values.view(), root);
  const Ticks waited = now_ticks() - start;
  if (static_cast<double>(waited) * tick_ns() > kWait) {
    t_waited += waited;
    add_count(prints.ticks, waited);
  }
  if (!done) add_count(prints.raised, 1);
  return done ? Put::done : Put::raised;
}

bool flush_stream(Prints::Stream stream) {
  if (has_unshown() && !wait_for_screen()) return false;
  if (!has_screen_failed.load(std::memory_order_relaxed)) return true;
  const Channel* channel = prints.root->channel.load(std::memory_order_acquire);
  return channel == nullptr || channel->is_forked() || !raise_broken(*channel, stream);
}

bool show(Prints::Stream stream, std::string_view text) {
  bool is_done = true;
  if (!show_all(*prints.root, std::nullopt, is_done)) return false;
  const int fd = stream == Prints::out ? STDOUT_FILENO : STDERR_FILENO;
  while (!text.empty()) {
    PyThreadState* state = PyEval_SaveThread();
    const ::ssize_t n = ::write(fd, text.data(), text.size());
    const int error = n < 0 ? errno : 0;
    if (error == EAGAIN) {
      ::pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, 100);
    }
    PyEval_RestoreThread(state);
    if (PyErr_CheckSignals() != 0) return false;
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (error != EINTR && error != EAGAIN) {
      errno = error;
      PyErr_SetFromErrno(PyExc_OSError);
      return false;
    }
  }
  return true;
}

PyObject* take_prints(PyObject*, PyObject* args) {
  PyObject* logger = nullptr;
  PyObject* streams[2] = {};
  if (!PyArg_ParseTuple(args, "O!OO:take_prints", types.logger, &logger, &streams[0], &streams[1]))
    return nullptr;
  if (prints.print == nullptr) {
    PyObject* builtins = PyImport_ImportModule("builtins");
    PyObject* io = builtins == nullptr ? nullptr : PyImport_ImportModule("io");
    PyObject* wrapper = io == nullptr ? nullptr : PyObject_GetAttrString(io, "TextIOWrapper");
    Py_XDECREF(io);
    prints.stream_write = wrapper == nullptr ? nullptr : PyObject_GetAttrString(wrapper, "write");
    Py_XDECREF(wrapper);
    if (prints.stream_write == nullptr) return nullptr;
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
    prints.root = as_logger(logger)->root;
    prints.print = PyCFunction_NewEx(&print_method, builtins, module);
    Py_XDECREF(module);
    Py_DECREF(builtins);
    if (prints.print == nullptr || prints.sys == nullptr) return nullptr;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    prints.streams[i] = streams[i] == Py_None ? nullptr : Py_NewRef(streams[i]);
    if (prints.streams[i] != nullptr) prints.proxies[i] = prints.streams[i];
  }
  return Py_NewRef(prints.print);
}

PyObject* write_to(PyObject*, PyObject* args) {
  long number = 0;
  PyObject* data = nullptr;
  Prints::Stream stream = Prints::out;
  if (!PyArg_ParseTuple(args, "lO:write_to", &number, &data) || !take_stream(number, stream))
    return nullptr;
  if (prints.root == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "take_prints() was not called");
    return nullptr;
  }
  try {
    if (PyUnicode_Check(data)) {
      return write_text(stream, data) ? PyLong_FromSsize_t(PyUnicode_GET_LENGTH(data)) : nullptr;
    }
    Py_buffer bytes;
    if (PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) != 0) return nullptr;
    const std::string copy(static_cast<const char*>(bytes.buf),
                           static_cast<std::size_t>(bytes.len));
    PyBuffer_Release(&bytes);
    if (copy.empty()) return PyLong_FromLong(0);
    PyObject* text = PyUnicode_DecodeUTF8(copy.data(), std::ssize(copy), "strict");
    if (text == nullptr) PyErr_Clear();
    Buffer values;
    encode_sized(values, text == nullptr ? Tag::bytes : Tag::str, copy);
    Py_XDECREF(text);
    const Put put = put_print(stream, kSites[stream], values);
    const bool done = put == Put::done || (put == Put::off && show(stream, copy));
    return done ? PyLong_FromSsize_t(std::ssize(copy)) : nullptr;
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}

namespace {

PyObject* bind_to_stream(PyMethodDef& method, PyObject* number) {
  Prints::Stream stream = Prints::out;
  const long value = PyLong_AsLong(number);
  if ((value == -1 && PyErr_Occurred() != nullptr) || !take_stream(value, stream)) return nullptr;
  return PyCFunction_NewEx(&method, number, nullptr);
}

}  // namespace

PyObject* make_stream_write(PyObject*, PyObject* number) {
  return bind_to_stream(write_method, number);
}

PyObject* make_stream_flush(PyObject*, PyObject* number) {
  return bind_to_stream(flush_method, number);
}

PyObject* count_prints(PyObject*, PyObject*) {
  const auto ticks = static_cast<double>(prints.ticks.load(std::memory_order_relaxed));
  return Py_BuildValue("KKd", prints.calls.load(std::memory_order_relaxed),
                       prints.raised.load(std::memory_order_relaxed), ticks * tick_ns() * 1e-9);
}

}  // namespace attolog::python
