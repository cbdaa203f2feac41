#include "core/codec.hpp"

#include <cstring>

#include "core/site.hpp"

namespace attolog {

char* put_code_point(char* p, std::uint32_t c) {
  if (c > 0x10ffff) c = 0xfffd;  // only damage has such
  if (c < 0x80) {
    *p++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *p++ = static_cast<char>(0xc0 | (c >> 6));
    *p++ = static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    *p++ = static_cast<char>(0xe0 | (c >> 12));
    *p++ = static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    *p++ = static_cast<char>(0x80 | (c & 0x3f));
  } else {
    *p++ = static_cast<char>(0xf0 | ((c >> 18) & 0x07));
    *p++ = static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    *p++ = static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    *p++ = static_cast<char>(0x80 | (c & 0x3f));
  }
  return p;
}

namespace {

template <class T>
T load(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

template <class Unit>
std::string_view to_utf8(std::string_view raw, std::size_t most_bytes, Arena& arena) {
  const std::size_t n = raw.size() / sizeof(Unit);
  char* const start = arena.allocate(n * most_bytes);
  char* p = start;
  for (std::size_t i = 0; i < n; ++i) {
    p = put_code_point(p, load<Unit>(raw.data() + i * sizeof(Unit)));
  }
  return {start, static_cast<std::size_t>(p - start)};
}

// Walks over encoded values, never past their end.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : p_(bytes.data()), end_(p_ + bytes.size()) {}

  bool has(std::size_t n) const { return static_cast<std::size_t>(end_ - p_) >= n; }
  bool done() const { return p_ == end_ || *p_ == 0; }
  bool at(Tag tag) const { return p_ != end_ && static_cast<Tag>(*p_) == tag; }

  template <class T>
  bool read(T& value) {
    if (!has(sizeof value)) return false;
    value = load<T>(p_);
    p_ += sizeof value;
    return true;
  }
  template <class Length>
  bool read_sized(std::string_view& bytes) {
    Length n = 0;
    if (!read(n) || !has(n)) return false;
    bytes = {p_, n};
    p_ += n;
    return true;
  }

 private:
  const char* p_;
  const char* end_;
};

// Reads the values that nearly all records have, without a call. False, with nothing read: any
// other.
inline bool decode_simple(Cursor& cursor, Value& value) {
  Cursor at = cursor;
  std::uint8_t tag = 0;
  if (!at.read(tag)) return false;
  value.tag = static_cast<Tag>(tag);
  if (value.tag == Tag::int64) {
    if (!at.read(value.i)) return false;
  } else if (value.tag == Tag::float64) {
    if (!at.read(value.f)) return false;
  } else if (value.tag == Tag::ascii) {
    value.tag = Tag::str;
    if (!at.read_sized<std::uint8_t>(value.text)) return false;
  } else {
    return false;
  }
  cursor = at;
  return true;
}

bool decode_value(Cursor& cursor, Arena& arena, Value& value) {
  std::uint8_t tag = 0;
  if (!cursor.read(tag)) return false;
  value.tag = static_cast<Tag>(tag);
  std::string_view raw;
  switch (value.tag) {
    case Tag::none:
    case Tag::false_:
    case Tag::true_: return true;
    case Tag::int64:
    case Tag::datetime:
    case Tag::date:
    case Tag::time:
    case Tag::duration:
    case Tag::int8:
    case Tag::int16:
    case Tag::int32:
    case Tag::uint8:
    case Tag::uint16:
    case Tag::uint32:
    case Tag::uint64: return cursor.read(value.i);
    case Tag::datetime_utc: return cursor.read(value.i) && cursor.read(value.offset_seconds);
    case Tag::float64:
    case Tag::float32: return cursor.read(value.f);
    case Tag::str:
    case Tag::bytes:
    case Tag::bigint: return cursor.read_sized<std::uint32_t>(value.text);
    case Tag::ascii: value.tag = Tag::str; return cursor.read_sized<std::uint8_t>(value.text);
    case Tag::long_ascii: value.tag = Tag::str; return cursor.read_sized<std::uint32_t>(value.text);
    case Tag::latin1:
      value.tag = Tag::str;
      if (!cursor.read_sized<std::uint32_t>(raw)) return false;
      value.text = to_utf8<std::uint8_t>(raw, 2, arena);
      return true;
    case Tag::ucs2:
      value.tag = Tag::str;
      if (!cursor.read_sized<std::uint32_t>(raw)) return false;
      value.text = to_utf8<std::uint16_t>(raw, 3, arena);
      return true;
    case Tag::ucs4:
      value.tag = Tag::str;
      if (!cursor.read_sized<std::uint32_t>(raw)) return false;
      value.text = to_utf8<std::uint32_t>(raw, 4, arena);
      return true;
    case Tag::formatted:
      // Text of a text: nobody writes that, and damage must not recurse.
      if (!cursor.read_sized<std::uint32_t>(raw) || cursor.at(Tag::formatted)) return false;
      if (!decode_value(cursor, arena, value)) return false;
      value.is_formatted = true;
      value.formatted = raw;
      return true;
    case Tag::nested: {
      std::uint32_t size = 0;
      if (!cursor.read_sized<std::uint32_t>(raw) || raw.size() < sizeof size) return false;
      size = load<std::uint32_t>(raw.data());
      raw.remove_prefix(sizeof size);
      if (size > raw.size()) return false;
      value.tag = Tag::str;
      value.is_nested = true;
      value.text = raw.substr(0, size);
      value.i = static_cast<std::int64_t>(raw.size() - size);
      return true;
    }
    case Tag::end: break;
  }
  return false;
}

}  // namespace

bool parse_record(std::string_view bytes, RingRecord& record) {
  if (bytes.size() < sizeof(RecordHead)) return false;
  std::memcpy(&record.head, bytes.data(), sizeof(RecordHead));
  const std::size_t size = record.head.size;
  if (size < sizeof(RecordHead) || size % 8 != 0 || size > bytes.size()) return false;
  std::size_t at = sizeof(RecordHead);
  if ((record.head.site & kStamped) != 0) {
    if (size < at + 8) return false;
    record.stamp = load<std::int64_t>(bytes.data() + at);
    at += 8;
  }
  if ((record.head.site & kSpilled) != 0) {
    if (size < at + 16) return false;
    record.spill_number = load<std::uint64_t>(bytes.data() + at);
    record.spill_size = load<std::uint64_t>(bytes.data() + at + 8);
    at = size;
  }
  record.values = bytes.substr(at, size - at);
  return true;
}

bool decode_values(std::string_view bytes, Arena& arena, std::vector<Value>& values) {
  values.clear();
  Cursor cursor(bytes);
  while (!cursor.done()) {
    Value& value = values.emplace_back();
    if (!decode_simple(cursor, value) && !decode_value(cursor, arena, value)) {
      values.pop_back();
      return false;
    }
  }
  return true;
}

void encode_sized(Buffer& out, Tag tag, std::string_view payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  char* p = out.room(5);
  *p = static_cast<char>(tag);
  std::memcpy(p + 1, &size, 4);
  out.advance(5);
  out.append(payload);
}

void encode_nested_text(Buffer& out, std::string_view text, std::string_view json) {
  const auto size = static_cast<std::uint32_t>(text.size());
  const auto both = static_cast<std::uint32_t>(sizeof size + text.size() + json.size());
  char* p = out.room(9);
  *p = static_cast<char>(Tag::nested);
  std::memcpy(p + 1, &both, 4);
  std::memcpy(p + 5, &size, 4);
  out.advance(9);
  out.append(text);
  out.append(json);
}

namespace {

template <class T>
void encode_eight(Buffer& out, Tag tag, T value) {
  static_assert(sizeof value == 8);
  char* p = out.room(9);
  *p = static_cast<char>(tag);
  std::memcpy(p + 1, &value, 8);
  out.advance(9);
}

}  // namespace

void encode_int(Buffer& out, std::int64_t value) {
  encode_eight(out, Tag::int64, value);
}

void encode_float(Buffer& out, double value) {
  encode_eight(out, Tag::float64, value);
}

void encode_str(Buffer& out, std::string_view wtf8) {
  encode_sized(out, Tag::str, wtf8);
}

void encode_record(Buffer& out, std::uint32_t site, Ticks ticks, std::string_view values) {
  const std::size_t padding = (8 - values.size() % 8) % 8;
  const RecordHead head{static_cast<std::uint32_t>(sizeof(RecordHead) + values.size() + padding),
                        site, ticks};
  std::memcpy(out.room(sizeof head), &head, sizeof head);
  out.advance(sizeof head);
  out.append(values);
  std::memset(out.room(8), 0, 8);
  out.advance(padding);
}

void encode_thread(Buffer& out, Ticks ticks, std::uint64_t id, std::string_view name) {
  Buffer values;
  encode_int(values, static_cast<std::int64_t>(id));
  encode_str(values, name);
  encode_record(out, kThreadSite, ticks, values.view());
}

}  // namespace attolog
