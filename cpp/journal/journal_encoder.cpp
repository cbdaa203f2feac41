#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "core/checksum.hpp"
#include "core/value.hpp"
#include "journal/journal.hpp"

namespace attolog {
namespace {

const Thread kNobody;

std::uint64_t load64(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}
std::uint32_t load32(const char* at) {
  std::uint32_t word;
  std::memcpy(&word, at, 4);
  return word;
}

// Of at most kDictionaryString bytes.
std::uint64_t hash(std::string_view text) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;
  const char* at = text.data();
  const std::size_t size = text.size();
  std::uint64_t h = size * kFactor;
  const auto mix = [&h](std::uint64_t word) {
    h = (h ^ word) * kFactor;
    h ^= h >> 32;
  };
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8) mix(load64(at + i));
    mix(load64(at + size - 8));
  } else if (size >= 4) {
    mix(load32(at) | std::uint64_t{load32(at + size - 4)} << 32);
  } else if (size != 0) {
    mix(static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) |
        static_cast<std::uint64_t>(static_cast<unsigned char>(at[size / 2])) << 8 |
        static_cast<std::uint64_t>(static_cast<unsigned char>(at[size - 1])) << 16);
  }
  return h;
}

// Whether two texts of that size, at most kDictionaryString bytes, are equal; memcmp costs a call.
bool is_equal(const char* a, const char* b, std::size_t size) {
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8) {
      if (load64(a + i) != load64(b + i)) return false;
    }
    return load64(a + size - 8) == load64(b + size - 8);
  }
  if (size >= 4) return load32(a) == load32(b) && load32(a + size - 4) == load32(b + size - 4);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// The tag by which a value's type stands in a shape. A bool's value is not part of its type.
std::uint8_t shape_tag(const Value& value) {
  const Tag tag = value.is_nested ? Tag::nested : value.tag == Tag::true_ ? Tag::false_ : value.tag;
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(tag) |
                                   (value.is_formatted ? kFormattedBit : 0));
}

// Whether `value` is m / 10^scale to the bit; then `m` is set.
bool is_decimal(double value, int scale, std::int64_t& m) {
  const double scaled = value * kPowersOfTen[static_cast<std::size_t>(scale)];
  if (!(scaled > -kWholeDoubles && scaled < kWholeDoubles)) return false;
  m = static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const double back = static_cast<double>(m) / kPowersOfTen[static_cast<std::size_t>(scale)];
  return std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value);
}

// The same with the scale that fits, the column's last one first. A column that shows no decimals
// is asked ever more rarely, since the question costs more than the answer 'no' is worth.
bool find_decimal(double value, ColumnState& column, std::int64_t& m) {
  if (column.skip != 0) {
    --column.skip;
    return false;
  }
  if (is_decimal(value, column.likely_scale, m)) {
    column.penalty = 0;
    return true;
  }
  for (int scale = 0; scale <= kMaxScale; ++scale) {
    if (!is_decimal(value, scale, m)) continue;
    column.likely_scale = static_cast<std::uint8_t>(scale);
    column.penalty = 0;
    return true;
  }
  column.penalty = static_cast<std::uint8_t>(column.penalty * 2 + 1);
  column.skip = column.penalty;
  return false;
}

// At most 9 bytes.
char* put_float(char* at, double value, ColumnState& column) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t changed = bits ^ column.last_bits;
  column.last_bits = bits;
  if (changed == 0) {
    *at++ = 0;
    return at;
  }
  std::int64_t m = 0;
  if (find_decimal(value, column, m)) {
    const std::uint8_t scale = column.likely_scale;
    const std::uint64_t last = scale == column.scale ? column.last_decimal : 0;
    column.scale = scale;
    column.last_decimal = static_cast<std::uint64_t>(m);
    *at++ = static_cast<char>(kDecimalBit | scale);
    return put_varint(at, zigzag(column.last_decimal - last));
  }
  const int zeros = std::countr_zero(changed) / 8;
  const int size = 8 - zeros - std::countl_zero(changed) / 8;
  *at++ = static_cast<char>(zeros << 4 | size);
  const std::uint64_t stored = changed >> (8 * zeros);
  std::memcpy(at, &stored, 8);  // there is room for more than `size`
  return at + size;
}

}  // namespace

struct BlockEncoder::SiteState {
  const Site* site = nullptr;
  std::uint32_t epoch = 0;
  std::uint32_t index = 0;  // in the block
  std::vector<std::uint8_t> shape;
  std::vector<std::vector<std::uint8_t>> shapes;
  std::uint32_t shape_count = 0;
  std::vector<ColumnState> columns;
};

