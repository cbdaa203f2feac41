// Texts that must fit somewhere.
#pragma once

#include <cstddef>
#include <string_view>

namespace attolog {

// At most `most` bytes of the beginning of a (W)UTF-8 text, and no part of a character. Bytes that
// are no such text are cut like any others.
inline std::string_view cut_text(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto is_inside = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  std::size_t size = most;
  while (size > 0 && most - size < 3 && is_inside(size)) --size;
  return text.substr(0, is_inside(size) ? most : size);
}

}  // namespace attolog
