#include "python/prints/print_value.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/value.hpp"
#include "python/call/format.hpp"
#include "python/values/encode.hpp"

namespace attolog::python {

namespace {

struct PrintValue {
  PyObject_HEAD PyObject* text;  // null: `conversion` makes it
  PyObject* value;               // for `conversion` alone
  const Conversion* conversion;
  Buffer* encoded;  // of a value that has a text
};

PyTypeObject* print_value_type = nullptr;

PrintValue* as_print_value(PyObject* object) {
  return reinterpret_cast<PrintValue*>(object);
}

void free_print_value(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  std::unique_ptr<Buffer>(as_print_value(self)->encoded).reset();
  Py_XDECREF(as_print_value(self)->text);
  Py_XDECREF(as_print_value(self)->value);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* text_of_value(PyObject* self) {
  const PrintValue* shown = as_print_value(self);
  return shown->text != nullptr ? Py_NewRef(shown->text) : shown->conversion->text_of(shown->value);
}

// The text has the width and precision that the spec asks for already.
PyObject* format_value(PyObject* self, PyObject*) {
  return text_of_value(self);
}

PyMethodDef print_value_methods[] = {{"__format__", format_value, METH_O, nullptr},
                                     {nullptr, nullptr, 0, nullptr}};
PyType_Slot print_value_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(free_print_value)},
                                   {Py_tp_str, reinterpret_cast<void*>(text_of_value)},
                                   {Py_tp_repr, reinterpret_cast<void*>(text_of_value)},
                                   {Py_tp_methods, print_value_methods},
                                   {0, nullptr}};
PyType_Spec print_value_spec = {
    "attolog._core.PrintValue", sizeof(PrintValue), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    print_value_slots};

std::uint8_t fast_type_of(Tag tag) {
  switch (tag) {
    case Tag::str: return kFastStr;
    case Tag::int64: return kFastInt;
    case Tag::float64: return kFastFloat;
    case Tag::true_:
    case Tag::false_: return kFastBool;
    case Tag::none: return kFastNone;
    default: return 0;
  }
}

std::uint8_t fast_types_of(std::string_view kind) {
  if (kind == "int") return kFastInt;
  if (kind == "str") return kFastStr;
  if (kind == "float") return kFastInt | kFastFloat;
  return kind == "text" ? 0 : kFastStr | kFastInt | kFastFloat | kFastBool | kFastNone;
}

PyObject* new_print_value() {
  return print_value_type->tp_alloc(print_value_type, 0);
}

}  // namespace

PyObject* Conversion::text_of(PyObject* value) const {
  if (n_before == kFormat) return PyObject_CallMethod(format.get(), "format", "(O)", value);
  if (n_before == kSum) return PyNumber_Add(format.get(), value);
  if (n_before == kAlone) return PyNumber_Remainder(format.get(), value);
  const PyRef values(PyTuple_New(n_before + 1));
  if (values == nullptr) return nullptr;
  for (Py_ssize_t i = 0; i < n_before; ++i) {
    PyObject* empty = PyUnicode_FromStringAndSize(nullptr, 0);
    if (empty == nullptr) return nullptr;
    PyTuple_SET_ITEM(values.get(), i, empty);
  }
  PyTuple_SET_ITEM(values.get(), n_before, Py_NewRef(value));
  return PyNumber_Remainder(format.get(), values.get());
}

bool read_conversions(PyObject* conversions, Py_ssize_t n, std::vector<Conversion>& read) {
  if (PyTuple_GET_SIZE(conversions) != n) {
    PyErr_SetString(PyExc_ValueError, "there must be a conversion for each name");
    return false;
  }
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* each = PyTuple_GET_ITEM(conversions, i);
    Conversion& conversion = read.emplace_back();
    if (each == Py_None) continue;
    PyObject* format = nullptr;
    const char* kind = nullptr;
    if (!PyTuple_Check(each)) {
      PyErr_SetString(PyExc_TypeError, "a conversion is a tuple or None");
      return false;
    }
    if (!PyArg_ParseTuple(each, "Uns", &format, &conversion.n_before, &kind)) return false;
    if (conversion.n_before < Conversion::kSum) {
      PyErr_SetString(PyExc_ValueError, "there is no such place of a value");
      return false;
    }
    conversion.format.reset(Py_NewRef(format));
    conversion.fast_types = fast_types_of(kind);
  }
  return true;
}

bool is_shown_by_hole(const Conversion& conversion, const Template& shape, std::size_t index,
                      PyObject* value) {
  for (const Hole& hole : shape.holes()) {
    if (hole.value != index) continue;
    const Tag tag = native_tag(value, hole.conversion == 'r' || hole.conversion == 'a');
    if ((fast_type_of(tag) & conversion.fast_types) == 0 || !hole.native(tag)) return false;
  }
  return true;
}

PyObject* new_shown_value(PyObject* value, PyObject* text) {
  auto encoded = std::make_unique<Buffer>();
  encode_with_text(*encoded, value, text, static_cast<std::size_t>(0xffff'0000));
  PyObject* made = new_print_value();
  if (made == nullptr) return nullptr;
  as_print_value(made)->text = Py_NewRef(text);
  as_print_value(made)->encoded = encoded.release();
  return made;
}

PyObject* new_value_to_show(PyObject* value, const Conversion& conversion) {
  PyObject* made = new_print_value();
  if (made == nullptr) return nullptr;
  as_print_value(made)->value = Py_NewRef(value);
  as_print_value(made)->conversion = &conversion;
  return made;
}

bool is_print_value(PyObject* object) {
  return Py_TYPE(object) == print_value_type;
}

bool encode_shown_value(Buffer& out, PyObject* object) {
  if (!is_print_value(object) || as_print_value(object)->encoded == nullptr) {
    return false;
  }
  out.append(as_print_value(object)->encoded->view());
  return true;
}

Buffer cut_values(const Buffer& values, const std::vector<std::size_t>& ends, std::size_t most) {
  Buffer out;
  std::size_t start = 0;
  for (const std::size_t end : ends) {
    const std::string_view encoded = values.view().substr(start, end - start);
    start = end;
    if (encoded.size() <= most) {
      out.append(encoded);
      continue;
    }
    Arena arena;
    std::vector<Value> decoded;
    decode_values(encoded, arena, decoded);
    const Value& value = decoded.front();
    const std::string_view text = value.is_formatted ? value.formatted : value.text;
    if (text.size() <= most) {
      out.append(encoded);
    } else {
      encode_str(out, cut_text(std::string(text), most));
    }
  }
  return out;
}

bool has_surrogate_bytes(std::string_view wtf8) {
  for (std::size_t i = 0; i + 1 < wtf8.size(); ++i) {
    if (wtf8[i] == '\xed' && static_cast<unsigned char>(wtf8[i + 1]) >= 0xa0) return true;
  }
  return false;
}

bool values_have_surrogates(const Buffer& values) {
  Arena arena;
  std::vector<Value> decoded;
  decode_values(values.view(), arena, decoded);
  return std::ranges::any_of(decoded, [](const Value& value) {
    return has_surrogate_bytes(value.is_formatted ? value.formatted : value.text);
  });
}

bool add_print_value_type(PyObject* module) {
  PyObject* type = PyType_FromModuleAndSpec(module, &print_value_spec, nullptr);
  print_value_type = reinterpret_cast<PyTypeObject*>(type);
  return type != nullptr;
}

}  // namespace attolog::python
