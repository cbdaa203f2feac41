// The summary at the end of a block's payload: the block's sites, how many records each has and
// when, and the kinds of values in their columns. So a reader knows the tables of a journal, and
// the blocks that it needs, without a record. docs/reference/journal-format.md has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/record.hpp"
#include "core/varint.hpp"

namespace attolog {

struct BlockHeader;
class Definitions;

// Writes a text's length and bytes at `at`, which has the room, and returns the end.
inline char* put_raw(char* at, std::string_view text) {
  at = put_varint(at, text.size());
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// Behind the summary: its size and its CRC-32C.
inline constexpr std::size_t kSummaryTrailer = 8;

struct ColumnSummary {
  std::uint32_t kinds = 0;   // see value_kinds.hpp
  std::uint32_t values = 0;  // None not counted

  bool operator==(const ColumnSummary&) const = default;
};

struct SiteSummary {
  const Site* site = nullptr;
  std::uint32_t records = 0;
  std::int64_t first_ns = INT64_MAX;
  std::int64_t last_ns = INT64_MIN;
  std::vector<ColumnSummary> columns;  // by position, without the weights
  std::uint32_t weights = 0;           // records that have one

  // Begins anew, and keeps the room.
  void reset(const Site& of);
  // Takes in a record of the site; allocates where it has more values than `columns` has room for.
  void add(const Record& record);

  // No more than this is added to room_of() by a column.
  static constexpr std::size_t kColumnRoom = 8;
  // The most bytes that a site without columns takes in a summary.
  static std::size_t room_of(const Site& site);
  // Writes at `at`, which has the room, and returns the end. The site may be gone by then: its
  // definition is what put_site has written.
  char* write(char* at, std::string_view definition, std::int64_t block_first_ns) const;

  bool operator==(const SiteSummary&) const = default;
};

struct BlockSummary {
  bool is_sorted = true;           // the records stand in order of time
  std::vector<SiteSummary> sites;  // by their number in the block
  std::size_t size = 0;            // of its bytes, the trailer included

  // Reads the summary of a block from the end of its payload, unmasked; what stands before the
  // summary need not be there. Throws FormatError, also where it contradicts the header.
  static BlockSummary read(const BlockHeader& header, std::string_view payload,
                           Definitions& definitions);
};

// Writes a site's definition at `at`, which has the room, and returns the end.
char* put_site(char* at, const Site& site);

// The bytes of a summary with its trailer, from the trailer.
std::size_t summary_size(const char* trailer);

// Writes flags and number of sites, which stand before the sites.
char* put_summary_start(char* at, bool is_sorted, std::size_t sites);
// Writes the trailer of a summary that stands from `start` to `at`.
char* put_summary_trailer(char* at, const char* start);
// The most bytes of both.
inline constexpr std::size_t kSummaryRoom = 20 + kSummaryTrailer;

}  // namespace attolog
