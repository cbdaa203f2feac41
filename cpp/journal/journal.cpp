#include "journal/journal.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/checksum.hpp"

namespace attolog {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

// The header's fields by their offsets; docs/reference/journal-format.md draws the same.
enum : std::size_t {
  kVersionAt = 8,
  kFlagsAt = 10,
  kPayloadSizeAt = 12,
  kRecordsAt = 16,
  kPidAt = 20,
  kFirstAt = 24,
  kLastAt = 32,
  kRunAt = 40,
  kMaskAt = 48,
  kSequenceAt = 52,
  kChecksumAt = 56,
  kHeaderChecksumAt = 60,
};

template <class T>
void store(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <class T>
void load(const char* at, T& value) {
  std::memcpy(&value, at, sizeof value);
}

// The most that a damaged or hostile set of files may make a reader remember.
constexpr std::size_t kMaxDefinitions = std::size_t{1} << 20;
constexpr std::size_t kMaxDefinedFields = std::size_t{1} << 22;

std::string_view plain_string(ByteReader& in) {
  return in.bytes(in.varint());
}

}  // namespace

void BlockHeader::write(char* out) const {
  std::memcpy(out, kBlockMagic.data(), kBlockMagic.size());
  store(out + kVersionAt, version);
  store(out + kFlagsAt, flags);
  store(out + kPayloadSizeAt, payload_size);
  store(out + kRecordsAt, records);
  store(out + kPidAt, pid);
  store(out + kFirstAt, first_ns);
  store(out + kLastAt, last_ns);
  store(out + kRunAt, run_id);
  store(out + kMaskAt, mask);
  store(out + kSequenceAt, sequence);
  store(out + kChecksumAt, checksum);
  store(out + kHeaderChecksumAt, crc32c({out, kHeaderChecksumAt}));
}

std::optional<BlockHeader> BlockHeader::read(const char* bytes) {
  std::uint32_t expected = 0;
  load(bytes + kHeaderChecksumAt, expected);
  if (std::string_view(bytes, kBlockMagic.size()) != kBlockMagic) return std::nullopt;
  if (crc32c({bytes, kHeaderChecksumAt}) != expected) return std::nullopt;
  BlockHeader header;
  load(bytes + kVersionAt, header.version);
  load(bytes + kFlagsAt, header.flags);
  load(bytes + kPayloadSizeAt, header.payload_size);
  load(bytes + kRecordsAt, header.records);
  load(bytes + kPidAt, header.pid);
  load(bytes + kFirstAt, header.first_ns);
  load(bytes + kLastAt, header.last_ns);
  load(bytes + kRunAt, header.run_id);
  load(bytes + kMaskAt, header.mask);
  load(bytes + kSequenceAt, header.sequence);
  load(bytes + kChecksumAt, header.checksum);
  return header;
}

void apply_mask(char* bytes, std::size_t size, std::uint32_t mask, std::size_t offset) {
  if (mask == 0) return;
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ static_cast<char>(mask >> (8 * ((offset + i) % 4))));
  }
}

const Site* Definitions::site(ByteReader& in) {
  const char* const start = in.position();
  Site site;
  const std::uint8_t first = in.byte();
  const auto kind = static_cast<std::uint8_t>(first & ~kWeightedBit);
  if (kind < 1 || kind >= static_cast<std::uint8_t>(SiteKind::thread)) {
    throw FormatError("a site is of no known kind");
  }
  site.kind = static_cast<SiteKind>(kind);
  site.is_weighted = kind != first;
  site.level = in.byte();
  site.bound = static_cast<std::uint16_t>(in.count(UINT16_MAX));
  site.line = in.count(UINT32_MAX);
  site.name = plain_string(in);
  site.file = plain_string(in);
  site.function = plain_string(in);
  const std::uint32_t count = in.count(kMaxFields);
  if (count > in.left()) throw FormatError("a count is out of range");
  site.fields.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) site.fields.emplace_back(plain_string(in));
  if (site.is_weighted) site.policy = plain_string(in);

  std::string encoded(start, in.position());
  const std::lock_guard lock(mutex_);
  if (const auto known = sites_.find(encoded); known != sites_.end()) return known->second.get();
  if (sites_.size() == kMaxDefinitions || fields_ + count > kMaxDefinedFields) {
    throw FormatError("there are too many sites");
  }
  site.id = static_cast<std::uint32_t>(sites_.size());
  fields_ += count;
  return sites_.emplace(std::move(encoded), std::make_unique<Site>(std::move(site)))
      .first->second.get();
}

