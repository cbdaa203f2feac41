// Numbers and times as text, the way Python writes them. Every function writes at `out`, which must
// have kNumberRoom bytes to spare, and returns the end of what it wrote.
#pragma once

#include <cstddef>
#include <cstdint>

namespace attolog {

inline constexpr int kNumberRoom = 40;

char* write_int(char* out, std::int64_t value);
char* write_uint(char* out, std::uint64_t value);

// As Python's repr(float): the shortest digits that read back as `value`, 5.0, 1e+16, inf, nan.
char* write_double(char* out, double value);
// As str() of numpy's float32: the shortest digits that read back as this float.
char* write_float(char* out, float value);

// As Python's format(value, f".{decimals}f"), for numbers that are neither negative nor too large
// for this way: null then.
char* write_fixed(char* out, double value, int decimals);

// `ns` nanoseconds as seconds with `digits` decimals, 6 or 9. Six decimals round towards the past.
char* write_seconds(char* out, std::int64_t ns, int digits);

// Times of a log, as write_seconds writes them: those of one second begin alike.
class Seconds {
 public:
  explicit Seconds(int digits) : digits_(digits) {}
  char* write(char* out, std::int64_t ns);

 private:
  int digits_;
  std::int64_t start_ = INT64_MAX;  // of the second, in ns
  char text_[kNumberRoom];
  std::size_t size_ = 0;
};

// Exactly `width` digits, zeros in front; `value` must fit.
char* write_padded(char* out, std::uint64_t value, int width);

}  // namespace attolog
