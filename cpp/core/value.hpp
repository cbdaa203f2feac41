// The values of a record: how they are tagged on the wire, and how they look once decoded.
//
// Ring and journal have one table of tags. Tag 0 never starts a value, so that the zeros
// behind a record's last value (padding) and the zeros of untouched memory end a walk by
// themselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace attolog {

enum class Tag : std::uint8_t {
  end = 0,
  none = 1,
  false_ = 2,
  true_ = 3,
  int64 = 4,          // i64
  float64 = 5,        // f64
  str = 6,            // u32 length, WTF-8 (UTF-8 in which lone surrogates are let through)
  ascii = 7,          // u8 length, ASCII
  long_ascii = 8,     // u32 length, ASCII
  latin1 = 9,         // u32 bytes, one per code point
  ucs2 = 10,          // u32 bytes, two per code point
  ucs4 = 11,          // u32 bytes, four per code point
  bytes = 12,         // u32 length, raw
  bigint = 13,        // u32 length, the digits of an int beyond 64 bits, decimal or 0x...
  datetime = 14,      // i64 us since 1970 on the wall clock it was written in (naive)
  datetime_utc = 15,  // i64 us since 1970 in UTC, i32 seconds of offset from UTC (aware)
  date = 16,          // i64 days since 1970
  time = 17,          // i64 us since midnight
  duration = 18,      // i64 us
  // numpy scalars keep their width; the payload is i64 (u64 for uint64) or f64 at any width.
  int8 = 19,
  int16 = 20,
  int32 = 21,
  uint8 = 22,
  uint16 = 23,
  uint32 = 24,
  uint64 = 25,
  float32 = 26,
  // A value with its text, taken at the call because its format needs Python: u32 length, WTF-8,
  // then the value itself.
  formatted = 27,
  // A list, tuple or dict: u32 length of what follows, u32 length of its str(), that as WTF-8, and
  // the value as JSON.
  nested = 28,
};

inline constexpr std::uint8_t kLastTag = 28;

// What a decoded value is, whatever its width.
enum class ValueClass : std::uint8_t {
  encoded,  // stands in a ring or a journal alone
  none,
  boolean,
  whole,  // an int within 64 bits
  real,   // a float
  text,   // a str
  bytes,
  digits,  // an int beyond 64 bits
  moment,  // a date, a time or a duration
};

// The class of each tag.
inline constexpr std::array<ValueClass, 32> kClasses = [] {
  std::array<ValueClass, 32> classes{};
  const auto put = [&](ValueClass kind, std::initializer_list<Tag> tags) {
    for (const Tag tag : tags) classes[static_cast<std::size_t>(tag)] = kind;
  };
  put(ValueClass::none, {Tag::none});
  put(ValueClass::boolean, {Tag::false_, Tag::true_});
  put(ValueClass::whole, {Tag::int64, Tag::int8, Tag::int16, Tag::int32, Tag::uint8, Tag::uint16,
                          Tag::uint32, Tag::uint64});
  put(ValueClass::real, {Tag::float64, Tag::float32});
  put(ValueClass::text, {Tag::str});
  put(ValueClass::bytes, {Tag::bytes});
  put(ValueClass::digits, {Tag::bigint});
  put(ValueClass::moment, {Tag::datetime, Tag::datetime_utc, Tag::date, Tag::time, Tag::duration});
  return classes;
}();
static_assert(kLastTag < kClasses.size());

// For a switch. Where a class or two are asked for, Value::is costs less.
constexpr ValueClass class_of(Tag tag) {
  return kClasses[static_cast<std::size_t>(tag) % kClasses.size()];
}

// The tags of a class as bits: 1 << tag.
constexpr std::uint32_t tags_of(ValueClass kind) {
  std::uint32_t tags = 0;
  for (std::size_t tag = 0; tag < kClasses.size(); ++tag) {
    if (kClasses[tag] == kind) tags |= std::uint32_t{1} << tag;
  }
  return tags;
}

// 2^53: below it every whole number is a double.
inline constexpr double kWholeDoubles = 9007199254740992.0;

// As a formatted text: the hole cannot be filled with this value. (No WTF-8 has this byte.)
inline constexpr std::string_view kUnfillable = "\xff";

// A decoded value. Texts point into the ring, the block or the decoder's arena: they live as long
// as the record they came with. `tag` is never end, ascii, long_ascii, latin1, ucs2, ucs4,
// formatted or nested: decoding folds all text into `str` (WTF-8), and a formatted value carries
// its text beside it. A nested value is its str(), whose JSON stands behind it.
struct Value {
  Tag tag = Tag::none;
  bool is_formatted = false;  // `formatted` is what stands in the message, whatever `tag` says
  bool is_nested = false;     // a str with JSON, whose length is `i`
  std::int32_t offset_seconds = 0;  // datetime_utc
  union {
    std::int64_t i = 0;  // int*, uint* (bit pattern for uint64), datetime*, date, time, duration
    double f;            // float*
  };
  std::string_view text;       // str, bytes, bigint
  std::string_view formatted;  // WTF-8

  ValueClass kind() const { return class_of(tag); }
  template <ValueClass... kinds>
  bool is() const {
    constexpr std::uint32_t kTags = (tags_of(kinds) | ...);
    return (kTags >> static_cast<unsigned>(tag) & 1) != 0;
  }
  // A uint64 that no int64 can hold: `i` is its bit pattern.
  bool is_beyond_int64() const { return tag == Tag::uint64 && i < 0; }

  // Of a nested value.
  std::string_view json() const { return {text.data() + text.size(), static_cast<std::size_t>(i)}; }

  static Value of_int(std::int64_t v) {
    Value value;
    value.tag = Tag::int64;
    value.i = v;
    return value;
  }
  static Value of_str(std::string_view v) {
    Value value;
    value.tag = Tag::str;
    value.text = v;
    return value;
  }
};

}  // namespace attolog
