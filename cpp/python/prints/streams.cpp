#include "python/prints/streams.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "core/codec.hpp"
#include "python/prints/prints.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

PyTypeObject* wrapper_type = nullptr;  // io.TextIOWrapper
PyTypeObject* stream_type = nullptr;   // what stands for it
// Where the bytes go that a stream makes of a text; null: into the log.
thread_local std::string* t_made[2] = {};

std::optional<Prints::Stream> find_stream(PyObject* self) {
  for (const Prints::Stream stream : {Prints::out, Prints::error}) {
    if (prints.stand_ins[stream].stream == self) return stream;
  }
  return std::nullopt;
}

// A method of io.TextIOWrapper itself.
PyObject* call_base(const char* name, PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* method = PyObject_GetAttrString(reinterpret_cast<PyObject*>(wrapper_type), name);
  PyObject* first = method == nullptr ? nullptr : PyTuple_Pack(1, self);
  PyObject* all = first == nullptr ? nullptr : PySequence_Concat(first, args);
  PyObject* result = all == nullptr ? nullptr : PyObject_Call(method, all, kwargs);
  Py_XDECREF(all);
  Py_XDECREF(first);
  Py_XDECREF(method);
  return result;
}

PyObject* call_base(const char* name, PyObject* self) {
  PyObject* none = PyTuple_New(0);
  PyObject* result = none == nullptr ? nullptr : call_base(name, self, none, nullptr);
  Py_XDECREF(none);
  return result;
}

// After each change of a stand-in: what prints have to know of it.
void change(Prints::Stream stream, const StandIn& changed) {
  StandIn& now = prints.stand_ins[stream];
  const int special = static_cast<int>(changed.is_special()) - static_cast<int>(now.is_special());
  n_slow_path_reasons.fetch_add(special, std::memory_order_relaxed);
  now = changed;
  prints.streams[stream] = now.is_open && !now.has_own ? now.stream : nullptr;
}

// Whether UTF-8 goes into the stream as it is, line ends aside.
bool is_utf8(PyObject* self) {
  PyObject* encoding = PyObject_GetAttrString(self, "encoding");
  if (encoding == nullptr || !PyUnicode_Check(encoding)) {
    PyErr_Clear();
    Py_XDECREF(encoding);
    return false;
  }
  std::string name = steal_wtf8(encoding);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name == "utf-8" || name == "utf8";
}

PyObject* write(PyObject* self, PyObject* text) {
  const auto stream = find_stream(self);
  if (!stream || !prints.stand_ins[*stream].is_open || !PyUnicode_Check(text) ||
      prints.core->mode() != Mode::on) {
    return PyObject_CallMethod(reinterpret_cast<PyObject*>(wrapper_type), "write", "OO", self,
                               text);
  }
  if (PyUnicode_CheckExact(text) && emit_quickly(*stream, text)) {
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
  }
  const PrintTimer time;
  PyObject* exact = PyUnicode_FromObject(text);
  const bool done = exact != nullptr && emit_text(*stream, exact);
  Py_XDECREF(exact);
  return done ? PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text)) : nullptr;
}

// Leaves the frames of attolog's own out of the traceback of the exception that is set, as far as
// they stand in front.
void drop_own_frames() {
  PyObject* type = nullptr;
  PyObject* error = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &error, &traceback);
  while (traceback != nullptr && PyTraceBack_Check(traceback)) {
    auto* entry = reinterpret_cast<PyTracebackObject*>(traceback);
    PyCodeObject* code = PyFrame_GetCode(entry->tb_frame);
    const bool is_own = to_wtf8(code->co_filename).find("/attolog/_run/") != std::string::npos;
    Py_DECREF(code);
    if (!is_own) break;
    PyObject* next = Py_XNewRef(reinterpret_cast<PyObject*>(entry->tb_next));
    Py_DECREF(traceback);
    traceback = next;
  }
  // Where the error is an object already it has a traceback of its own.
  if (error != nullptr && PyExceptionInstance_Check(error)) {
    PyException_SetTraceback(error, traceback == nullptr ? Py_None : traceback);
  }
  PyErr_Restore(type, error, traceback);
}

PyObject* call_cleanly(const char* name, PyObject* self) {
  PyObject* result = call_base(name, self);
  if (result == nullptr) drop_own_frames();
  return result;
}

PyObject* flush(PyObject* self, PyObject*) {
  return call_cleanly("flush", self);
}

PyObject* close_whole(PyObject* self, PyObject*) {
  return call_cleanly("close", self);
}

