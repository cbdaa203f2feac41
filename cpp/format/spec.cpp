#include "format/spec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "format/number.hpp"
#include "format/value_text.hpp"

namespace attolog {
namespace {

bool one_of(char c, std::string_view set) {
  return c != '\0' && set.find(c) != set.npos;
}

// Bytes of the code point that starts with `lead`.
std::size_t code_point_size(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

bool starts_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

int count_code_points(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), starts_code_point));
}

// The first `count` code points of `text`.
std::string_view first_code_points(std::string_view text, int count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if (starts_code_point(text[at]) && count-- == 0) break;
  return text.substr(0, at);
}

// Takes the decimal digits at the start of `text`; false if there are too many.
bool parse_integer(std::string_view& text, int& value) {
  bool any = false;
  int number = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1)) {
    any = true;
    number = number * 10 + (text[0] - '0');
    if (number > Spec::kMost) return false;
  }
  if (any) value = number;
  return true;
}

// A finite double as CPython's PyOS_double_to_string writes it, sign left out. kFloatRoom holds the
// longest: 309 digits, the point, kMost decimals.
constexpr std::size_t kFloatRoom = 310 + Spec::kMost + 16;

struct FloatFormat {
  char type;         // e, f, g, or r for repr's own choice
  int precision;     // of e and f: decimals; of g: digits
  bool alternate;    // keep the point, and with g the zeros
  bool one_decimal;  // at least one, unless there is an exponent
};

char* write_float(char* out, double value, const FloatFormat& format) {
  if (format.type == 'f' || format.type == 'e') {
    const auto style =
        format.type == 'f' ? std::chars_format::fixed : std::chars_format::scientific;
    char* end = std::to_chars(out, out + kFloatRoom, value, style, format.precision).ptr;
    if (!format.alternate || format.precision != 0) return end;
    char* at = std::find(out, end, 'e');
    std::memmove(at + 1, at, static_cast<std::size_t>(end - at));
    *at = '.';
    return end + 1;
  }
  // g and r: the digits, and where the point belongs.
  char text[kFloatRoom];
  const bool shortest = format.type == 'r';
  const int wanted = std::max(format.precision, 1);
  char* const end =
      shortest ? std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr
               : std::to_chars(text, text + sizeof text, value, std::chars_format::scientific,
                               wanted - 1)
                     .ptr;
  char* e = std::find(text, end, 'e');
  int exponent = 0;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
  std::string_view digits(text, 1);
  if (e - text > 2) {
    text[1] = text[0];
    digits = {text + 1, static_cast<std::size_t>(e - text - 1)};
  }
  while (digits.size() > 1 && digits.back() == '0') digits.remove_suffix(1);

  // `point` is how many digits stand before the point, `last` where the number ends at the
  // earliest.
  int point = exponent + 1;
  const int limit = shortest ? 16 : format.one_decimal ? wanted - 1 : wanted;
  const bool exponential = point <= -4 || point > limit;
  if (exponential) point = 1;
  int last = static_cast<int>(digits.size());
  if (format.alternate && !shortest) last = std::max(last, wanted);
  last = std::max(last, !exponential && format.one_decimal ? point + 1 : point);
  for (int i = std::min(point - 1, 0); i < last; ++i) {
    if (i == point) *out++ = '.';
    *out++ =
        i >= 0 && i < static_cast<int>(digits.size()) ? digits[static_cast<std::size_t>(i)] : '0';
  }
  if (last == point && format.alternate) *out++ = '.';
  if (exponential) {
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    const auto size = static_cast<std::uint64_t>(std::abs(exponent));
    out = size < 100 ? write_padded(out, size, 2) : write_uint(out, size);
  }
  return out;
}

}  // namespace

Spec::Spec(std::string_view text) : empty_(text.empty()) {
  parsed_ = parse(text);
}

bool Spec::parse(std::string_view text) {
  const auto accept = [&text](std::string_view set) {
    if (text.empty() || !one_of(text[0], set)) return '\0';
    const char c = text[0];
    text.remove_prefix(1);
    return c;
  };
  bool filled = false;
  if (!text.empty()) {
    const std::size_t size = code_point_size(text[0]);
    if (size < text.size() && one_of(text[size], "<>=^")) {
      fill_ = text.substr(0, size);
      text.remove_prefix(size);
      filled = true;
    }
    align_ = accept("<>=^");
  }
  sign_ = accept("+- ");
  z_ = accept("z") != '\0';
  alternate_ = accept("#") != '\0';
  if (!filled && accept("0") != '\0') {
    fill_ = "0";
    zero_ = true;
  }
  if (!parse_integer(text, width_)) return false;
  grouping_ = accept(",_");
  if (accept(".") != '\0') {
    if (!parse_integer(text, precision_) || precision_ < 0) return false;
  }
  type_ = accept("bdoxXeEfFgG%s");
  if (grouping_ == ',' && one_of(type_, "boxX")) return false;
  is_fixed_ = precision_ >= 0 && type_ == 'f' && align_ == '\0' && sign_ == '\0' && !z_ &&
              !alternate_ && width_ < 0 && grouping_ == '\0';
  return text.empty();
}

bool Spec::native(Tag tag) const {
  if (!parsed_) return false;
  const bool float_type = one_of(type_, "eEfFgG%");
  switch (tag) {
    case Tag::none: return empty_;
    case Tag::str:
      return (type_ == '\0' || type_ == 's') && sign_ == '\0' && !z_ && !alternate_ &&
             align_ != '=' && grouping_ == '\0';
    case Tag::float64: return (type_ == '\0' || float_type);
    case Tag::int64:
    case Tag::true_:
    case Tag::false_: return float_type || (type_ != 's' && precision_ < 0 && !z_);
    default: return false;
  }
}

