#include "core/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>

namespace attolog {

namespace {

constexpr int kHigh = 200;
constexpr int kLast = 32;  // of the numbers below a lower limit

// The lowest free number from kHigh on, or among the last ones; -1 where all of them are taken.
int move_high(int fd) {
  const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, kHigh);
  rlimit limit{};
  if (high >= 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > kHigh + kLast)
    return high;
  const int last = static_cast<int>(limit.rlim_cur) - kLast;
  return ::fcntl(fd, F_DUPFD_CLOEXEC, std::max(last, STDERR_FILENO + 1));
}

// A child needs so many more than it lets go of, to have a session of its own.
constexpr std::size_t kReserve = 6;
constexpr rlim_t kFew = 64;  // a process that may have fewer keeps one

// A file in reserve is in one of the first, or without its descriptor in one of the second. Whoever
// takes it out by an exchange has it alone (acq_rel: with what is in it).
constinit std::array<std::atomic<File*>, kReserve> reserve{};
constinit std::array<std::atomic<File*>, kReserve> spent{};
constinit std::atomic<bool> has_reserve{false};  // relaxed: who asks first makes it
constinit std::atomic<bool> has_spent{false};    // relaxed: a hint, looked at again at each close

bool spend_reserve() noexcept {
  for (std::size_t i = 0; i < kReserve; ++i) {
    File* const file = reserve[i].exchange(nullptr, std::memory_order_acq_rel);
    if (file == nullptr) continue;
    const bool was_ours = file->is_intact();
    const int fd = file->release();
    if (was_ours) ::close(fd);  // not by File::close, which would fill it again
    spent[i].store(file, std::memory_order_release);  // pairs with the exchange in refill_reserve
    has_spent.store(true, std::memory_order_relaxed);
    if (was_ours) return true;
  }
  return false;
}

void refill_reserve() noexcept {
  has_spent.store(false, std::memory_order_relaxed);
  for (std::size_t i = 0; i < kReserve; ++i) {
    File* const file = spent[i].exchange(nullptr, std::memory_order_acq_rel);
    if (file == nullptr) continue;
#if defined(__linux__)
    *file = File(::memfd_create("attolog-reserve", MFD_CLOEXEC));
#else
    *file = File(::open("/", O_RDONLY | O_CLOEXEC));
#endif
    const bool is_filled = static_cast<bool>(*file);
    if (!is_filled) has_spent.store(true, std::memory_order_relaxed);
    // release: pairs with the exchanges.
    (is_filled ? reserve : spent)[i].store(file, std::memory_order_release);
    if (!is_filled) return;
  }
}

}  // namespace

File::File(int fd) : fd_(fd) {
  if (fd < 0) return;
  const int error = errno;
  struct stat info{};
  if (::fstat(fd_, &info) == 0) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
  int other = fd < kHigh ? move_high(fd) : -1;
  if (other < 0 && fd <= STDERR_FILENO) other = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (other >= 0 || fd <= STDERR_FILENO) {
    if (is_intact()) ::close(fd);
    fd_ = other;
  }
  if (fd_ >= 0) errno = error;
}

File File::open(const std::string& path, int flags, mode_t mode) {
  int fd = ::open(path.c_str(), flags, mode);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE) && spend_reserve())
    fd = ::open(path.c_str(), flags, mode);
  return File(fd);
}

bool File::is_intact() const {
  struct stat info{};
  return fd_ >= 0 && ::fstat(fd_, &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
}

bool File::restore(const std::string& path, int flags) {
  if (is_intact()) return true;
  fd_ = -1;
  File again = open(path, flags);
  if (!again || again.device_ != device_ || again.inode_ != inode_) return false;
  fd_ = again.release();
  return true;
}

void File::close() noexcept {
  if (fd_ < 0) return;
  const int error = errno;
  if (is_intact()) ::close(fd_);
  fd_ = -1;
  if (has_spent.load(std::memory_order_relaxed)) refill_reserve();
  errno = error;
}

Directory open_directory(const std::string& path) {
  File file = File::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const directory = file ? ::fdopendir(file.fd()) : nullptr;
  return {directory, CloseDirectory{std::move(file)}};
}

void CloseDirectory::operator()(DIR* directory) {
  if (!file.is_intact()) return;  // there is no way to give its memory back alone
  file.release();
  ::closedir(directory);
}

std::string read_system_file(const std::string& path) {
  const File file = File::open(path, O_RDONLY | O_CLOEXEC);
  std::string text;
  char piece[4096];
  ssize_t n = 0;
  while (file && (n = ::read(file.fd(), piece, sizeof piece)) > 0)
    text.append(piece, static_cast<std::size_t>(n));
  return text;
}

void keep_reserve() {
  if (has_reserve.exchange(true, std::memory_order_relaxed)) return;
  rlimit limit{};
  const bool has_few = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kFew;
  for (std::size_t i = 0; i < (has_few ? 1 : kReserve); ++i)
    spent[i].store(std::make_unique<File>().release(), std::memory_order_release);
  refill_reserve();
}

}  // namespace attolog