const Thread* Definitions::thread(ByteReader& in) {
  const char* const start = in.position();
  const std::uint64_t id = in.varint();
  const std::string_view name = plain_string(in);
  std::string encoded(start, in.position());
  const std::lock_guard lock(mutex_);
  if (const auto known = threads_.find(encoded); known != threads_.end()) {
    return known->second.get();
  }
  if (threads_.size() == kMaxDefinitions) throw FormatError("there are too many threads");
  auto thread = std::make_unique<Thread>(Thread{id, std::string(name)});
  return threads_.emplace(std::move(encoded), std::move(thread)).first->second.get();
}

BlockDecoder::BlockDecoder(const BlockHeader& header, std::string_view payload,
                           Definitions& definitions)
    : header_(header),
      definitions_(definitions),
      summary_(BlockSummary::read(header, payload, definitions)),
      in_(payload.substr(0, payload.size() - summary_.size)),
      sites_(summary_.sites.size()) {}

const Record* BlockDecoder::next() {
  while (done_ != header_.records) {
    if (read_record()) return &record_;
  }
  finish();
  return nullptr;
}

// Whether the record is of a selected site.
bool BlockDecoder::read_record() {
  const char* const start = in_.position();
  const std::uint64_t head = in_.varint();
  const std::uint64_t site_index = head >> 2;
  if (site_index >= sites_.size()) throw FormatError("a site is not defined");
  SiteState& state = sites_[site_index];

  if ((head & 1) != 0) {
    const std::uint32_t index = in_.count(threads_.size());
    if (index == threads_.size()) threads_.push_back(definitions_.thread(in_));
    record_.thread = threads_[index];
  }
  if (record_.thread == nullptr) throw FormatError("a record has no thread");
  if ((head & 2) != 0) read_shape(state);

  record_.site = summary_.sites[site_index].site;
  record_.time_ns = static_cast<std::int64_t>(static_cast<std::uint64_t>(record_.time_ns) +
                                              unzigzag(in_.varint()));
  if (summary_.is_sorted && record_.time_ns < latest_) {
    throw FormatError("its records are not in order of time");
  }
  if (record_.time_ns < earliest_) earliest_ = record_.time_ns;
  if (record_.time_ns > latest_) latest_ = record_.time_ns;

  const std::size_t count = state.shape.size();
  values_total_ += count;
  if (values_total_ > kMaxBlockValues) throw FormatError("a block has too many values");
  ++state.records;
  ++done_;
  if (!selected_.empty() && !selected_[site_index]) {
    for (const char tag : state.shape) skip_value(static_cast<std::uint8_t>(tag));
    return false;
  }
  if (values_.size() < count) values_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    read_value(static_cast<std::uint8_t>(state.shape[i]), values_[i], state.columns[i]);
  }
  record_.values = {values_.data(), count};
  record_size_ = static_cast<std::size_t>(in_.position() - start);
  return true;
}

void BlockDecoder::read_shape(SiteState& state) {
  const std::uint32_t number = in_.count(std::min<std::size_t>(state.shape_count, kShapes));
  if (number != 0) {
    state.shape = state.shapes[number - 1];
    return;
  }
  const std::uint32_t count = in_.count(kMaxRecordValues);
  const std::string_view shape = in_.bytes(count);
  for (const char c : shape) {
    const auto tag = static_cast<std::uint8_t>(static_cast<std::uint8_t>(c) & ~kFormattedBit);
    const auto known = static_cast<Tag>(tag);
    const bool is_encoded = class_of(known) == ValueClass::encoded && known != Tag::nested;
    if (tag > kLastTag || known == Tag::true_ || is_encoded) {
      throw FormatError("a value is of no known type");
    }
  }
  if (count > state.columns.size()) {
    columns_total_ += count - state.columns.size();
    if (columns_total_ > kMaxBlockColumns) throw FormatError("a block has too many columns");
    state.columns.resize(count);
  }
  const std::uint32_t place = state.shape_count++ % kShapes;
  if (place == state.shapes.size()) state.shapes.emplace_back();
  state.shapes[place] = state.shape = shape;
}

std::string_view BlockDecoder::read_string() {
  const std::uint32_t number = in_.count(dictionary_.size());
  if (number != 0) return dictionary_[number - 1];
  const std::string_view text = plain_string(in_);
  if (text.size() <= kDictionaryString) {
    const std::size_t place = texts_++ % kDictionarySize;
    if (place == dictionary_.size()) dictionary_.emplace_back();
    dictionary_[place] = text;
  }
  return text;
}

