#include "core/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

namespace attolog {

namespace {

bool are_streams_open() {
  constexpr std::array kStreams = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  return std::ranges::all_of(kStreams, [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; });
}

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

constexpr std::chrono::microseconds kLook{50};
constexpr std::chrono::microseconds kLongLook{2'000};

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
  std::atomic<int> inside_{0};
  std::atomic<int> closed_{0};
};
constinit Gate using_files;

// Whose thread opens a file, which has a low number yet and is not known as ours: this process, 0,
// or one that was forked from while a thread did, which nobody here waits for. acquire and release:
// the next one finds what was opened.
constinit std::atomic<pid_t> opener{0};

// False: who has it takes too long, as on a network that hangs.
bool acquire_turn(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  const pid_t own = ::getpid();
  for (pid_t other = 0; !opener.compare_exchange_strong(other, own, std::memory_order_acquire);) {
    if (other != own) continue;
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kLook);
    other = 0;
  }
  return true;
}

void release_turn() {
  opener.store(0, std::memory_order_release);
}

// When a standard stream was taken, on the steady clock; 0: it was opened again, or stays closed.
// relaxed: set and asked inside the gate.
constinit std::atomic<std::chrono::steady_clock::rep> stream_taken{0};

// A child needs so many more than it lets go of, to have a session of its own.
constexpr std::size_t kReserve = 6;
constexpr rlim_t kFew = 64;  // a process that may have fewer keeps one

// A file in reserve is in one of the first, or without its descriptor in one of the second. A
// thread that takes it out by an exchange has it alone (acq_rel: with what is in it).
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
    *file = File::open_by([] { return ::memfd_create("attolog-reserve", MFD_CLOEXEC); });
#else
    *file = File::open_by([] { return ::open("/", O_RDONLY | O_CLOEXEC); });
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
  return open_by([&] {
    const int fd = ::open(path.c_str(), flags, mode);
    const bool is_short = fd < 0 && (errno == EMFILE || errno == ENFILE);
    return is_short && spend_reserve() ? ::open(path.c_str(), flags, mode) : fd;
  });
}

File File::open_if_there(const std::string& path) {
  File file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (!file && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    throw std::system_error(errno, std::generic_category(), path);
  }
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
  if (is_ours && locker_ == ::getpid()) unlock();
  const int fd = release();
  if (is_ours) ::close(fd);
  if (has_spent.load(std::memory_order_relaxed)) refill_reserve();
  errno = error;
}

int File::release() noexcept {
  if (fd_ >= 0) disclaim(fd_, tag_of(device_, inode_));
  locker_ = 0;
  return std::exchange(fd_, -1);
}

bool File::acquire_lock(int kind) {
  int result = -1;
  do {
    result = ::flock(fd_, kind | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EWOULDBLOCK)
    throw std::system_error(errno, std::generic_category(), "locking a file");
  if (result == 0) locker_ = ::getpid();
  return result == 0;
}

bool File::try_lock() {
  return acquire_lock(LOCK_EX);
}

bool File::try_lock_shared() {
  return acquire_lock(LOCK_SH);
}

// flock knows no time-out. A thread that waits tries again and again, at first as often as a batch
// is short.
bool File::lock(std::chrono::milliseconds patience) {
  using std::chrono::steady_clock;
  if (try_lock()) return true;
  const auto end = steady_clock::now() + patience;
  for (auto pause = kLook; steady_clock::now() < end; pause = std::min(pause * 2, kLongLook)) {
    std::this_thread::sleep_for(pause);
    if (try_lock()) return true;
  }
  return false;
}

void File::unlock() noexcept {
  ::flock(fd_, LOCK_UN);
  locker_ = 0;
}

int File::lock_holder() const {
  struct stat info{};
  std::istringstream locks(read_system_file("/proc/locks"));
  if (::fstat(fd_, &info) != 0) return 0;
  const std::string inode = ":" + std::to_string(info.st_ino);
  for (std::string line; std::getline(locks, line);) {
    std::istringstream fields(line);
    std::string number, kind, strength, access, file;
    int pid = 0;
    fields >> number >> kind >> strength >> access >> pid >> file;
    if (kind == "FLOCK" && file.ends_with(inode)) return pid;
  }
  return 0;
}

bool File::owns(int fd) {
  if (fd < 0 || fd >= static_cast<int>(kKnown)) return false;
  const std::uint64_t tag = owned[static_cast<std::size_t>(fd)].load(std::memory_order_relaxed);
  struct stat info{};
  return tag != 0 && ::fstat(fd, &info) == 0 && tag_of(info.st_dev, info.st_ino) == tag;
}

int close_others(int first, int end) {
  int known = std::min(end, static_cast<int>(kKnown));
  while (known > first && !File::owns(known - 1)) --known;
  for (; first < known; ++first)
    if (!File::owns(first)) ::close(first);
  return first;
}

Opening::Opening() : has_turn_(acquire_turn(std::chrono::seconds(1))) {
  for (int& held : held_) {
    if (are_streams_open()) return;
    held = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
}

Opening::~Opening() {
  const int error = errno;
  for (const int held : held_)
    if (held >= 0) ::close(held);
  if (has_turn_) release_turn();
  errno = error;
}

ScopedFileUse::ScopedFileUse() {
  using_files.enter();
}

ScopedFileUse::~ScopedFileUse() {
  using_files.leave();
}

void ScopedFileUse::forget_in_child() {
  using_files.forget();
}

bool ScopedNumberTransfer::is_stream_reopening() {
  using std::chrono::steady_clock;
  constexpr steady_clock::duration kPatience = std::chrono::milliseconds(250);
  const steady_clock::rep taken = stream_taken.load(std::memory_order_relaxed);
  if (taken == 0) return false;
  const steady_clock::rep now = steady_clock::now().time_since_epoch().count();
  if (now - taken < kPatience.count() && !are_streams_open()) return true;
  stream_taken.store(0, std::memory_order_relaxed);
  return false;
}

ScopedNumberTransfer::ScopedNumberTransfer(int fd)
    : fd_(fd), is_in_use_(fd <= STDERR_FILENO || File::owns(fd)) {
  if (is_in_use_) using_files.close(std::chrono::seconds(1));
  has_turn_ = acquire_turn(std::chrono::milliseconds(100));
}

ScopedNumberTransfer::~ScopedNumberTransfer() {
  if (fd_ <= STDERR_FILENO) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    stream_taken.store(now.count(), std::memory_order_relaxed);
  }
  if (has_turn_) release_turn();
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

ScopedNoReserve::ScopedNoReserve() {
  t_borrows = false;
}

ScopedNoReserve::~ScopedNoReserve() {
  t_borrows = true;
}

void hold_reserve() {
  if (has_reserve.exchange(true, std::memory_order_relaxed)) return;
  rlimit limit{};
  const bool has_few = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kFew;
  for (std::size_t i = 0; i < (has_few ? 1 : kReserve); ++i)
    spent[i].store(std::make_unique<File>().release(), std::memory_order_release);
  refill_reserve();
}

}  // namespace attolog
