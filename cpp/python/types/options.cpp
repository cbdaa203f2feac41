#include "python/types/options.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <exception>
#include <string>

#include "python/helpers.hpp"
#include "python/refusal.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"
#include "python/waiting.hpp"
#include "sinks/text_sink.hpp"

namespace attolog::python {

namespace {

Helper read_strategy{"attolog._native.constructor_arguments", "strategy_of"};
Helper read_rules{"attolog._native.constructor_arguments", "rules_of"};
Helper find_nearest{"attolog._words", "nearest"};
Helper parse_expression{"attolog._expression", "parse"};

constexpr const char* kSeconds =
    "seconds, 0 or more (a finite number, or \"500ms\", \"1s\", \"5m\")";
constexpr const char* kSecondsOrNone =
    "None or seconds, 0 or more (a finite number, or \"500ms\", \"1s\", \"5m\")";

bool take_int(PyObject* value, const char* option, const char* allowed, long long least,
              long long most, long long& result) {
  if (!PyLong_Check(value) || PyBool_Check(value)) return refuse_type(option, "an int", value);
  int overflow = 0;
  result = PyLong_AsLongLongAndOverflow(value, &overflow);
  return (overflow == 0 && result >= least && result <= most) || refuse(option, allowed, value);
}

// Seconds as a number, or "500ms", "1s", "5m".
bool take_seconds(PyObject* value, const char* option, const char* allowed, double& result) {
  if (PyUnicode_Check(value)) {
    const std::string text = to_wtf8(value);
    std::size_t used = 0;
    try {
      result = std::stod(text, &used);
    } catch (const std::exception&) {
      return refuse(option, allowed, value);
    }
    const std::string unit = text.substr(used);
    if (unit == "ms") {
      result /= 1000;
    } else if (unit == "m") {
      result *= 60;
    } else if (unit != "s") {
      return refuse(option, allowed, value);
    }
  } else if (PyFloat_Check(value) || (PyLong_Check(value) && !PyBool_Check(value))) {
    result = PyFloat_AsDouble(value);
    if (result == -1.0 && PyErr_Occurred()) {  // an int that no double holds
      PyErr_Clear();
      return refuse(option, allowed, value);
    }
  } else {
    return refuse_type(option, allowed, value);
  }
  if (!std::isfinite(result) || result < 0) return refuse(option, allowed, value);
  result = std::min(result, kLongest);
  return true;
}

bool take_flag(PyObject* value, const char* option, bool& result) {
  if (!PyBool_Check(value)) return refuse_type(option, "True or False", value);
  result = value == Py_True;
  return true;
}

// Any path (str, bytes, PathLike) as the system's bytes.
bool take_path(PyObject* value, const char* option, std::string& result) {
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(value));
  if (!PyUnicode_Check(value) && !PyBytes_Check(value) &&
      PyObject_HasAttrString(type, "__fspath__") == 0) {
    return refuse_type(option, "a str, bytes or os.PathLike", value);
  }
  PyObject* plain = PyOS_FSPath(value);
  if (plain == nullptr) return false;  // what its __fspath__ complains of
  PyObject* path = nullptr;
  const bool is_path = PyUnicode_FSConverter(plain, &path) != 0;
  Py_DECREF(plain);
  if (!is_path) {
    if (!PyErr_ExceptionMatches(PyExc_ValueError)) return false;
    const bool has_null = PyErr_ExceptionMatches(PyExc_UnicodeError) == 0;
    PyErr_Clear();
    return refuse(option,
                  has_null ? "a path without null characters"
                           : "a path that the file system's encoding can spell",
                  value);
  }
  result.assign(PyBytes_AS_STRING(path), static_cast<std::size_t>(PyBytes_GET_SIZE(path)));
  Py_DECREF(path);
  if (result.empty()) {
    PyErr_Format(PyExc_ValueError, "%s must not be empty", option);
    return false;
  }
  return true;
}

// Sets a ValueError: no suffix of the path gives a format. Returns false.
bool refuse_format(const std::string& path) {
  PyObject* shown = PyUnicode_DecodeFSDefault(path.c_str());
  if (shown == nullptr) return false;
  PyErr_Format(
      PyExc_ValueError,
      "path must end in .csv, .jsonl, .log, .txt or .atto, which gives the format; %R does not",
      shown);
  Py_DECREF(shown);
  return false;
}

bool take_format(const std::string& path, Format& format) {
  if (const auto known = format_of(path)) {
    format = *known;
    return true;
  }
  struct stat info{};
  format = Format::text;  // a terminal, a pipe, /dev/null
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
    return true;
  return refuse_format(path);
}

std::size_t ring_size(std::uint64_t bytes) {
  return std::bit_ceil(std::clamp<std::uint64_t>(bytes, kMinRing, kMaxRing));
}

}  // namespace

