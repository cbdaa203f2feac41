#include "python/format.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "core/codec.hpp"
#include "python/encode.hpp"
#include "python/logger.hpp"
#include "python/nested.hpp"
#include "python/objects.hpp"
#include "python/text.hpp"

namespace attolog::python {

namespace {

// The name by which a hole of the template takes this positional value; null: none does.
const std::string* name_in_holes(const Template& shape, Py_ssize_t index) {
  const auto value = static_cast<std::size_t>(index);
  const auto found = std::ranges::find_if(
      shape.holes(), [value](const Hole& hole) { return hole.value == value && has_name(hole); });
  return found == shape.holes().end() ? nullptr : &found->name;
}

bool has_numbers(const Template& shape) {
  return std::ranges::any_of(
      shape.holes(), [](const Hole& hole) { return !hole.name.empty() && !has_name(hole); });
}

// What str.format gets by position: the values of `{}` holes, or where there is `{0}` all
// positional ones. A new tuple; null with an exception set when memory runs out.
PyObject* format_args(const Call& call, const Template& shape) {
  const bool all = has_numbers(shape);
  std::vector<PyObject*> values;  // borrowed
  for (Py_ssize_t i = 0; i < call.n_positional; ++i) {
    if (all || name_in_holes(shape, i) == nullptr) values.push_back(call.values[i]);
  }
  PyObject* args = PyTuple_New(std::ssize(values));
  for (std::size_t i = 0; args != nullptr && i < values.size(); ++i) {
    PyTuple_SET_ITEM(args, static_cast<Py_ssize_t>(i), Py_NewRef(values[i]));
  }
  return args;
}

// Gives the key up, which may be null with an exception set.
bool set_item(PyObject* dict, PyObject* key, PyObject* value) {
  const bool done = key != nullptr && PyDict_SetItem(dict, key, value) == 0;
  Py_XDECREF(key);
  return done;
}

// Adds what bind() added, as Python's values again, where a keyword of the call has not the name.
bool add_bound(PyObject* kwargs, const Bound& bound) {
  Arena arena;
  std::vector<Value> values;
  decode_values(bound.values, arena, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    PyObject* key = from_wtf8(bound.names[i]);
    PyObject* value = key == nullptr ? nullptr : to_object(values[i]);
    const bool done = value != nullptr && PyDict_SetDefault(kwargs, key, value) != nullptr;
    Py_XDECREF(key);
    Py_XDECREF(value);
    if (!done) return false;
  }
  return true;
}

// What it gets by name: keywords, the positional values of named holes, bound fields. Likewise a
// dict.
PyObject* format_kwargs(const Call& call, const Template& shape) {
  PyObject* kwargs = PyDict_New();
  bool done = kwargs != nullptr;
  for (Py_ssize_t i = 0; done && i < call.n_positional; ++i) {
    const std::string* name = name_in_holes(shape, i);
    if (name != nullptr) done = set_item(kwargs, from_wtf8(*name), call.values[i]);
  }
  for (Py_ssize_t i = call.n_positional; done && i < call.n_values(); ++i) {
    // As an exact str: looking up another kind of key may run code.
    PyObject* name = PyTuple_GET_ITEM(call.kwnames, i - call.n_positional);
    done = set_item(kwargs, PyUnicode_FromObject(name), call.values[i]);
  }
  const Bound* bound = call.logger->bound;
  if (!done || (bound != nullptr && !add_bound(kwargs, *bound))) Py_CLEAR(kwargs);
  return kwargs;
}

// The text of the whole message, made by str.format. Null with an exception set where the template
// cannot be filled; without memory for its arguments the record is given up.
PyObject* format_whole(const Call& call, const Template& shape) {
  PyObject* args = format_args(call, shape);
  PyObject* kwargs = args == nullptr ? nullptr : format_kwargs(call, shape);
  PyObject* format = kwargs == nullptr ? nullptr : PyObject_GetAttrString(call.first, "format");
  const bool is_ready = format != nullptr;
  PyObject* text = is_ready ? PyObject_Call(format, args, kwargs) : nullptr;
  Py_XDECREF(format);
  Py_XDECREF(kwargs);
  Py_XDECREF(args);
  if (!is_ready) give_up();
  return text;
}

// "{0" + ".attr:spec" + "}": what this hole shows of its value. Null with an exception set.
PyObject* format_hole(const Hole& hole, PyObject* value) {
  PyObject* text = from_wtf8("{0" + hole.rest + "}");
  if (text == nullptr) give_up();
  PyObject* result = PyObject_CallMethod(text, "format", "(O)", value);
  Py_DECREF(text);
  return result;
}

// Whether the hole shows the str() that is recorded of this value anyway. With an exception set
// where that must pass.
bool shows_str(const Hole& hole, PyObject* value) {
  if (!goes_by_str(value)) return false;
  if (hole.conversion == 's') return hole.native(Tag::str);
  return (hole.rest.empty() || hole.rest == ":") && formats_as_str(value);
}

}  // namespace

bool encode_whole(Buffer& values, Tag tag, const Call& call, const Template& shape,
                  std::size_t most, OnError on_error) {
  PyObject* text = format_whole(call, shape);
  if (text == nullptr) return on_error == OnError::keep && clear_if_ordinary();
  encode_sized(values, tag, cut_text(take_wtf8(text), most));
  return true;
}

bool encode_shown(Buffer& values, const Template& text, std::size_t index, PyObject* value,
                  std::size_t most, OnError on_error) {
  for (const Hole& hole : text.holes()) {
    if (hole.value != index || hole.nested) continue;
    const Tag tag = native_tag(value, hole.conversion == 'r' || hole.conversion == 'a');
    if (tag != Tag::end && hole.native(tag)) continue;
    const bool is_str = shows_str(hole, value);
    if (PyErr_Occurred() != nullptr) return false;
    PyObject* shown = is_str ? PyObject_Str(value) : format_hole(hole, value);
    if (shown == nullptr) {
      if (on_error == OnError::raise || !clear_if_ordinary()) return false;
      encode_sized(values, Tag::formatted, kUnfillable);
      break;
    }
    if (is_str) {  // taken once, for both
      if (is_nested(value)) return take_nested(values, value, shown, most);
      take_text(values, shown, most);
      return true;
    }
    encode_sized(values, Tag::formatted, cut_text(take_wtf8(shown), most));
    break;
  }
  return encode_any(values, value, most);
}

}  // namespace attolog::python