void Spec::format(Buffer& out, const Value& value) const {
  switch (value.tag) {
    case Tag::none: return out.append("None");
    case Tag::str: return format_text(out, value.text);
    default: break;
  }
  if (empty_) return write_plain(out, value);
  const bool is_float = value.tag == Tag::float64;
  if (is_fixed_ && is_float) {
    char* const end = write_fixed(out.room(kNumberRoom), value.f, precision_);
    if (end != nullptr) return out.advance_to(end);
  }
  const std::int64_t number = value.tag == Tag::int64 ? value.i : value.tag == Tag::true_ ? 1 : 0;
  if (is_float || one_of(type_, "eEfFgG%"))
    return format_float(out, is_float ? value.f : static_cast<double>(number));
  format_int(out, number);
}

void Spec::format_text(Buffer& out, std::string_view text) const {
  if (width_ < 0 && precision_ < 0) return out.append(text);
  if (precision_ >= 0) text = first_code_points(text, precision_);
  const int padding = width_ < 0 ? 0 : std::max(0, width_ - count_code_points(text));
  const int left = align_ == '>' ? padding : align_ == '^' ? padding / 2 : 0;
  pad(out, left);
  out.append(text);
  pad(out, padding - left);
}

void Spec::format_int(Buffer& out, std::int64_t value) const {
  const auto bits = static_cast<std::uint64_t>(value);
  const std::uint64_t size = value < 0 ? 0 - bits : bits;
  const bool decimal = type_ == '\0' || type_ == 'd';
  const int base = decimal ? 10 : type_ == 'b' ? 2 : type_ == 'o' ? 8 : 16;
  char text[64];
  char* const end = std::to_chars(text, text + sizeof text, size, base).ptr;
  if (type_ == 'X')
    std::transform(text, end, text,
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  Number number;
  number.negative = value < 0;
  const char prefix[] = {'0', type_};
  if (alternate_ && !decimal) number.prefix = {prefix, 2};
  number.digits = {text, static_cast<std::size_t>(end - text)};
  lay_out(out, number);
}

void Spec::format_float(Buffer& out, double value) const {
  // Lower case, then raised at the end: E, F and G differ in nothing else.
  char type = type_ == '\0' ? 'r' : type_ == '%' ? 'f' : static_cast<char>(type_ | 0x20);
  if (type_ == '%') value *= 100;
  int precision = precision_;
  if (precision < 0) {
    precision = type == 'r' ? 0 : 6;
  } else if (type == 'r') {
    type = 'g';
  }
  Number number;
  number.negative = std::signbit(value) && !std::isnan(value);
  char text[kFloatRoom];
  char* end;
  if (std::isfinite(value)) {
    end = write_float(text, std::fabs(value), {type, precision, alternate_, type_ == '\0'});
    const auto digit = [](char c) { return c >= '1' && c <= '9'; };
    if (z_ && std::none_of(text, std::find(text, end, 'e'), digit)) number.negative = false;
  } else {
    std::memcpy(text, std::isnan(value) ? "nan" : "inf", 3);
    end = text + 3;
  }
  if (one_of(type_, "EFG"))
    std::transform(text, end, text,
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  if (type_ == '%') *end++ = '%';
  const char* digits_end = std::find_if(text, end, [](char c) { return c < '0' || c > '9'; });
  number.digits = {text, static_cast<std::size_t>(digits_end - text)};
  number.rest = {digits_end, static_cast<std::size_t>(end - digits_end)};
  lay_out(out, number);
}

// CPython's calc_number_widths: padding, sign, prefix, padding, digits in groups, rest, padding.
void Spec::lay_out(Buffer& out, const Number& number) const {
  const char sign = number.negative ? '-' : one_of(sign_, "+ ") ? sign_ : '\0';
  const char align = align_ != '\0' ? align_ : zero_ ? '=' : '>';
  const int around =
      (sign != '\0' ? 1 : 0) + static_cast<int>(number.prefix.size() + number.rest.size());
  // Zeros between sign and digits are digits themselves: they are grouped too.
  int digits = static_cast<int>(number.digits.size());
  int least = fill_ == "0" && align == '=' ? width_ - around : 0;
  const int group = grouping_ == '\0' ? 0 : one_of(type_, "boxX") ? 4 : 3;
  int grouped = std::max(digits, least);
  if (group != 0 && digits != 0) {
    // A separator stands before every full group; one that would come first becomes a zero.
    grouped = digits + (digits - 1) / group;
    if (least > grouped) {
      grouped = least;
      if (grouped % (group + 1) == 0) ++grouped;
    }
  }
  if (digits == 0) grouped = 0;  // inf and nan

  const int padding = std::max(0, width_ - around - grouped);
  const int left = align == '>' ? padding : align == '^' ? padding / 2 : 0;
  pad(out, left);
  if (sign != '\0') out.push(sign);
  out.append(number.prefix);
  if (align == '=') pad(out, padding);
  char* const start = out.room(static_cast<std::size_t>(grouped));
  for (int at = grouped - 1, written = 0; at >= 0; --at) {
    if (group != 0 && written == group) {
      start[at] = grouping_;
      written = 0;
    } else {
      start[at] = digits > 0 ? number.digits[static_cast<std::size_t>(--digits)] : '0';
      ++written;
    }
  }
  out.advance(static_cast<std::size_t>(grouped));
  out.append(number.rest);
  if (align != '=') pad(out, padding - left);
}

void Spec::pad(Buffer& out, int count) const {
  for (; count > 0; --count) out.append(fill_);
}

}  // namespace attolog
