#include "strategies/stats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/cut.hpp"

namespace attolog {

namespace {

constexpr std::size_t kMaxBy = 256;  // bytes of one value
constexpr std::string_view kOthers = "(others)";

template <class T>
void put(Buffer& out, T value) {
  std::memcpy(out.room(sizeof value), &value, sizeof value);
  out.advance(sizeof value);
}

void encode_fixed(Buffer& out, Tag tag, std::int64_t bits) {
  out.push(static_cast<char>(tag));
  put(out, bits);
}

std::size_t values_in(std::string_view by) {
  Arena arena;
  std::vector<Value> values;
  return decode_values(by, arena, values) ? values.size() : by.size() + 1;
}

}  // namespace

void encode_by(Buffer& out, const Value& value) {
  switch (value.kind()) {
    case ValueClass::text:
    case ValueClass::digits: return encode_str(out, cut_text(value.text, kMaxBy));
    case ValueClass::bytes: return encode_sized(out, Tag::bytes, value.text.substr(0, kMaxBy));
    case ValueClass::whole:
      return encode_fixed(out, value.is_beyond_int64() ? Tag::uint64 : Tag::int64, value.i);
    case ValueClass::real:
      return encode_fixed(out, Tag::float64, std::bit_cast<std::int64_t>(value.f));
    case ValueClass::moment:
      encode_fixed(out, value.tag, value.i);
      if (value.tag == Tag::datetime_utc) put(out, value.offset_seconds);
      return;
    case ValueClass::boolean: return out.push(static_cast<char>(value.tag));
    default: return out.push(static_cast<char>(Tag::none));
  }
}

StatsGroup* StatsTable::find(std::string_view by) const {
  const auto found = index_.find(by);
  return found == index_.end() ? nullptr : found->second;
}

StatsGroup& StatsTable::make(std::string_view by) {
  StatsGroup& group = groups_.emplace_back();
  group.by = by;
  index_.emplace(group.by, &group);
  ++cells_;
  return group;
}

StatsGroup& StatsTable::group(std::string_view by) {
  if (by_ == 0 && !groups_.empty()) return groups_.front();
  if (StatsGroup* known = find(by)) return *known;
  if (groups_.size() < kMaxGroups) return make(by);
  Buffer others;
  for (std::size_t i = 0; i < by_; ++i) encode_str(others, kOthers);
  StatsGroup* known = find(others.view());
  return known != nullptr ? *known : make(others.view());
}

StatsField& StatsTable::field(StatsGroup& group, std::string_view name, std::size_t hint) {
  auto& fields = group.fields;
  if (hint < fields.size() && fields[hint].name == name) return fields[hint];
  const auto known = std::ranges::find(fields, name, &StatsField::name);
  if (known != fields.end()) return *known;
  ++cells_;
  StatsField& field = fields.emplace_back();
  field.name = name;
  return field;
}

// Saved: varint groups | of each: text by | f64 count | varint fields | of each: text name |
// u8 is_whole | sketch. A text is its length as a varint, and its bytes.
void StatsTable::save(Buffer& out) const {
  append_varint(out, groups_.size());
  for (const StatsGroup& group : groups_) {
    append_text(out, group.by);
    append_double(out, group.count);
    append_varint(out, group.fields.size());
    for (const StatsField& field : group.fields) {
      append_text(out, field.name);
      out.push(field.is_whole ? 1 : 0);
      field.sketch.save(out);
    }
  }
}

void StatsTable::load(ByteReader& in) {
  for (std::uint32_t groups = in.count(kMaxGroups + 1); groups > 0; --groups) {
    const std::string_view by = in.text();
    if (values_in(by) != by_ || find(by) != nullptr) throw FormatError("a group is damaged");
    StatsGroup& group = make(by);
    group.count = in.float64();
    if (!(group.count > 0) || !std::isfinite(group.count)) throw FormatError("a count is none");
    for (std::uint32_t fields = in.count(in.left()); fields > 0; --fields) {
      const std::string_view name = in.text();
      StatsField& field = this->field(group, name, group.fields.size());
      field.is_whole = in.byte() != 0;
      std::string_view rest(in.position(), in.left());
      if (!Sketch::load(rest, field.sketch)) throw FormatError("a sketch is damaged");
      in.bytes(in.left() - rest.size());
    }
  }
}

}  // namespace attolog
