// Times of records as text: 2026-11-23T06:24:35.123456Z.
#pragma once

#include <cstdint>

#include "core/buffer.hpp"

namespace attolog {

// Most times are of the second of the time before: its date is written once.
class MomentWriter {
 public:
  // With 6 or 9 digits of the second.
  explicit MomentWriter(int digits) : digits_(digits) {}

  // Adds the time, nanoseconds since 1970.
  void write(std::int64_t ns, Buffer& out);

 private:
  int digits_;
  std::int64_t second_ = INT64_MIN;
  Buffer second_text_;  // second_ as a date and time
};

}  // namespace attolog
