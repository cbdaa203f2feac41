#include "reader/file_pool.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace attolog {

namespace {

constexpr rlim_t kShare = 8;  // of the process's descriptors
constexpr rlim_t kFewest = 4;
constexpr rlim_t kMost = 64;

[[noreturn]] void throw_error(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

}  // namespace

FilePool::FilePool() : most_(kFewest) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    most_ = static_cast<std::size_t>(std::clamp(limit.rlim_cur / kShare, kFewest, kMost));
  }
}

PooledFile::PooledFile(std::shared_ptr<FilePool> pool, std::string path)
    : pool_(std::move(pool)), path_(std::move(path)) {
  const auto held = lock();
  File file = open_now();
  if (!file) throw_error(errno, path_);
  struct stat status{};
  if (::fstat(file.fd(), &status) != 0) throw_error(errno, path_);
  if (S_ISDIR(status.st_mode)) throw_error(EISDIR, path_);
  if (!S_ISREG(status.st_mode)) throw_error(EINVAL, path_);
  device_ = file.device();
  inode_ = file.inode();
  file_ = std::make_shared<const File>(std::move(file));
  place_ = pool_->open_.insert(pool_->open_.end(), this);
}

PooledFile::PooledFile(std::string name, int fd) : path_(std::move(name)) {
  File file(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!file) throw_error(errno, path_);
  device_ = file.device();
  inode_ = file.inode();
  file_ = std::make_shared<const File>(std::move(file));
}

PooledFile::~PooledFile() {
  if (pool_ == nullptr) return;
  const auto held = lock();
  if (file_ != nullptr) pool_->open_.erase(place_);
}

std::unique_lock<std::mutex> PooledFile::lock() const {
  return pool_ != nullptr ? std::unique_lock(pool_->mutex_) : std::unique_lock<std::mutex>();
}

std::string PooledFile::path() const {
  const auto held = lock();
  return path_;
}

void PooledFile::rename(std::string path) {
  const auto held = lock();
  path_ = std::move(path);
}

std::optional<std::uint64_t> PooledFile::size() const {
  struct stat status{};
  const std::string path = this->path();
  const std::shared_ptr<const File> file = open_already();
  if (file != nullptr) {
    if (::fstat(file->fd(), &status) != 0) throw_error(errno, path);
  } else if (::stat(path.c_str(), &status) != 0 || status.st_dev != device_ ||
             status.st_ino != inode_) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(status.st_size);
}

std::size_t PooledFile::read(std::uint64_t offset, char* bytes, std::size_t size) const {
  const std::shared_ptr<const File> file = open();
  std::size_t done = 0;
  while (file != nullptr && done < size) {
    const ssize_t got =
        ::pread(file->fd(), bytes + done, size - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      throw_error(errno, path());
    }
  }
  return done;
}

std::shared_ptr<const File> PooledFile::open_already() const {
  const auto held = lock();
  return file_ != nullptr && file_->is_intact() ? file_ : nullptr;
}

// The open file; null where another one, or none, is under its name by now. Who reads from it holds
// it, so that it is not closed under him.
std::shared_ptr<const File> PooledFile::open() const {
  const auto held = lock();
  const bool is_intact = file_ != nullptr && file_->is_intact();
  if (pool_ == nullptr) {
    if (!is_intact) throw_error(EBADF, path_);  // the program has closed it
    return file_;
  }
  std::list<PooledFile*>& open = pool_->open_;
  if (file_ != nullptr) {
    open.splice(open.end(), open, place_);
    if (is_intact) return file_;
    open.pop_back();  // the program has closed it
    file_ = nullptr;
  }
  File file = open_now();
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return nullptr;
    throw_error(errno, path_);
  }
  if (file.device() != device_ || file.inode() != inode_) return nullptr;
  file_ = std::make_shared<const File>(std::move(file));
  place_ = open.insert(open.end(), const_cast<PooledFile*>(this));
  return file_;
}

// Under the pool's mutex. Others make room: the pool's share may be less than what is free.
File PooledFile::open_now() const {
  std::list<PooledFile*>& open = pool_->open_;
  const auto close_oldest = [&] {
    open.front()->file_ = nullptr;
    open.pop_front();
  };
  while (open.size() >= pool_->most_) close_oldest();
  for (;;) {
    // Never mapped: a file that is shortened while it is read must not be a SIGBUS. Nor is a FIFO
    // waited for.
    File file =
        File::open_by([&] { return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
    if (file || open.empty() || (errno != EMFILE && errno != ENFILE)) return file;
    close_oldest();
  }
}

}  // namespace attolog