bool encode_steps(PyObject* expression, std::string& encoded_steps) {
  const PyRef steps(call_helper(parse_expression, "(O)", expression));
  if (steps.get() == nullptr) return false;
  Buffer encoded;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(steps.get()); ++i) {
    PyObject* const step = PyTuple_GET_ITEM(steps.get(), i);
    if (!encode_any(encoded, step, std::size_t{1} << 30)) return false;
  }
  encoded_steps = encoded.view();
  return true;
}

bool take_strategy(PyObject* given, Policy& policy) {
  if (given == nullptr || given == Py_None) return true;
  PyObject* spelled = PyUnicode_Check(given)
                          ? Py_NewRef(given)
                          : call_helper(read_strategy, "(Os)", given, "strategy");
  const bool done = spelled != nullptr && take_policy("strategy", to_wtf8(spelled), policy);
  Py_XDECREF(spelled);
  return done;
}

bool take_rules(PyObject* given, Rules& rules) {
  // Python reads them: pairs of a name and a spelling.
  if (given == nullptr || given == Py_None) return true;
  PyObject* pairs = call_helper(read_rules, "(O)", given);
  bool done = pairs != nullptr;
  for (Py_ssize_t i = 0; done && i < PyTuple_GET_SIZE(pairs); ++i) {
    const char* name = nullptr;
    const char* text = nullptr;
    Policy policy;
    done = PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, i), "ss", &name, &text) != 0 &&
           take_policy((std::string("rules: ") + name).c_str(), text, policy);
    if (done) rules.set(name, policy);
  }
  Py_XDECREF(pairs);
  return done;
}

namespace {

// Sets a TypeError: no option has that name, these have.
void refuse_option(const char* complaint, PyObject* name, const std::vector<std::string>& known) {
  if (PyUnicode_CompareWithASCIIString(name, "level") == 0) {
    PyErr_Format(PyExc_TypeError, "%s %R; the level is set by log.level = \"INFO\"", complaint,
                 name);
    return;
  }
  PyObject* const names = list_of(known);
  if (names == nullptr) return;
  const PyRef hint(call_helper(find_nearest, "(ON)", name, names));
  if (hint.get() == nullptr) return;
  std::string all;
  for (const std::string& each : known) all += (all.empty() ? "" : ", ") + each;
  PyErr_Format(PyExc_TypeError, "%s %R; options are %s%U", complaint, name, all.c_str(),
               hint.get());
}

// Whether all keywords are options; else an exception names the others. `names` end with a null.
bool are_options(PyObject* kwargs, const char* const* names, const char* complaint) {
  PyObject* name = nullptr;
  Py_ssize_t at = 0;
  std::vector<std::string> known;
  for (const char* const* each = names; *each != nullptr; ++each) known.emplace_back(*each);
  while (kwargs != nullptr && PyDict_Next(kwargs, &at, &name, nullptr) != 0) {
    const auto is_name = [&](const std::string& each) {
      return PyUnicode_CompareWithASCIIString(name, each.c_str()) == 0;
    };
    if (std::ranges::any_of(known, is_name)) continue;
    refuse_option(complaint, name, known);
    return false;
  }
  return true;
}

}  // namespace

