// Reads journals: any number of files as one source of records.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "journal/journal.hpp"
#include "reader/catalog.hpp"
#include "reader/file_pool.hpp"
#include "reader/records.hpp"

namespace attolog {

// A file to read, or the bytes of it from `from` on and before `length` (those that its ledger
// calls committed).
struct JournalPath {
  std::string path;
  std::uint64_t length = UINT64_MAX;
  std::uint64_t from = 0;
  // The file if it is open: then `path` only names it in messages.
  int fd = -1;
  std::shared_ptr<PooledFile> file = nullptr;
};

// There are bytes in the files, but nowhere so much as the magic of a block.
class NotAJournal : public std::runtime_error {
 public:
  explicit NotAJournal(const std::string& path)
      : std::runtime_error(path + " is no journal: no block of one is in it") {}
};

class JournalReader final : public std::enable_shared_from_this<JournalReader> {
 public:
  // Headers of blocks, by which a copy is known.
  using Headers = std::unordered_set<std::string>;

  // How much of each block is read at once: its header and summary, or all of it.
  enum class Check : std::uint8_t { summaries, payloads };

  // Finds all blocks and learns the tables, from the summaries of the blocks where these suffice.
  // With Check::summaries, damage to the records of a block is found, and a problem, when a pass
  // decodes the block first. Throws std::system_error where a file cannot be opened, and
  // NotAJournal; damage is no error but a problem.
  static std::shared_ptr<JournalReader> open(const std::vector<JournalPath>& paths,
                                             Check check = Check::summaries);

  // The same for files that are still written to: what is no whole block at a file's end is awaited
  // and not judged, and blocks in `known` were read before. Those read now are added to it. Whether
  // the files are a journal at all is the caller's question.
  static std::shared_ptr<JournalReader> follow(const std::vector<JournalPath>& paths,
                                               Headers& known);

  // How far a file, by its place in `paths`, was read.
  struct Progress {
    std::uint64_t next = 0;  // where the next block is awaited
    std::uint64_t last = 0;  // where the last one read begins
    std::string header;      // and with what; "" if there was none
  };
  const Progress& progress(std::size_t file) const { return files_[file].progress(); }

  // Whether so much as the magic of a block was found.
  bool has_magic() const { return has_magic_; }

  // Records of all intact blocks in order of time; of equal times in the order of `paths`, and
  // within a file in its own. Memory holds the blocks that overlap in time, kMaxOpenBlocks at most;
  // beyond, the order is approximate and a problem says so. May be asked for any number of times,
  // also by several threads at once; the stream keeps the reader alive.
  std::unique_ptr<RecordStream> records() const { return records(Selection{}); }

  // The blocks and sites that a pass touches: those that have records of the table, and between two
  // times, both included.
  struct Selection {
    std::size_t table = Catalog::kNoTable;  // all tables
    std::int64_t first_ns = INT64_MIN;
    std::int64_t last_ns = INT64_MAX;
  };
  // The records between the times. Those of other tables are left out, unless their names are
  // values of theirs (SiteKind::inline_event).
  std::unique_ptr<RecordStream> records(const Selection& selection) const;

  // A selected block: its times, its size, and how many records it has of the table. A block whose
  // records may be of any table has none for certain.
  struct BlockInfo {
    std::int64_t first_ns;
    std::int64_t last_ns;
    std::uint64_t bytes;
    std::uint64_t records;
    std::uint64_t all_records = 0;  // of all tables
  };
  // The selected blocks, by their first times.
  std::vector<BlockInfo> blocks(const Selection& selection) const;

  // Whether a part that a file announces has not been found: not its first block.
  bool misses_parts() const { return misses_parts_; }

  const Catalog& catalog() const { return catalog_; }

  // A run: a program and its children. Several may have written the files.
  struct Run {
    std::uint64_t id = 0;
    std::int64_t first_ns = INT64_MAX;
    std::int64_t last_ns = INT64_MIN;
    std::uint64_t records = 0;
    std::set<std::uint32_t> pids;
  };
  // In the order of their first records.
  std::vector<Run> runs() const;
  // A reader of that run's records alone, of the files that this one has read.
  std::shared_ptr<JournalReader> of_run(std::uint64_t id) const;

