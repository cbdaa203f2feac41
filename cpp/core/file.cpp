#include "core/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

// The file in reserve is in the one, or without its descriptor in the other. Whoever takes it out
// by an exchange has it alone (acq_rel: with what is in it).
constinit std::atomic<File*> reserve{nullptr};
constinit std::atomic<File*> spent{nullptr};
constinit std::atomic<bool> has_reserve{false};  // relaxed: who asks first makes it

bool spend_reserve() noexcept {
  File* const file = reserve.exchange(nullptr, std::memory_order_acq_rel);
  if (file == nullptr) return false;
  file->close();
  spent.store(file, std::memory_order_release);  // pairs with the exchange in refill_reserve
  return true;
}

void refill_reserve() noexcept {
  File* const file = spent.exchange(nullptr, std::memory_order_acq_rel);
  if (file == nullptr) return;
#if defined(__linux__)
  *file = File(::memfd_create("attolog-reserve", MFD_CLOEXEC));
#else
  *file = File(::open("/", O_RDONLY | O_CLOEXEC));
#endif
  // release: pairs with the exchanges.
  (*file ? reserve : spent).store(file, std::memory_order_release);
}

}  // namespace

File::File(int fd) : fd_(fd) {
  if (fd < 0) return;
  const int high = fd < kHigh ? move_high(fd) : -1;
  const int error = errno;
  if (high >= 0) {
    ::close(std::exchange(fd_, high));
  } else if (fd <= STDERR_FILENO) {
    fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(fd);
  }
  errno = error;
  struct stat info{};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
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
  if (spent.load(std::memory_order_relaxed) != nullptr) refill_reserve();
  errno = error;
}

Directory open_directory(const std::string& path) {
  File file = File::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Directory directory(file ? ::fdopendir(file.fd()) : nullptr, ::closedir);
  if (directory != nullptr) file.release();
  return directory;
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
  spent.store(std::make_unique<File>().release(), std::memory_order_release);
  refill_reserve();
}

}  // namespace attolog
