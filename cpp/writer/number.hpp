// Numbers and times as text, the way Python writes them. Every function writes at `out`, which must
// have kNumberRoom bytes to spare, and returns the end of what it wrote.
#pragma once

#include <cstdint>

namespace attolog {

inline constexpr int kNumberRoom = 40;

char* write_int(char* out, std::int64_t value);
char* write_uint(char* out, std::uint64_t value);

// As Python's repr(float): the shortest digits that read back as `value`, 5.0, 1e+16, inf, nan.
char* write_double(char* out, double value);
// The same for the digits that read back as this float: str() of numpy's float32.
char* write_float(char* out, float value);

// `ns` nanoseconds as seconds with `digits` decimals, 6 or 9. Six decimals round towards the past.
char* write_seconds(char* out, std::int64_t ns, int digits);

// Exactly `width` digits, zeros in front; `value` must fit.
char* write_padded(char* out, std::uint64_t value, int width);

}  // namespace attolog
