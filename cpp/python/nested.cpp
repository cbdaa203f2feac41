#include "python/nested.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/value.hpp"
#include "python/encode.hpp"
#include "python/text.hpp"
#include "writer/escape.hpp"
#include "writer/plain.hpp"

namespace attolog::python {

namespace {

constexpr int kMostDepth = 64;

enum class Outcome { done, no_json, raised };

// Writes JSON. Containers are copied before they are walked: what runs for their items may change
// them.
class JsonWriter {
 public:
  JsonWriter(Buffer& out, std::size_t most) : out_(out), most_(most) {}

  Outcome write(PyObject* object, int depth) {
    if (depth > kMostDepth || out_.size() > most_) return Outcome::no_json;
    if (PyDict_CheckExact(object)) return write_dict(object, depth);
    if (PyTuple_CheckExact(object)) return write_items(object, depth);
    if (PyList_CheckExact(object)) {
      PyObject* items = PyList_AsTuple(object);
      if (items == nullptr) return failed();
      const Outcome outcome = write_items(items, depth);
      Py_DECREF(items);
      return outcome;
    }
    return write_value(object, out_);
  }

 private:
  static Outcome failed() { return clear_if_ordinary() ? Outcome::no_json : Outcome::raised; }

  Outcome write_items(PyObject* items, int depth) {
    out_.push('[');
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); ++i) {
      if (i != 0) out_.push(',');
      const Outcome outcome = write(PyTuple_GET_ITEM(items, i), depth + 1);
      if (outcome != Outcome::done) return outcome;
    }
    out_.push(']');
    return Outcome::done;
  }

  Outcome write_dict(PyObject* dict, int depth) {
    PyObject* pairs = PyDict_Items(dict);
    if (pairs == nullptr) return failed();
    out_.push('{');
    Outcome outcome = Outcome::done;
    for (Py_ssize_t i = 0; outcome == Outcome::done && i < PyList_GET_SIZE(pairs); ++i) {
      PyObject* pair = PyList_GET_ITEM(pairs, i);
      if (i != 0) out_.push(',');
      outcome = write_key(PyTuple_GET_ITEM(pair, 0));
      if (outcome != Outcome::done) break;
      out_.push(':');
      outcome = write(PyTuple_GET_ITEM(pair, 1), depth + 1);
    }
    Py_DECREF(pairs);
    out_.push('}');
    return outcome;
  }

  // JSON's keys are texts: 1 becomes "1", None "null", (1, 2) its str().
  Outcome write_key(PyObject* key) {
    Buffer text;
    const Outcome outcome = write_value(key, text);
    if (outcome != Outcome::done) return outcome;
    const bool is_text = !text.empty() && text.data()[0] == '"';
    if (!is_text) out_.push('"');
    out_.append(text.view());
    if (!is_text) out_.push('"');
    return Outcome::done;
  }

  // As JSON Lines have the value where it stands alone.
  Outcome write_value(PyObject* object, Buffer& out) {
    Value value;
    if (view_plain(object, value)) {
      write_json(out, value);
      return Outcome::done;
    }
    Buffer encoded;
    if (is_nested(object)) {  // a tuple as a key
      Buffer ignored;
      const Outcome outcome = JsonWriter(ignored, most_).write(object, 0);
      if (outcome != Outcome::done) return outcome;
      if (!encode_str_of(encoded, object, most_)) return Outcome::raised;
    } else if (goes_by_str(object)) {
      return Outcome::no_json;  // its code has been run once, for the str() of the whole
    } else if (!encode_any(encoded, object, most_)) {
      return Outcome::raised;
    }
    Arena arena;
    std::vector<Value> values;
    if (!decode_values(encoded.view(), arena, values) || values.size() != 1) {
      return Outcome::no_json;
    }
    if (values[0].tag == Tag::bigint && !values[0].text.starts_with("0x")) {
      out.append(values[0].text);
    } else {
      write_json(out, values[0]);
    }
    return Outcome::done;
  }

  Buffer& out_;
  std::size_t most_;
};

}  // namespace

bool encode_nested(Buffer& out, PyObject* object, std::size_t most) {
  if (PyObject* text = PyObject_Str(object)) return take_nested(out, object, text, most);
  std::string failure;
  if (!describe_failure(object, "str()", failure)) return false;
  encode_str(out, cut_text(std::move(failure), most));
  return true;
}

bool take_nested(Buffer& out, PyObject* object, PyObject* text, std::size_t most) {
  const std::string shown = take_wtf8(text);
  Buffer json;
  Outcome outcome = Outcome::no_json;
  if (shown.size() <= most) outcome = JsonWriter(json, most).write(object, 0);
  if (outcome == Outcome::raised) return false;
  const bool is_short = json.size() <= most &&
                        shown.size() + json.size() < std::numeric_limits<std::uint32_t>::max() - 8;
  if (outcome == Outcome::done && is_short) {
    encode_nested_text(out, shown, json.view());
  } else {
    encode_str(out, cut_text(shown, most));
  }
  return true;
}

}  // namespace attolog::python
