#include "reader/follower.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "journal/parts.hpp"
#include "reader/pending.hpp"

namespace attolog {
namespace {

// The batch that was being written when a file lost its name still comes: it is let go of after so
// many polls without anything new.
constexpr int kLastRests = 5;

// How far apart two changes of a folder must be to be sure to show as two time stamps.
constexpr auto kTimeStampStep = std::chrono::seconds(2);

}  // namespace

JournalFollower::JournalFollower(std::string ring_dir, std::string log_path)
    : ring_dir_(std::move(ring_dir)), log_path_(std::move(log_path)) {
  list();
  if (files_.empty()) throw std::system_error(ENOENT, std::generic_category(), log_path_);
}

// Looks which files there are, if the folder says that names came or went.
void JournalFollower::list() {
  std::error_code ignored;
  const auto folder = std::filesystem::path(log_path_).parent_path();
  const auto changed = std::filesystem::last_write_time(folder, ignored);
  if (is_listed_ && changed == listed_) return;
  listed_ = changed;
  is_listed_ = changed + kTimeStampStep < std::filesystem::file_time_type::clock::now();
  for (Followed& each : files_) each.is_named = false;
  JournalFiles found = journal_files(log_path_);
  is_listed_ = is_listed_ && found.is_final;
  for (std::string& path : found.paths) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT) continue;  // it has just gone
      fail(path);
    }
    // By what it is, not by its name: open files keep their numbers to themselves.
    const auto known = std::ranges::find_if(files_, [&](const Followed& each) {
      return each.file->device() == info.st_dev && each.file->inode() == info.st_ino;
    });
    if (known != files_.end()) {
      known->file->rename(std::move(path));
      known->is_named = true;
      known->rests = 0;
      continue;
    }
    try {
      files_.push_back(
          {.file = std::make_shared<PooledFile>(pool_, std::move(path)), .progress = {}});
    } catch (const std::system_error& error) {
      if (error.code().value() != ENOENT) throw;
    }
  }
}

std::shared_ptr<JournalReader> JournalFollower::poll() {
  list();
  std::erase_if(files_, [](const Followed& each) { return each.rests > kLastRests; });
  const std::vector<std::string> folders = folders_of(ring_dir_, log_path_);
  std::vector<JournalPath> paths;
  std::vector<Followed*> followed;
  for (Followed& each : files_) {
    const std::optional<std::uint64_t> now = each.file->size();
    if (!now) {
      ++each.rests;
      continue;
    }
    const std::uint64_t size = *now;
    if (size == each.size && !each.is_limited) {
      if (!each.is_named) ++each.rests;
      continue;
    }
    each.rests = 0;
    if (was_rewritten(each, size)) each.progress = {};
    // Asked after the size: what was there then and belongs to no open batch is there to stay.
    const std::uint64_t length =
        each.is_named ? committed_length(folders, each.file->path(), size) : size;
    each.is_limited = length < size;
    each.size = size;
    if (length <= each.progress.next) continue;
    paths.push_back({.path = each.file->path(),
                     .length = length,
                     .from = each.progress.next,
                     .file = each.file});
    followed.push_back(&each);
  }
  if (paths.empty()) return nullptr;
  auto reader = JournalReader::follow(paths, known_);
  is_journal_ = is_journal_ || reader->has_magic();
  if (!is_journal_) throw NotAJournal(log_path_);
  for (std::size_t i = 0; i < followed.size(); ++i) {
    const JournalReader::Progress& progress = reader->progress(i);
    JournalReader::Progress& mine = followed[i]->progress;
    mine.next = progress.next;
    if (progress.header.empty()) continue;
    mine.last = progress.last;
    mine.header = progress.header;
  }
  return reader;
}

// Whether the file was shortened since, even if it has grown again: then the last block that was
// read is not in its place.
bool JournalFollower::was_rewritten(const Followed& each, std::uint64_t size) {
  if (size < each.progress.next) return true;
  std::string there(each.progress.header.size(), '\0');
  const std::size_t got = each.file->read(each.progress.last, there.data(), there.size());
  return got != there.size() || there != each.progress.header;
}

}  // namespace attolog
