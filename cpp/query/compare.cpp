#include "query/compare.hpp"

#include <cstring>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "format/number.hpp"
#include "format/value_text.hpp"

namespace attolog {
namespace {

bool is_float(const Value& value) {
  return value.is<ValueClass::real>();
}

// A text, or a value that shows one: bytes, a date, a time.
bool is_textual(const Value& value) {
  return value.is<ValueClass::text, ValueClass::bytes, ValueClass::moment>();
}

bool is_number(const Value& value) {
  return value.is<ValueClass::boolean, ValueClass::whole, ValueClass::real, ValueClass::digits>();
}

// The value of an integer within 64 bits with a sign, as nearly all are.
std::optional<std::int64_t> small_of(const Value& value) {
  if (value.is<ValueClass::boolean>()) return value.tag == Tag::true_;
  if (!value.is<ValueClass::whole>() || value.is_beyond_int64()) return std::nullopt;
  return value.i;
}

std::partial_ordering order_mixed(std::int64_t whole, double number) {
  if (std::isnan(number)) return std::partial_ordering::unordered;
  if (number >= 0x1p63) return std::partial_ordering::less;
  if (number < -0x1p63) return std::partial_ordering::greater;
  const double cut = std::trunc(number);
  const auto other = static_cast<std::int64_t>(cut);
  return whole != other ? whole <=> other : cut <=> number;
}

// The whole part of a number as its digits, for numbers beyond 64 bits.
struct Digits {
  bool is_negative = false;
  // Python writes numbers in hex only where they are too long for decimal digits.
  enum class Size { decimal, hex, infinite } size = Size::decimal;
  std::string text;
};

Digits digits_of(const Value& value) {
  char room[400];  // a double has up to 309 digits before its point
  Digits digits;
  if (value.tag == Tag::bigint) {
    digits.text = value.text;
  } else if (!is_float(value)) {
    digits.text.assign(room, value.tag == Tag::uint64
                                 ? write_uint(room, static_cast<std::uint64_t>(value.i))
                                 : write_int(room, small_of(value).value_or(0)));
  } else if (std::isinf(value.f)) {
    digits.size = Digits::Size::infinite;
    digits.text = value.f < 0 ? "-" : "";
  } else {
    const auto end =
        std::to_chars(room, room + sizeof room, std::trunc(value.f), std::chars_format::fixed, 0);
    digits.text.assign(room, end.ptr);
  }
  digits.is_negative = digits.text.starts_with('-');
  if (digits.is_negative) digits.text.erase(0, 1);
  if (digits.text.starts_with("0x")) digits.size = Digits::Size::hex;
  return digits;
}

std::partial_ordering order_digits(const Digits& left, const Digits& right) {
  if (left.is_negative != right.is_negative) {
    return left.is_negative ? std::partial_ordering::less : std::partial_ordering::greater;
  }
  if (left.is_negative)
    return order_digits({false, right.size, right.text}, {false, left.size, left.text});
  if (left.size != right.size) return left.size <=> right.size;
  if (left.text.size() != right.text.size()) return left.text.size() <=> right.text.size();
  return left.text <=> right.text;
}

std::partial_ordering order_numbers(const Value& left, const Value& right) {
  const auto small_left = small_of(left);
  const auto small_right = small_of(right);
  if (small_left && small_right) return *small_left <=> *small_right;
  if (is_float(left) && is_float(right)) return left.f <=> right.f;
  if (small_left && is_float(right)) return order_mixed(*small_left, right.f);
  if (small_right && is_float(left)) return 0 <=> order_mixed(*small_right, left.f);
  if ((is_float(left) && std::isnan(left.f)) || (is_float(right) && std::isnan(right.f))) {
    return std::partial_ordering::unordered;
  }
  return order_digits(digits_of(left), digits_of(right));
}

// The text of a value that is one or shows one.
std::string_view text_of(const Value& value, Buffer& room) {
  if (value.tag == Tag::str) return value.text;
  write_plain(room, value);
  return room.view();
}

}  // namespace

std::partial_ordering order_of(const Value& left, const Value& right) {
  if (is_number(left) && is_number(right)) return order_numbers(left, right);
  if (left.tag == right.tag) {
    if (left.tag == Tag::none) return std::partial_ordering::equivalent;
    return left.is<ValueClass::moment>() ? std::partial_ordering(left.i <=> right.i)
                                         : std::partial_ordering(left.text <=> right.text);
  }
  const bool has_text = left.tag == Tag::str || right.tag == Tag::str;
  if (!has_text || !is_textual(left) || !is_textual(right)) return std::partial_ordering::unordered;
  Buffer room;  // for the one of them that is no text
  const std::string_view left_text = text_of(left, room);
  return left_text <=> text_of(right, room);
}

bool contains(const Value& right, const Value& text) {
  if (!is_textual(right) || !is_textual(text)) return false;
  Buffer right_room;
  Buffer text_room;
  const std::string_view where = text_of(right, right_room);
  const std::string_view what = text_of(text, text_room);
  // Not find(), which takes time for the product of both lengths at worst.
  return what.empty() || (!where.empty() && ::memmem(where.data(), where.size(), what.data(),
                                                     what.size()) != nullptr);
}

bool is_truthy(const Value& value) {
  switch (value.kind()) {
    case ValueClass::none: return false;
    case ValueClass::boolean: return value.tag == Tag::true_;
    case ValueClass::text:
    case ValueClass::bytes: return !value.text.empty();
    case ValueClass::real: return value.f != 0;
    case ValueClass::whole: return value.i != 0;
    default: return value.tag != Tag::duration || value.i != 0;
  }
}

}  // namespace attolog
