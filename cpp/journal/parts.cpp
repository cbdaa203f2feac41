#include "journal/parts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <system_error>
#include <unordered_set>

#include "core/folder.hpp"

namespace attolog {

namespace {

constexpr std::size_t kWindow = std::size_t{1} << 16;
constexpr std::chrono::milliseconds kPatience{1'000};  // for the lock of a journal's writer
constexpr std::uint64_t kMostNumbers = 10'000;         // tried for a part's name

std::uint64_t size_of(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

// The facts in a part's name: run.PID-N.atto.
struct PartName {
  std::string journal;
  std::uint64_t process = UINT64_MAX;  // where a number is out of range
  std::uint64_t number = UINT64_MAX;
};

std::optional<PartName> parse_name(std::string_view path) {
  const std::size_t suffix = path.rfind('.');
  if (suffix == path.npos || suffix == 0) return std::nullopt;
  const std::size_t dot = path.rfind('.', suffix - 1);
  if (dot == path.npos) return std::nullopt;
  const std::string_view numbers = path.substr(dot + 1, suffix - dot - 1);
  const std::size_t dash = numbers.find('-');
  const auto is_number = [](std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  };
  if (dash == numbers.npos || !is_number(numbers.substr(0, dash)) ||
      !is_number(numbers.substr(dash + 1))) {
    return std::nullopt;
  }
  PartName name;
  name.journal = std::string(path.substr(0, dot)) + std::string(path.substr(suffix));
  std::from_chars(numbers.data(), numbers.data() + dash, name.process);
  std::from_chars(numbers.data() + dash + 1, numbers.data() + numbers.size(), name.number);
  return name;
}

enum class Membership {
  none,
  undecided,  // a later block may make it a part
  part,
  marked,  // a part that names this journal
};

bool is_of_block(const BlockHeader& mark, const BlockHeader& first) {
  return mark.run_id == first.run_id && mark.first_ns == first.first_ns &&
         mark.sequence == first.sequence;
}

// A copy of the journal has all of its first block.
bool is_copy(const BlockHeader& mark, const BlockHeader& first) {
  return is_of_block(mark, first) && mark.last_ns == first.last_ns;
}

// The parts that the journal itself names.
class Journal {
 public:
  explicit Journal(const std::string& log_path) : path_(log_path) {
    if (const File file = open_regular(path_, O_RDONLY)) first_ = HeaderWalk(file.fd()).next();
  }

  const std::optional<BlockHeader>& first() const { return first_; }

  // Of the file with the number of `process` in its name.
  Membership membership_of(int fd, std::uint64_t process) {
    HeaderWalk walk(fd);
    const auto mark = walk.next();
    if (!mark) return size_of(fd) < kBlockHeaderSize ? Membership::undecided : Membership::none;
    if (mark->pid != process) return Membership::none;
    if (!first_) return Membership::undecided;
    // Parts of attolog 0.1 begin with records. So does a part that is made anew after its removal.
    if (mark->records != 0) return has_run(mark->run_id) ? Membership::part : Membership::none;
    if (names_journal(*mark, *first_)) return Membership::marked;
    if (is_copy(*mark, *first_)) return Membership::none;
    // It names another journal: one that was renamed, if its process has logged since this one
    // began.
    Membership found = Membership::undecided;
    while (const auto header = walk.next()) {
      if (header->records == 0) continue;
      const bool is_of_run = has_run(header->run_id);
      if (is_of_run && header->last_ns >= first_->first_ns) return Membership::part;
      found = is_of_run ? Membership::undecided : Membership::none;
    }
    return found;
  }

 private:
  // Whether the run has written the journal. All headers are read, and only where the first one
  // does not tell.
  bool has_run(std::uint64_t run_id) {
    if (run_id == first_->run_id) return true;
    if (!runs_) {
      runs_.emplace();
      if (const File file = open_regular(path_, O_RDONLY)) {
        HeaderWalk walk(file.fd());
        while (const auto header = walk.next()) runs_->insert(header->run_id);
      }
    }
    return runs_->contains(run_id);
  }

  std::string path_;
  std::optional<BlockHeader> first_;
  std::optional<std::unordered_set<std::uint64_t>> runs_;
};

std::int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

// Under the lock of the file.
void append_header(int fd, const BlockHeader& header) {
  char bytes[kBlockHeaderSize];
  header.write(bytes);
  const std::uint64_t size = size_of(fd);
  ssize_t n = 0;
  do {
    n = ::write(fd, bytes, sizeof bytes);
  } while (n < 0 && errno == EINTR);
  // A piece of a header would be damage to a reader: a full disk leaves the file as it was.
  const auto written = static_cast<std::uint64_t>(std::max<ssize_t>(n, 0));
  if (written != 0 && written < sizeof bytes && size_of(fd) == size + written)
    static_cast<void>(::ftruncate(fd, static_cast<off_t>(size)));
}

// The journal's first block, which it gets here if it has none: it may be empty, or have no more
// than what others wrote into it. The journal is locked.
std::optional<BlockHeader> begin_journal(const File& journal, std::uint64_t run_id) {
  if (const auto first = HeaderWalk(journal.fd()).next()) return first;
  BlockHeader header;
  header.pid = static_cast<std::uint32_t>(::getpid());
  header.first_ns = header.last_ns = now_ns();
  header.run_id = run_id;
  header.sequence = std::random_device{}();
  append_header(journal.fd(), header);
  return HeaderWalk(journal.fd()).next();
}

}  // namespace

JournalFiles journal_files(const std::string& log_path) {
  JournalFiles files;
  Journal journal(log_path);
  files.is_final = journal.first().has_value();
  const std::string folder = log_path.substr(0, log_path.rfind('/') + 1);
  for (const std::string& name : list_files(folder, "")) {
    const std::string path = folder + name;
    const auto part = parse_name(path);
    if (path == log_path) files.paths.push_back(path);
    if (!part || path == log_path) continue;
    const bool is_named = part->journal == log_path;
    if (!is_named && !path.ends_with(".atto")) continue;
    const File file = open_regular(path, O_RDONLY);
    if (!file) {
      if (is_named && errno != ENOENT && errno != ELOOP) files.paths.push_back(path);
      continue;
    }
    const Membership found = journal.membership_of(file.fd(), part->process);
    if (!is_named) {  // another journal's name counts for nothing: it has to name this one
      if (found == Membership::marked) files.paths.push_back(path);
      continue;
    }
    switch (found) {
      case Membership::none: break;
      case Membership::undecided: files.is_final = false; break;
      case Membership::marked: files.marked.push_back(path); [[fallthrough]];
      case Membership::part: files.paths.push_back(path);
    }
  }
  std::ranges::sort(files.paths);
  std::ranges::sort(files.marked);
  return files;
}

namespace {

std::string part_name(const std::string& log_path, std::uint64_t number) {
  const std::size_t dot = log_path.rfind('.');
  return log_path.substr(0, dot) + "." + std::to_string(::getpid()) + "-" + std::to_string(number) +
         log_path.substr(dot);
}

// Two containers may have a process of one number. The part belongs to the process that gives it
// its first block, under its lock, and while it still has its name. False: it is another's.
bool claim_part(File& part, const std::string& path, const BlockHeader& mark) {
  struct stat ours{};
  struct stat named{};
  if (!part.lock(kPatience)) return false;
  const bool is_free = ::fstat(part.fd(), &ours) == 0 && ours.st_size == 0 &&
                       ::lstat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
                       ours.st_dev == named.st_dev;
  if (is_free) append_header(part.fd(), mark);
  part.unlock();
  return is_free;
}

}  // namespace

std::string begin_part(const std::string& log_path, std::uint64_t number, std::uint64_t run_id) {
  File journal = open_regular(log_path, O_RDWR | O_APPEND | O_CREAT);
  const bool is_locked = journal && journal.lock(kPatience);
  auto mark = is_locked ? begin_journal(journal, run_id) : Journal(log_path).first();
  if (mark) {
    mark->version = kFormatVersion;
    mark->flags = 0;
    mark->pid = static_cast<std::uint32_t>(::getpid());
    mark->last_ns = now_ns();
    mark->records = mark->payload_size = mark->mask = mark->checksum = 0;
  }
  std::string path;
  for (const std::uint64_t end = number + kMostNumbers; number < end; ++number) {
    path = part_name(log_path, number);
    struct stat info{};
    const bool is_there = ::lstat(path.c_str(), &info) == 0;
    // An empty one was left by a kill, or a process is about to begin it.
    if (is_there && (!S_ISREG(info.st_mode) || info.st_size != 0)) continue;
    if (!mark) break;
    File part = open_regular(path, O_RDWR | O_APPEND | O_CREAT);
    if (!part && ::lstat(path.c_str(), &info) == 0) continue;
    if (!part) break;
    // No other process knows the part yet. It is there before it is announced.
    if (!claim_part(part, path, *mark)) continue;
    if (is_locked && number <= UINT32_MAX) {
      mark->mask = static_cast<std::uint32_t>(number);
      append_header(journal.fd(), *mark);
    }
    break;
  }
  if (is_locked) journal.unlock();
  return path;
}

std::string journal_of_part(const std::string& part_path) {
  const auto name = parse_name(part_path);
  return name ? name->journal : "";
}

std::string announced_part(const std::string& log_path, const BlockHeader& announcement) {
  const std::string name = log_path.substr(log_path.rfind('/') + 1);
  const std::size_t dot = std::min(name.rfind('.'), name.size());
  return name.substr(0, dot) + "." + std::to_string(announcement.pid) + "-" +
         std::to_string(announcement.mask) + name.substr(dot);
}

bool names_journal(const BlockHeader& mark, const BlockHeader& first) {
  return mark.records == 0 && is_of_block(mark, first) && !is_copy(mark, first);
}

std::optional<BlockHeader> HeaderWalk::next() {
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

std::size_t HeaderWalk::read(std::uint64_t offset, char* bytes, std::size_t size) const {
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
bool HeaderWalk::find_magic() {
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

File open_regular(const std::string& path, int extra) {
  constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  File file = File::open(path, kFlags | extra, 0666);
  struct stat info{};
  if (file && (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode))) {
    errno = ENOENT;
    return {};
  }
  return file;
}

}  // namespace attolog
