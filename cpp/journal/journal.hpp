// The blocks of a journal (.atto), drawn byte by byte in docs/reference/journal-format.md.
//
// A block stands for itself: it carries the sites (summary.hpp) and threads it uses, and predicts
// nothing from another block. So damage costs one block, and blocks of several processes may follow
// each other.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "core/varint.hpp"
#include "journal/summary.hpp"

namespace attolog {

// Not text, and changed by any transfer that takes it for text. No payload contains it (see
// BlockHeader::mask). So where it stands with a valid header checksum, there is a block.
inline constexpr std::string_view kBlockMagic{
    "\x89"
    "ATTO\r\n\x1a",
    8};
inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kBlockHeaderSize = 64;
// Of BlockHeader::flags: the block has nested values, of which attolog 0.1 does not know.
inline constexpr std::uint16_t kNestedFlag = 1;
inline constexpr std::uint16_t kKnownFlags = kNestedFlag;

// A writer ends a block past either of these; a reader holds it to the limits below.
inline constexpr std::size_t kBlockPayload = std::size_t{1} << 20;
inline constexpr std::size_t kBlockValues = std::size_t{1} << 20;

inline constexpr std::uint32_t kMaxPayload = std::uint32_t{1} << 30;
inline constexpr std::uint32_t kMaxRecordValues = 65536;
inline constexpr std::uint32_t kMaxBlockValues = kBlockValues + kMaxRecordValues;
inline constexpr std::uint32_t kMaxBlockColumns = std::uint32_t{1} << 21;  // (site, position) pairs
inline constexpr std::uint32_t kMaxFields = 65536;

inline constexpr std::uint32_t kDictionarySize =
    4096;  // strings; a later one takes the oldest's place
inline constexpr std::uint32_t kDictionaryString = 64;  // bytes; longer ones stay out
inline constexpr std::uint32_t kShapes = 16;            // per site, replaced like strings
inline constexpr std::uint8_t kFormattedBit = 0x80;     // of a tag in a shape: a text stands before
inline constexpr std::uint8_t kWeightedBit = 0x80;  // of a site's kind: its policy stands behind
inline constexpr int kMaxScale = 9;                 // decimals of a float stored as an integer
inline constexpr std::array<double, kMaxScale + 1> kPowersOfTen{1e0, 1e1, 1e2, 1e3, 1e4,
                                                                1e5, 1e6, 1e7, 1e8, 1e9};
inline constexpr std::uint8_t kDecimalBit = 0x80;  // of a float's control byte

struct BlockHeader {
  std::uint16_t version = kFormatVersion;
  std::uint16_t flags = 0;         // a reader refuses those it does not know
  std::uint32_t payload_size = 0;  // bytes as stored
  std::uint32_t records = 0;
  std::uint32_t pid = 0;
  std::int64_t first_ns = 0;  // the earliest time in the block
  std::int64_t last_ns = 0;   // the latest
  std::uint64_t run_id = 0;
  std::uint32_t mask = 0;  // every four bytes of the stored payload are XORed with it
  std::uint32_t sequence =
      0;  // the next block of this writer has the next number: no two are alike
  std::uint32_t checksum = 0;  // CRC-32C of the payload as stored

  // Writes kBlockHeaderSize bytes, with their own checksum.
  void write(char* out) const;
  // From kBlockHeaderSize bytes; nothing if the magic or the checksum is wrong.
  static std::optional<BlockHeader> read(const char* bytes);
};

// Masks or, the second time, unmasks in place `size` bytes that stand at `offset` of a payload.
void apply_mask(char* bytes, std::size_t size, std::uint32_t mask, std::size_t offset = 0);

// The prediction of the next value of one (site, position).
struct ColumnState {
  std::uint64_t last_int = 0;      // also dates, times, durations
  std::uint64_t last_bits = 0;     // of a float
  std::uint64_t last_decimal = 0;  // of a float that is last_decimal / 10^scale
  std::uint8_t scale = 0;
  // For the encoder alone: the scale to try first, and how often not to try at all.
  std::uint8_t likely_scale = 0;
  std::uint8_t skip = 0;
  std::uint8_t penalty = 0;
};

// Records -> blocks. One for each file and process.
class BlockEncoder {
 public:
  BlockEncoder(std::uint64_t run_id, std::uint32_t pid);
  ~BlockEncoder();

  // Adds a record to the block that is open at the end of `out`, or opens one. Site and thread are
  // known again by their addresses, so they must not change while they are in use. Values beyond
  // kMaxRecordValues are left out. Throws std::bad_alloc, or std::length_error for a record past
  // some 1 GiB: then nothing of it is in `out`, and the encoder goes on.
  void append(const Record& record, Buffer& out);

