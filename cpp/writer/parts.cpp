#include "writer/parts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <system_error>
#include <unordered_set>

#include "core/journal.hpp"
#include "core/ledger.hpp"
#include "core/mapping.hpp"

namespace attolog {

namespace {

constexpr std::size_t kWindow = std::size_t{1} << 16;
constexpr std::uint64_t kMostNumbers = 10'000;  // tried for a part's name

// The headers of a journal's intact blocks, one after the other. Payloads are not looked at.
class HeaderWalk {
 public:
  explicit HeaderWalk(int fd) : fd_(fd) {}

  std::optional<BlockHeader> next() {
    char bytes[kBlockHeaderSize];
    while (read(offset_, bytes, sizeof bytes) == sizeof bytes) {
      if (const auto header = BlockHeader::read(bytes)) {
        offset_ += kBlockHeaderSize + header->payload_size;
        return header;
      }
      if (!find_magic()) break;
    }
    return std::nullopt;
  }

 private:
  std::size_t read(std::uint64_t offset, char* bytes, std::size_t size) const {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(fd_, bytes + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  // Goes to the next magic behind this place.
  bool find_magic() {
    const auto window = std::make_unique<char[]>(kWindow);
    for (std::uint64_t from = offset_ + 1;;) {
      const std::size_t got = read(from, window.get(), kWindow);
      const std::size_t at = std::string_view(window.get(), got).find(kBlockMagic);
      if (at != std::string_view::npos) {
        offset_ = from + at;
        return true;
      }
      if (got < kWindow) return false;
      from += got - (kBlockMagic.size() - 1);
    }
  }

  int fd_;
  std::uint64_t offset_ = 0;
};

// `extra` are more flags of open(). Nothing (and errno) where there is no regular file.
File open_regular(const std::string& path, int extra) {
  constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  File file(::open(path.c_str(), kFlags | extra, 0666));
  struct stat info{};
  if (file && (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode))) {
    errno = ENOENT;
    return {};
  }
  return file;
}

std::uint64_t size_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

// The number of the process in a part's name; nothing for other names.
std::optional<std::uint64_t> process_in_name(std::string_view path, std::string_view log_path) {
  const std::size_t dot = log_path.rfind('.');
  if (dot == std::string_view::npos || !path.starts_with(log_path.substr(0, dot + 1)) ||
      !path.ends_with(log_path.substr(dot))) {
    return std::nullopt;
  }
  const std::size_t end = path.size() - (log_path.size() - dot);
  const std::string_view number = path.substr(dot + 1, end - std::min(end, dot + 1));
  const std::size_t dash = number.find('-');
  const auto is_number = [](std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  };
  if (dash == std::string_view::npos || !is_number(number.substr(0, dash)) ||
      !is_number(number.substr(dash + 1))) {
    return std::nullopt;
  }
  std::uint64_t process = UINT64_MAX;  // where the number is out of range
  std::from_chars(number.data(), number.data() + dash, process);
  return process;
}

enum class Membership { none, part, marked };

// What the journal itself tells of its parts.
class Journal {
 public:
  explicit Journal(const std::string& log_path) : path_(log_path) {
    const File file = open_regular(path_, O_RDONLY);
    if (!file) return;
    if (const auto first = HeaderWalk(file.fd()).next()) id_ = first->run_id;
  }

  std::optional<std::uint64_t> id() const { return id_; }

  Membership membership_of(std::uint64_t process, const BlockHeader& first) {
    if (!id_ || first.pid != process) return Membership::none;
    if (first.run_id == *id_) return first.records == 0 ? Membership::marked : Membership::part;
    // Parts of attolog 0.1 begin with records of their run, which may have appended to the journal.
    return first.records != 0 && runs().contains(first.run_id) ? Membership::part
                                                               : Membership::none;
  }

 private:
  // All runs that wrote the journal: each block's header is read, and only for this.
  const std::unordered_set<std::uint64_t>& runs() {
    if (!runs_) {
      runs_.emplace();
      if (const File file = open_regular(path_, O_RDONLY)) {
        HeaderWalk walk(file.fd());
        while (const auto header = walk.next()) runs_->insert(header->run_id);
      }
    }
    return *runs_;
  }