bool parse_options(PyObject* args, PyObject* kwargs, ChannelOptions& options) {
  static const char* const names[] = {"path",          "buffer_size",    "buffer_bytes", "on_full",
                                      "block_timeout", "exit_timeout",   "max_record",   "ring_dir",
                                      "append",        "columns",        "digits",       "pattern",
                                      "weight",        "fsync_interval", "echo",         nullptr};
  if (!are_options(kwargs, names, "there is no option")) return false;
  PyObject* path = nullptr;
  PyObject* buffer_size = nullptr;
  PyObject* buffer_bytes = Py_None;
  PyObject* on_full = nullptr;
  PyObject* block_timeout = Py_None;
  PyObject* exit_timeout = nullptr;
  PyObject* max_record = nullptr;
  PyObject* ring_dir = Py_None;
  PyObject* append = nullptr;
  PyObject* columns = Py_None;
  PyObject* digits = nullptr;
  PyObject* pattern = Py_None;
  PyObject* weight = nullptr;
  PyObject* fsync_interval = Py_None;
  PyObject* echo = nullptr;
  if (!PyArg_ParseTupleAndKeywords(
          args, kwargs, "O|O$OOOOOOOOOOOOO:AsyncFileLogger", const_cast<char**>(names), &path,
          &buffer_size, &buffer_bytes, &on_full, &block_timeout, &exit_timeout, &max_record,
          &ring_dir, &append, &columns, &digits, &pattern, &weight, &fsync_interval, &echo)) {
    return false;
  }
  long long number = 0;
  if (!take_path(path, "path", options.path)) return false;
  options.path = fill_in_path(options.path, 0);
  if (!take_format(options.path, options.format)) return false;
  if (buffer_size != nullptr) {
    if (!take_int(buffer_size, "buffer_size", "1 to 16777216 records", 1, 1 << 24, number))
      return false;
    options.ring_bytes = ring_size(static_cast<std::uint64_t>(number) * 64);
  }
  if (buffer_bytes != Py_None) {
    if (!take_int(buffer_bytes, "buffer_bytes", "65536 to 1073741824 bytes", kMinRing, kMaxRing,
                  number)) {
      return false;
    }
    options.ring_bytes = ring_size(static_cast<std::uint64_t>(number));
  }
  if (on_full != nullptr) {
    const std::string text = PyUnicode_Check(on_full) ? to_wtf8(on_full) : "";
    if (text != "block" && text != "drop")
      return refuse("on_full", "\"block\" or \"drop\"", on_full);
    options.block = text == "block";
  }
  if (block_timeout != Py_None &&
      !take_seconds(block_timeout, "block_timeout", kSecondsOrNone, options.block_timeout)) {
    return false;
  }
  if (exit_timeout != nullptr &&
      !take_seconds(exit_timeout, "exit_timeout", kSeconds, options.exit_timeout)) {
    return false;
  }
  if (max_record != nullptr) {
    if (!take_int(max_record, "max_record", "1024 to 1073741824 bytes", 1024, 1 << 30, number))
      return false;
    options.max_record = static_cast<std::size_t>(number);
  }
  if (ring_dir != Py_None && !take_path(ring_dir, "ring_dir", options.ring_dir)) return false;
  if (append != nullptr && !take_flag(append, "append", options.append)) return false;
  if (columns != Py_None) {
    if (!take_int(columns, "columns", "0 (as many as there are) or 3 to 1000", 0, 1000, number))
      return false;
    if (number == 1 || number == 2) {
      return refuse("columns", "0 (as many as there are) or 3 to 1000", columns);
    }
    if (number != 0 && options.format != Format::csv) {
      PyErr_SetString(PyExc_ValueError, "columns is for .csv files only");
      return false;
    }
    options.sink.columns = static_cast<int>(number);
  }
  if (digits != nullptr) {
    if (!take_int(digits, "digits", "6 or 9", 6, 9, number)) return false;
    if (number != 6 && number != 9) return refuse("digits", "6 or 9", digits);
    options.sink.digits = static_cast<int>(number);
  }
  if (pattern != Py_None) {
    if (!PyUnicode_Check(pattern)) return refuse_type("pattern", "a str", pattern);
    options.sink.pattern = to_wtf8(pattern);
    const std::string complaint = check_pattern(options.sink.pattern);
    if (!complaint.empty()) {
      PyObject* shown = show_briefly(pattern);
      if (shown == nullptr) return false;
      PyErr_Format(PyExc_ValueError, "pattern %U: %s", shown, complaint.c_str());
      Py_DECREF(shown);
      return false;
    }
  }
  if (weight != nullptr) {
    if (!take_flag(weight, "weight", options.sink.weight)) return false;
    if (options.sink.weight && options.format != Format::csv) {
      PyErr_SetString(PyExc_ValueError, "weight is for .csv files only; .jsonl and .atto have it");
      return false;
    }
  }
  if (fsync_interval != Py_None &&
      !take_seconds(fsync_interval, "fsync_interval", kSecondsOrNone, options.fsync_interval)) {
    return false;
  }
  return echo == nullptr || take_flag(echo, "echo", options.echo);
}