void BlockDecoder::read_value(std::uint8_t tag, Value& value, ColumnState& column) {
  value.is_formatted = (tag & kFormattedBit) != 0;
  value.formatted = value.is_formatted ? read_string() : std::string_view{};
  value.tag = static_cast<Tag>(tag & ~kFormattedBit);
  value.offset_seconds = 0;
  value.i = 0;
  value.text = {};
  value.is_nested = false;
  switch (value.tag) {
    case Tag::none: return;
    case Tag::false_:
      switch (in_.byte()) {
        case 0: return;
        case 1: value.tag = Tag::true_; return;
        default: throw FormatError("a bool is neither true nor false");
      }
    case Tag::str: value.text = read_string(); return;
    case Tag::bytes:
    case Tag::bigint: value.text = plain_string(in_); return;
    case Tag::nested: {
      const std::uint64_t size = in_.varint();
      const std::string_view both = plain_string(in_);
      if (size > both.size()) throw FormatError("a nested value is out of range");
      value.tag = Tag::str;
      value.is_nested = true;
      value.text = both.substr(0, size);
      value.i = static_cast<std::int64_t>(both.size() - size);
      return;
    }
    case Tag::float64:
    case Tag::float32: {
      const std::uint8_t control = in_.byte();
      if ((control & kDecimalBit) != 0) {
        const auto scale = static_cast<std::uint8_t>(control & ~kDecimalBit);
        if (scale > kMaxScale) throw FormatError("a float has an unknown form");
        if (scale != column.scale) column.last_decimal = 0;
        column.scale = scale;
        column.last_decimal += unzigzag(in_.varint());
        value.f = static_cast<double>(static_cast<std::int64_t>(column.last_decimal)) /
                  kPowersOfTen[scale];
        column.last_bits = std::bit_cast<std::uint64_t>(value.f);
        return;
      }
      const unsigned size = control & 15;
      const unsigned zeros = control >> 4;
      if (size + zeros > 8) throw FormatError("a float has an unknown form");
      std::uint64_t changed = 0;
      if (size != 0) {
        std::memcpy(&changed, in_.bytes(size).data(), size);
        changed <<= 8 * zeros;  // zeros < 8, since size > 0
      }
      column.last_bits ^= changed;
      value.f = std::bit_cast<double>(column.last_bits);
      return;
    }
    default:
      column.last_int += unzigzag(in_.varint());
      value.i = static_cast<std::int64_t>(column.last_int);
      if (value.tag == Tag::datetime_utc) {
        value.offset_seconds = static_cast<std::int32_t>(unzigzag(in_.count(UINT32_MAX)));
      }
  }
}

// Reads and checks as read_value does. No column is predicted from one of another site.
void BlockDecoder::skip_value(std::uint8_t tag) {
  if ((tag & kFormattedBit) != 0) read_string();
  switch (static_cast<Tag>(tag & ~kFormattedBit)) {
    case Tag::none: return;
    case Tag::false_:
      if (in_.byte() > 1) throw FormatError("a bool is neither true nor false");
      return;
    case Tag::str: read_string(); return;
    case Tag::bytes:
    case Tag::bigint: plain_string(in_); return;
    case Tag::nested: {
      const std::uint64_t size = in_.varint();
      if (size > plain_string(in_).size()) throw FormatError("a nested value is out of range");
      return;
    }
    case Tag::float64:
    case Tag::float32: {
      const std::uint8_t control = in_.byte();
      if ((control & kDecimalBit) != 0) {
        if ((control & ~kDecimalBit) > kMaxScale) throw FormatError("a float has an unknown form");
        in_.varint();
        return;
      }
      if ((control & 15) + (control >> 4) > 8) throw FormatError("a float has an unknown form");
      in_.bytes(control & 15);
      return;
    }
    case Tag::datetime_utc:
      in_.varint();
      in_.count(UINT32_MAX);
      return;
    default: in_.varint();
  }
}

void BlockDecoder::finish() const {
  if (!in_.done()) throw FormatError("bytes are left behind the last record");
  if (done_ != 0 && (earliest_ != header_.first_ns || latest_ != header_.last_ns)) {
    throw FormatError("its times are not those of its header");
  }
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    if (sites_[i].records != summary_.sites[i].records) {
      throw FormatError("a site's records are not counted right");
    }
  }
}

}  // namespace attolog
