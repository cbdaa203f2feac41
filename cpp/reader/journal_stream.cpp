// The records of a JournalReader in order of time: a merge of its blocks.
#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "core/checksum.hpp"
#include "reader/journal_reader.hpp"

namespace attolog {
namespace {

// A block being read. One whose records are in order is decoded as it goes; another is decoded
// whole and sorted, which the limit on a block's values keeps small.
class BlockCursor {
 public:
  BlockCursor(const BlockHeader& header, bool is_sorted, std::size_t rank, Buffer payload,
              Definitions& definitions)
      : payload_(std::move(payload)),
        decoder_(header, payload_.view(), definitions),
        is_sorted_(is_sorted),
        rank_(rank) {
    source_.pid = header.pid;
    source_.run_id = header.run_id;
  }

  // Goes to the next record; false after the last one. Throws FormatError.
  bool next() {
    if (is_sorted_) {
      const Record* const record = decoder_.next();
      if (record == nullptr) return false;
      source_.record = *record;
      source_.size = decoder_.record_size();
      return true;
    }
    if (position_ == 0) sort();
    if (position_ == records_.size()) return false;
    const Kept& kept = records_[position_++];
    source_.record = kept.record;
    source_.record.values = {values_.data() + kept.first_value, kept.record.values.size()};
    source_.size = kept.size;
    return true;
  }

  const BlockSummary& summary() const { return decoder_.summary(); }
  void select(std::vector<bool> sites) { decoder_.select(std::move(sites)); }

  const SourcedRecord& record() const { return source_; }
  std::pair<std::int64_t, std::size_t> key() const { return {source_.record.time_ns, rank_}; }

 private:
  struct Kept {
    Record record;
    std::size_t first_value;
    std::size_t size;
  };

  void sort() {
    while (const Record* const record = decoder_.next()) {
      records_.push_back({*record, values_.size(), decoder_.record_size()});
      values_.insert(values_.end(), record->values.begin(), record->values.end());
    }
    std::stable_sort(records_.begin(), records_.end(), [](const Kept& a, const Kept& b) {
      return a.record.time_ns < b.record.time_ns;
    });
  }

  Buffer payload_;
  BlockDecoder decoder_;
  bool is_sorted_;
  std::size_t rank_;
  SourcedRecord source_;
  std::size_t position_ = 0;
  std::vector<Kept> records_;
  std::vector<Value> values_;
};

}  // namespace

class JournalStream final : public RecordStream {
 public:
  using Selection = JournalReader::Selection;

  JournalStream(std::shared_ptr<const JournalReader> reader, const Selection& selection)
      : reader_(std::move(reader)), selection_(selection) {
    // Blocks stand by file and offset, so a block's index is its rank among equal times.
    for (std::size_t i = 0; i < reader_->blocks_.size(); ++i) {
      if (reader_->is_selected(reader_->blocks_[i], selection)) order_.push_back(i);
    }
    std::stable_sort(order_.begin(), order_.end(), [this](std::size_t a, std::size_t b) {
      return reader_->blocks_[a].header.first_ns < reader_->blocks_[b].header.first_ns;
    });
  }

  const SourcedRecord* next() override {
    while (const SourcedRecord* const next = next_of_blocks()) {
      if (next->record.time_ns < selection_.first_ns) continue;
      if (next->record.time_ns <= selection_.last_ns) return next;
      if (!limit_said_) break;  // the order is exact: no earlier record comes any more
    }
    next_ = order_.size();
    current_.reset();
    heap_.clear();
    return nullptr;
  }

 private:
  const SourcedRecord* next_of_blocks() {
    if (current_ != nullptr && !advance(*current_)) current_.reset();
    while (must_open()) {
      if (auto opened = load(order_[next_++])) push(std::move(opened));
    }
    if (!heap_.empty() && (current_ == nullptr || heap_.front()->key() < current_->key())) {
      if (current_ != nullptr) push(std::move(current_));
      std::pop_heap(heap_.begin(), heap_.end(), later);
      current_ = std::move(heap_.back());
      heap_.pop_back();
    }
    return current_ == nullptr ? nullptr : &current_->record();
  }

  static bool later(const std::unique_ptr<BlockCursor>& a, const std::unique_ptr<BlockCursor>& b) {
    return a->key() > b->key();
  }