BlockEncoder::BlockEncoder(std::uint64_t run_id, std::uint32_t pid) {
  header_.run_id = run_id;
  header_.pid = pid;
  // From the clock, so that a file that is closed and opened again does not number its blocks
  // alike.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  header_.sequence = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}
BlockEncoder::~BlockEncoder() = default;

void BlockEncoder::append(const Record& record, Buffer& out) {
  const bool is_full = out.size() - start_ + definitions_ >= kBlockPayload;
  if (open_ && (is_full || values_ >= kBlockValues)) finish(out);
  if (!open_) open(out);
  const std::size_t before = out.size();
  try {
    encode(record, out);
  } catch (...) {
    // The half-learned state of the record goes with the block.
    out.truncate(before);
    finish(out);
    throw;
  }
}

void BlockEncoder::open(Buffer& out) {
  out.room(kBlockHeaderSize);
  start_ = out.size();
  out.advance(kBlockHeaderSize);
  open_ = true;
  header_.flags = 0;
  header_.records = 0;
  header_.first_ns = INT64_MAX;
  header_.last_ns = INT64_MIN;
  values_ = 0;
  last_ns_ = 0;
  ++epoch_;
  is_sorted_ = true;
  latest_ns_ = INT64_MIN;
  site_count_ = 0;
  definitions_ = 0;
  columns_ = 0;
  thread_ = nullptr;
  threads_.clear();
  texts_ = 0;
}

void BlockEncoder::finish(Buffer& out) {
  if (!open_) return;
  open_ = false;
  if (header_.records == 0) {
    out.truncate(start_);
    return;
  }
  put_summary(out);
  char* const payload = out.data() + start_ + kBlockHeaderSize;
  const std::size_t size = out.size() - start_ - kBlockHeaderSize;
  header_.mask = 0;
  while (std::string_view(payload, size).find(kBlockMagic) != std::string_view::npos) {
    // The payload contains a magic, as where a program logs journals. Any mask will do that makes
    // no magic of the payload's other bytes.
    const std::uint32_t mask = crc32c({payload, size}, header_.mask) | 1;
    apply_mask(payload, size, mask);
    header_.mask ^= mask;
  }
  ++header_.sequence;
  header_.payload_size = static_cast<std::uint32_t>(size);
  header_.checksum = crc32c({payload, size});
  header_.write(out.data() + start_);
}

// The last record that was added has left room for it.
void BlockEncoder::put_summary(Buffer& out) {
  char* const start = out.data() + out.size();
  char* at = put_summary_start(start, is_sorted_, site_count_);
  for (std::uint32_t i = 0; i < site_count_; ++i) {
    const BlockSite& site = block_sites_[i];
    at = site.summary.write(at, site.definition.view(), header_.first_ns);
  }
  out.advance_to(put_summary_trailer(at, start));
}

BlockEncoder::SiteState& BlockEncoder::state_of(const Site& site) {
  if (site.id >= sites_.size()) sites_.resize(site.id + 1);
  if (sites_[site.id] == nullptr) sites_[site.id] = std::make_unique<SiteState>();
  SiteState& state = *sites_[site.id];
  // Two processes number their sites alike, so the number alone is not enough (rings taken over).
  if (state.epoch != epoch_ || state.site != &site) {
    state.site = &site;
    state.epoch = epoch_;
    state.index = site_count_;
    state.shape.clear();
    state.shapes.clear();
    state.shape_count = 0;
    state.columns.clear();
  }
  return state;
}

void BlockEncoder::encode(const Record& record, Buffer& out) {
  const Site& site = *record.site;
  const Thread* const thread = record.thread != nullptr ? record.thread : &kNobody;
  const auto values =
      record.values.first(std::min<std::size_t>(record.values.size(), kMaxRecordValues));
  const Record kept{&site, thread, record.time_ns, values};
  const auto own = kept.own_values();
  SiteState& state = state_of(site);
  const bool is_new_site = state.index == site_count_;
  if (block_sites_.size() == state.index) block_sites_.emplace_back();
  SiteSummary& summary = block_sites_[state.index].summary;
  if (is_new_site) {
    summary.reset(site);
    Buffer& definition = block_sites_[state.index].definition;
    definition.clear();
    definition.advance_to(put_site(definition.room(SiteSummary::room_of(site)), site));
  }
  bool same_shape = values.size() == state.shape.size();

  // Room for the longest form, so that all that follows writes without asking.
  std::size_t most = 8 * kMaxVarint + 8;
  for (std::size_t i = 0; i < values.size(); ++i) {
    most += 3 * kMaxVarint + 1 + values[i].text.size() + values[i].formatted.size();
    if (values[i].is_nested) most += values[i].json().size();
    same_shape = same_shape && shape_tag(values[i]) == state.shape[i];
  }
  const std::size_t definitions = definitions_ + (is_new_site ? SiteSummary::room_of(site) : 0);
  const std::size_t columns = columns_ + own.size() - std::min(own.size(), summary.columns.size());
  most += kSummaryRoom + definitions + columns * SiteSummary::kColumnRoom;
  std::uint32_t thread_index = 0;
  bool is_new_thread = false;
  if (thread != thread_) {
    const auto known = threads_.find(thread);
    is_new_thread = known == threads_.end();
    thread_index = is_new_thread ? static_cast<std::uint32_t>(threads_.size()) : known->second;
    if (is_new_thread) {
      threads_.emplace(thread, thread_index);
      most += thread->name.size();
    }
  }
  const std::uint32_t shape = same_shape ? 0 : choose_shape(state, values);
  if (most > kMaxPayload - 2 * kBlockPayload) throw std::length_error("a record past 1 GiB");
  if (summary.columns.capacity() < own.size()) summary.columns.reserve(own.size());
  out.room(most);

  // From here on nothing allocates, so that the summary and the records agree.
  if (is_new_site) ++site_count_;
  definitions_ = definitions;
  columns_ = columns;
  summary.add(kept);
  is_sorted_ = is_sorted_ && record.time_ns >= latest_ns_;
  latest_ns_ = std::max(latest_ns_, record.time_ns);

  const char* const base = out.data();
  char* at = out.data() + out.size();
  at = put_varint(
      at, std::uint64_t{state.index} << 2 | (same_shape ? 0U : 2U) | (thread != thread_ ? 1U : 0U));
  if (thread != thread_) {
    thread_ = thread;
    at = put_varint(at, thread_index);
    if (is_new_thread) {
      at = put_varint(at, thread->id);
      at = put_raw(at, thread->name);
    }
  }
  if (!same_shape) {
    at = put_varint(at, shape);
    if (shape == 0) {
      at = put_varint(at, values.size());
      std::copy(state.shape.begin(), state.shape.end(), at);
      at += values.size();
    }
  }
  const auto time = static_cast<std::uint64_t>(record.time_ns);
  at = put_varint(at, zigzag(time - last_ns_));
  last_ns_ = time;
  for (std::size_t i = 0; i < values.size(); ++i) {
    at = put_value(at, values[i], state.columns[i], base);
  }
  out.advance_to(at);
  ++header_.records;
  header_.first_ns = std::min(header_.first_ns, record.time_ns);
  header_.last_ns = std::max(header_.last_ns, record.time_ns);
  values_ += values.size();
}

// Makes the types of `values` the site's shape; returns its number, 0 for a new one.
std::uint32_t BlockEncoder::choose_shape(SiteState& state, std::span<const Value> values) {
  state.shape.resize(values.size());
  std::transform(values.begin(), values.end(), state.shape.begin(), shape_tag);
  const auto known = std::find(state.shapes.begin(), state.shapes.end(), state.shape);
  if (known != state.shapes.end()) {
    return static_cast<std::uint32_t>(known - state.shapes.begin()) + 1;
  }
  if (state.columns.size() < values.size()) state.columns.resize(values.size());
  const std::uint32_t place = state.shape_count++ % kShapes;
  if (place == state.shapes.size()) state.shapes.emplace_back();
  state.shapes[place] = state.shape;
  return 0;
}

char* BlockEncoder::put_string(char* at, std::string_view text, const char* base) {
  if (text.size() > kDictionaryString) {
    *at++ = 0;
    return put_raw(at, text);
  }
  // Two places for each hash, so that two strings that collide do not push each other out in turn.
  const std::size_t slot = static_cast<std::size_t>(hash(text) >> 40) % slots_.size();
  const std::uint64_t known = std::min<std::uint64_t>(texts_, kDictionarySize);
  for (const std::size_t place : {slot, slot ^ 1}) {
    const std::uint16_t entry = slots_[place];
    if (entry >= known) continue;
    const Text& candidate = dictionary_[entry];
    if (candidate.size != text.size()) continue;
    if (!is_equal(base + candidate.offset, text.data(), text.size())) continue;
    return put_varint(at, entry + 1U);
  }
  const std::size_t entry = texts_++ % kDictionarySize;
  slots_[slot ^ 1] = slots_[slot];
  slots_[slot] = static_cast<std::uint16_t>(entry);
  *at++ = 0;
  at = put_raw(at, text);
  dictionary_[entry] = {static_cast<std::size_t>(at - base) - text.size(), text.size()};
  return at;
}

char* BlockEncoder::put_nested(char* at, const Value& value) {
  header_.flags |= kNestedFlag;
  at = put_varint(at, value.text.size());
  return put_raw(at, {value.text.data(), value.text.size() + value.json().size()});
}

char* BlockEncoder::put_value(char* at, const Value& value, ColumnState& column, const char* base) {
  if (value.is_formatted) at = put_string(at, value.formatted, base);
  switch (value.tag) {
    case Tag::none: return at;
    case Tag::false_: *at++ = 0; return at;
    case Tag::true_: *at++ = 1; return at;
    case Tag::str:
      return value.is_nested ? put_nested(at, value) : put_string(at, value.text, base);
    case Tag::bytes:
    case Tag::bigint: return put_raw(at, value.text);
    case Tag::float64:
    case Tag::float32: return put_float(at, value.f, column);
    default: {
      const auto number = static_cast<std::uint64_t>(value.i);
      at = put_varint(at, zigzag(number - column.last_int));
      column.last_int = number;
      if (value.tag == Tag::datetime_utc) {
        const auto offset = static_cast<std::uint64_t>(std::int64_t{value.offset_seconds});
        at = put_varint(at, zigzag(offset));
      }
      return at;
    }
  }
}

}  // namespace attolog