bool parse_copy_options(PyObject* args, PyObject* kwargs, ChannelOptions& options) {
  if (!parse_options(args, kwargs, options)) return false;
  if (options.echo) PyErr_SetString(PyExc_TypeError, "echo is an option of loggers with a file");
  return !options.echo;
}

namespace {

// An option that is taken out of the dict: borrowed from the call's keywords, which keep it. Null
// where it is not there.
PyObject* take_option(PyObject* options, const char* name) {
  PyObject* value = PyDict_GetItemString(options, name);
  if (value != nullptr && PyDict_DelItemString(options, name) != 0) PyErr_Clear();
  return value;
}

bool take_count(PyObject* value, const char* option, std::uint64_t& result) {
  long long number = 0;
  if (!take_int(value, option, "1 to 1073741824", 1, 1 << 30, number)) return false;
  result = static_cast<std::uint64_t>(number);
  return true;
}

// Seconds as nanoseconds; `result` stays as it is for null and None.
bool take_duration(PyObject* value, const char* option, std::int64_t& result) {
  if (value == nullptr || value == Py_None) return true;
  double seconds = 0;
  if (!take_seconds(value, option, kSecondsOrNone, seconds)) return false;
  result = std::llround(seconds * 1e9);
  return true;
}

// `when=`: an expression, or a callable.
bool take_when(PyObject* when, CircularArguments& result) {
  if (when == nullptr || when == Py_None) return true;
  if (PyCallable_Check(when) != 0) {
    result.watcher = when;
    return true;
  }
  if (!PyUnicode_Check(when)) return refuse_type("when", "an expression or a callable", when);
  result.channel.save_trigger.when = to_wtf8(when);
  return encode_steps(when, result.channel.save_trigger.condition);
}

}  // namespace

bool parse_circular(PyObject* args, PyObject* kwargs, CircularArguments& result) {
  result.ring_options.reset(kwargs == nullptr ? PyDict_New() : PyDict_Copy(kwargs));
  PyObject* const options = result.ring_options.get();
  if (options == nullptr) return false;
  PyObject* max_size = take_option(options, "max_size");
  const Py_ssize_t n_args = PyTuple_GET_SIZE(args);
  if (n_args > 1 || (n_args == 1 && max_size != nullptr)) {
    PyErr_SetString(PyExc_TypeError,
                    n_args > 1 ? "CircularLogger() takes max_size, and all else by its name"
                               : "CircularLogger() got max_size twice");
    return false;
  }
  if (n_args == 1) max_size = PyTuple_GET_ITEM(args, 0);
  PyObject* max_bytes = take_option(options, "max_bytes");
  PyObject* when = take_option(options, "when");
  PyObject* before = take_option(options, "before");
  PyObject* after = take_option(options, "after");
  PyObject* path = take_option(options, "path");
  result.signals = take_option(options, "signals");
  result.rules = take_option(options, "rules");
  static const char* const names[] = {"max_size",     "max_bytes",    "when",     "before",
                                      "after",        "path",         "signals",  "rules",
                                      "buffer_size",  "buffer_bytes", "on_full",  "block_timeout",
                                      "exit_timeout", "max_record",   "ring_dir", nullptr};
  if (!are_options(options, names, "CircularLogger() takes no option")) return false;

  ChannelOptions& channel = result.channel;
  channel.format = Format::none;
  channel.ring_bytes = std::size_t{2} << 20;  // a burst of 10,000 fits into half of it
  channel.circular_buffer.max_records = 100'000;
  channel.save_trigger.path = "circular-{pid}-{n}.atto";
  if ((max_size != nullptr &&
       !take_count(max_size, "max_size", channel.circular_buffer.max_records)) ||
      (max_bytes != nullptr && max_bytes != Py_None &&
       !take_count(max_bytes, "max_bytes", channel.circular_buffer.max_bytes)) ||
      !take_when(when, result) ||
      !take_duration(before, "before", channel.save_trigger.before_ns) ||
      !take_duration(after, "after", channel.save_trigger.after_ns) ||
      (path != nullptr && !take_path(path, "path", channel.save_trigger.path))) {
    return false;
  }
  return format_of(channel.save_trigger.path) || refuse_format(channel.save_trigger.path);
}

}  // namespace attolog::python
