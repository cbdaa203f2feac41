// Times of records as text: 2026-11-23T06:24:35.123456Z.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/buffer.hpp"
#include "format/number.hpp"

namespace attolog {

// Most times are of the second of the time before: its date is written once.
class MomentWriter {
 public:
  static constexpr std::size_t kRoom = kNumberRoom;  // for a time, and for any number

  // With 6 or 9 digits of the second.
  explicit MomentWriter(int digits) : digits_(digits) {}

  // Writes the time, nanoseconds since 1970, at `out`, which has kRoom bytes; returns the end.
  char* write(char* out, std::int64_t ns);
  // Adds the time.
  void write(std::int64_t ns, Buffer& out) { out.advance_to(write(out.room(kRoom), ns)); }

 private:
  // The years of times in ns have four digits: 2024-02-06T15:40:34.
  static constexpr std::size_t kSecondSize = 19;

  int digits_;
  std::int64_t second_ = INT64_MIN;
  std::array<char, kSecondSize> second_text_{};  // second_ as a date and time
};

}  // namespace attolog
