#include "query/expression_tokens.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "core/codec.hpp"

namespace attolog::expression {
namespace {

constexpr std::size_t kMostDigits = 4300;  // Python's own limit

constexpr std::string_view kEscapes = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";  // letter, character

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != set.npos;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
// Near enough to Python's identifiers: any non-ASCII character counts as a letter.
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) {
  return starts_name(c) || is_digit(c) || c == '.';
}

std::size_t end_of_name(std::string_view text, std::size_t at) {
  while (at < text.size() && continues_name(text[at])) ++at;
  return at;
}

// Takes all in that looks like a number; whether it is one is seen when it is read.
std::size_t end_of_number(std::string_view text, std::size_t at) {
  for (;;) {
    at = end_of_name(text, at);
    const bool is_exponent =
        at < text.size() && is_one_of(text[at], "+-") && is_one_of(text[at - 1], "eE");
    if (!is_exponent) return at;
    ++at;
  }
}

std::size_t end_of_string(std::string_view text, std::size_t start) {
  for (std::size_t at = start + 1; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == text[start]) return at + 1;
    if (text[at] == '\\') ++at;
  }
  throw SyntaxError{start, "this string has no end"};
}

// Takes the escape behind a backslash off the front of `text`, which is not empty.
void read_escape(std::string_view& text, std::size_t at, std::string& out) {
  const char letter = text[0];
  text.remove_prefix(1);
  const std::size_t size = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (size != 0) {
    std::uint32_t code = 0;
    const std::string_view hex = text.substr(0, size);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    if (error != std::errc() || end != hex.data() + size || code > 0x10ffff) {
      throw SyntaxError{at, "this escape is no character"};
    }
    char room[4];
    out.append(room, put_code_point(room, code));
    text.remove_prefix(size);
    return;
  }
  for (std::size_t i = 0; i < kEscapes.size(); i += 2) {
    if (kEscapes[i] != letter) continue;
    out += kEscapes[i + 1];
    return;
  }
  throw SyntaxError{at, "unknown escape; a backslash that stands for itself is written twice"};
}

}  // namespace

Token next_token(std::string_view text, std::size_t at) {
  while (at < text.size() && is_one_of(text[at], " \t\r\n")) ++at;
  if (at == text.size()) return {Token::Kind::end, at, {}};
  const char c = text[at];
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  const auto token = [&](Token::Kind kind, std::size_t end) {
    return Token{kind, at, text.substr(at, end - at)};
  };
  if (c == '\'' || c == '"') return token(Token::Kind::string, end_of_string(text, at));
  if (is_digit(c) || (c == '.' && is_digit(next))) {
    return token(Token::Kind::number, end_of_number(text, at));
  }
  if (starts_name(c)) return token(Token::Kind::name, end_of_name(text, at));
  return token(Token::Kind::symbol, at + (next == '=' && is_one_of(c, "=!<>") ? 2 : 1));
}

std::string read_string(const Token& token) {
  std::string result;
  std::string_view rest = token.text.substr(1, token.text.size() - 2);
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c == '\\') {
      read_escape(rest, token.end() - 2 - rest.size(), result);
    } else {
      result += c;
    }
  }
  return result;
}

Value read_number(const Token& token, bool is_negative, std::string& digits) {
  const auto refuse = [&] {
    throw SyntaxError{token.at, std::string(token.text) + " is no number"};
  };
  std::string plain(is_negative ? "-" : "");
  const std::size_t start = plain.size();
  for (std::size_t i = 0; i < token.text.size(); ++i) {
    if (token.text[i] != '_') {
      plain += token.text[i];
    } else if (i + 1 == token.text.size() || !is_digit(token.text[i - 1]) ||
               !is_digit(token.text[i + 1])) {
      refuse();
    }
  }
  const std::string_view unsigned_part = std::string_view(plain).substr(start);
  const bool is_whole = std::ranges::all_of(unsigned_part, is_digit);
  if (is_whole && unsigned_part.size() > kMostDigits) {
    throw SyntaxError{token.at, "this number is too long"};
  }
  if (is_whole && unsigned_part[0] == '0' && unsigned_part.find_first_not_of('0') != plain.npos) {
    refuse();  // in Python too: 007 could be meant as octal
  }
  Value value;
  const auto parse = [&plain](auto& into) {
    const char* const end = plain.data() + plain.size();
    const auto result = std::from_chars(plain.data(), end, into);
    return result.ec == std::errc() && result.ptr != end ? std::errc::invalid_argument : result.ec;
  };
  value.tag = is_whole ? Tag::int64 : Tag::float64;
  const std::errc error = is_whole ? parse(value.i) : parse(value.f);
  if (error == std::errc::invalid_argument) refuse();
  if (error == std::errc::result_out_of_range) {
    if (!is_whole) throw SyntaxError{token.at, "this number is too large or too small"};
    value.tag = Tag::bigint;
    digits = std::move(plain);
  }
  return value;
}

}  // namespace attolog::expression