  // Looks whether each file still has what was read of it: whether the last block is in its place.
  // Returns a sentence for each that has not, which is a problem from now on.
  std::vector<std::string> find_changes() const;

  // The problems of the files, one sentence each, with file and offset. Streams may add to it: a
  // file may change while it is read. Several passes say it once.
  std::vector<std::string> problems() const;
  void add_problem_of_pass(const std::string& text) const;

  static constexpr std::size_t kMaxOpenBlocks = 256;
  static constexpr std::size_t kMaxProblems = 1000;  // further ones are only counted

 private:
  friend class JournalStream;

  class File {
   public:
    File(const JournalPath& path, const std::shared_ptr<FilePool>& pool);
    const std::string& name() const { return name_; }
    std::uint64_t size() const { return size_; }
    Progress& progress() { return progress_; }
    const Progress& progress() const { return progress_; }
    // Reads up to `size` bytes at `offset`; returns how many there were. Throws std::system_error.
    std::size_t read(std::uint64_t offset, char* bytes, std::size_t size) const {
      return file_->read(offset, bytes, size);
    }
    // Whether the last block that was read is still there.
    bool has_last_block() const;
    std::uint64_t find_magic(std::uint64_t from) const;

   private:
    std::string name_;
    std::shared_ptr<PooledFile> file_;
    std::uint64_t size_ = 0;
    Progress progress_;
  };

  struct SiteCount {
    const Site* site;
    std::uint32_t records;
  };
  struct Block {
    std::uint32_t file = 0;
    bool is_sorted = true;
    bool is_checked = false;  // its records were read once, and are as the format says
    std::uint64_t offset = 0;
    BlockHeader header;
    std::vector<SiteCount> sites = {};  // of its records
  };

  enum class Use : std::uint8_t { no, yes, undecided };
  Use use_of(const Site& site, std::size_t table) const;
  bool is_selected(const Block& block, const Selection& selection) const;

  void scan_all(const std::vector<JournalPath>& paths);
  void scan(std::uint32_t file);
  std::string scan_block(std::uint32_t file, std::uint64_t offset, std::uint64_t& end);
  std::string scan_payload(const Block& block, std::uint64_t& end);
  std::optional<BlockSummary> scan_summary(const Block& block);
  std::string scan_and_take_in(Block block, const std::string& header, std::uint64_t& end);
  std::optional<std::string> compare_with_copy(const Block& block, const std::string& header,
                                               std::uint64_t& end);
  std::string take_in(Block block);
  void take_in(Block block, const BlockSummary& summary);
  void add_records(const Block& block);
  void take_in_empty(const Block& block);
  void miss_parts();
  void learn_tables(Catalog empty);
  void learn_largest_tables();
  void add_problem(std::string text) const;

  std::vector<File> files_;
  std::vector<Block> blocks_;
  // By block: as is_checked, set by passes. Relaxed: at worst, two passes check a block.
  std::unique_ptr<std::atomic<bool>[]> checked_;
  Catalog catalog_;
  bool catalog_is_spoiled_ = false;  // it has seen records of a block that turned out to be bad
  bool has_magic_ = false;
  bool misses_parts_ = false;
  // While scanning:
  Check check_ = Check::payloads;
  std::unordered_map<std::string, std::size_t> unread_;  // by header: blocks of unknown payload
  using EmptyBlock = std::array<std::uint64_t, 5>;       // what a part and its announcement share
  std::map<EmptyBlock, Block> announced_;
  std::set<EmptyBlock> begun_;
  Buffer payload_;                  // of the block
  Headers seen_;                    // in this pass
  Headers seen_here_;               // in this file
  const Headers* known_ = nullptr;  // before it, where files are followed
  // Of sites and threads; readers of one run share those of the whole, whose blocks they have.
  std::shared_ptr<Definitions> definitions_ = std::make_shared<Definitions>();
  mutable std::mutex mutex_;  // of the problems
  mutable std::vector<std::string> problems_;
  mutable std::uint64_t more_problems_ = 0;
  mutable std::unordered_set<std::string> problems_of_passes_;
};

}  // namespace attolog
