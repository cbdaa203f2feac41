#include "journal/value_kinds.hpp"

#include <limits>

namespace attolog {
namespace {

constexpr auto kExact = static_cast<std::int64_t>(kWholeDoubles);
constexpr std::int64_t kDayUs = 86'400'000'000;

template <class T>
bool fits(std::int64_t i) {
  return i >= std::numeric_limits<T>::min() && i <= std::numeric_limits<T>::max();
}

// A narrow type's bit, unless the value lies outside of it: then it is a plain int.
template <class T>
std::uint32_t narrow(const Value& value) {
  return fits<T>(value.i) ? holds::bit(value.tag) : value_kinds::of_int(value.i);
}

}  // namespace

std::uint32_t value_kinds::of_other(const Value& value) {
  switch (value.tag) {
    case Tag::true_: return holds::bit(Tag::false_);  // one bit for bool
    case Tag::int8: return narrow<std::int8_t>(value);
    case Tag::int16: return narrow<std::int16_t>(value);
    case Tag::int32: return narrow<std::int32_t>(value);
    case Tag::uint8: return narrow<std::uint8_t>(value);
    case Tag::uint16: return narrow<std::uint16_t>(value);
    case Tag::uint32: return narrow<std::uint32_t>(value);
    case Tag::uint64:
      if (value.i < 0) return holds::bit(value.tag) | holds::kHugeInt | holds::kInexactInt;
      return holds::bit(value.tag) | (value.i > kExact ? holds::kInexactInt : 0);
    case Tag::float32: {
      const bool is_exact =
          value.f != value.f || static_cast<double>(static_cast<float>(value.f)) == value.f;
      return holds::bit(is_exact ? Tag::float32 : Tag::float64);
    }
    case Tag::date:
      return holds::bit(value.tag) | (fits<std::int32_t>(value.i) ? 0 : holds::kOutOfRange);
    case Tag::time:
      return holds::bit(value.tag) | (value.i >= 0 && value.i < kDayUs ? 0 : holds::kOutOfRange);
    default:
      if (value.is_nested) return value.json().starts_with('{') ? holds::kDict : holds::kList;
      return holds::bit(value.tag);
  }
}

}  // namespace attolog
