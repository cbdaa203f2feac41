// The words of an expression, and what its literals stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/value.hpp"

namespace attolog::expression {

struct SyntaxError {
  std::size_t at;  // in bytes
  std::string what;
};

struct Token {
  enum class Kind : std::uint8_t { end, name, number, string, symbol };

  // A string is never taken for what it spells.
  bool is(std::string_view word) const { return kind != Kind::string && text == word; }
  std::size_t end() const { return at + text.size(); }

  Kind kind = Kind::end;
  std::size_t at = 0;     // in bytes
  std::string_view text;  // as written
};

inline bool starts_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// The first token at `at` or behind it. Throws SyntaxError for a string without an end.
Token next_token(std::string_view text, std::size_t at);

// What a string stands for. Throws SyntaxError.
std::string read_string(const Token& token);

// What a number stands for; the digits of an int beyond 64 bits are put into `digits`. Throws
// SyntaxError.
Value read_number(const Token& token, bool is_negative, std::string& digits);

}  // namespace attolog::expression
