// Python objects to the values of a ring record (core/value.hpp). The fast part copies bytes and
// calls nothing; what needs more is left to the slow part, which may run Python code.
#pragma once

#include "python/compat.hpp"

#include <cstdint>
#include <cstring>
#include <string>

#include "core/buffer.hpp"
#include "core/value.hpp"
#include "format/template.hpp"

namespace attolog::python {

// Which kinds of values a call may encode without looking further, a byte for each of the first
// eight. Messages restrict them to what their template formats natively.
enum FastType : std::uint8_t {
  kFastStr = 1,
  kFastInt = 2,
  kFastFloat = 4,
  kFastBool = 8,
  kFastNone = 16,
};
inline constexpr std::size_t kFastTypeValues = 8;
inline constexpr std::uint64_t kAllFastTypes = 0x1f1f'1f1f'1f1f'1f1f;

// The constants that each call compares with, in one cache line. The linker's table spreads such
// addresses over several lines, and a cold call waits for each of them.
struct alignas(64) CallConstants {
  PyTypeObject* text = &PyUnicode_Type;
  PyTypeObject* real = &PyFloat_Type;
  PyTypeObject* whole = &PyLong_Type;
  bool are_ticks_tsc = false;
};
// Set by prepare_encoding, and never changed then.
extern constinit CallConstants call_constants;

// The most that one value takes on the fast path, text aside.
inline constexpr std::size_t kFastValue = 10;

template <class T>
inline T load_as(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
inline void store_as(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

// memcpy for the short texts that logs are full of: overlapping moves, no call (4 ns less).
[[gnu::always_inline]] inline char* copy_short(char* to, const char* from, std::size_t n) {
  if (n >= 8) [[likely]] {
    if (n <= 16) [[likely]] {
      const auto front = load_as<std::uint64_t>(from);
      const auto back = load_as<std::uint64_t>(from + n - 8);
      store_as(to, front);
      store_as(to + n - 8, back);
    } else {
      for (std::size_t i = 0; i < n - 16; i += 16) std::memcpy(to + i, from + i, 16);
      std::memcpy(to + n - 16, from + n - 16, 16);
    }
  } else if (n >= 4) {
    const auto front = load_as<std::uint32_t>(from);
    const auto back = load_as<std::uint32_t>(from + n - 4);
    store_as(to, front);
    store_as(to + n - 4, back);
  } else if (n != 0) {
    const char first = from[0];
    const char middle = from[n >> 1];
    const char last = from[n - 1];
    to[0] = first;
    to[n >> 1] = middle;
    to[n - 1] = last;
  }
  return to + n;
}

// Appends `object` at `to` and returns the end. Null where that needs the slow path: `fast_types`
// do not let its kind through, or it does not fit before `end`.
[[gnu::always_inline]] inline char* encode_fast(char* to, const char* end, PyObject* object,
                                                std::uint64_t fast_types) {
  const PyTypeObject* type = Py_TYPE(object);
  if (type == call_constants.text) {
    const auto* text = reinterpret_cast<const PyASCIIObject*>(object);
    const auto n = static_cast<std::size_t>(text->length);
    if (text->state.compact && text->state.ascii && n <= 255 && (fast_types & kFastStr) != 0 &&
        n + kFastValue <= static_cast<std::size_t>(end - to)) [[likely]] {
      store_as(to, static_cast<std::uint16_t>(static_cast<unsigned>(Tag::ascii) | n << 8));
      return copy_short(to + 2, reinterpret_cast<const char*>(text + 1), n);
    }
    return nullptr;
  }
  if (end - to < static_cast<std::ptrdiff_t>(kFastValue)) [[unlikely]]
    return nullptr;
  if (type == call_constants.real) {
    if ((fast_types & kFastFloat) == 0) [[unlikely]]
      return nullptr;
    *to = static_cast<char>(Tag::float64);
    store_as(to + 1, PyFloat_AS_DOUBLE(object));
    return to + 9;
  }
  if (type == call_constants.whole) {
    std::int64_t value = 0;
    if ((fast_types & kFastInt) == 0) [[unlikely]]
      return nullptr;
    if (!small_int(object, value) && !word_int(object, value)) [[unlikely]]
      return nullptr;
    *to = static_cast<char>(Tag::int64);
    store_as(to + 1, value);
    return to + 9;
  }
  if (object == Py_None) {
    *to = static_cast<char>(Tag::none);
    return (fast_types & kFastNone) != 0 ? to + 1 : nullptr;
  }
  if (object == Py_True || object == Py_False) {
    *to = static_cast<char>(object == Py_True ? Tag::true_ : Tag::false_);
    return (fast_types & kFastBool) != 0 ? to + 1 : nullptr;
  }
  return nullptr;
}

// ---- slow: any object --------------------------------------------------------------------------

// Appends any object, exactly as the values table has it; what no row names goes by its str().
// Texts and bytes longer than `most` bytes are cut, and say so. False with an exception set:
// something raised that must pass (KeyboardInterrupt); an ordinary exception is recorded in place
// of the value.
bool encode_any(Buffer& out, PyObject* object, std::size_t most);

// Appends the object as encode_any does, where that runs no code of the program's and does not take
// its str(). Else false, and nothing is appended.
bool encode_inert(Buffer& out, PyObject* object, std::size_t most);

// Appends the str() of any object; an exception in it as encode_any records it.
bool encode_str_of(Buffer& out, PyObject* object, std::size_t most);
// The note in place of a value whose `what` raised the exception that is set, which is cleared.
// False where it must pass, which leaves it set.
bool describe_failure(PyObject* object, const char* what, std::string& text);
// WTF-8 of at most `most` bytes; if it is longer it is cut between two characters, and says so.
std::string cut_text(std::string text, std::size_t most);

// A str as text, whatever its kind.
void encode_text(Buffer& out, PyObject* text, std::size_t most);
// A str that was made for this, as encode_text; the reference is given up.
void steal_text(Buffer& out, PyObject* text, std::size_t most);

// Whether encode_any takes the object's str(), since no row of the values table names it.
bool goes_by_str(PyObject* object);
// Whether format(object, "") is str(object): its class has no __format__ of its own. Asking may run
// a metaclass's code: false with an exception set where that raised what must pass.
bool formats_as_str(PyObject* object);

// The tag under which encode_any stores the object, for those that templates may format natively;
// Tag::end for all others. Non-ASCII text counts as other where `ascii_only`.
Tag native_tag(PyObject* object, bool ascii_only);

// Which kinds of values the template's holes format natively; see FastType.
std::uint64_t fast_types_of(const Template& text, std::size_t values);

// Gets what all of this needs from Python; called once, at import.
bool prepare_encoding();

// The encoded bytes of an int or a short ASCII text, without encoding it; false for other values.
inline bool view_plain(PyObject* object, Value& value) {
  if (PyLong_CheckExact(object)) {
    std::int64_t number = 0;
    if (!small_int(object, number) && !word_int(object, number)) return false;
    value = Value::of_int(number);
    return true;
  }
  if (!PyUnicode_CheckExact(object) || !PyUnicode_IS_COMPACT_ASCII(object)) return false;
  const auto n = static_cast<std::size_t>(PyUnicode_GET_LENGTH(object));
  if (n > 255) return false;
  value = Value::of_str({static_cast<const char*>(PyUnicode_DATA(object)), n});
  return true;
}

}  // namespace attolog::python
