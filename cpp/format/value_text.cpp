#include "format/value_text.hpp"

#include <cmath>
#include <cstdint>

#include "core/site.hpp"
#include "format/escape.hpp"
#include "format/number.hpp"

namespace attolog {
namespace {

constexpr std::int64_t kSecond = 1000000;  // in us
constexpr std::int64_t kDay = 86400 * kSecond;

struct Split {
  std::int64_t quotient;
  std::int64_t rest;  // never negative
};
constexpr Split floor_divide(std::int64_t value, std::int64_t by) {
  Split split{value / by, value % by};
  if (split.rest < 0) {
    split.rest += by;
    --split.quotient;
  }
  return split;
}

char* put(char* out, char c) {
  *out = c;
  return out + 1;
}

char* write_two(char* out, std::int64_t value) {
  return write_padded(out, static_cast<std::uint64_t>(value), 2);
}

// Days since 1970 as YYYY-MM-DD in the proleptic Gregorian calendar, counted from 1 March of year 0
// in eras of 400 years, so that the leap day comes last (Howard Hinnant, "chrono-compatible
// low-level date algorithms").
char* write_date(char* out, std::int64_t days) {
  const Split era = floor_divide(days + 719468, 146097);
  const std::int64_t day_of_era = era.rest;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::int64_t year = year_of_era + era.quotient * 400 + (month <= 2 ? 1 : 0);
  if (year >= 0 && year <= 9999) {
    out = write_padded(out, static_cast<std::uint64_t>(year), 4);
  } else {
    out = write_int(out, year);
  }
  out = write_two(put(out, '-'), month);
  return write_two(put(out, '-'), day);
}

// Microseconds since midnight as HH:MM:SS, with .ffffff unless that is 0.
char* write_clock(char* out, std::int64_t us) {
  const std::int64_t seconds = us / kSecond;
  if (seconds < 360000) {
    out = write_two(out, seconds / 3600);
  } else {
    out = write_int(out, seconds / 3600);
  }
  out = write_two(put(out, ':'), seconds / 60 % 60);
  out = write_two(put(out, ':'), seconds % 60);
  const auto fraction = static_cast<std::uint64_t>(us % kSecond);
  return fraction == 0 ? out : write_padded(put(out, '.'), fraction, 6);
}

char* write_offset(char* out, std::int64_t seconds) {
  out = put(out, seconds < 0 ? '-' : '+');
  if (seconds < 0) seconds = -seconds;
  if (seconds < 360000) {
    out = write_two(out, seconds / 3600);
  } else {
    out = write_int(out, seconds / 3600);
  }
  out = write_two(put(out, ':'), seconds / 60 % 60);
  return seconds % 60 == 0 ? out : write_two(put(out, ':'), seconds % 60);
}

char* write_datetime(char* out, std::int64_t us, std::int64_t offset_seconds, char between = 'T') {
  // Days and time of day first: us + offset could overflow in a damaged record.
  const Split utc = floor_divide(us, kDay);
  const Split local = floor_divide(utc.rest + offset_seconds * kSecond, kDay);
  out = write_date(out, utc.quotient + local.quotient);
  return write_clock(put(out, between), local.rest);
}

char* write_duration(char* out, std::int64_t us) {
  const Split days = floor_divide(us, kDay);
  const std::int64_t seconds = days.rest / kSecond;
  out = write_int(put(out, 'P'), days.quotient);
  *out++ = 'D';
  out = write_int(put(out, 'T'), seconds / 3600);
  out = write_int(put(out, 'H'), seconds / 60 % 60);
  out = write_int(put(out, 'M'), seconds % 60);
  if (const auto fraction = static_cast<std::uint64_t>(days.rest % kSecond)) {
    out = write_padded(put(out, '.'), fraction, 6);
    while (out[-1] == '0') --out;
  }
  return put(out, 'S');
}

// As Python's str(timedelta): -1 day, 23:59:59.500000.
void write_timedelta(Buffer& out, std::int64_t us) {
  const Split days = floor_divide(us, kDay);
  if (days.quotient != 0) {
    out.advance_to(write_int(out.room(kNumberRoom), days.quotient));
    out.append(days.quotient == 1 || days.quotient == -1 ? " day, " : " days, ");
  }
  // write_clock's hours have two digits.
  const bool has_one_digit = days.rest < 10 * 3600 * kSecond;
  char text[kNumberRoom];
  const char* const end = write_clock(text, days.rest);
  const char* const start = text + (has_one_digit ? 1 : 0);
  out.append({start, static_cast<std::size_t>(end - start)});
}

// As Python's repr(bytes): in single quotes, unless only those occur inside.
void write_bytes(Buffer& out, std::string_view bytes) {
  const bool has_single = bytes.find('\'') != bytes.npos;
  const char quote = has_single && bytes.find('"') == bytes.npos ? '"' : '\'';
  constexpr char kHex[] = "0123456789abcdef";
  char* at = out.room(4 * bytes.size() + 3);
  *at++ = 'b';
  *at++ = quote;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const char letter = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : '\0';
    if (letter != '\0') {
      *at++ = '\\';
      *at++ = letter;
    } else if (byte < 0x20 || byte >= 0x7f) {
      *at++ = '\\';
      *at++ = 'x';
      *at++ = kHex[byte >> 4];
      *at++ = kHex[byte & 15];
    } else {
      if (c == quote || c == '\\') *at++ = '\\';
      *at++ = c;
    }
  }
  *at++ = quote;
  out.advance_to(at);
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '\'' || c == '=' || c == 0x7f)
      return true;
  return false;
}

}  // namespace

