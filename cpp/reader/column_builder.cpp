#include "reader/column_builder.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "format/escape.hpp"
#include "format/value_text.hpp"
#include "reader/nested_cursor.hpp"

namespace attolog {
namespace {

// Of a row in `values`; 0 for what has its own layout.
std::size_t width_of(Type type) {
  switch (type) {
    case Type::null:
    case Type::boolean:
    case Type::text:
    case Type::binary:
    case Type::list:
    case Type::structure: return 0;
    case Type::int8:
    case Type::uint8: return 1;
    case Type::int16:
    case Type::uint16: return 2;
    case Type::int32:
    case Type::uint32:
    case Type::float32:
    case Type::date: return 4;
    default: return 8;
  }
}

bool has_offsets(Type type) {
  return type == Type::text || type == Type::binary || type == Type::list;
}

// What a value within a list or a struct is taken to cost, and a place for one.
constexpr std::size_t kSlotBytes = 8;

void push_bit(Buffer& bits, std::size_t row, bool bit) {
  if (row % 8 == 0) bits.push(0);
  if (bit) bits.data()[row / 8] = static_cast<char>(bits.data()[row / 8] | 1 << (row % 8));
}

bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & kHigh) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return false;
  }
  return true;
}

}  // namespace

void append_utf8(Buffer& out, std::string_view text) {
  if (is_ascii(text)) return out.append(text);
  constexpr char kHex[] = "0123456789abcdef";
  std::size_t done = 0;  // what stands before is in `out`
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = character_size(text, i);
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[i + at]); };
    const bool is_surrogate = size == 3 && byte(0) == 0xED && byte(1) >= 0xA0;
    if (size != 0 && !is_surrogate) {
      i += size;
      continue;
    }
    out.append(text.substr(done, i - done));
    if (is_surrogate) {
      const unsigned unit = 0xD000U | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
      const char escaped[]{'\\',           'u', 'd', kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
                           kHex[unit & 15]};
      out.append({escaped, sizeof escaped});
      i += 3;
    } else {
      const char escaped[]{'\\', 'x', kHex[byte(0) >> 4], kHex[byte(0) & 15]};
      out.append({escaped, sizeof escaped});
      i += 1;
    }
    done = i;
  }
  out.append(text.substr(done));
}

ColumnBuilder::ColumnBuilder(const Field& field) : type_(field.type) {
  for (const Field& each : field.inner) {
    inner_.emplace_back(each);
    names_.push_back(each.name);
  }
}

std::size_t ColumnBuilder::put(std::size_t row, const Value& value) {
  if (row < rows_) return 0;
  pad(row);
  if (!fits(value)) {
    add_null();
    return 0;
  }
  const std::size_t bytes = store(value);
  end_row();
  return bytes;
}

void ColumnBuilder::end_row() {
  if (data_.nulls != 0) push_bit(data_.validity, rows_, true);
  ++rows_;
}

// Whether the column has a form for it. The type was chosen so that only None has none; a file that
// changed while it was read must not make a wrong value of another.
bool ColumnBuilder::fits(const Value& value) const {
  if (value.tag == Tag::none || type_ == Type::null) return false;
  switch (type_) {
    case Type::text: return true;
    case Type::boolean: return value.is<ValueClass::boolean>();
    case Type::binary: return value.tag == Tag::bytes;
    case Type::list: return value.is_nested && value.json().starts_with('[');
    case Type::structure: return value.is_nested && value.json().starts_with('{');
    default:
      if (value.is<ValueClass::real>()) return type_ == Type::float32 || type_ == Type::float64;
      return value.is<ValueClass::whole, ValueClass::moment>();
  }
}

