#include "reader/python_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/codec.hpp"
#include "format/escape.hpp"
#include "format/value_text.hpp"

namespace attolog {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDayUs = 86'400 * kSecondUs;
// The first and the last day that Python has: of the years 1 and 9999.
constexpr std::int64_t kFirstDay = -719'162;
constexpr std::int64_t kLastDay = 2'932'896;

// The most digits that Python reads as an int, or writes (sys.set_int_max_str_digits).
constexpr std::size_t kMostDigits = 4300;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_datetime(std::int64_t us) {
  return us >= kFirstDay * kDayUs && us < (kLastDay + 1) * kDayUs;
}

void write_whole(Buffer& out, std::int64_t number) {
  write_plain(out, Value::of_int(number));
}

void write_aware(Buffer& out, Value value) {
  if (!is_datetime(value.i)) return write_whole(out, value.i);
  const std::int64_t offset = value.offset_seconds;
  const bool is_zone = offset > -86'400 && offset < 86'400;
  if (!is_zone || !is_datetime(value.i + offset * kSecondUs)) value.offset_seconds = 0;
  write_str(out, value);
}

// The decimal digits of hexadecimal ones.
std::string decimal_of(std::string_view hex) {
  constexpr std::uint64_t kBase = 1'000'000'000;
  std::vector<std::uint64_t> parts;  // in base 10^9, the lowest first
  for (const char c : hex) {
    std::uint64_t carry = 0;
    std::from_chars(&c, &c + 1, carry, 16);
    for (std::uint64_t& part : parts) {
      carry += part * 16;
      part = carry % kBase;
      carry /= kBase;
    }
    if (carry != 0) parts.push_back(carry);
  }
  std::string digits = parts.empty() ? "0" : std::to_string(parts.back());
  for (std::size_t i = parts.size(); i-- > 1;) {
    const std::string part = std::to_string(parts[i - 1]);
    digits.append(9 - part.size(), '0').append(part);
  }
  return digits;
}

// Ints beyond 64 bits. One that has more digits than Python writes is hexadecimal.
void write_big(Buffer& out, std::string_view digits) {
  std::string_view number = digits;
  const bool is_negative = number.starts_with('-');
  if (is_negative) number.remove_prefix(1);
  const auto is_hex_digit = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (number.starts_with("0x") && number.size() > 2 && number.size() < kMostDigits &&
      std::ranges::all_of(number.substr(2), is_hex_digit)) {
    const std::string decimal = decimal_of(number.substr(2));
    if (decimal.size() > kMostDigits) return out.append(digits);
    if (is_negative) out.push('-');
    return out.append(decimal);
  }
  write_quoted(out, digits);  // digits need no quotes
}

// Walks over the JSON of a nested value and over its str(). Both are one series of tokens, so that
// brackets need not be matched: a pair of damaged texts is at worst taken for equal.
class Comparison {
 public:
  explicit Comparison(const Value& nested) : json_(nested.json()), shown_(nested.text) {}

  bool are_equal() {
    int depth = 0;
    while (!json_.empty()) {
      const char c = json_.front();
      bool is_equal = false;
      if (c == '"') {
        is_equal = take_text();
      } else if (c == ',' || c == ':') {
        json_.remove_prefix(1);
        is_equal = take_shown(c == ',' ? ", " : ": ");
      } else if (c == '[' || c == '{' || c == ']' || c == '}') {
        depth += c == '[' || c == '{' ? 1 : -1;
        json_.remove_prefix(1);
        is_equal = take_shown({&c, 1});
      } else {
        is_equal = take_word();
      }
      if (!is_equal || depth > kMostDepth) return false;
    }
    return shown_.empty() && depth == 0;
  }

 private:
  static constexpr int kMostDepth = 500;  // Python's reader has a limit beyond

  bool take_shown(std::string_view text) {
    if (!shown_.starts_with(text)) return false;
    shown_.remove_prefix(text.size());
    return true;
  }

  // A number, true, false or null.
  bool take_word() {
    const std::size_t size = std::min(json_.find_first_of(",:]}[{\""), json_.size());
    const std::string_view word = json_.substr(0, size);
    json_.remove_prefix(size);
    if (word == "true") return take_shown("True");
    if (word == "false") return take_shown("False");
    if (word == "null") return take_shown("None");
    const std::size_t digits = word.size() - (word.starts_with('-') ? 1 : 0);
    const bool is_int = std::ranges::all_of(word.substr(word.size() - digits), is_digit);
    return size != 0 && !(is_int && digits > kMostDigits) && take_shown(word);
  }