void write_plain(Buffer& out, const Value& value) {
  // Dates of a damaged record can have years of many digits: twice the room covers every case.
  char* at;
  switch (value.tag) {
    case Tag::str:
    case Tag::bigint: return out.append(value.text);
    case Tag::bytes: return write_bytes(out, value.text);
    case Tag::true_: return out.append("True");
    case Tag::false_: return out.append("False");
    case Tag::int64:
    case Tag::int8:
    case Tag::int16:
    case Tag::int32:
    case Tag::uint8:
    case Tag::uint16:
    case Tag::uint32: at = write_int(out.room(kNumberRoom), value.i); break;
    case Tag::uint64:
      at = write_uint(out.room(kNumberRoom), static_cast<std::uint64_t>(value.i));
      break;
    case Tag::float64:
    case Tag::float32: at = write_double(out.room(kNumberRoom), value.f); break;
    case Tag::datetime: at = write_datetime(out.room(2 * kNumberRoom), value.i, 0); break;
    case Tag::datetime_utc:
      at = write_datetime(out.room(2 * kNumberRoom), value.i, value.offset_seconds);
      at = write_offset(at, value.offset_seconds);
      break;
    case Tag::date: {
      // A damaged record can have any day count; Python's own stay far inside these bounds.
      constexpr std::int64_t kMost = INT64_MAX / 2;
      const std::int64_t days = value.i > kMost ? kMost : value.i < -kMost ? -kMost : value.i;
      at = write_date(out.room(2 * kNumberRoom), days);
      break;
    }
    case Tag::time: at = write_clock(out.room(kNumberRoom), value.i < 0 ? 0 : value.i); break;
    case Tag::duration: at = write_duration(out.room(2 * kNumberRoom), value.i); break;
    default: return;  // none; the other tags never stand in a decoded value
  }
  out.advance_to(at);
}

void write_str(Buffer& out, const Value& value) {
  char* at;
  switch (value.tag) {
    case Tag::none: return out.append("None");
    case Tag::float32: at = write_float(out.room(kNumberRoom), static_cast<float>(value.f)); break;
    case Tag::datetime: at = write_datetime(out.room(2 * kNumberRoom), value.i, 0, ' '); break;
    case Tag::datetime_utc:
      at = write_datetime(out.room(2 * kNumberRoom), value.i, value.offset_seconds, ' ');
      at = write_offset(at, value.offset_seconds);
      break;
    case Tag::duration: return write_timedelta(out, value.i);
    default: return write_plain(out, value);
  }
  out.advance_to(at);
}

bool is_plain_safe(Tag tag) {
  return tag != Tag::str && tag != Tag::bytes && tag != Tag::bigint;
}

void write_pair(Buffer& out, std::string_view name, const Value& value) {
  out.push(' ');
  out.append(name);
  out.push('=');
  if (value.tag == Tag::none) return out.append("None");
  if (value.tag != Tag::str) return write_plain(out, value);
  write_quoted(out, value.text);
}

void write_quoted(Buffer& out, std::string_view text) {
  if (!needs_quotes(text)) return out.append(text);
  out.push('"');
  for (const char c : text) {
    if (c == '"') out.push('"');
    out.push(c);
  }
  out.push('"');
}

void write_json(Buffer& out, const Value& value) {
  if (value.is<ValueClass::whole>()) return write_plain(out, value);
  switch (value.tag) {
    case Tag::none: return out.append("null");
    case Tag::true_: return out.append("true");
    case Tag::false_: return out.append("false");
    case Tag::float64:
    case Tag::float32:
      if (std::isfinite(value.f)) return write_plain(out, value);
      return out.append(std::isnan(value.f) ? "\"NaN\""
                        : value.f < 0       ? "\"-Infinity\""
                                            : "\"Infinity\"");
    case Tag::str:
    case Tag::bigint:
      if (value.is_nested) return out.append(value.json());
      out.push('"');
      json_text(out, value.text);
      return out.push('"');
    case Tag::bytes:
      out.push('"');
      base64(out, value.text);
      return out.push('"');
    default:  // dates and times: ISO 8601 needs no escapes
      out.push('"');
      write_plain(out, value);
      return out.push('"');
  }
}

std::string field_name(std::span<const std::string> fields, std::size_t position) {
  return position < fields.size() ? fields[position] : "v" + std::to_string(position + 1);
}

std::string_view level_name(std::uint8_t level) {
  if (level >= kCritical) return "CRITICAL";
  if (level >= kError) return "ERROR";
  if (level >= kWarning) return "WARNING";
  if (level >= kInfo) return "INFO";
  return "DEBUG";
}

std::optional<std::uint8_t> level_of(std::string_view name) {
  for (const Level level : {kDebug, kInfo, kWarning, kError, kCritical})
    if (name == level_name(level)) return level;
  return std::nullopt;
}

}  // namespace attolog
