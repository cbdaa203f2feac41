// Compiled prints: what a `print(...)` of the program's own source becomes. One is called as
// `printed(print, *values)`, with what the name `print` means there, and logs the values under the
// template or the event that was made of the call.
#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "python/encode.hpp"
#include "python/fast.hpp"
#include "python/format.hpp"
#include "python/prints.hpp"
#include "python/text.hpp"

namespace attolog::python {

namespace {

// What a compiled print is of; kept as long as its function object.
struct PrintedText {
  PyObject* name = nullptr;  // the event's name, the template, or a text
  Template shape;            // of the text: an event's is its name and the str() of each value
  bool is_event = false;
  bool is_flushed = false;        // `flush=True`
  bool needs_python = false;      // the text is made at the call
  std::vector<bool> is_argument;  // of the print: its str() is taken as the print goes on
  PyObject* args = nullptr;       // of compile_print

  PrintedText() = default;
  PrintedText(const PrintedText&) = delete;
  PrintedText& operator=(const PrintedText&) = delete;
  ~PrintedText() {
    Py_XDECREF(name);
    Py_XDECREF(args);
  }
};

struct Printed {
  PyObject_HEAD Py_ssize_t n_values;
  std::uint64_t accept;
  std::uint32_t site;
  Prints::Stream stream;
  PrintedText* text;
};

PyTypeObject* printed_type = nullptr;

Printed* as_printed(PyObject* object) {
  return reinterpret_cast<Printed*>(object);
}

// The values of a record: those of the call, or where there are none the text itself.
struct Given {
  PyObject* const* values;
  Py_ssize_t n;
};
Given given(const Printed* printed, PyObject* const* args) {
  if (printed->n_values == 0) return {&printed->text->name, 1};
  return {args + 1, printed->n_values};
}

Call as_call(const Printed* printed, PyObject* const* args) {
  return {
      as_logger(prints.logger), printed->text->name, args + 1, printed->n_values, nullptr, kNone};
}

// The encoded values as the screen shows them, without the end of the line: as many as there are.
Buffer text_of(const Printed* printed, const Buffer& values) {
  Arena arena;
  std::vector<Value> decoded;
  decode_values(values.view(), arena, decoded);
  Buffer out;
  const PrintedText& text = *printed->text;
  if (text.needs_python || printed->n_values == 0) {
    out.append(decoded.back().text);
  } else {
    text.shape.fill(out, decoded);
  }
  return out;
}

// A print whose values are being encoded.
class UnfinishedPrint final : public Unfinished {
 public:
  UnfinishedPrint(const Printed* printed, const Buffer& values, std::size_t& n_put)
      : printed_(printed), values_(values), n_put_(n_put) {}

 private:
  bool put() override {
    const Buffer text = text_of(printed_, values_);
    const std::string_view rest = text.view().substr(std::exchange(n_put_, text.size()));
    return put_text(printed_->stream, rest);
  }

