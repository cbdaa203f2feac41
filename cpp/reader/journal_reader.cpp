#include "reader/journal_reader.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "core/checksum.hpp"
#include "format/inline_record.hpp"
#include "journal/parts.hpp"

namespace attolog {
namespace {

// Little at a time, since a hostile file can have a magic in every 64 bytes, and each is gone to.
constexpr std::size_t kWindow = std::size_t{1} << 14;

const std::string kNoSense = "it makes no sense: ";

}  // namespace

JournalReader::File::File(const JournalPath& path, const std::shared_ptr<FilePool>& pool)
    : name_(path.path),
      file_(path.file != nullptr ? path.file
            : path.fd >= 0       ? std::make_shared<PooledFile>(path.path, path.fd)
                                 : std::make_shared<PooledFile>(pool, path.path)),
      size_(std::min(path.length, file_->size().value_or(0))) {
  progress_.next = path.from;
}

std::shared_ptr<JournalReader> JournalReader::open(const std::vector<JournalPath>& paths) {
  const auto reader = std::make_shared<JournalReader>();
  reader->scan_all(paths);
  reader->miss_parts();
  reader->seen_ = reader->seen_here_ = {};
  const auto has_bytes = [](const File& file) { return file.size() != 0; };
  if (!reader->has_magic_ && std::ranges::any_of(reader->files_, has_bytes)) {
    throw NotAJournal(paths.front().path);
  }
  return reader;
}

std::shared_ptr<JournalReader> JournalReader::follow(const std::vector<JournalPath>& paths,
                                                     Headers& known) {
  const auto reader = std::make_shared<JournalReader>();
  reader->known_ = &known;
  reader->scan_all(paths);
  reader->known_ = nullptr;
  known.merge(reader->seen_);
  reader->seen_ = reader->seen_here_ = {};
  reader->announced_.clear();
  reader->begun_.clear();
  return reader;
}

void JournalReader::scan_all(const std::vector<JournalPath>& paths) {
  files_.reserve(paths.size());
  const auto pool = std::make_shared<FilePool>();
  for (std::uint32_t file = 0; file < paths.size(); ++file) {
    files_.emplace_back(paths[file], pool);
    scan(file);
  }
  payload_ = Buffer();
  checked_ = std::make_unique<std::atomic<bool>[]>(blocks_.size());
  if (catalog_is_spoiled_) learn_tables(Catalog());
  learn_largest_tables();
}

void JournalReader::learn_largest_tables() {
  if (auto better = catalog_.with_largest_tables()) learn_tables(std::move(*better));
}

// Passes over all records once more.
void JournalReader::learn_tables(Catalog empty) {
  catalog_ = std::move(empty);
  const auto all = records();
  while (const SourcedRecord* const next = all->next()) catalog_.add(next->record);
}

// Takes in all blocks of a file. What is no block is skipped up to the next magic, and said once
// for each stretch.
void JournalReader::scan(std::uint32_t index) {
  File& file = files_[index];
  seen_here_.clear();
  std::uint64_t bad_from = 0;
  std::string reason;
  const auto end_bad = [&](std::uint64_t at) {
    if (reason.empty()) return;
    add_problem(file.name() + ": block at byte " + std::to_string(bad_from) + ": " + reason + ", " +
                std::to_string(at - bad_from) + " bytes skipped");
    reason.clear();
  };
  std::uint64_t offset = file.progress().next;
  while (offset < file.size()) {
    std::uint64_t end = offset;
    std::string trouble = scan_block(index, offset, end);
    if (trouble.empty()) {
      end_bad(offset);
    } else if (reason.empty()) {
      bad_from = offset;
      reason = std::move(trouble);
    }
    offset = end;
  }
  file.progress().next = known_ != nullptr && !reason.empty() ? bad_from : offset;
  if (known_ == nullptr) end_bad(offset);
}

// Takes in the block at `offset`, or says what is wrong with it; sets `end` to where to go on.
std::string JournalReader::scan_block(std::uint32_t index, std::uint64_t offset,
                                      std::uint64_t& end) {
  File& file = files_[index];
  const std::uint64_t left = file.size() - offset;
  char head[kBlockHeaderSize];
  const std::size_t got = file.read(offset, head, std::min<std::uint64_t>(sizeof head, left));
  const std::string_view start(head, std::min(got, kBlockMagic.size()));
  const bool is_magic = start == kBlockMagic.substr(0, start.size());
  has_magic_ = has_magic_ || is_magic;
  const std::optional<BlockHeader> header =
      got == sizeof head ? BlockHeader::read(head) : std::nullopt;
  if (!header) {
    end = file.find_magic(offset + 1);
    if (!is_magic) {
      return offset == 0 && end == file.size() ? "this is no journal" : "here is none";
    }
    return got < sizeof head ? "the file ends within its header" : "its header is damaged";
  }
  // No payload contains the magic, so that nothing logged can pose as a block. Hence it is safe to
  // go on right behind a header whose payload is not as it should be.
  const std::uint64_t payload_at = offset + kBlockHeaderSize;
  if (header->version != kFormatVersion) {
    end = file.find_magic(payload_at);
    return "its format is version " + std::to_string(header->version) +
           ", and this attolog reads version " + std::to_string(kFormatVersion);
  }
  if ((header->flags & ~kKnownFlags) != 0) {
    end = file.find_magic(payload_at);
    return "it is compressed, or has other features that this attolog does not know (flags " +
           std::to_string(header->flags) + ")";
  }
  if (header->payload_size > file.size() - payload_at) {
    end = file.find_magic(payload_at);
    return "the file ends after " + std::to_string(left) + " of its " +
           std::to_string(kBlockHeaderSize + header->payload_size) + " bytes";
  }
  if (header->payload_size > kMaxPayload) {
    end = file.find_magic(payload_at);
    return "its length is out of range";
  }
  const Block block{.file = index, .offset = offset, .header = *header};
  std::string trouble = scan_payload(block, end);
  if (!trouble.empty()) return trouble;
  std::string bytes(head, sizeof head);
  file.progress().last = offset;
  file.progress().header = bytes;
  if (known_ != nullptr && known_->contains(bytes)) return {};
  // What is in a journal and in its part is about to be merged, or was when somebody was killed.
  if (!seen_here_.insert(bytes).second) return "it is the copy of another one";
  if (!seen_.insert(std::move(bytes)).second) return {};
  if (block.header.records == 0) take_in_empty(block);
  return take_in(block);
}

void JournalReader::take_in_empty(const Block& block) {
  const BlockHeader& header = block.header;
  const EmptyBlock key{header.pid, header.run_id, static_cast<std::uint64_t>(header.first_ns),
                       static_cast<std::uint64_t>(header.last_ns), header.sequence};
  if (header.mask == 0) {
    begun_.insert(key);
  } else {
    announced_.emplace(key, block);
  }
}

void JournalReader::miss_parts() {
  for (const auto& [key, block] : announced_) {
    if (begun_.contains(key)) continue;
    misses_parts_ = true;
    const std::string& name = files_[block.file].name();
    add_problem(name + ": the records of process " + std::to_string(block.header.pid) +
                " are missing: its part " + announced_part(name, block.header) +
                " is not beside it");
  }
  announced_.clear();
  begun_.clear();
}

// Reads and checks a payload into payload_; sets `end` like scan_block.
std::string JournalReader::scan_payload(const Block& block, std::uint64_t& end) {
  const File& file = files_[block.file];
  const std::uint64_t from = block.offset + kBlockHeaderSize;
  const std::size_t size = block.header.payload_size;
  payload_.clear();
  for (std::size_t done = 0; done < size;) {
    const std::size_t wanted = std::min(kWindow, size - done);
    const std::size_t got = file.read(from + done, payload_.room(wanted), wanted);
    payload_.advance(got);
    const std::size_t overlap = std::min(done, kBlockMagic.size() - 1);
    const std::size_t magic = payload_.view().find(kBlockMagic, done - overlap);
    if (magic != std::string_view::npos) {
      end = from + magic;
      return "another block begins within it";
    }
    if (got != wanted) {
      end = file.size();
      return "the file was shortened while it was read";
    }
    done += got;
  }
  end = from + size;
  if (crc32c(payload_.view()) != block.header.checksum) {
    // The next magic may have begun within it, if the payload was cut by less than a magic's
    // length.
    end = file.find_magic(end - std::min(size, kBlockMagic.size() - 1));
    return "its checksum does not match";
  }
  apply_mask(payload_.data(), size, block.header.mask);
  return {};
}

// Learns the contents of the block in payload_: from its summary if that is enough.
std::string JournalReader::take_in(Block block) {
  try {
    const BlockSummary summary = BlockSummary::read(block.header, payload_.view(), *definitions_);
    block.is_sorted = summary.is_sorted;
    for (const SiteSummary& site : summary.sites) block.sites.push_back({site.site, site.records});
    if (std::ranges::all_of(summary.sites, Catalog::is_enough)) {
      for (const SiteSummary& site : summary.sites) catalog_.add(site);
    } else {
      add_records(block);
      block.is_checked = true;
    }
  } catch (const FormatError& error) {
    return kNoSense + error.what();
  }
  // An empty block only announces a part, or begins one: no run has written records in it.
  if (block.header.records != 0) blocks_.push_back(std::move(block));
  return {};
}

void JournalReader::add_records(const Block& block) {
  BlockDecoder decoder(block.header, payload_.view(), *definitions_);
  bool is_first = true;
  try {
    while (const Record* const record = decoder.next()) {
      catalog_.add(*record);
      is_first = false;
    }
  } catch (const FormatError&) {
    catalog_is_spoiled_ = catalog_is_spoiled_ || !is_first;
    throw;
  }
}

std::vector<JournalReader::Run> JournalReader::runs() const {
  std::vector<Run> runs;
  std::unordered_map<std::uint64_t, std::size_t> index;
  for (const Block& block : blocks_) {
    const BlockHeader& header = block.header;
    const auto [at, is_new] = index.try_emplace(header.run_id, runs.size());
    if (is_new) runs.emplace_back().id = header.run_id;
    Run& run = runs[at->second];
    run.first_ns = std::min(run.first_ns, header.first_ns);
    run.last_ns = std::max(run.last_ns, header.last_ns);
    run.records += header.records;
    run.pids.insert(header.pid);
  }
  std::ranges::stable_sort(runs, {}, &Run::first_ns);
  return runs;
}

std::shared_ptr<JournalReader> JournalReader::of_run(std::uint64_t id) const {
  auto reader = std::make_shared<JournalReader>();
  reader->files_ = files_;
  reader->definitions_ = definitions_;
  std::ranges::copy_if(blocks_, std::back_inserter(reader->blocks_),
                       [&](const Block& block) { return block.header.run_id == id; });
  reader->checked_ = std::make_unique<std::atomic<bool>[]>(reader->blocks_.size());
  reader->learn_tables(Catalog());
  reader->learn_largest_tables();
  return reader;
}

// Whether the site's records are of the table.
JournalReader::Use JournalReader::use_of(const Site& site, std::size_t table) const {
  if (table == Catalog::kNoTable) return Use::yes;
  if (is_inline(site.kind)) return Use::undecided;
  return catalog_.table_of(site) == table ? Use::yes : Use::no;
}

bool JournalReader::is_selected(const Block& block, const Selection& selection) const {
  if (block.header.last_ns < selection.first_ns) return false;
  if (block.header.first_ns > selection.last_ns) return false;
  return std::ranges::any_of(block.sites, [&](const SiteCount& each) {
    return use_of(*each.site, selection.table) != Use::no;
  });
}

std::vector<JournalReader::BlockInfo> JournalReader::blocks(const Selection& selection) const {
  std::vector<BlockInfo> blocks;
  for (const Block& block : blocks_) {
    if (!is_selected(block, selection)) continue;
    std::uint64_t records = 0;
    for (const SiteCount& each : block.sites) {
      if (use_of(*each.site, selection.table) == Use::yes) records += each.records;
    }
    const BlockHeader& header = block.header;
    blocks.push_back({header.first_ns, header.last_ns, header.payload_size, records});
  }
  std::ranges::stable_sort(blocks, {}, &BlockInfo::first_ns);
  return blocks;
}

// Where the next magic stands at or after `from`; the file's end if there is none.
std::uint64_t JournalReader::File::find_magic(std::uint64_t from) const {
  char window[kWindow];
  while (from < size_) {
    const std::size_t wanted = std::min<std::uint64_t>(kWindow, size_ - from);
    const std::size_t got = read(from, window, wanted);
    const std::size_t at = std::string_view(window, got).find(kBlockMagic);
    if (at != std::string_view::npos) return from + at;
    if (got < kWindow) break;
    from += got - (kBlockMagic.size() - 1);
  }
  return size_;
}

void JournalReader::add_problem(std::string text) const {
  const std::lock_guard lock(mutex_);
  if (problems_.size() == kMaxProblems) {
    ++more_problems_;
  } else {
    problems_.push_back(std::move(text));
  }
}

void JournalReader::add_problem_of_pass(const std::string& text) const {
  {
    const std::lock_guard lock(mutex_);
    if (!problems_of_passes_.insert(text).second) return;
  }
  add_problem(text);
}

bool JournalReader::File::has_last_block() const {
  const auto header = progress_.header.size() == kBlockHeaderSize
                          ? BlockHeader::read(progress_.header.data())
                          : std::nullopt;
  if (!header) return true;  // none was read
  if (file_->size().value_or(0) < progress_.last + kBlockHeaderSize + header->payload_size) {
    return false;
  }
  char bytes[kBlockHeaderSize];
  return read(progress_.last, bytes, sizeof bytes) == sizeof bytes &&
         std::string_view(bytes, sizeof bytes) == progress_.header;
}

std::vector<std::string> JournalReader::find_changes() const {
  std::vector<std::string> changes;
  for (const File& file : files_) {
    if (file.has_last_block()) continue;
    changes.push_back(file.name() + ": it was changed after it was read, records are missing");
    add_problem_of_pass(changes.back());
  }
  return changes;
}

std::vector<std::string> JournalReader::problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all = problems_;
  if (more_problems_ != 0) {
    all.push_back("and " + std::to_string(more_problems_) + " more of these");
  }
  for (const TableInfo& table : catalog_.tables()) {
    if (!table.is_rest) continue;
    const bool is_event = table.kind == TableKind::event;
    all.push_back("there are more than " +
                  std::to_string(is_event ? kMaxEventTables : kMaxMessageTables) +
                  (is_event ? " events" : " templates") + ": " + std::to_string(table.rows) +
                  " records of the rarest are together in the table \"" + table.name + "\"");
  }
  if (catalog_.left_out() != 0) {
    all.push_back(std::to_string(catalog_.left_out()) +
                  " values are past the limit of 65536 columns of a table, and only in \"*\"");
  }
  return all;
}

}  // namespace attolog
