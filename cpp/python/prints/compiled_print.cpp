#include "python/prints/compiled_print.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/arena.hpp"
#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "core/site.hpp"
#include "format/template.hpp"
#include "python/call/call.hpp"
#include "python/call/fast.hpp"
#include "python/call/format.hpp"
#include "python/docstrings.hpp"
#include "python/helpers.hpp"
#include "python/prints/print_source.hpp"
#include "python/prints/print_value.hpp"
#include "python/prints/prints.hpp"
#include "python/prints/streams.hpp"
#include "python/route/call_sites.hpp"
#include "python/route/logger_object.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"
#include "writer/writer_thread.hpp"

namespace attolog::python {

namespace {

// What a compiled print is of; kept as long as its function object.
struct CompiledPrintText {
  PyObject* name = nullptr;  // the event's name, the template, or a text
  Template shape;            // of the text: an event's is its name and the str() of each value
  bool is_event = false;
  std::optional<bool> flush;      // as the print says it
  bool needs_python = false;      // the text is made at the call
  std::vector<bool> is_argument;  // of the print: its str() is taken as the print goes on
  PrintSource source;
  PyObject* args = nullptr;  // of compile_print

  CompiledPrintText() = default;
  CompiledPrintText(const CompiledPrintText&) = delete;
  CompiledPrintText& operator=(const CompiledPrintText&) = delete;
  ~CompiledPrintText() {
    Py_XDECREF(name);
    Py_XDECREF(source.arguments);
    Py_XDECREF(source.options);
    Py_XDECREF(args);
  }
};

struct CompiledPrint {
  PyObject_HEAD Py_ssize_t n_values;
  std::uint64_t fast_types;
  std::uint32_t site;
  Prints::Stream stream;
  CompiledPrintText* text;
};

PyTypeObject* compiled_print_type = nullptr;

Helper reduce_sent{"attolog._run.plain", "reduce_print"};

CompiledPrint* as_compiled_print(PyObject* object) {
  return reinterpret_cast<CompiledPrint*>(object);
}

// The values of a record: those of the call, or where there are none the text itself.
struct RecordValues {
  PyObject* const* values;
  Py_ssize_t n;
};
RecordValues record_values(const CompiledPrint* compiled, PyObject* const* args) {
  if (compiled->n_values == 0) return {&compiled->text->name, 1};
  return {args + 1, compiled->n_values};
}

Call as_call(const CompiledPrint* compiled, PyObject* const* args) {
  return {
      as_logger(prints.logger), compiled->text->name, args + 1, compiled->n_values, nullptr, kNone};
}

// The encoded values as the screen shows them, without the end of the line: as many as there are.
Buffer text_of(const CompiledPrint* compiled, const Buffer& values) {
  Arena arena;
  std::vector<Value> decoded;
  decode_values(values.view(), arena, decoded);
  Buffer out;
  const CompiledPrintText& text = *compiled->text;
  if (text.needs_python || compiled->n_values == 0) {
    out.append(decoded.back().text);
  } else {
    text.shape.fill(out, decoded);
  }
  return out;
}

// A print whose values are being encoded.
class PartialCompiledPrint final : public PartialPrint {
 public:
  PartialCompiledPrint(const CompiledPrint* compiled, const Buffer& values, std::size_t& n_emitted)
      : printed_(compiled), values_(values), n_put_(n_emitted) {}

 private:
  bool emit() override {
    const Buffer text = text_of(printed_, values_);
    const std::string_view rest = text.view().substr(std::exchange(n_put_, text.size()));
    return emit_text(printed_->stream, rest);
  }

