#include "writer/merge.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "core/checksum.hpp"
#include "core/clock.hpp"
#include "core/folder.hpp"
#include "core/mapping.hpp"
#include "journal/journal.hpp"
#include "journal/parts.hpp"
#include "shm/ledger.hpp"
#include "shm/place.hpp"
#include "shm/session.hpp"
#include "writer/output.hpp"

namespace attolog {

namespace {

constexpr std::uint64_t kMostMerged = std::uint64_t{64} << 20;
constexpr std::size_t kMergedAtOnce = std::size_t{1} << 20;  // appended at a time, or one block
constexpr int kTries = 4;  // of a quarter of a second, for the lock
// What is older than this may be on the disk already, and must not be lost again.
constexpr std::int64_t kFreshNs = 5'000'000'000;

// The session whose intents tell of the merging.
class MergeSession {
 public:
  MergeSession(const std::string& folder, const std::string& log_path, int fd,
               const BlockHeader& part)
      : session_(create(folder, target(folder, log_path, fd, part))) {}
  MergeSession(const MergeSession&) = delete;
  MergeSession& operator=(const MergeSession&) = delete;
  ~MergeSession() {
    if (!session_->name().empty()) session_->remove();
  }
  Session& operator*() const { return *session_; }

 private:
  // A process that tidies up takes a session that has no name yet for a dead process's.
  static std::unique_ptr<Session> create(const std::string& folder, const LogTarget& target) {
    const File stays = folder.empty() ? File() : stay_in_folder(folder);
    return Session::create(folder, target);
  }

  static LogTarget target(const std::string& folder, const std::string& log_path, int fd,
                          const BlockHeader& part) {
    LogTarget target;
    target.path = log_path;
    target.format = static_cast<std::uint8_t>(Format::journal);
    target.run_id = part.run_id;
    target.pid = part.pid;
    if (!folder.empty()) target.file = known_in(folder, file_id(fd));
    return target;
  }

  std::unique_ptr<Session> session_;
};

bool append(Output& output, Session& session, std::uint64_t batch, std::string_view bytes) {
  for (int tries = 0; tries < kTries; ++tries) {
    const Output::Result result = output.append(session, batch, bytes, [] {});
    if (result.error == 0) return true;
    if (!result.is_busy()) return false;
  }
  return false;
}

// Adds the block at `offset` to `piece`; returns its size, 0 where there is no whole block.
std::uint64_t add_block(int fd, std::uint64_t offset, std::uint64_t size, std::string& piece) {
  char head[kBlockHeaderSize];
  if (size < offset || size - offset < sizeof head || !read_at(fd, head, sizeof head, offset))
    return 0;
  const auto header = BlockHeader::read(head);
  if (!header || header->payload_size > size - offset - sizeof head) return 0;
  const std::size_t start = piece.size();
  piece.resize(start + sizeof head + header->payload_size);
  std::memcpy(piece.data() + start, head, sizeof head);
  char* const payload = piece.data() + start + sizeof head;
  if (header->payload_size != 0 &&
      !read_at(fd, payload, header->payload_size, offset + sizeof head)) {
    return 0;
  }
  if (crc32c({payload, header->payload_size}) != header->checksum) return 0;
  return sizeof head + header->payload_size;
}

// The headers of the journal's whole blocks that the part's process has written. A kill leaves a
// torn one where there was no room for a copy of it.
std::unordered_set<std::string> headers_of(int fd, std::uint32_t pid) {
  std::unordered_set<std::string> headers;
  struct stat info{};
  if (::fstat(fd, &info) != 0) return headers;
  HeaderWalk walk(fd);
  std::string block;
  while (const auto header = walk.next()) {
    if (header->pid != pid) continue;
    block.clear();
    const std::uint64_t start = walk.offset() - kBlockHeaderSize - header->payload_size;
    if (add_block(fd, start, static_cast<std::uint64_t>(info.st_size), block) == 0) continue;
    headers.insert(block.substr(0, kBlockHeaderSize));
  }
  return headers;
}

bool append_blocks(int part, std::uint64_t size, Output& output, Session& session,
                   const std::unordered_set<std::string>& present) {
  std::string piece;
  std::uint64_t batch = 0;
  for (std::uint64_t offset = 0; offset < size;) {
    const std::size_t before = piece.size();
    const std::uint64_t block = add_block(part, offset, size, piece);
    if (block == 0) return false;
    offset += block;
    if (present.contains(piece.substr(before, kBlockHeaderSize))) piece.resize(before);
    if (piece.size() < kMergedAtOnce && offset < size) continue;
    if (!piece.empty() && !append(output, session, ++batch, piece)) return false;
    piece.clear();
  }
  return true;
}

// The part's name is taken away only from the file that was merged. A process appends under the
// lock, and looks for the name first.
bool remove_part(File& part, const std::string& path, std::uint64_t size) {
  struct stat ours{};
  struct stat named{};
  return part.try_lock() && ::fstat(part.fd(), &ours) == 0 &&
         static_cast<std::uint64_t>(ours.st_size) == size && ::lstat(path.c_str(), &named) == 0 &&
         named.st_ino == ours.st_ino && named.st_dev == ours.st_dev && ::unlink(path.c_str()) == 0;
}

// A part's ledger would stay as long as the journal is logged to. A process that begins a part
// of that name makes the part first, and the ledger under the folder's lock.
void remove_ledger(const std::string& folder, const std::string& part_path) {
  const File alone = have_folder_alone(folder, std::chrono::milliseconds(0));
  struct stat info{};
  if (!alone || ::lstat(part_path.c_str(), &info) == 0) return;
  ::unlink(file_about(folder, part_path, kLedgerSuffix).c_str());
}

bool merge_file(const std::string& folder, const std::string& log_path,
                const std::string& part_path, Merge merge, bool syncs) {
  File part = open_regular(part_path, O_RDONLY);
  struct stat info{};
  if (!part || ::fstat(part.fd(), &info) != 0) return false;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  const auto mark = HeaderWalk(part.fd()).next();
  if (!mark || size > kMostMerged) return false;
  File journal = open_regular(log_path, O_RDWR | O_APPEND);
  const auto first = journal ? HeaderWalk(journal.fd()).next() : std::nullopt;
  if (!first || !names_journal(*mark, *first)) return false;

  const MergeSession session(folder, log_path, journal.fd(), *mark);
  Output output(std::move(journal), log_path);
  if (!folder.empty()) output.keep_ledger(folder, false, log_path);
  std::unordered_set<std::string> present;
  if (merge == Merge::again) {
    if (!output.settle(std::chrono::milliseconds(250))) return false;
    present = headers_of(output.fd(), mark->pid);
  }
  if (!append_blocks(part.fd(), size, output, *session, present)) return false;
  const auto now = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
  if (syncs || now - mark->last_ns > kFreshNs) output.sync();
  if (!remove_part(part, part_path, size)) return false;
  if (!folder.empty()) remove_ledger(folder, part_path);
  return true;
}

}  // namespace

bool merge_part(const std::string& folder, const std::string& part_path, Merge merge, bool syncs) {
  const std::string log_path = journal_of_part(part_path);
  if (log_path.empty()) return false;
  try {
    return merge_file(folder, log_path, part_path, merge, syncs);
  } catch (const std::exception&) {
    return false;  // the part is read as it is
  }
}

}  // namespace attolog