  // Ends the open block, if there is one. Allocates nothing.
  void finish(Buffer& out);

  // Forgets the open block: what it is in is thrown away.
  void abandon() { open_ = false; }

 private:
  struct SiteState;
  struct Text {
    std::size_t offset = 0;  // into the Buffer, which may move
    std::size_t size = 0;
  };

  void open(Buffer& out);
  void put_summary(Buffer& out);
  SiteState& state_of(const Site& site);
  void encode(const Record& record, Buffer& out);
  std::uint32_t choose_shape(SiteState& state, std::span<const Value> values);
  char* put_string(char* at, std::string_view text, const char* base);
  char* put_nested(char* at, const Value& value);
  char* put_value(char* at, const Value& value, ColumnState& column, const char* base);

  BlockHeader header_;  // of the open block, or of the last one
  bool open_ = false;
  std::size_t start_ = 0;   // of the block in the Buffer
  std::size_t values_ = 0;  // in the block
  std::uint64_t last_ns_ = 0;
  std::uint32_t epoch_ = 0;  // the block's number: what bears another one is forgotten
  bool is_sorted_ = true;
  std::int64_t latest_ns_ = INT64_MIN;
  std::uint32_t site_count_ = 0;  // in the block
  // Theirs; more were in blocks before. A site may be gone before its block ends.
  struct BlockSite {
    SiteSummary summary;
    Buffer definition;
  };
  std::vector<BlockSite> block_sites_;
  std::size_t definitions_ = 0;                    // the most bytes that they take in its summary
  std::size_t columns_ = 0;                        // of them
  std::vector<std::unique_ptr<SiteState>> sites_;  // by Site::id
  const Thread* thread_ = nullptr;
  std::unordered_map<const Thread*, std::uint32_t> threads_;
  std::uint64_t texts_ = 0;  // ever added to the dictionary
  std::array<Text, kDictionarySize> dictionary_;
  std::array<std::uint16_t, 2 * kDictionarySize> slots_{};  // by hash; checked, so never cleared
};

// Sites and threads as read: one object for all blocks that define the same, so that their
// addresses are keys. Safe to share between readers in several threads.
class Definitions {
 public:
  // The definition at the reader's position. Throws FormatError.
  const Site* site(ByteReader& in);
  const Thread* thread(ByteReader& in);

 private:
  std::mutex mutex_;
  std::size_t fields_ = 0;
  std::unordered_map<std::string, std::unique_ptr<Site>> sites_;  // by their encoded bytes
  std::unordered_map<std::string, std::unique_ptr<Thread>> threads_;
};

// A block's payload -> records.
class BlockDecoder {
 public:
  // `payload` is unmasked, and outlives the decoder; so does `definitions`. Throws FormatError
  // where its summary is not right.
  BlockDecoder(const BlockHeader& header, std::string_view payload, Definitions& definitions);

  // The next record, which lives until the next call; nullptr after the last one. Throws
  // FormatError where the payload contradicts the format or the header: then no record of the block
  // is to be trusted.
  const Record* next();

  // From now on gives the records of these sites alone, by their numbers in the block. The others
  // are checked and passed over, which takes less than decoding them.
  void select(std::vector<bool> sites) { selected_ = std::move(sites); }

  // How many bytes of the payload the last record has.
  std::size_t record_size() const { return record_size_; }

  const BlockSummary& summary() const { return summary_; }

 private:
  struct SiteState {
    std::uint32_t records = 0;  // so far
    std::string_view shape;
    std::vector<std::string_view> shapes;
    std::uint32_t shape_count = 0;  // ever defined
    std::vector<ColumnState> columns;
  };

  void read_shape(SiteState& state);
  std::string_view read_string();
  void read_value(std::uint8_t tag, Value& value, ColumnState& column);
  void skip_value(std::uint8_t tag);
  bool read_record();
  void finish() const;

  BlockHeader header_;
  Definitions& definitions_;
  BlockSummary summary_;
  ByteReader in_;
  std::uint32_t done_ = 0;
  std::int64_t earliest_ = INT64_MAX;
  std::int64_t latest_ = INT64_MIN;
  std::size_t values_total_ = 0;
  std::size_t columns_total_ = 0;
  std::vector<SiteState> sites_;
  std::vector<bool> selected_;  // empty: all
  std::vector<const Thread*> threads_;
  std::vector<std::string_view> dictionary_;
  std::uint64_t texts_ = 0;
  std::vector<Value> values_;
  Record record_;
  std::size_t record_size_ = 0;
};

}  // namespace attolog