// Bytes have to arrive as they are written, whatever the program sets.
bool keep_write_through(PyObject* self) {
  PyObject* none = PyTuple_New(0);
  PyObject* options = none == nullptr ? nullptr : PyDict_New();
  const bool is_ready =
      options != nullptr && PyDict_SetItemString(options, "write_through", Py_True) == 0;
  PyObject* done = is_ready ? call_base("reconfigure", self, none, options) : nullptr;
  Py_XDECREF(done);
  Py_XDECREF(options);
  Py_XDECREF(none);
  return done != nullptr;
}

// Whether the option that reconfigure was given leaves "\n" as it is.
bool is_newline_plain(PyObject* newline) {
  return !PyUnicode_Check(newline) || PyUnicode_GET_LENGTH(newline) == 0 ||
         PyUnicode_CompareWithASCIIString(newline, "\n") == 0;
}

PyObject* reconfigure(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* result = call_base("reconfigure", self, args, kwargs);
  const auto stream = find_stream(self);
  if (result == nullptr || !stream) {
    if (result == nullptr) drop_own_frames();
    return result;
  }
  StandIn now = prints.stand_ins[*stream];
  PyObject* through = kwargs == nullptr ? nullptr : PyDict_GetItemString(kwargs, "write_through");
  if (through != nullptr && through != Py_None)
    now.is_write_through = PyObject_IsTrue(through) == 1;
  PyObject* newline = kwargs == nullptr ? nullptr : PyDict_GetItemString(kwargs, "newline");
  if (newline != nullptr) now.has_plain_newline = is_newline_plain(newline);
  now.is_encoded = !now.has_plain_newline || !is_utf8(self);
  change(*stream, now);
  if (!keep_write_through(self)) Py_CLEAR(result);
  return result;
}

void close(Prints::Stream stream) {
  StandIn now = prints.stand_ins[stream];
  now.is_open = false;
  change(stream, now);
}

PyObject* detach(PyObject* self, PyObject*) {
  PyObject* buffer = call_base("detach", self);
  const auto stream = find_stream(self);
  if (buffer != nullptr && stream) close(*stream);
  return buffer;
}

// Whether the instance has an attribute of that name which is not its type's method again.
bool has_own(PyObject* self, PyObject* names, const char* name, PyCFunction method) {
  PyObject* found = PyDict_GetItemString(names, name);
  return found != nullptr && !(PyCFunction_Check(found) && PyCFunction_GET_SELF(found) == self &&
                               PyCFunction_GET_FUNCTION(found) == method);
}

// A print that calls a `write` or `flush` of the program's own is not ours.
int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  if (PyObject_GenericSetAttr(self, name, value) != 0) return -1;
  const auto stream = find_stream(self);
  if (!stream || !PyUnicode_Check(name) ||
      (PyUnicode_CompareWithASCIIString(name, "write") != 0 &&
       PyUnicode_CompareWithASCIIString(name, "flush") != 0)) {
    return 0;
  }
  PyObject* names = PyObject_GenericGetDict(self, nullptr);
  if (names == nullptr) return -1;
  StandIn now = prints.stand_ins[*stream];
  now.has_own =
      has_own(self, names, "write", guarded_simple<write>) || has_own(self, names, "flush", flush);
  Py_DECREF(names);
  change(*stream, now);
  return 0;
}

// Python's own type is what the program sees, where it asks the object.
PyObject* get_class(PyObject* self, void*) {
  PyTypeObject* const type = Py_TYPE(self) == stream_type ? wrapper_type : Py_TYPE(self);
  return Py_NewRef(reinterpret_cast<PyObject*>(type));
}

int set_class(PyObject*, PyObject*, void*) {
  PyErr_SetString(PyExc_TypeError,
                  "__class__ assignment only supported for mutable types or ModuleType subclasses");
  return -1;
}

PyObject* get_write_through(PyObject* self, void*) {
  const auto stream = find_stream(self);
  return PyBool_FromLong(stream && prints.stand_ins[*stream].is_write_through ? 1 : 0);
}