// Returns what `put` does.
std::size_t ColumnBuilder::store(const Value& value) {
  switch (type_) {
    case Type::text: {
      if (data_.offsets.empty()) push_offset();
      const std::size_t before = data_.values.size();
      if (value.tag == Tag::str || value.tag == Tag::bigint) {
        append_utf8(data_.values, value.text);
      } else {
        write_plain(data_.values, value);
      }
      push_offset();
      return data_.values.size() - before;
    }
    case Type::binary:
      if (data_.offsets.empty()) push_offset();
      data_.values.append(value.text);
      push_offset();
      return value.text.size();
    case Type::boolean: push_bit(data_.values, rows_, value.tag == Tag::true_); return 0;
    case Type::float32:
    case Type::float64: {
      const double number = value.is<ValueClass::real>() ? value.f : static_cast<double>(value.i);
      const auto narrow = static_cast<float>(number);
      const void* const bytes =
          type_ == Type::float32 ? static_cast<const void*>(&narrow) : &number;
      std::memcpy(data_.values.room(8), bytes, width_of(type_));
      data_.values.advance(width_of(type_));
      return 0;
    }
    case Type::list:
    case Type::structure: {
      NestedCursor in(value);
      in.next();
      return type_ == Type::list ? store_list(in) : store_struct(in);
    }
    default:
      // Little-endian: the low bytes come first, and kind_of saw to it that they are enough.
      std::memcpy(data_.values.room(8), &value.i, width_of(type_));
      data_.values.advance(width_of(type_));
      return 0;
  }
}

// Puts the value that the cursor comes to into row `row`, like `put`.
std::size_t ColumnBuilder::put_next(std::size_t row, NestedCursor& in) {
  using Read = NestedCursor::Read;
  const Read read = in.next();
  if (read == Read::scalar) return kSlotBytes + put(row, in.value());
  const bool fits = read == Read::list ? type_ == Type::list : type_ == Type::structure;
  if (read == Read::stopped || !fits || row < rows_) {  // the file has changed
    in.stop();
    return 0;
  }
  pad(row);
  const std::size_t bytes = read == Read::list ? store_list(in) : store_struct(in);
  end_row();
  return kSlotBytes + bytes;
}

std::size_t ColumnBuilder::store_list(NestedCursor& in) {
  ColumnBuilder& items = inner_.front();
  std::size_t bytes = 0;
  if (data_.offsets.empty()) push_offset();
  while (in.next_item()) bytes += items.put_next(items.rows_, in);
  push_offset();
  return bytes;
}

// Fields that the dict does not have are null: their next value, or the batch's end, fills them up.
std::size_t ColumnBuilder::store_struct(NestedCursor& in) {
  std::size_t bytes = kSlotBytes * inner_.size();
  std::size_t at = 0;  // keys come in one order, mostly
  while (in.next_key()) {
    if (at == names_.size() || names_[at] != in.key()) {
      at = static_cast<std::size_t>(std::ranges::find(names_, in.key()) - names_.begin());
    }
    if (at == names_.size()) {  // the file has changed
      in.stop();
    } else {
      bytes += inner_[at++].put_next(rows_, in);
    }
  }
  return bytes;
}

void ColumnBuilder::push_offset() {
  const auto end =
      static_cast<std::int64_t>(type_ == Type::list ? inner_.front().rows_ : data_.values.size());
  std::memcpy(data_.offsets.room(sizeof end), &end, sizeof end);
  data_.offsets.advance(sizeof end);
}

void ColumnBuilder::pad(std::size_t rows) {
  while (rows_ < rows) add_null();
}

void ColumnBuilder::add_null() {
  if (type_ != Type::null && data_.nulls == 0) {
    for (std::size_t row = 0; row < rows_; ++row) push_bit(data_.validity, row, true);
  }
  ++data_.nulls;
  if (type_ != Type::null) {
    push_bit(data_.validity, rows_, false);
    add_slot();
  }
  ++rows_;
}

// The place of a null among the values.
void ColumnBuilder::add_slot() {
  if (has_offsets(type_)) {
    if (data_.offsets.empty()) push_offset();
    return push_offset();
  }
  if (type_ == Type::boolean) return push_bit(data_.values, rows_, false);
  std::memset(data_.values.room(8), 0, 8);
  data_.values.advance(width_of(type_));
}

ColumnData ColumnBuilder::finish(std::size_t rows) {
  pad(rows);
  for (ColumnBuilder& each : inner_) {
    data_.inner.push_back(each.finish(type_ == Type::list ? each.rows_ : rows));
  }
  data_.rows = static_cast<std::int64_t>(rows);
  rows_ = 0;
  return std::exchange(data_, ColumnData{});
}

}  // namespace attolog
