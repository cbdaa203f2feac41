#include "python/call/format.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>
#include <vector>

#include "core/codec.hpp"
#include "python/route/bound_fields.hpp"
#include "python/values/encode.hpp"
#include "python/values/nested.hpp"
#include "python/values/objects.hpp"
#include "python/values/text.hpp"

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

// A bound value as Python's again. A list, tuple or dict is read from its str(), as its JSON has
// neither tuples nor keys that are numbers; where that is no literal, it stays the str().
PyObject* bound_object(const Value& value) {
  constexpr std::size_t kMostLiteral = std::size_t{1} << 16;  // reading takes time and memory
  if (!value.is_nested) return to_object(value);
  if (value.text.size() > kMostLiteral) return from_wtf8(value.text);
  const PyRef text(from_wtf8(value.text));
  const PyRef ast(text == nullptr ? nullptr : PyImport_ImportModule("ast"));
  PyObject* result =
      ast == nullptr ? nullptr : PyObject_CallMethod(ast.get(), "literal_eval", "O", text.get());
  if (result == nullptr && clear_if_ordinary()) return from_wtf8(value.text);
  return result;
}

// Adds what bind() added, as Python's values again, where a keyword of the call has not the name.
bool add_bound(PyObject* kwargs, const BoundFields& bound) {
  Arena arena;
  std::vector<Value> values;
  decode_values(bound.values, arena, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    PyObject* key = from_wtf8(bound.names[i]);
    PyObject* value = key == nullptr ? nullptr : bound_object(values[i]);
    const bool done = value != nullptr && PyDict_SetDefault(kwargs, key, value) != nullptr;
    Py_XDECREF(key);
    Py_XDECREF(value);
    if (!done) return false;
  }
  return true;
}

// The arguments of str.format by name, a dict: keywords, the positional values of named holes,
// bound fields.
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
  const BoundFields* bound = call.logger->bound;
  if (!done || (bound != nullptr && !add_bound(kwargs, *bound))) Py_CLEAR(kwargs);
  return kwargs;
}

// Widths and precisions of one template may add up to this. Its braces may be a stranger's, from an
// f-string, and each asks for up to nine digits of spaces. (Up to Spec::kMost a hole is native.)
constexpr std::size_t kMostPadding = std::size_t{1} << 20;
constexpr std::size_t kUnbounded = static_cast<std::size_t>(-1);  // a print's, which asks itself

std::size_t most_padding(std::size_t max_record) {
  return std::min(max_record, kMostPadding);
}

// The spec in what follows a hole's name: `>5` of `.b[0]!r:>5`.
std::string_view spec_in(std::string_view rest) {
  std::size_t at = 0;
  while (at < rest.size() && rest[at] != ':') {
    if (rest[at] == '[') at = std::min(rest.find(']', at), rest.size() - 1);
    ++at;
  }
  return rest.substr(std::min(at + 1, rest.size()));
}

// The sum of the numbers in a spec, in any digits that Python takes.
std::size_t padding_in(PyObject* spec) {
  constexpr std::size_t kEnough = std::size_t{1} << 40;
  std::size_t sum = 0;
  std::size_t number = 0;
  for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(spec); ++i) {
    const int digit = Py_UNICODE_TODECIMAL(PyUnicode_READ_CHAR(spec, i));
    if (digit < 0) {
      sum += number;
      number = 0;
    } else {
      number = std::min(number * 10 + static_cast<std::size_t>(digit), kEnough);
    }
  }
  return sum + number;
}

// Adds the numbers in a text, which is given up. False with an exception set where there is none,
// or the sum is more than `most`.
bool add_padding(PyObject* spec, std::size_t most, std::size_t& sum) {
  if (spec == nullptr) return false;
  if (PyUnicode_Check(spec)) sum += padding_in(spec);
  Py_DECREF(spec);
  if (sum <= most) return true;
  PyErr_Format(PyExc_ValueError, "a text of more than %zu characters is asked for", most);
  return false;
}

// A spec with its own holes filled. `args` and `kwargs` are those of the template, of which holes
// before have used up `n_used`.
PyObject* filled_spec(const Hole& hole, PyObject* args, Py_ssize_t n_used, PyObject* kwargs) {
  PyObject* left = PyTuple_GetSlice(args, n_used, PyTuple_GET_SIZE(args));
  PyObject* text = left == nullptr ? nullptr : from_wtf8(std::string(spec_in(hole.rest)));
  PyObject* format = text == nullptr ? nullptr : PyObject_GetAttrString(text, "format");
  PyObject* spec = format == nullptr ? nullptr : PyObject_Call(format, left, kwargs);
  Py_XDECREF(format);
  Py_XDECREF(text);
  Py_XDECREF(left);
  return spec;
}

// Whether all holes together ask for no more than `most`. Else false with an exception set, before
// anything of that size is made.
bool is_padding_bounded(const Template& shape, PyObject* args, PyObject* kwargs, std::size_t most) {
  std::size_t sum = 0;
  // Those inside of specs are holes themselves, and must be bounded before they are filled.
  for (const Hole& hole : shape.holes()) {
    if (hole.nested) continue;
    if (!add_padding(from_wtf8(std::string(spec_in(hole.rest))), most, sum)) return false;
  }
  Py_ssize_t n_used = 0;
  for (const Hole& hole : shape.holes()) {
    if (hole.name.empty()) ++n_used;
    if (!hole.nested) continue;
    if (!add_padding(filled_spec(hole, args, n_used, kwargs), most, sum)) return false;
  }
  return true;
}

