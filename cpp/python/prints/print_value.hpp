// Values of a compiled print that show more than a hole of its template: operands of `%`, and
// values that are shown before the next one is evaluated.
#pragma once

#include "python/compat.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/buffer.hpp"
#include "format/template.hpp"
#include "python/values/text.hpp"

namespace attolog::python {

// The program's own format of one value.
struct Conversion {
  // Where the value stands: alone behind `%`, in a call of str.format, behind `+`, or in a tuple
  // behind `%` with so many texts in front of it.
  static constexpr Py_ssize_t kAlone = -1;
  static constexpr Py_ssize_t kFormat = -2;
  static constexpr Py_ssize_t kSum = -3;

  PyRef format;  // null: the template's hole has all that there is
  Py_ssize_t n_before = kAlone;
  std::uint8_t fast_types = 0;  // kinds that the template's hole shows as this format does

  // The text of the value, a new reference. Null with an exception set: what the program would have
  // raised.
  PyObject* text_of(PyObject* value) const;
};

// Reads the conversions of compile_print: for each of `n` values None, or its format, `n_before`,
// and the kind of value: "int", "float", "str", "text" or "". False with an exception set.
bool read_conversions(PyObject* conversions, Py_ssize_t n, std::vector<Conversion>& read);

// Whether the template's hole shows the value as its conversion does, and cannot fail. Such a value
// is an int, a float, a str, a bool or None, and never changes.
bool is_shown_by_hole(const Conversion& conversion, const Template& shape, std::size_t index,
                      PyObject* value);

// A value that was shown already, as a new reference; its format() is that text. Null with an
// exception set.
PyObject* new_shown_value(PyObject* value, PyObject* text);
// A value whose format() is what its conversion gives at that time. `conversion` must outlive it.
PyObject* new_value_to_show(PyObject* value, const Conversion& conversion);
// Whether the object is one of these.
bool is_print_value(PyObject* object);
// Whether the object is new_shown_value's; it is then appended.
bool encode_shown_value(Buffer& out, PyObject* object);

// The encoded values, of which each ends where `ends` says, with those cut that are longer than
// `most` bytes.
Buffer cut_values(const Buffer& values, const std::vector<std::size_t>& ends, std::size_t most);
// Whether a text, or one of the encoded values, has lone surrogates.
bool has_surrogate_bytes(std::string_view wtf8);
bool values_have_surrogates(const Buffer& values);

bool add_print_value_type(PyObject* module);

}  // namespace attolog::python
