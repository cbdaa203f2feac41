#include "python/values/nested.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/value.hpp"
#include "format/value_text.hpp"
#include "python/values/encode.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

namespace {

constexpr int kMostDepth = 64;

// Writes JSON. Runs no code of the program's; containers are copied before they are walked, since
// without a GIL other threads may change them.
class JsonWriter {
 public:
  JsonWriter(Buffer& out, std::size_t most, bool is_key = false)
      : out_(out), most_(most), is_key_(is_key) {}

  // False: there is no JSON.
  bool write(PyObject* object, int depth) {
    if (depth > kMostDepth || out_.size() > most_) return false;
    if (PyDict_CheckExact(object)) return write_dict(object, depth);
    if (PyTuple_CheckExact(object)) return write_items(object, depth);
    if (PyList_CheckExact(object)) {
      const PyRef items(PyList_AsTuple(object));
      return items != nullptr && write_items(items.get(), depth);
    }
    return write_value(object, out_);
  }

 private:
  bool write_items(PyObject* items, int depth) {
    out_.push('[');
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); ++i) {
      if (i != 0) out_.push(',');
      if (!write(PyTuple_GET_ITEM(items, i), depth + 1)) return false;
    }
    out_.push(']');
    return true;
  }

  bool write_dict(PyObject* dict, int depth) {
    const PyRef pairs(PyDict_Items(dict));
    if (pairs == nullptr) return false;
    out_.push('{');
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(pairs.get()); ++i) {
      PyObject* pair = PyList_GET_ITEM(pairs.get(), i);
      if (i != 0) out_.push(',');
      if (!write_key(PyTuple_GET_ITEM(pair, 0))) return false;
      out_.push(':');
      if (!write(PyTuple_GET_ITEM(pair, 1), depth + 1)) return false;
    }
    out_.push('}');
    return true;
  }

  // JSON's keys are texts: 1 becomes "1", None "null", (1, 2) its str().
  bool write_key(PyObject* key) {
    Buffer text;
    if (!write_value(key, text)) return false;
    const bool is_text = !text.empty() && text.data()[0] == '"';
    if (!is_text) out_.push('"');
    out_.append(text.view());
    if (!is_text) out_.push('"');
    return true;
  }

  // As JSON Lines have the value where it stands alone.
  bool write_value(PyObject* object, Buffer& out) {
    Value value;
    if (view_plain(object, value)) {
      write_json(out, value);
      return true;
    }
    Buffer encoded;
    if (!(is_nested(object) ? encode_key(encoded, object) : encode_item(encoded, object))) {
      return false;
    }
    Arena arena;
    std::vector<Value> values;
    if (!decode_values(encoded.view(), arena, values) || values.size() != 1) return false;
    if (values[0].tag == Tag::bigint && !values[0].text.starts_with("0x")) {
      out.append(values[0].text);
    } else {
      write_json(out, values[0]);
    }
    return true;
  }

  // An enum in a tuple that is a key would be asked for its repr(), which may be the program's.
  bool encode_item(Buffer& encoded, PyObject* object) const {
    const bool has_code = (Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
    return !(is_key_ && has_code) && encode_inert(encoded, object, most_);
  }

  // A tuple as a key: its str(), where that runs no code.
  bool encode_key(Buffer& encoded, PyObject* tuple) const {
    Buffer ignored;
    return JsonWriter(ignored, most_, true).write(tuple, 0) && encode_str_of(encoded, tuple, most_);
  }

  Buffer& out_;
  std::size_t most_;
  bool is_key_;
};

}  // namespace

Buffer json_of(PyObject* object, std::size_t most) {
  Buffer json;
  if (JsonWriter(json, most).write(object, 0) && json.size() <= most) return json;
  PyErr_Clear();  // no code of the program's ran: it is a lack of memory
  return {};
}

bool encode_nested(Buffer& out, PyObject* object, std::size_t most) {
  const Buffer json = json_of(object, most);
  if (json.empty()) return encode_str_of(out, object, most);
  PyObject* text = PyObject_Str(object);
  if (text != nullptr) {
    steal_nested(out, text, json, most);
    return true;
  }
  std::string failure;
  if (!describe_failure(object, "str()", failure)) return false;
  encode_str(out, cut_text(std::move(failure), most));
  return true;
}

void steal_nested(Buffer& out, PyObject* text, const Buffer& json, std::size_t most) {
  if (json.empty()) return steal_text(out, text, most);
  const std::string shown = steal_wtf8(text);
  constexpr std::size_t kMostBoth = std::numeric_limits<std::uint32_t>::max() - 8;
  if (shown.size() <= most && shown.size() + json.size() < kMostBoth) {
    encode_nested_text(out, shown, json.view());
  } else {
    encode_str(out, cut_text(shown, most));
  }
}

}  // namespace attolog::python