// The text of the whole message, made by str.format. Null with an exception set where the template
// cannot be filled, where its widths and precisions ask for more than `most` characters, or where
// an exception must pass. Without memory for its arguments the record is given up.
PyObject* format_whole(const Call& call, const Template& shape, std::size_t most) {
  PyObject* args = format_args(call, shape);
  PyObject* kwargs = args == nullptr ? nullptr : format_kwargs(call, shape);
  PyObject* format = kwargs == nullptr ? nullptr : PyObject_GetAttrString(call.first, "format");
  const bool is_ready = format != nullptr;
  const bool is_bounded = is_ready && is_padding_bounded(shape, args, kwargs, most);
  PyObject* text = is_bounded ? PyObject_Call(format, args, kwargs) : nullptr;
  Py_XDECREF(format);
  Py_XDECREF(kwargs);
  Py_XDECREF(args);
  if (!is_ready && PyErr_ExceptionMatches(PyExc_Exception)) throw_no_memory();
  return text;
}

// "{0" + ".attr:spec" + "}": what this hole shows of its value. Null with an exception set: also
// where it asks for more than `most` characters by width and precision.
PyObject* format_hole(const Hole& hole, PyObject* value, std::size_t most) {
  std::size_t sum = 0;
  if (!add_padding(from_wtf8(std::string(spec_in(hole.rest))), most, sum)) return nullptr;
  PyObject* text = from_wtf8("{0" + hole.rest + "}");
  if (text == nullptr) throw_no_memory();
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

// Encodes a nested value whose hole is `{x!r}`: its str() is its repr(), so it is taken once.
void steal_repr(Buffer& values, PyObject* text, const Buffer& json, std::size_t most) {
  PyRef owned(text);
  encode_sized(values, Tag::formatted, cut_text(to_wtf8(text), most));
  steal_nested(values, owned.release(), json, most);
}

// numpy's arrays and torch's tensors: one of a single number shows that number.
bool is_array(PyObject* object) {
  const std::string_view name = Py_TYPE(object)->tp_name;
  if (name == "numpy.ndarray") return true;
  if (name != "Tensor" && name != "Parameter") return false;
  const PyRef module(
      PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__module__"));
  if (module == nullptr) PyErr_Clear();
  if (module == nullptr || !PyUnicode_Check(module.get())) return false;
  const std::string owner = to_wtf8(module.get());
  return owner == "torch" || owner == "torch.nn.parameter";
}

// Appends the number that the text is, if it is one and no more.
bool encode_number(Buffer& out, std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  std::int64_t whole = 0;
  const auto as_int = std::from_chars(text.data(), end, whole);
  if (as_int.ec == std::errc() && as_int.ptr == end) {
    encode_int(out, whole);
    return true;
  }
  double number = 0;
  const auto as_float = std::from_chars(text.data(), end, number);
  if (as_float.ec != std::errc() || as_float.ptr != end) return false;
  encode_float(out, number);
  return true;
}

}  // namespace

void encode_with_text(Buffer& out, PyObject* value, PyObject* text, std::size_t most) {
  const std::string shown = cut_text(to_wtf8(text), most);
  encode_sized(out, Tag::formatted, shown);
  if (encode_inert(out, value, most)) return;
  if (!is_array(value) || !encode_number(out, shown)) encode_text(out, text, most);
}

PyObject* format_message(const Call& call, const Template& shape) {
  return format_whole(call, shape, most_padding(kMostPadding));
}

bool encode_whole(Buffer& values, Tag tag, const Call& call, const Template& shape,
                  std::size_t most, OnError on_error) {
  const bool is_bounded = on_error == OnError::keep;
  PyObject* text = format_whole(call, shape, is_bounded ? most_padding(most) : kUnbounded);
  if (text == nullptr) return on_error == OnError::keep && clear_if_ordinary();
  encode_sized(values, tag, cut_text(steal_wtf8(text), most));
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
    const Buffer json = is_nested(value) ? json_of(value, most) : Buffer();
    // A part for each hole: all of a template's together are bounded.
    const std::size_t share =
        on_error == OnError::keep ? most_padding(most) / text.holes().size() : kUnbounded;
    const bool is_repr = is_nested(value) && hole.rest == "!r";
    PyObject* shown = is_str || is_repr ? PyObject_Str(value) : format_hole(hole, value, share);
    if (shown == nullptr) {
      if (on_error == OnError::raise || !clear_if_ordinary()) return false;
      encode_sized(values, Tag::formatted, kUnfillable);
    } else if (is_array(value) || (on_error == OnError::raise && !is_str && !is_nested(value))) {
      // Of an array one text is enough; a print takes no str() that it does not show.
      const PyRef owned(shown);
      encode_with_text(values, value, shown, most);
      return true;
    } else if (is_str) {  // taken once, for both
      steal_nested(values, shown, json, most);
      return true;
    } else if (is_repr) {
      steal_repr(values, shown, json, most);
      return true;
    } else {
      encode_sized(values, Tag::formatted, cut_text(steal_wtf8(shown), most));
    }
    // Code that ran for the text may have left JSON where there was none.
    if (is_nested(value) && json.empty()) return encode_str_of(values, value, most);
    break;
  }
  return encode_any(values, value, most);
}

}  // namespace attolog::python