  std::string path_;
  std::optional<std::uint64_t> id_;
  std::optional<std::unordered_set<std::uint64_t>> runs_;
};

// An empty block: no records, no payload. Its sequence makes its header unlike any other.
void append_empty_block(int fd, std::uint64_t run_id, std::int64_t time_ns) {
  BlockHeader header;
  header.pid = static_cast<std::uint32_t>(::getpid());
  header.first_ns = header.last_ns = time_ns;
  header.run_id = run_id;
  header.sequence = std::random_device{}();
  char bytes[kBlockHeaderSize];
  header.write(bytes);
  ssize_t n = 0;
  do {
    n = ::write(fd, bytes, sizeof bytes);
  } while (n < 0 && errno == EINTR);
  // A piece of a header would be damage to whoever reads: a full disk leaves the file as it was.
  if (n > 0 && n < static_cast<ssize_t>(sizeof bytes)) static_cast<void>(::ftruncate(fd, 0));
}

// The journal's id, which it gets here if it has no block yet; `run_id` where it cannot get one.
std::uint64_t begin_journal(const std::string& log_path, std::uint64_t run_id) {
  const File file = open_regular(log_path, O_RDWR | O_APPEND | O_CREAT);
  if (!file) return Journal(log_path).id().value_or(run_id);
  lock(file.fd());
  const auto first = HeaderWalk(file.fd()).next();
  if (!first && size_of(file.fd()) == 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    append_empty_block(file.fd(), run_id,
                       std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }
  unlock(file.fd());
  return first ? first->run_id : run_id;
}

}  // namespace

bool has_part_name(const std::string& path, const std::string& log_path) {
  return path == log_path || process_in_name(path, log_path).has_value();
}

JournalFiles journal_files(const std::string& log_path) {
  JournalFiles files;
  Journal journal(log_path);
  files.is_final = journal.id().has_value();
  std::error_code ignored;
  const auto folder = std::filesystem::path(log_path).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string path = entry.path().string();
    const auto process = process_in_name(path, log_path);
    if (!process) {
      if (path == log_path) files.paths.push_back(path);
      continue;
    }
    const File file = open_regular(path, O_RDONLY);
    if (!file) {
      if (errno != ENOENT && errno != ELOOP) files.paths.push_back(path);
      continue;
    }
    const auto first = HeaderWalk(file.fd()).next();
    if (!first) {
      files.is_final = files.is_final && size_of(file.fd()) >= kBlockHeaderSize;
      continue;
    }
    const Membership is = journal.membership_of(*process, *first);
    if (is != Membership::none) files.paths.push_back(path);
    if (is == Membership::marked) files.marked.push_back(path);
  }
  std::ranges::sort(files.paths);
  std::ranges::sort(files.marked);
  return files;
}

std::string choose_part(const std::string& log_path, pid_t pid, std::uint64_t number) {
  const std::size_t dot = log_path.rfind('.');
  Journal journal(log_path);
  std::string path;
  for (const std::uint64_t end = number + kMostNumbers; number < end; ++number) {
    path = log_path.substr(0, dot) + "." + std::to_string(pid) + "-" + std::to_string(number) +
           log_path.substr(dot);
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || info.st_size == 0) break;
    const File file = open_regular(path, O_RDONLY);
    const auto first = file ? HeaderWalk(file.fd()).next() : std::nullopt;
    const auto process = static_cast<std::uint64_t>(pid);
    if (first && journal.membership_of(process, *first) != Membership::none) break;
  }
  return path;
}

std::string begin_part(const std::string& folder, const std::string& log_path,
                       const std::string& part_path, std::uint64_t run_id) {
  std::string message;
  std::optional<Ledger> ledger;
  try {
    // Between the intent of the journal's own logger and its bytes nothing may come.
    ledger.emplace(folder, log_path);
    message = ledger->acquire();
  } catch (const std::exception&) {
    ledger.reset();
  }
  const std::uint64_t id = begin_journal(log_path, run_id);
  if (ledger) ledger->release();
  const File part = open_regular(part_path, O_RDWR | O_APPEND | O_CREAT);
  if (!part) return message;
  lock(part.fd());
  if (size_of(part.fd()) == 0) append_empty_block(part.fd(), id, 0);
  unlock(part.fd());
  return message;
}

}  // namespace attolog
