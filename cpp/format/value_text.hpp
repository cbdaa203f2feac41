// Values as the text that CSV cells, text lines and Python's str() show of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "core/value.hpp"
#include "format/number.hpp"

namespace attolog {

// Adds `value` as CSV and text show it, not yet escaped: numbers as Python writes them, True and
// False, nothing for None, bytes as b'..', dates and times as isoformat() writes them, a duration
// as pandas' Timedelta.isoformat() does (ISO 8601: P1DT2H3M4.5S; a negative one has negative days,
// as in Python: -1 s is P-1DT23H59M59S).
void write_plain(Buffer& out, const Value& value);

// Adds what most values are: a text, an int or a float. False for all others.
inline bool write_simple(Buffer& out, const Value& value) {
  switch (value.tag) {
    case Tag::str: out.append(value.text); return true;
    case Tag::int64: out.advance_to(write_int(out.room(kNumberRoom), value.i)); return true;
    case Tag::float64: out.advance_to(write_double(out.room(kNumberRoom), value.f)); return true;
    default: return false;
  }
}

// Adds `value` as Python's str() shows it, as far as its tag tells what it was: None is written
// out, and dates, times and durations are not ISO 8601's.
void write_str(Buffer& out, const Value& value);

// Whether write_plain(value) is free of commas, quotes, backslashes, spaces and controls whatever
// the value, so that no sink need look for them.
bool is_plain_safe(Tag tag);

// Adds ` name=value`, a text as write_quoted() does. None is written out.
void write_pair(Buffer& out, std::string_view name, const Value& value);

// Adds the text as it stands behind a name: in double quotes, with those inside doubled, if it is
// empty or contains a space, a quote, = or a control character.
void write_quoted(Buffer& out, std::string_view text);

// Adds the value as JSON. Bytes are base64; what JSON has no form for (NaN, dates, ints beyond 64
// bits) is a string.
void write_json(Buffer& out, const Value& value);

// The name of the value at `position`, counted from 0: its field's name, or v1, v2, ... beyond
// them.
std::string field_name(std::span<const std::string> fields, std::size_t position);

// The name of the standard level at or below `level`: DEBUG ... CRITICAL. A message logged without
// a level is DEBUG.
std::string_view level_name(std::uint8_t level);

// The standard level of that name.
std::optional<std::uint8_t> level_of(std::string_view name);

}  // namespace attolog