  const Printed* printed_;
  const Buffer& values_;
  std::size_t& n_put_;
};

bool encode_value(Buffer& values, const Printed* printed, std::size_t i, PyObject* value,
                  std::size_t& n_put) {
  const PrintedText& text = *printed->text;
  const std::size_t most = prints.longest_text();
  if (text.needs_python || printed->n_values == 0) return encode_any(values, value, most);
  const auto encode = [&] {
    return encode_shown(values, text.shape, i, value, most, OnError::raise);
  };
  if (!text.is_argument[i] || native_tag(value, false) != Tag::end) return encode();
  const UnfinishedPrint unfinished(printed, values, n_put);
  if (encode()) return true;
  put_before_raising([] { return Unfinished::put_all(); });
  return false;
}

// Encodes the values with their texts. `n_put`: how many bytes of the text are out by then. False
// with an exception set: what the print raises.
bool encode(Buffer& values, const Printed* printed, PyObject* const* args, std::size_t& n_put) {
  const PrintedText& text = *printed->text;
  const auto [each, n] = given(printed, args);
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (!encode_value(values, printed, static_cast<std::size_t>(i), each[i], n_put)) return false;
  }
  return !text.needs_python || encode_whole(values, Tag::str, as_call(printed, args), text.shape,
                                            prints.longest_text(), OnError::raise);
}

bool has_surrogates(std::string_view wtf8) {
  for (std::size_t i = 0; i + 1 < wtf8.size(); ++i) {
    if (wtf8[i] == '\xed' && static_cast<unsigned char>(wtf8[i + 1]) >= 0xa0) return true;
  }
  return false;
}

bool has_surrogates(const Buffer& values) {
  Arena arena;
  std::vector<Value> decoded;
  decode_values(values.view(), arena, decoded);
  return std::ranges::any_of(decoded, [](const Value& value) {
    return has_surrogates(value.is_formatted ? value.formatted : value.text);
  });
}

// By whatever `print` is, or to wherever its stream leads: as the program's print would have been.
PyObject* print_elsewhere(PyObject* print, const Printed* printed, std::string_view line) {
  PyObject* text = from_wtf8(line);
  PyObject* args = text == nullptr ? nullptr : PyTuple_Pack(1, text);
  PyObject* options = args == nullptr ? nullptr : PyDict_New();
  bool is_ready = options != nullptr;
  if (is_ready && printed->stream == Prints::error) {
    PyObject* file = PyDict_GetItemWithError(prints.sys, prints.names[Prints::error]);
    is_ready = file == nullptr || PyDict_SetItemString(options, "file", file) == 0;
  }
  if (is_ready && printed->text->is_flushed)
    is_ready = PyDict_SetItemString(options, "flush", Py_True) == 0;
  PyObject* result = is_ready ? PyObject_Call(print, args, options) : nullptr;
  Py_XDECREF(options);
  Py_XDECREF(args);
  Py_XDECREF(text);
  return result;
}

PyObject* print_event_elsewhere(const Printed* printed, PyObject* const* args) {
  std::vector<PyObject*> values(args, args + printed->n_values + 1);
  PyObject* const print = std::exchange(values[0], printed->text->name);
  const std::size_t n = values.size();
  if (!printed->text->is_flushed) return PyObject_Vectorcall(print, values.data(), n, nullptr);
  PyObject* names = Py_BuildValue("(s)", "flush");
  if (names == nullptr) return nullptr;
  values.push_back(Py_True);
  PyObject* result = PyObject_Vectorcall(print, values.data(), n, names);
  Py_DECREF(names);
  return result;
}

// Everything that the fast path does not do.
PyObject* print_slowly(const Printed* printed, PyObject* const* args, bool is_ours) {
  if (!is_ours && printed->text->is_event) return print_event_elsewhere(printed, args);
  Buffer values;
  std::size_t n_put = 0;
  if (!encode(values, printed, args, n_put)) return nullptr;
  const bool is_known = is_ours && n_put == 0 && printed->site != kInlineEventSite;
  if (is_known && !has_surrogates(values)) {
    const Put put = put_print(printed->stream, printed->site, values);
    if (put != Put::off) return put == Put::done ? Py_NewRef(Py_None) : nullptr;
  }
  Buffer line = text_of(printed, values);
  if (!is_ours || n_put == 0) {
    // What the log does not take, the stream itself may.
    return print_elsewhere(is_ours ? prints.builtin : args[0], printed, line.view());
  }
  line.push('\n');
  return put_text(printed->stream, line.view().substr(n_put)) ? Py_NewRef(Py_None) : nullptr;
}

[[gnu::noinline, gnu::cold]] PyObject* call_slowly(const Printed* printed, PyObject* const* args,
                                                   bool is_ours) {
  try {
    return print_slowly(printed, args, is_ours);
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}

[[gnu::always_inline]] inline PyObject* print_now(const Printed* printed, PyObject* const* args) {
  const auto [values, n] = given(printed, args);
  if (!has_obstacle() &&
      write_fast(prints.root, nullptr, printed->site, values, n, printed->accept)) [[likely]] {
    Py_RETURN_NONE;
  }
  return call_slowly(printed, args, true);
}

[[gnu::noinline, gnu::cold]] PyObject* print_timed(const Printed* printed, PyObject* const* args) {
  const Timed time;
  return print_now(printed, args);
}

PyObject* call_printed(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  const Printed* printed = as_printed(self);
  if (nargs != printed->n_values + 1) [[unlikely]] {
    PyErr_SetString(PyExc_TypeError, "a compiled print takes print and its values");
    return nullptr;
  }
  if (args[0] != prints.print || !prints.has(printed->stream)) [[unlikely]] {
    return call_slowly(printed, args, false);
  }
  if (prints.count()) [[unlikely]]
    return print_timed(printed, args);
  return print_now(printed, args);
}

// One with `flush=True`.
PyObject* call_flushed(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  const Prints::Stream stream = as_printed(self)->stream;
  const bool is_ours = nargs > 0 && args[0] == prints.print && prints.has(stream);
  PyObject* done = call_printed(self, args, nargs);
  try {
    if (is_ours && done != nullptr && !flush_stream(stream)) Py_CLEAR(done);
  } catch (const std::exception&) {
    Py_CLEAR(done);
    PyErr_NoMemory();
  }
  return done;
}

void free_printed(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  std::unique_ptr<PrintedText>(as_printed(self)->text).reset();
  type->tp_free(self);
  Py_DECREF(type);
}

// For functions that are pickled with their code: in a process without attolog run, a compiled
// print calls the print that it is given.
PyObject* reduce_printed(PyObject* self, PyObject*) {
  PyObject* core = PyImport_ImportModule("attolog._core");
  PyObject* make = core == nullptr ? nullptr : PyObject_GetAttrString(core, "restore_print");
  Py_XDECREF(core);
  return make == nullptr ? nullptr : Py_BuildValue("(NO)", make, as_printed(self)->text->args);
}

PyMethodDef printed_methods[] = {
    {"print", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_printed)), METH_FASTCALL,
     "print(print, *values)"},
    {"print_flushed", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_flushed)),
     METH_FASTCALL, "print(print, *values), with flush=True"},
    {"__reduce__", reduce_printed, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot printed_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_printed)},
    {Py_tp_methods, printed_methods},
    {Py_tp_doc,
     const_cast<char*>("A print of the program's source; its method is what it became.")},
    {0, nullptr}};
