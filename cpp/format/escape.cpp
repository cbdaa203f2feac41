#include "format/escape.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

namespace attolog {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;

// The high bit of each byte of `word` that is zero; bits above the first such byte may be wrong.
constexpr std::uint64_t zeros(std::uint64_t word) {
  return (word - kOnes) & ~word & kHighs;
}

template <class Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The `size` bytes at `at`, 1 to 7, with spaces behind them; two loads that may overlap.
std::uint64_t load_few(const char* at, std::size_t size) {
  std::uint64_t word = static_cast<unsigned char>(*at);
  if (size >= 4) {
    word = load<std::uint32_t>(at) | load<std::uint32_t>(at + size - 4) << (8 * (size - 4));
  } else if (size >= 2) {
    word = load<std::uint16_t>(at) | load<std::uint16_t>(at + size - 2) << (8 * (size - 2));
  }
  return word | (kOnes * 0x20) << (8 * size);
}

// How many bytes at the start of `text` are printable ASCII and neither `a` nor `b`, which are not
// spaces: eight at a time, since most text is nothing else.
std::size_t clean_prefix(std::string_view text, char a, char b) {
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t all_a = kOnes * static_cast<unsigned char>(a);
  const std::uint64_t all_b = kOnes * static_cast<unsigned char>(b);
  for (std::size_t at = 0; at < text.size(); at += 8) {
    const std::size_t left = text.size() - at;
    const std::uint64_t word =
        left >= 8 ? load<std::uint64_t>(text.data() + at) : load_few(text.data() + at, left);
    const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
    const std::uint64_t hits = control | (word & kHighs) | zeros(word ^ (kOnes * 0x7f)) |
                               zeros(word ^ all_a) | zeros(word ^ all_b);
    if (hits != 0) return at + static_cast<std::size_t>(std::countr_zero(hits)) / 8;
  }
  return text.size();
}

constexpr char kHex[] = "0123456789abcdef";

void hex_escape(Buffer& out, char letter, unsigned code, int digits) {
  char* at = out.room(8);
  *at++ = '\\';
  *at++ = letter;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) *at++ = kHex[(code >> shift) & 15];
  out.advance_to(at);
}

unsigned byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// Whose escapes: JSON's, those of a line in a file, or those of a line on a terminal.
enum class Escapes : std::uint8_t { json, line, terminal };

// The last byte of a character of three bytes that begins with 0xe2 and `second`: whether the
// character turns the direction of text.
bool is_direction(unsigned second, unsigned third) {
  if (second == 0x80) return third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae);
  return second == 0x81 && third >= 0xa6 && third <= 0xa9;
}

// The code point at `at` if it is one that must not stand raw: C1, U+2028, U+2029 or a lone
// surrogate, on a terminal also a mark of direction; otherwise 0. Cut-off sequences are nothing of
// the kind.
template <Escapes kEscapes = Escapes::line>
unsigned unsafe_code_point(std::string_view text, std::size_t at) {
  const unsigned lead = byte_at(text, at), second = byte_at(text, at + 1);
  if (lead == 0xc2) return second >= 0x80 && second < 0xa0 ? second : 0;
  const unsigned third = byte_at(text, at + 2);
  if (lead == 0xe2) {
    const bool is_separator = second == 0x80 && (third == 0xa8 || third == 0xa9);
    const bool is_unsafe =
        is_separator || (kEscapes == Escapes::terminal && is_direction(second, third));
    return is_unsafe ? 0x2000 | (second & 0x3f) << 6 | (third & 0x3f) : 0;
  }
  if (lead == 0xed && second >= 0xa0 && second < 0xc0 && third >= 0x80 && third < 0xc0)
    return 0xd000 | ((second & 0x3f) << 6) | (third & 0x3f);
  return 0;
}

constexpr std::size_t utf8_size(unsigned code_point) {
  return code_point < 0x800 ? 2 : 3;
}

