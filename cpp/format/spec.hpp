// Python's format specification mini-language, parsed once and applied many times.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "core/value.hpp"

namespace attolog {

// [[fill]align][sign][z][#][0][width][grouping][.precision][type], as format() of CPython 3.11 to
// 3.13 has it for exact int, float, str and bool. None goes with an empty spec only.
class Spec {
 public:
  // Larger widths and precisions are left to Python.
  static constexpr int kMost = 4096;

  Spec() = default;  // the empty spec
  explicit Spec(std::string_view text);

  // Whether format() writes a value of this kind to the byte as Python does. False where Python
  // would raise, where the spec cannot be parsed, and for all other kinds of values: those are the
  // caller's business. Subclasses of these types are so too: the tag does not tell them apart, the
  // caller must.
  bool native(Tag tag) const;

  // Adds `value` formatted. Call it only where native(value.tag) holds.
  void format(Buffer& out, const Value& value) const;

  // format() of a text; native(Tag::str) must hold.
  void format_text(Buffer& out, std::string_view text) const;

  bool empty() const { return empty_; }

 private:
  // A number in parts: sign, prefix (0x), digits that can be grouped, and what follows them.
  struct Number {
    bool negative = false;
    std::string_view prefix;
    std::string_view digits;
    std::string_view rest;
  };

  bool parse(std::string_view text);
  void format_int(Buffer& out, std::int64_t value) const;
  void format_float(Buffer& out, double value) const;
  void lay_out(Buffer& out, const Number& number) const;
  void pad(Buffer& out, int count) const;

  bool empty_ = true;
  bool parsed_ = true;
  bool z_ = false;
  bool alternate_ = false;
  bool zero_ = false;      // the 0 before the width
  bool is_fixed_ = false;  // a precision and the type f alone: .3f
  char align_ = '\0';      // \0 here and below: not given
  char sign_ = '\0';
  char grouping_ = '\0';
  char type_ = '\0';
  int width_ = -1;
  int precision_ = -1;
  std::string fill_ = " ";  // one code point
};

}  // namespace attolog
