#include "format/moment_writer.hpp"

#include <cstring>

#include "format/value_text.hpp"

namespace attolog {

char* MomentWriter::write(char* out, std::int64_t ns) {
  constexpr std::int64_t kSecond = 1000000000;
  std::int64_t second = ns / kSecond;
  std::int64_t rest = ns % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --second;
  }
  if (second != second_) {
    Value value;
    value.tag = Tag::datetime;
    value.i = second * 1000000;
    Buffer text;
    write_plain(text, value);
    std::memcpy(second_text_.data(), text.data(), kSecondSize);
    second_ = second;
  }
  std::memcpy(out, second_text_.data(), kSecondSize);
  out += kSecondSize;
  *out++ = '.';
  const auto fraction = static_cast<std::uint64_t>(rest);
  out = digits_ == 9 ? write_padded(out, fraction, 9) : write_padded(out, fraction / 1000, 6);
  *out++ = 'Z';
  return out;
}

}  // namespace attolog
