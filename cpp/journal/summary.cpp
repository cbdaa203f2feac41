#include "journal/summary.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/checksum.hpp"
#include "journal/journal.hpp"
#include "journal/value_kinds.hpp"

namespace attolog {
namespace {

constexpr std::uint64_t kSortedBit = 1;

std::int64_t sum(std::int64_t time, std::uint64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time) + difference);
}

// What the summaries of a block's sites add up to.
struct Totals {
  std::uint64_t records = 0;
  std::uint64_t columns = 0;
  std::int64_t first_ns = INT64_MAX;
  std::int64_t last_ns = INT64_MIN;
};

SiteSummary read_site(ByteReader& in, const BlockHeader& header, Definitions& definitions,
                      Totals& totals) {
  SiteSummary site;
  site.site = definitions.site(in);
  site.records = in.count(header.records);
  if (site.records == 0) throw FormatError("a site has no records");
  site.first_ns = sum(header.first_ns, in.varint());
  site.last_ns = sum(site.first_ns, in.varint());
  if (site.first_ns < header.first_ns || site.last_ns < site.first_ns) {
    throw FormatError("a site's times are out of range");
  }
  const std::uint32_t columns = in.count(std::min<std::size_t>(kMaxRecordValues, in.left() / 2));
  totals.columns += columns;
  if (totals.columns > kMaxBlockColumns) throw FormatError("a block has too many columns");
  site.columns.resize(columns);
  for (ColumnSummary& column : site.columns) {
    column.kinds = in.count(UINT32_MAX);
    column.values = in.count(site.records);
  }
  if (site.site->is_weighted) site.weights = in.count(site.records);
  totals.records += site.records;
  totals.first_ns = std::min(totals.first_ns, site.first_ns);
  totals.last_ns = std::max(totals.last_ns, site.last_ns);
  return site;
}

}  // namespace

void SiteSummary::reset(const Site& of) {
  columns.clear();
  *this = {.site = &of, .columns = std::move(columns)};
}

void SiteSummary::add(const Record& record) {
  ++records;
  first_ns = std::min(first_ns, record.time_ns);
  last_ns = std::max(last_ns, record.time_ns);
  const auto values = record.own_values();
  if (record.values.size() != values.size()) ++weights;
  if (columns.size() < values.size()) columns.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    columns[i].kinds |= kind_of(values[i]);
    if (values[i].tag != Tag::none) ++columns[i].values;
  }
}

std::size_t SiteSummary::room_of(const Site& site) {
  std::size_t room = 2 + 12 * kMaxVarint + site.name.size() + site.file.size() +
                     site.function.size() + (site.is_weighted ? site.policy.size() : 0);
  for (const std::string& field : site.fields) room += kMaxVarint + field.size();
  return room;
}

char* SiteSummary::write(char* at, std::string_view definition, std::int64_t block_first_ns) const {
  std::memcpy(at, definition.data(), definition.size());
  at += definition.size();
  at = put_varint(at, records);
  const auto first = static_cast<std::uint64_t>(first_ns);
  at = put_varint(at, first - static_cast<std::uint64_t>(block_first_ns));
  at = put_varint(at, static_cast<std::uint64_t>(last_ns) - first);
  at = put_varint(at, columns.size());
  for (const ColumnSummary& column : columns) {
    at = put_varint(at, column.kinds);
    at = put_varint(at, column.values);
  }
  const bool is_weighted = (static_cast<std::uint8_t>(definition[0]) & kWeightedBit) != 0;
  return is_weighted ? put_varint(at, weights) : at;
}

BlockSummary BlockSummary::read(const BlockHeader& header, std::string_view payload,
                                Definitions& definitions) {
  BlockSummary summary;
  if (header.records == 0) {
    if (header.payload_size != 0) throw FormatError("bytes are left behind the last record");
    return summary;
  }
  if (payload.size() < kSummaryTrailer) throw FormatError("it has no summary");
  const char* const trailer = payload.data() + payload.size() - kSummaryTrailer;
  summary.size = summary_size(trailer);
  if (summary.size > payload.size()) throw FormatError("its summary is out of range");
  const std::string_view bytes(payload.data() + payload.size() - summary.size,
                               summary.size - kSummaryTrailer);
  std::uint32_t checksum = 0;
  std::memcpy(&checksum, trailer + 4, sizeof checksum);
  if (crc32c(bytes) != checksum) throw FormatError("the checksum of its summary does not match");
  ByteReader in(bytes);
  const std::uint64_t flags = in.varint();
  if (flags > kSortedBit) throw FormatError("its summary has unknown flags");
  summary.is_sorted = flags == kSortedBit;
  const std::uint32_t count = in.count(std::min<std::size_t>(header.records, in.left()));
  if (header.records > header.payload_size / 2) throw FormatError("a count is out of range");
  summary.sites.reserve(count);
  Totals totals;
  for (std::uint32_t i = 0; i < count; ++i) {
    summary.sites.push_back(read_site(in, header, definitions, totals));
  }
  if (!in.done()) throw FormatError("bytes are left behind its summary");
  if (totals.records != header.records) throw FormatError("its records are not counted right");
  if (totals.first_ns != header.first_ns || totals.last_ns != header.last_ns) {
    throw FormatError("its times are not those of its header");
  }
  return summary;
}

char* put_site(char* at, const Site& site) {
  *at++ = static_cast<char>(static_cast<std::uint8_t>(site.kind) |
                            (site.is_weighted ? kWeightedBit : 0));
  *at++ = static_cast<char>(site.level);
  at = put_varint(at, site.bound);
  at = put_varint(at, site.line);
  at = put_raw(at, site.name);
  at = put_raw(at, site.file);
  at = put_raw(at, site.function);
  const std::size_t fields = std::min<std::size_t>(site.fields.size(), kMaxFields);
  at = put_varint(at, fields);
  for (std::size_t i = 0; i < fields; ++i) at = put_raw(at, site.fields[i]);
  return site.is_weighted ? put_raw(at, site.policy) : at;
}

std::size_t summary_size(const char* trailer) {
  std::uint32_t size = 0;
  std::memcpy(&size, trailer, sizeof size);
  return size + kSummaryTrailer;
}

char* put_summary_start(char* at, bool is_sorted, std::size_t sites) {
  return put_varint(put_varint(at, is_sorted ? kSortedBit : 0), sites);
}

char* put_summary_trailer(char* at, const char* start) {
  const auto size = static_cast<std::uint32_t>(at - start);
  const std::uint32_t checksum = crc32c({start, size});
  std::memcpy(at, &size, sizeof size);
  std::memcpy(at + sizeof size, &checksum, sizeof checksum);
  return at + kSummaryTrailer;
}

}  // namespace attolog