PyMethodDef stream_methods[] = {
    {"write", guarded_simple<write>, METH_O, nullptr},
    {"flush", flush, METH_NOARGS, nullptr},
    {"close", close_whole, METH_NOARGS, nullptr},
    {"detach", detach, METH_NOARGS, nullptr},
    {"reconfigure", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(guarded<reconfigure>)),
     METH_VARARGS | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef stream_getters[] = {{"__class__", get_class, set_class, nullptr, nullptr},
                                {"write_through", get_write_through, nullptr, nullptr, nullptr},
                                {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyType_Slot stream_slots[] = {{Py_tp_methods, stream_methods},
                              {Py_tp_getset, stream_getters},
                              {Py_tp_setattro, reinterpret_cast<void*>(set_attribute)},
                              {0, nullptr}};
PyType_Spec stream_spec = {"_io.TextIOWrapper", 0, 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
                           stream_slots};

// True for 1 and 2; else false with an exception set.
bool take_stream(long number, Prints::Stream& stream) {
  stream = number == 1 ? Prints::out : Prints::error;
  if (number == 1 || number == 2) return true;
  PyErr_SetString(PyExc_ValueError, "a stream is 1 (stdout) or 2 (stderr)");
  return false;
}

bool emit_bytes(Prints::Stream stream, const std::string& bytes) {
  PyObject* text = PyUnicode_DecodeUTF8(bytes.data(), std::ssize(bytes), "strict");
  if (text == nullptr) PyErr_Clear();
  Buffer values;
  encode_sized(values, text == nullptr ? Tag::bytes : Tag::str, bytes);
  Py_XDECREF(text);
  const StandIn& stand_in = prints.stand_ins[stream];
  const std::uint32_t site = text_site(stream);
  if (stand_in.is_shown && !stand_in.is_echoed) return emit_beside(stream, site, values, bytes);
  const PrintResult result = emit_print(stream, site, values);
  return result == PrintResult::done || (result == PrintResult::off && show(stream, bytes));
}

}  // namespace

bool encode_by_stream(Prints::Stream stream, PyObject* text, std::string& bytes) {
  std::string* const around = std::exchange(t_made[stream], &bytes);
  PyObject* done = PyObject_CallMethod(reinterpret_cast<PyObject*>(wrapper_type), "write", "OO",
                                       prints.stand_ins[stream].stream, text);
  t_made[stream] = around;
  Py_XDECREF(done);
  return done != nullptr;
}

bool emit_beside(Prints::Stream stream, std::uint32_t site, const Buffer& values,
                 std::string_view shown) {
  if (emit_print(stream, site | kShown, values) == PrintResult::raised) return false;
  return !prints.stand_ins[stream].is_shown || show(stream, shown);
}

PyObject* attach_stream(PyObject*, PyObject* args) {
  long number = 0;
  Prints::Stream stream = Prints::out;
  StandIn made;
  int is_shown = 0;
  int is_echoed = 0;
  int is_write_through = 0;
  if (!PyArg_ParseTuple(args, "lO!ppp:attach_stream", &number, stream_type, &made.stream, &is_shown,
                        &is_echoed, &is_write_through) ||
      !take_stream(number, stream)) {
    return nullptr;
  }
  made.is_open = true;
  made.is_shown = is_shown != 0;
  made.is_echoed = is_echoed != 0;
  made.is_write_through = is_write_through != 0;
  made.is_encoded = !is_utf8(made.stream);
  Py_INCREF(made.stream);
  change(stream, made);
  Py_RETURN_NONE;
}

PyObject* close_stream(PyObject*, PyObject* number) {
  Prints::Stream stream = Prints::out;
  const long value = PyLong_AsLong(number);
  if ((value == -1 && PyErr_Occurred() != nullptr) || !take_stream(value, stream)) return nullptr;
  close(stream);
  Py_RETURN_NONE;
}

PyObject* write_to(PyObject*, PyObject* args) {
  long number = 0;
  PyObject* data = nullptr;
  Prints::Stream stream = Prints::out;
  if (!PyArg_ParseTuple(args, "lO:write_to", &number, &data) || !take_stream(number, stream))
    return nullptr;
  if (prints.core == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "redirect_prints() was not called");
    return nullptr;
  }
  if (PyUnicode_Check(data)) {
    return emit_text(stream, data) ? PyLong_FromSsize_t(PyUnicode_GET_LENGTH(data)) : nullptr;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) != 0) return nullptr;
  const Py_ssize_t n = view.len;
  std::string copy;
  std::string& bytes = t_made[stream] == nullptr ? copy : *t_made[stream];
  try {
    bytes.append(static_cast<const char*>(view.buf), static_cast<std::size_t>(n));
  } catch (const std::exception&) {
    PyBuffer_Release(&view);
    throw;
  }
  PyBuffer_Release(&view);
  if (&bytes == &copy && n != 0 && !emit_bytes(stream, copy)) return nullptr;
  return PyLong_FromSsize_t(n);
}

bool add_stream_types(PyObject* module) {
  PyObject* io = PyImport_ImportModule("io");
  PyObject* wrapper = io == nullptr ? nullptr : PyObject_GetAttrString(io, "TextIOWrapper");
  Py_XDECREF(io);
  if (wrapper == nullptr) return false;
  wrapper_type = reinterpret_cast<PyTypeObject*>(wrapper);
  PyObject* bases = PyTuple_Pack(1, wrapper);
  PyObject* type = bases == nullptr ? nullptr : PyType_FromSpecWithBases(&stream_spec, bases);
  Py_XDECREF(bases);
  stream_type = reinterpret_cast<PyTypeObject*>(type);
  return type != nullptr && PyModule_AddObjectRef(module, "Stream", type) == 0;
}

}  // namespace attolog::python
