#include "core/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

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

// By number: which file of ours has it, 0 for none. All relaxed: a hint, checked by fstat.
constexpr std::size_t kKnown = 2048;
constinit std::array<std::atomic<std::uint64_t>, kKnown> owned{};

std::uint64_t tag_of(dev_t device, ino_t inode) {
  return ((std::uint64_t{device} * 0x9E3779B97F4A7C15 + inode) << 1) | 1;
}

void claim(int fd, std::uint64_t tag) {
  if (fd < static_cast<int>(kKnown))
    owned[static_cast<std::size_t>(fd)].store(tag, std::memory_order_relaxed);
}

void disclaim(int fd, std::uint64_t tag) {
  if (fd >= static_cast<int>(kKnown)) return;
  owned[static_cast<std::size_t>(fd)].compare_exchange_strong(tag, 0, std::memory_order_relaxed);
}

// Some are inside; who closes it waits until they have left, and lets nobody in meanwhile.
class Gate {
 public:
  // Each side writes its own count, and then looks at the other's: seq_cst, or both find nobody.
  void enter() noexcept {
    inside_.fetch_add(1);
    while (closed_.load() != 0) {
      inside_.fetch_sub(1);
      std::this_thread::sleep_for(kLook);
      inside_.fetch_add(1);
    }
  }
  void leave() noexcept { inside_.fetch_sub(1); }
  void close(std::chrono::milliseconds patience) noexcept {
    closed_.fetch_add(1);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (inside_.load() != 0 && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(kLook);
  }
  void open() noexcept { closed_.fetch_sub(1); }
  void forget() noexcept {
    inside_.store(0);
    closed_.store(0);
  }

 private:
  static constexpr std::chrono::microseconds kLook{50};
  std::atomic<int> inside_{0};
  std::atomic<int> closed_{0};
};
constinit Gate opening;  // a file has a low number yet, and is not known as ours
constinit Gate using_files;
// relaxed: set and asked inside the gate
constinit std::atomic<bool> is_stream_taken{false};

// A child needs so many more than it lets go of, to have a session of its own.
constexpr std::size_t kReserve = 6;
constexpr rlim_t kFew = 64;  // a process that may have fewer keeps one

// A file in reserve is in one of the first, or without its descriptor in one of the second. Whoever
// takes it out by an exchange has it alone (acq_rel: with what is in it).
constinit std::array<std::atomic<File*>, kReserve> reserve{};
constinit std::array<std::atomic<File*>, kReserve> spent{};
constinit std::atomic<bool> has_reserve{false};  // relaxed: who asks first makes it
constinit std::atomic<bool> has_spent{false};    // relaxed: a hint, looked at again at each close

constinit thread_local bool t_borrows = true;

bool spend_reserve() noexcept {
  if (!t_borrows) return false;
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
  if (fd_ < 0) return;
  claim(fd_, tag_of(device_, inode_));
  errno = error;
}

File File::open(const std::string& path, int flags, mode_t mode) {
  opening.enter();
  int fd = ::open(path.c_str(), flags, mode);
  if (fd < 0 && (errno == EMFILE || errno == ENFILE) && spend_reserve())
    fd = ::open(path.c_str(), flags, mode);
  File file(fd);
  opening.leave();
  return file;
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
  const bool is_ours = is_intact();
  const int fd = release();
  if (is_ours) ::close(fd);
  if (has_spent.load(std::memory_order_relaxed)) refill_reserve();
  errno = error;
}

int File::release() noexcept {
  if (fd_ >= 0) disclaim(fd_, tag_of(device_, inode_));
  return std::exchange(fd_, -1);
}

bool File::owns(int fd) {
  if (fd < 0 || fd >= static_cast<int>(kKnown)) return false;
  const std::uint64_t tag = owned[static_cast<std::size_t>(fd)].load(std::memory_order_relaxed);
  struct stat info{};
  return tag != 0 && ::fstat(fd, &info) == 0 && tag_of(info.st_dev, info.st_ino) == tag;
}

namespace {

void close_all(int first, int last) {
  if (first > last) return;
#if defined(SYS_close_range)
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), static_cast<unsigned>(last), 0u) ==
      0)
    return;
#endif
  for (int fd = first; fd <= last; ++fd) ::close(fd);
}

}  // namespace

void close_others(int first, int end) {
  first = std::max(first, 0);
  const int known = std::min(end, static_cast<int>(kKnown));
  for (int fd = first; fd < known; ++fd) {
    if (!File::owns(fd)) continue;
    close_all(first, fd - 1);
    first = fd + 1;
  }
  close_all(first, end - 1);
}

UsingFiles::UsingFiles() {
  using_files.enter();
}

UsingFiles::~UsingFiles() {
  using_files.leave();
}

void UsingFiles::forget_in_child() {
  using_files.forget();
  opening.forget();
}

bool is_stream_closed() {
  if (!is_stream_taken.load(std::memory_order_relaxed)) return false;
  constexpr int kStreams[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  const bool is_closed =
      std::ranges::any_of(kStreams, [](int fd) { return ::fcntl(fd, F_GETFD) < 0; });
  if (!is_closed) is_stream_taken.store(false, std::memory_order_relaxed);
  return is_closed;
}

TakingNumber::TakingNumber(int fd) : fd_(fd), is_in_use_(fd <= STDERR_FILENO || File::owns(fd)) {
  if (is_in_use_) using_files.close(std::chrono::seconds(1));
  opening.close(std::chrono::milliseconds(100));
}

TakingNumber::~TakingNumber() {
  if (fd_ <= STDERR_FILENO) is_stream_taken.store(true, std::memory_order_relaxed);
  opening.open();
  if (is_in_use_) using_files.open();
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

WithoutReserve::WithoutReserve() {
  t_borrows = false;
}

WithoutReserve::~WithoutReserve() {
  t_borrows = true;
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