  const CompiledPrint* printed_;
  const Buffer& values_;
  std::size_t& n_put_;
};

// What is encoded is whole, as the screen gets it: the most that a length has room for.
constexpr std::size_t kWhole = 0xffff'0000;

// Appends an operand of `%` with the text that this gives.
bool encode_operand(Buffer& values, const Conversion& conversion, PyObject* value) {
  const PyRef text(conversion.text_of(value));
  if (text != nullptr) encode_with_text(values, value, text.get(), kWhole);
  return text != nullptr;
}

bool encode_value(Buffer& values, const CompiledPrint* compiled, std::size_t i, PyObject* value,
                  std::size_t& n_emitted) {
  const CompiledPrintText& text = *compiled->text;
  if (compiled->n_values != 0) {
    if (encode_shown_value(values, value)) return true;
    const Conversion& conversion = text.source.conversions[i];
    if (conversion.format != nullptr && !is_shown_by_hole(conversion, text.shape, i, value)) {
      return encode_operand(values, conversion, value);
    }
  }
  if (text.needs_python || compiled->n_values == 0) return encode_any(values, value, kWhole);
  const auto encode = [&] {
    return encode_shown(values, text.shape, i, value, kWhole, OnError::raise);
  };
  if (!text.is_argument[i] || native_tag(value, false) != Tag::end) return encode();
  const PartialCompiledPrint unfinished(compiled, values, n_emitted);
  if (encode()) return true;
  emit_before_raising([] { return PartialPrint::emit_all(); });
  return false;
}

// Encodes the values with their texts. `n_emitted`: how many bytes of the text are out by then.
// False with an exception set: what the print raises. `ends`: where each value ends.
bool encode(Buffer& values, const CompiledPrint* compiled, PyObject* const* args,
            std::size_t& n_emitted, std::vector<std::size_t>& ends) {
  const CompiledPrintText& text = *compiled->text;
  const auto [each, n] = record_values(compiled, args);
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (!encode_value(values, compiled, static_cast<std::size_t>(i), each[i], n_emitted))
      return false;
    ends.push_back(values.size());
  }
  if (!text.needs_python) return true;
  if (!encode_whole(values, Tag::str, as_call(compiled, args), text.shape, kWhole, OnError::raise))
    return false;
  ends.push_back(values.size());
  return true;
}

// Logs what the screen gets in other bytes than its record has, or in none of its own.
PyObject* print_specially(const CompiledPrint* compiled, PyObject* const* args,
                          const Buffer& values, const std::vector<std::size_t>& ends) {
  const Prints::Stream stream = compiled->stream;
  const StandIn& stand_in = prints.stand_ins[stream];
  Buffer line = text_of(compiled, values);
  line.push('\n');
  std::string made;
  std::string_view bytes = line.view();
  if (stand_in.is_encoded || has_surrogate_bytes(line.view())) {
    PyObject* text = from_wtf8(line.view());
    const bool is_taken = text != nullptr && encode_by_stream(stream, text, made);
    Py_XDECREF(text);
    // Piece by piece: those that stand before the one that the stream does not take are written.
    if (!is_taken) {
      return clear_if_ordinary()
                 ? print_as_written(prints.builtin, compiled->text->source, args + 1)
                 : nullptr;
    }
    bytes = made;
  }
  const Buffer record = cut_values(values, ends, prints.longest_text());
  const bool is_same = bytes == line.view() && record.size() == values.size();
  if (is_same && (stand_in.is_echoed || !stand_in.is_shown)) {
    const PrintResult result = emit_print(stream, compiled->site, record);
    const bool done =
        result == PrintResult::done || (result == PrintResult::off && show(stream, bytes));
    return done ? Py_NewRef(Py_None) : nullptr;
  }
  return emit_beside(stream, compiled->site, record, bytes) ? Py_NewRef(Py_None) : nullptr;
}

// Everything that the fast path does not do.
PyObject* print_slowly(const CompiledPrint* compiled, PyObject* const* args) {
  const PrintTimer time;
  Buffer values;
  std::vector<std::size_t> ends;
  std::size_t n_emitted = 0;
  if (!encode(values, compiled, args, n_emitted, ends)) return nullptr;
  if (n_emitted != 0 || compiled->site == kInlineEventSite) {
    Buffer line = text_of(compiled, values);
    line.push('\n');
    return emit_text(compiled->stream, line.view().substr(n_emitted)) ? Py_NewRef(Py_None)
                                                                      : nullptr;
  }
  if (prints.stand_ins[compiled->stream].is_special() || values.size() > prints.longest_text() ||
      values_have_surrogates(values)) {
    return print_specially(compiled, args, values, ends);
  }
  const PrintResult result = emit_print(compiled->stream, compiled->site, values);
  if (result != PrintResult::off) return result == PrintResult::done ? Py_NewRef(Py_None) : nullptr;
  Buffer line = text_of(compiled, values);
  line.push('\n');
  return show(compiled->stream, line.view()) ? Py_NewRef(Py_None) : nullptr;
}

[[gnu::noinline, gnu::cold]] PyObject* call_slowly(const CompiledPrint* compiled,
                                                   PyObject* const* args) {
  try {
    return print_slowly(compiled, args);
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}

[[gnu::always_inline]] inline PyObject* print_now(const CompiledPrint* compiled,
                                                  PyObject* const* args) {
  const auto [values, n] = record_values(compiled, args);
  if (!needs_slow_path() && write_fast(prints.core, nullptr, compiled->site, values, n,
                                       compiled->fast_types)) [[likely]] {
    Py_RETURN_NONE;
  }
  return call_slowly(compiled, args);
}

[[gnu::noinline, gnu::cold]] PyObject* print_timed(const CompiledPrint* compiled,
                                                   PyObject* const* args) {
  const PrintTimer time(prints.choose_next_timed());
  return print_now(compiled, args);
}

// What a print has returned, once all is on the screen.
PyObject* flushed(const CompiledPrint* compiled, PyObject* done) {
  try {
    if (done != nullptr && !flush_stream(compiled->stream)) Py_CLEAR(done);
  } catch (const std::exception&) {
    Py_CLEAR(done);
    PyErr_NoMemory();
  }
  return done;
}

// Another print than ours, or one to another stream.
[[gnu::noinline, gnu::cold]] PyObject* call_elsewhere(const CompiledPrint* compiled,
                                                      PyObject* const* args) {
  const auto flush = prints.has(compiled->stream) ? flush_of(args[0]) : std::nullopt;
  if (!flush) return print_as_written(args[0], compiled->text->source, args + 1);
  PyObject* done = prints.count() ? print_timed(compiled, args) : print_now(compiled, args);
  return compiled->text->flush.value_or(*flush) ? flushed(compiled, done) : done;
}

PyObject* call_compiled(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  const CompiledPrint* compiled = as_compiled_print(self);
  if (nargs != compiled->n_values + 1) [[unlikely]] {
    PyErr_SetString(PyExc_TypeError, "a compiled print takes print and its values");
    return nullptr;
  }
  if (args[0] != prints.print || !prints.has(compiled->stream)) [[unlikely]] {
    return call_elsewhere(compiled, args);
  }
  if (prints.count()) [[unlikely]]
    return print_timed(compiled, args);
  return print_now(compiled, args);
}

// One with `flush=True`.
PyObject* call_flushed(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  const CompiledPrint* compiled = as_compiled_print(self);
  const bool is_ours = nargs > 0 && args[0] == prints.print && prints.has(compiled->stream);
  PyObject* done = call_compiled(self, args, nargs);
  return is_ours ? flushed(compiled, done) : done;
}

// A value of the print that later ones may change, or that its format may not take: itself where
// neither can be, else as it is shown now.
PyObject* show_now(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  const CompiledPrintText& text = *as_compiled_print(self)->text;
  const Py_ssize_t i = nargs == 2 && PyLong_CheckExact(args[0]) ? PyLong_AsSsize_t(args[0]) : -1;
  if (i < 0 || i >= as_compiled_print(self)->n_values ||
      text.source.conversions[static_cast<std::size_t>(i)].format == nullptr) {
    PyErr_Clear();
    PyErr_SetString(PyExc_TypeError, "show takes the index of a value that has a format, and it");
    return nullptr;
  }
  try {
    const auto index = static_cast<std::size_t>(i);
    const Conversion& conversion = text.source.conversions[index];
    if (is_shown_by_hole(conversion, text.shape, index, args[1])) return Py_NewRef(args[1]);
    const PyRef shown(conversion.text_of(args[1]));
    return shown == nullptr ? nullptr : new_shown_value(args[1], shown.get());
  } catch (const std::exception&) {
    return PyErr_NoMemory();
  }
}

// Whether all values are exactly str: a sum of them is what it seems to be.
PyObject* are_texts(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  return PyBool_FromLong(std::all_of(
      args, args + nargs, [](PyObject* value) { return PyUnicode_CheckExact(value) != 0; }));
}

void free_compiled_print(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  std::unique_ptr<CompiledPrintText>(as_compiled_print(self)->text).reset();
  type->tp_free(self);
  Py_DECREF(type);
}

// For functions that are pickled with their code: a namespace with a print of Python's own.
PyObject* reduce_compiled_print(PyObject* self, PyObject*) {
  return call_helper(reduce_sent, "O", as_compiled_print(self)->text->args);
}

PyMethodDef compiled_print_methods[] = {
    {"print", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_compiled)), METH_FASTCALL,
     docs::CompiledPrint_print},
    {"print_flushed", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_flushed)),
     METH_FASTCALL, docs::CompiledPrint_print_flushed},
    {"show", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(show_now)), METH_FASTCALL,
     docs::CompiledPrint_show},
    {"are_texts", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(are_texts)), METH_FASTCALL,
     docs::CompiledPrint_are_texts},
    {"__reduce__", reduce_compiled_print, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot compiled_print_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(free_compiled_print)},
                                      {Py_tp_methods, compiled_print_methods},
                                      {Py_tp_doc, const_cast<char*>(docs::CompiledPrint)},
                                      {0, nullptr}};
