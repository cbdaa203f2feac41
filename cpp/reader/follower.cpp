#include "reader/follower.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "core/folder.hpp"
#include "core/ledger.hpp"
#include "writer/parts.hpp"

namespace attolog {
namespace {

// The batch that was being written when a file lost its name still comes: it is let go of after so
// many polls without anything new.
constexpr int kLastRests = 5;

// How far apart two changes of a folder must be to be sure to show as two time stamps.
constexpr auto kTimeStampStep = std::chrono::seconds(2);

}  // namespace

JournalFollower::JournalFollower(std::string ring_root, std::string log_path)
    : ring_root_(std::move(ring_root)), log_path_(std::move(log_path)) {
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
    File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file && errno == ENOENT) continue;  // it has just gone
    struct stat info{};
    if (!file || ::fstat(file.fd(), &info) != 0) fail(path);
    // By what it is, not by its name: open files keep their numbers to themselves.
    const auto known = std::ranges::find_if(files_, [&](const Followed& each) {
      return each.device == info.st_dev && each.inode == info.st_ino;
    });
    if (known == files_.end()) {
      files_.push_back({.file = std::move(file),
                        .path = std::move(path),
                        .device = info.st_dev,
                        .inode = info.st_ino,
                        .progress = {}});
    } else {
      known->path = std::move(path);
      known->is_named = true;
      known->rests = 0;
    }
  }
}

std::shared_ptr<JournalReader> JournalFollower::poll() {
  list();
  std::erase_if(files_, [](const Followed& each) { return each.rests > kLastRests; });
  std::vector<JournalPath> paths;
  std::vector<Followed*> followed;
  for (Followed& each : files_) {
    struct stat info{};
    if (::fstat(each.file.fd(), &info) != 0) fail(each.path);
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (size == each.size && !each.is_limited) {
      if (!each.is_named) ++each.rests;
      continue;
    }
    each.rests = 0;
    if (was_rewritten(each, size)) each.progress = {};
    // Asked after the size: what was there then and belongs to no open batch is there to stay.
    const std::string folder = each.is_named ? log_folder(ring_root_, log_path_, false) : "";
    const auto intent = folder.empty() ? std::nullopt : Ledger::look(folder, each.path);
    each.is_limited = intent && !intent->is_complete && intent->offset < size;
    each.size = size;
    const std::uint64_t length = each.is_limited ? intent->offset : size;
    if (length <= each.progress.next) continue;
    paths.push_back({each.path, length, each.progress.next, each.file.fd()});
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
  const ssize_t got =
      ::pread(each.file.fd(), there.data(), there.size(), static_cast<off_t>(each.progress.last));
  return got != static_cast<ssize_t>(there.size()) || there != each.progress.header;
}

}  // namespace attolog
