// Variable-length integers: seven bits a byte, the lowest first, the high bit set on all but the
// last. And what is saved with their help.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "core/buffer.hpp"

namespace attolog {

inline constexpr std::size_t kMaxVarint = 10;

// Zigzag: small numbers of either sign become small unsigned ones. 0, -1, 1, -2 -> 0, 1, 2, 3.
constexpr std::uint64_t zigzag(std::uint64_t difference) {
  return (difference << 1) ^ (0 - (difference >> 63));
}
constexpr std::uint64_t unzigzag(std::uint64_t coded) {
  return (coded >> 1) ^ (0 - (coded & 1));
}

// Writes at `at`, which must have room for kMaxVarint bytes, and returns the end of what it wrote.
inline char* put_varint(char* at, std::uint64_t value) {
  while (value >= 0x80) {
    *at++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *at++ = static_cast<char>(value);
  return at;
}

inline void append_varint(Buffer& out, std::uint64_t value) {
  out.advance_to(put_varint(out.room(kMaxVarint), value));
}
inline void append_zigzag(Buffer& out, std::int64_t value) {
  append_varint(out, zigzag(static_cast<std::uint64_t>(value)));
}
// Its length as a varint, and its bytes.
inline void append_text(Buffer& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}
inline void append_double(Buffer& out, double value) {
  std::memcpy(out.room(sizeof value), &value, sizeof value);
  out.advance(sizeof value);
}

// Thrown where bytes contradict the format.
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads from bytes that may be hostile: every length is checked before it is used.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool done() const { return at_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const char* position() const { return at_; }

  std::uint8_t byte() {
    if (at_ == end_) throw FormatError("it ends within a record");
    return static_cast<std::uint8_t>(*at_++);
  }

  std::uint64_t varint() {
    const std::uint8_t first = byte();
    if (first < 0x80) return first;
    std::uint64_t value = first & 0x7F;
    for (unsigned shift = 7;; shift += 7) {
      const std::uint64_t next = byte();
      if (shift == 63 && next > 1) throw FormatError("a number is longer than 64 bits");
      value |= (next & 0x7F) << shift;
      if (next < 0x80) return value;
    }
  }

  // A number that counts or indexes something of which there are at most `most`.
  std::uint32_t count(std::uint64_t most) {
    const std::uint64_t value = varint();
    if (value > most) throw FormatError("a count is out of range");
    return static_cast<std::uint32_t>(value);
  }

  std::string_view bytes(std::uint64_t size) {
    if (size > left()) throw FormatError("a length is out of range");
    const std::string_view taken(at_, static_cast<std::size_t>(size));
    at_ += size;
    return taken;
  }

  // As append_zigzag, append_text and append_double wrote them.
  std::int64_t signed_varint() { return static_cast<std::int64_t>(unzigzag(varint())); }
  std::string_view text() { return bytes(varint()); }
  double float64() {
    double value = 0;
    std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
    return value;
  }

 private:
  const char* at_;
  const char* end_;
};

}  // namespace attolog