PyType_Spec compiled_print_spec = {
    "attolog._core.CompiledPrint", sizeof(CompiledPrint), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    compiled_print_slots};

// The template by which an event's line is put together.
std::string event_shape(const std::string& name, std::size_t n) {
  std::string shape = name;
  for (std::size_t i = 0; i < n; ++i) shape += " {!s}";
  return shape;
}

// What is known of the print goes into the site and into `text`; returns what it accepts.
std::uint64_t describe(CompiledPrintText& text, Site& site, std::vector<std::string> names) {
  const std::size_t n = names.size();
  site.name = to_wtf8(text.name);
  if (n == 0) {  // a text that is its own and only value
    site.name = site.level == kWarning ? "WARNING" : "DEBUG";
    site.fields = {"message"};
    return kFastStr;
  }
  std::vector<bool> is_named(n, false);
  text.shape = Template::parse(text.is_event ? event_shape(site.name, n) : site.name, n, {});
  for (const Hole& hole : text.shape.holes()) {
    if (!has_name(hole) || hole.value >= n) continue;
    names[hole.value] = hole.name;
    is_named[hole.value] = true;
  }
  site.fields = name_fields(names, is_named, {});
  if (text.is_event) return kAllFastTypes;
  text.needs_python = text.shape.whole_at_call() || !text.shape.ok();
  if (text.needs_python) {
    site.fields.emplace_back("message");
    return 0;
  }
  std::uint64_t fast_types = fast_types_of(text.shape, n);
  for (std::size_t i = 0; i < std::min(n, kFastTypeValues); ++i) {
    const Conversion& conversion = text.source.conversions[i];
    if (conversion.format == nullptr) continue;
    fast_types &= ~(std::uint64_t{0xff} << (8 * i)) | std::uint64_t{conversion.fast_types}
                                                          << (8 * i);
  }
  return fast_types;
}

