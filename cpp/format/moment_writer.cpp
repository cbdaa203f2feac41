#include "format/moment_writer.hpp"

#include "format/number.hpp"
#include "format/value_text.hpp"

namespace attolog {

void MomentWriter::write(std::int64_t ns, Buffer& out) {
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
    second_text_.clear();
    write_plain(second_text_, value);
    second_ = second;
  }
  out.append(second_text_.view());
  char* at = out.room(kNumberRoom);
  *at++ = '.';
  const auto fraction = static_cast<std::uint64_t>(rest);
  at = digits_ == 9 ? write_padded(at, fraction, 9) : write_padded(at, fraction / 1000, 6);
  *at++ = 'Z';
  out.advance_to(at);
}

}  // namespace attolog