PyType_Spec printed_spec = {
    "attolog._core.Printed", sizeof(Printed), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    printed_slots};

// The template by which an event's line is put together.
std::string event_shape(const std::string& name, std::size_t n) {
  std::string shape = name;
  for (std::size_t i = 0; i < n; ++i) shape += " {!s}";
  return shape;
}

// What is known of the print goes into the site and into `text`; returns what it accepts.
std::uint64_t describe(PrintedText& text, Site& site, std::vector<std::string> names) {
  const std::size_t n = names.size();
  site.name = to_wtf8(text.name);
  if (n == 0) {  // a text that is its own and only value
    site.name = site.level == kWarning ? "WARNING" : "DEBUG";
    site.fields = {"message"};
    return kAcceptStr;
  }
  std::vector<bool> is_named(n, false);
  text.shape = Template::parse(text.is_event ? event_shape(site.name, n) : site.name, n, {});
  for (const Hole& hole : text.shape.holes()) {
    if (!has_name(hole) || hole.value >= n) continue;
    names[hole.value] = hole.name;
    is_named[hole.value] = true;
  }
  site.fields = name_fields(names, is_named, {});
  if (text.is_event) return kAcceptEverything;
  text.needs_python = text.shape.whole_at_call() || !text.shape.ok();
  if (!text.needs_python) return accepted(text.shape, n);
  site.fields.emplace_back("message");
  return 0;
}

// One print, by the arguments of compile_print.
PyObject* make_printed(PyObject* args, PyObject* kwargs) {
  static const char* const keywords[] = {"text", "names", "is_argument", "is_event",   "is_error",
                                         "file", "line",  "function",    "is_flushed", nullptr};
  PyObject* name = nullptr;
  PyObject* names = nullptr;
  PyObject* is_argument = nullptr;
  int is_event = 0;
  int is_error = 0;
  PyObject* file = nullptr;
  unsigned line = 0;
  PyObject* function = nullptr;
  int is_flushed = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UO!O!ppUIU|p:compile_print",
                                   const_cast<char**>(keywords), &name, &PyTuple_Type, &names,
                                   &PyTuple_Type, &is_argument, &is_event, &is_error, &file, &line,
                                   &function, &is_flushed)) {
    return nullptr;
  }
  if (PyTuple_GET_SIZE(names) != PyTuple_GET_SIZE(is_argument)) {
    PyErr_SetString(PyExc_ValueError, "names and is_argument must be of one length");
    return nullptr;
  }
  auto text = std::make_unique<PrintedText>();
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(is_argument); ++i) {
    text->is_argument.push_back(PyTuple_GET_ITEM(is_argument, i) == Py_True);
  }
  text->name = Py_NewRef(name);
  text->args = Py_BuildValue("(OOOiiOIOi)", name, names, is_argument, is_event, is_error, file,
                             line, function, is_flushed);
  if (text->args == nullptr) return nullptr;
  text->is_event = is_event != 0;
  text->is_flushed = is_flushed != 0;
  Site site;
  site.kind = text->is_event ? Kind::event : Kind::message;
  site.level = is_error != 0 ? kWarning : text->is_event ? kNone : kDebug;
  site.file = to_wtf8(file);
  site.line = line;
  site.function = to_wtf8(function);
  const std::uint64_t accept = describe(*text, site, names_of(names));
  auto* printed = reinterpret_cast<Printed*>(printed_type->tp_alloc(printed_type, 0));
  if (printed == nullptr) return nullptr;
  printed->n_values = PyTuple_GET_SIZE(names);
  printed->stream = is_error != 0 ? Prints::error : Prints::out;
  // Without a number of its own it is printed as text.
  const auto number = Writer::get().sites().add(std::move(site));
  printed->site = number.value_or(kInlineEventSite);
  printed->accept = number ? accept : 0;
  printed->text = text.release();
  return reinterpret_cast<PyObject*>(printed);
}

}  // namespace

PyObject* compile_print(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject* printed = make_printed(args, kwargs);
  PyObject* print = nullptr;
  if (printed != nullptr) {
    const bool is_flushed = as_printed(printed)->text->is_flushed;
    print = PyObject_GetAttrString(printed, is_flushed ? "print_flushed" : "print");
  }
  Py_XDECREF(printed);
  return print;
}

PyObject* restore_print(PyObject*, PyObject* args, PyObject* kwargs) {
  return make_printed(args, kwargs);
}

bool add_printed_type(PyObject* module) {
  PyObject* type = PyType_FromModuleAndSpec(module, &printed_spec, nullptr);
  printed_type = reinterpret_cast<PyTypeObject*>(type);
  return type != nullptr;
}

}  // namespace attolog::python