  // A text of the JSON, and its repr().
  bool take_text() {
    json_.remove_prefix(1);
    if (shown_.empty()) return false;
    const char quote = shown_.front();
    if (quote != '\'' && quote != '"') return false;
    shown_.remove_prefix(1);
    bool has_single = false;
    bool has_double = false;
    while (!json_.empty() && json_.front() != '"') {
      std::uint32_t c = 0;
      if (!take_character(c) || !take_shown_character(c, quote)) return false;
      has_single = has_single || c == '\'';
      has_double = has_double || c == '"';
    }
    if (json_.empty()) return false;
    json_.remove_prefix(1);
    return quote == (has_single && !has_double ? '"' : '\'') && take_shown({&quote, 1});
  }

  // The next character of a text of the JSON.
  bool take_character(std::uint32_t& c) {
    if (json_.front() == '\\') return take_escape(c);
    const std::size_t size = character_size(json_, 0);
    if (size == 0) return false;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(json_[at]); };
    c = size == 1 ? byte(0) : byte(0) & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) c = c << 6 | (byte(i) & 0x3fU);
    json_.remove_prefix(size);
    return true;
  }

  bool take_escape(std::uint32_t& c) {
    if (json_.size() < 2) return false;
    const char letter = json_[1];
    json_.remove_prefix(2);
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t at = kLetters.find(letter); at != kLetters.npos) {
      c = static_cast<unsigned char>(kMeanings[at]);
      return true;
    }
    if (letter != 'u' || !take_unit(c)) return false;
    const std::string_view behind = json_;
    std::uint32_t low = 0;
    if (c >= 0xd800 && c < 0xdc00 && json_.starts_with("\\u")) {
      json_.remove_prefix(2);
      if (take_unit(low) && low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
      } else {
        json_ = behind;
      }
    }
    return true;
  }

  bool take_unit(std::uint32_t& unit) {
    if (json_.size() < 4) return false;
    const char* const end = json_.data() + 4;
    const auto [stop, error] = std::from_chars(json_.data(), end, unit, 16);
    if (error != std::errc{} || stop != end) return false;
    json_.remove_prefix(4);
    return true;
  }

  // The character as repr() shows it. Of those beyond ASCII Python knows which can be printed: they
  // stand as they are or escaped, and the writer's Python has decided that.
  bool take_shown_character(std::uint32_t c, char quote) {
    char text[16];
    if (c < 0x80) {
      const char byte = static_cast<char>(c);
      if (byte == '\\' || byte == quote) {
        return take_shown("\\") && take_shown({&byte, 1});
      }
      if (byte == '\n') return take_shown("\\n");
      if (byte == '\r') return take_shown("\\r");
      if (byte == '\t') return take_shown("\\t");
      if (c >= 0x20 && c != 0x7f) return take_shown({&byte, 1});
    } else if (!shown_.starts_with('\\')) {
      const char* const end = put_code_point(text, c);
      return take_shown({text, static_cast<std::size_t>(end - text)});
    }
    const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
    text[0] = '\\';
    text[1] = digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
    for (int i = 0; i < digits; ++i) {
      text[2 + i] = "0123456789abcdef"[c >> (4 * (digits - 1 - i)) & 15];
    }
    return take_shown({text, static_cast<std::size_t>(2 + digits)});
  }

  std::string_view json_;   // what is left of it
  std::string_view shown_;  // and of the str()
};

}  // namespace

bool reads_as_shown(const Value& nested) {
  return Comparison(nested).are_equal();
}

void write_python_value(Buffer& out, const Value& value) {
  switch (value.tag) {
    case Tag::none: return out.append("None");
    case Tag::str:
      if (value.is_nested && reads_as_shown(value)) return out.append(value.text);
      return write_quoted(out, value.text);
    case Tag::bigint: return write_big(out, value.text);
    case Tag::datetime:
      return is_datetime(value.i) ? write_str(out, value) : write_whole(out, value.i);
    case Tag::datetime_utc: return write_aware(out, value);
    case Tag::date:
      if (value.i < kFirstDay || value.i > kLastDay) return write_whole(out, value.i);
      return write_str(out, value);
    case Tag::time:
      if (value.i < 0 || value.i >= kDayUs) return write_whole(out, value.i);
      return write_str(out, value);
    case Tag::duration: return write_str(out, value);
    default: return write_plain(out, value);  // a float32 is the double that it is read as
  }
}

}  // namespace attolog