// The escapes of JSON and of lines differ only in the letter and digits of a control character.
template <Escapes kEscapes>
void escape(Buffer& out, std::string_view text) {
  constexpr bool kJson = kEscapes == Escapes::json;
  constexpr char kQuote = kJson ? '"' : '\\';
  while (true) {
    const std::size_t clean = clean_prefix(text, '\\', kQuote);
    out.append(text.substr(0, clean));
    text.remove_prefix(clean);
    // Non-ASCII text goes on here, byte by byte, up to the next ASCII.
    do {
      if (text.empty()) return;
      const auto c = static_cast<unsigned char>(text[0]);
      if (c >= 0x80) {
        if (const unsigned code = unsafe_code_point<kEscapes>(text, 0)) {
          if (kJson || code > 0xff) {
            hex_escape(out, 'u', code, 4);
          } else {
            hex_escape(out, 'x', code, 2);
          }
          text.remove_prefix(utf8_size(code));
          continue;
        }
        out.push(text[0]);
      } else if (c == '\\' || c == kQuote) {
        out.push('\\');
        out.push(text[0]);
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c == '\r') {
        out.append("\\r");
      } else if (c == '\t') {
        out.append("\\t");
      } else if (c < 0x20 || c == 0x7f) {
        if (kJson) {
          hex_escape(out, 'u', c, 4);
        } else {
          hex_escape(out, 'x', c, 2);
        }
      } else {
        break;
      }
      text.remove_prefix(1);
    } while (true);
  }
}

// Where the next lone surrogate starts, or npos.
std::size_t find_surrogate(std::string_view text, std::size_t from) {
  for (std::size_t at = from; (at = text.find('\xed', at)) != text.npos; ++at)
    if (unsafe_code_point(text, at) != 0) return at;
  return text.npos;
}

}  // namespace

void raw_text(Buffer& out, std::string_view text) {
  for (std::size_t at; (at = find_surrogate(text, 0)) != text.npos; text.remove_prefix(at + 3)) {
    out.append(text.substr(0, at));
    hex_escape(out, 'u', unsafe_code_point(text, at), 4);
  }
  out.append(text);
}

void stream_text(Buffer& out, std::string_view text) {
  for (std::size_t at; (at = find_surrogate(text, 0)) != text.npos; text.remove_prefix(at + 3)) {
    out.append(text.substr(0, at));
    const unsigned code = unsafe_code_point(text, at);
    if (code >= 0xdc80 && code <= 0xdcff) {
      out.push(static_cast<char>(code - 0xdc00));
    } else {
      hex_escape(out, 'u', code, 4);
    }
  }
  out.append(text);
}

void csv_cell(Buffer& out, std::string_view text) {
  if (clean_prefix(text, ',', '"') == text.size()) return out.append(text);
  bool quoted = false;
  for (const char c : text)
    quoted |= static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == ',' || c == '"';
  if (!quoted) return raw_text(out, text);
  out.push('"');
  for (std::size_t at; (at = text.find('"')) != text.npos; text.remove_prefix(at + 1)) {
    raw_text(out, text.substr(0, at + 1));
    out.push('"');
  }
  raw_text(out, text);
  out.push('"');
}

void json_text(Buffer& out, std::string_view text) {
  escape<Escapes::json>(out, text);
}

bool is_line_text(std::string_view text) {
  return clean_prefix(text, '\\', '\\') == text.size();
}

void line_text(Buffer& out, std::string_view text) {
  escape<Escapes::line>(out, text);
}

void terminal_text(Buffer& out, std::string_view text) {
  bool is_wtf8 = true;
  for (std::size_t at = 0, size; is_wtf8 && at < text.size(); at += size) {
    size = character_size(text, at);
    is_wtf8 = size != 0;
  }
  if (is_wtf8) return escape<Escapes::terminal>(out, text);
  // In a text that is none, each byte that does not belong stands as \\xXX, surrogates among them.
  Buffer valid;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_size(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    if (size == 0 || (size == 3 && byte == 0xed && byte_at(text, at + 1) >= 0xa0)) {
      hex_escape(valid, 'x', byte, 2);
      ++at;
    } else {
      valid.append(text.substr(at, size));
      at += size;
    }
  }
  escape<Escapes::terminal>(out, valid.view());
}

std::size_t character_size(std::string_view text, std::size_t at) {
  const auto continues = [&](std::size_t i) { return (byte_at(text, at + i) & 0xc0) == 0x80; };
  const unsigned first = byte_at(text, at), second = byte_at(text, at + 1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if ((first & 0xf0) == 0xe0) {
    return continues(1) && continues(2) && (first != 0xe0 || second >= 0xa0) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool in_range = (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second < 0x90);
    return in_range && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

void base64(Buffer& out, std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char* at = out.room((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned word =
        byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    *at++ = kAlphabet[word >> 18];
    *at++ = kAlphabet[(word >> 12) & 63];
    *at++ = i + 1 < bytes.size() ? kAlphabet[(word >> 6) & 63] : '=';
    *at++ = i + 2 < bytes.size() ? kAlphabet[word & 63] : '=';
  }
  out.advance_to(at);
}

}  // namespace attolog
