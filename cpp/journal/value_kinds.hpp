// The kinds of values that a column has held, as a set of bits.
#pragma once

#include <cstdint>

#include "core/value.hpp"

namespace attolog {

// A bit for each tag, 1 << tag, and those below. (Tags 27 and up are of no decoded value.)
namespace holds {
constexpr std::uint32_t bit(Tag tag) {
  return std::uint32_t{1} << static_cast<unsigned>(tag);
}
inline constexpr std::uint32_t kList = std::uint32_t{1} << 27;        // a list or a tuple
inline constexpr std::uint32_t kInexactInt = std::uint32_t{1} << 28;  // an int beyond +-2^53
inline constexpr std::uint32_t kHugeInt = std::uint32_t{1} << 29;     // a uint64 beyond an int64
inline constexpr std::uint32_t kOutOfRange = std::uint32_t{1} << 30;  // a date or time none can be
inline constexpr std::uint32_t kDict = std::uint32_t{1} << 31;
}  // namespace holds

namespace value_kinds {
// The kinds of values that are none of the three usual ones.
std::uint32_t of_other(const Value& value);

inline std::uint32_t of_int(std::int64_t i) {
  constexpr auto kExact = static_cast<std::int64_t>(kWholeDoubles);
  return holds::bit(Tag::int64) | (i > kExact || i < -kExact ? holds::kInexactInt : 0);
}
}  // namespace value_kinds

inline std::uint32_t kind_of(const Value& value) {
  if (value.tag == Tag::int64) return value_kinds::of_int(value.i);
  if (value.tag == Tag::float64) return holds::bit(Tag::float64);
  return value_kinds::of_other(value);
}

}  // namespace attolog