// One print, by the arguments of compile_print.
PyObject* make_compiled_print(PyObject* args, PyObject* kwargs) {
  static const char* const keywords[] = {"text",      "names",   "is_argument", "conversions",
                                         "arguments", "options", "is_event",    "is_error",
                                         "file",      "line",    "function",    nullptr};
  PyObject* name = nullptr;
  PyObject* names = nullptr;
  PyObject* is_argument = nullptr;
  PyObject* conversions = nullptr;
  PyObject* arguments = nullptr;
  PyObject* options = nullptr;
  int is_event = 0;
  int is_error = 0;
  PyObject* file = nullptr;
  unsigned line = 0;
  PyObject* function = nullptr;
  if (!PyArg_ParseTupleAndKeywords(
          args, kwargs, "UO!O!O!O!OppUIU:compile_print", const_cast<char**>(keywords), &name,
          &PyTuple_Type, &names, &PyTuple_Type, &is_argument, &PyTuple_Type, &conversions,
          &PyTuple_Type, &arguments, &options, &is_event, &is_error, &file, &line, &function)) {
    return nullptr;
  }
  if (PyTuple_GET_SIZE(names) != PyTuple_GET_SIZE(is_argument) ||
      !are_arguments(arguments, PyTuple_GET_SIZE(names))) {
    PyErr_SetString(PyExc_ValueError, "names, is_argument and arguments must fit together");
    return nullptr;
  }
  auto text = std::make_unique<CompiledPrintText>();
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(is_argument); ++i) {
    text->is_argument.push_back(PyTuple_GET_ITEM(is_argument, i) == Py_True);
  }
  if (!read_conversions(conversions, PyTuple_GET_SIZE(names), text->source.conversions)) {
    return nullptr;
  }
  text->name = Py_NewRef(name);
  text->source.arguments = Py_NewRef(arguments);
  text->source.options = PyDict_New();
  text->args = Py_BuildValue("(OOOOOOiiOIO)", name, names, is_argument, conversions, arguments,
                             options, is_event, is_error, file, line, function);
  if (text->args == nullptr || text->source.options == nullptr ||
      PyDict_MergeFromSeq2(text->source.options, options, 1) != 0) {
    return nullptr;
  }
  text->is_event = is_event != 0;
  if (PyObject* flush = PyDict_GetItemString(text->source.options, "flush"))
    text->flush = flush == Py_True;
  Site site;
  site.kind = text->is_event ? SiteKind::event : SiteKind::message;
  site.level = is_error != 0 ? kWarning : text->is_event ? kNone : kDebug;
  site.file = to_wtf8(file);
  site.line = line;
  site.function = to_wtf8(function);
  const std::uint64_t fast_types = describe(*text, site, names_of(names));
  auto* compiled =
      reinterpret_cast<CompiledPrint*>(compiled_print_type->tp_alloc(compiled_print_type, 0));
  if (compiled == nullptr) return nullptr;
  compiled->n_values = PyTuple_GET_SIZE(names);
  compiled->stream = is_error != 0 ? Prints::error : Prints::out;
  // Without a number of its own it is printed as text.
  const auto number = site_registry().add(std::move(site));
  compiled->site = number.value_or(kInlineEventSite);
  compiled->fast_types = number ? fast_types : 0;
  compiled->text = text.release();
  return reinterpret_cast<PyObject*>(compiled);
}

}  // namespace

PyObject* compile_print(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject* compiled = make_compiled_print(args, kwargs);
  PyObject* print = nullptr;
  if (compiled != nullptr) {
    const bool is_flushed = as_compiled_print(compiled)->text->flush.value_or(false);
    print = PyObject_GetAttrString(compiled, is_flushed ? "print_flushed" : "print");
  }
  Py_XDECREF(compiled);
  return print;
}

bool add_compiled_print_type(PyObject* module) {
  PyObject* type = PyType_FromModuleAndSpec(module, &compiled_print_spec, nullptr);
  compiled_print_type = reinterpret_cast<PyTypeObject*>(type);
  return type != nullptr && PyModule_AddType(module, compiled_print_type) == 0 &&
         add_print_value_type(module);
}

}  // namespace attolog::python