  std::pair<std::int64_t, std::size_t> next_key() const {
    return {reader_->blocks_[order_[next_]].header.first_ns, order_[next_]};
  }

  void push(std::unique_ptr<BlockCursor> cursor) {
    heap_.push_back(std::move(cursor));
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  // Whether the next record may stand in a block that is not open yet.
  bool must_open() {
    if (next_ == order_.size()) return false;
    const std::size_t open = heap_.size() + (current_ != nullptr ? 1 : 0);
    if (open == 0) return true;
    if (current_ != nullptr && current_->key() < next_key()) return false;
    if (!heap_.empty() && heap_.front()->key() < next_key()) return false;
    if (open < JournalReader::kMaxOpenBlocks) return true;
    if (!std::exchange(limit_said_, true)) {
      reader_->add_problem_of_pass("more than " + std::to_string(JournalReader::kMaxOpenBlocks) +
                                   " blocks overlap in time: the order of records is approximate");
    }
    return false;
  }

  static bool advance(BlockCursor& cursor) {
    try {
      return cursor.next();
    } catch (const FormatError&) {
      return false;  // only where the file was changed to another with the same checksum
    }
  }

  // The block at its first record; nothing if it is no longer what the scan saw.
  std::unique_ptr<BlockCursor> load(std::size_t index) {
    const JournalReader::Block& block = reader_->blocks_[index];
    const JournalReader::File& file = reader_->files_[block.file];
    const std::size_t size = block.header.payload_size;
    Buffer payload;
    payload.advance(file.read(block.offset + kBlockHeaderSize, payload.room(size), size));
    if (payload.size() != size || crc32c(payload.view()) != block.header.checksum) {
      // Relaxed: see checked_.
      const bool was_whole =
          block.is_checked || reader_->checked_[index].load(std::memory_order_relaxed);
      const bool is_short = payload.size() != size;
      add_problem(block, was_whole || is_short ? "it was changed while it was read"
                                               : "its checksum does not match");
      return nullptr;
    }
    apply_mask(payload.data(), size, block.header.mask);
    try {
      check(index, payload.view());
      auto cursor = std::make_unique<BlockCursor>(block.header, block.is_sorted, index,
                                                  std::move(payload), *reader_->definitions_);
      if (selection_.table != Catalog::kNoTable) cursor->select(selected(cursor->summary()));
      if (cursor->next()) return cursor;
    } catch (const FormatError& error) {
      add_problem(block, std::string("it makes no sense: ") + error.what());
    }
    return nullptr;
  }

  // Which of a block's sites have records that are asked for.
  std::vector<bool> selected(const BlockSummary& summary) const {
    std::vector<bool> sites;
    for (const SiteSummary& each : summary.sites) {
      sites.push_back(reader_->use_of(*each.site, selection_.table) != JournalReader::Use::no);
    }
    return sites;
  }

  // Decodes a block that was not decoded before, so that all of it is refused or nothing. Throws
  // FormatError.
  void check(std::size_t index, std::string_view payload) {
    std::atomic<bool>& is_checked = reader_->checked_[index];
    const JournalReader::Block& block = reader_->blocks_[index];
    // Relaxed: see checked_.
    if (block.is_checked || is_checked.load(std::memory_order_relaxed)) return;
    BlockDecoder decoder(block.header, payload, *reader_->definitions_);
    decoder.select(std::vector<bool>(decoder.summary().sites.size()));
    while (decoder.next() != nullptr) {
    }
    is_checked.store(true, std::memory_order_relaxed);
  }

  void add_problem(const JournalReader::Block& block, const std::string& reason) {
    reader_->add_problem_of_pass(reader_->files_[block.file].name() + ": block at byte " +
                                 std::to_string(block.offset) + ": " + reason + ", " +
                                 std::to_string(block.header.records) + " records are missing");
  }

  std::shared_ptr<const JournalReader> reader_;
  Selection selection_;
  std::vector<std::size_t> order_;  // of the blocks, by their earliest time
  std::size_t next_ = 0;            // the first in `order_` that is not open yet
  std::unique_ptr<BlockCursor> current_;
  std::vector<std::unique_ptr<BlockCursor>> heap_;
  bool limit_said_ = false;
};

std::unique_ptr<RecordStream> JournalReader::records(const Selection& selection) const {
  return std::make_unique<JournalStream>(shared_from_this(), selection);
}

}  // namespace attolog
