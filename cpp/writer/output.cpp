#include "writer/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace attolog {

namespace {

constexpr const char* kMemoryName = "user.attolog.columns";

bool is_system_path(const std::string& path) {
  return path.starts_with("/dev/") || path.starts_with("/proc/");
}

}  // namespace

Output::Output(const std::string& path, const std::string& folder) : path_(path), folder_(folder) {
  if (path.empty()) {
    path_ = "standard output";
    is_regular_ = false;
    file_ = File(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!file_) fail(path_);
    return;
  }
  open();
  if (is_regular_ && !folder_.empty()) ledger_ = std::make_unique<Ledger>(folder_, path_);
}

void Output::open() {
  struct stat info{};
  // /dev/stdout and its like are symbolic links by nature; a log file that is one could be a trap.
  const int follow = is_system_path(path_) ? 0 : O_NOFOLLOW;
  const bool exists = ::stat(path_.c_str(), &info) == 0;
  const bool expects_regular = !exists || S_ISREG(info.st_mode);
  if (exists && S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    fail(path_);
  }
  // Non-blocking while opening: a FIFO without a reader is an error, not a wait.
  const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | follow;
  File file(
      ::open(path_.c_str(), flags | (expects_regular ? O_RDWR : O_WRONLY | O_NONBLOCK), 0666));
  if (!file && errno == EACCES && expects_regular) {
    file = File(::open(path_.c_str(), flags | O_WRONLY, 0666));
  }
  if (!file) {
    if (errno == ELOOP) {
      throw std::runtime_error(path_ + ": is a symbolic link; give the path it points to");
    }
    if (errno == ENXIO && exists && S_ISSOCK(info.st_mode))
      throw std::runtime_error(path_ + ": is a socket");
    if (errno == ENXIO) throw std::runtime_error(path_ + ": is a FIFO that nobody reads");
    fail(path_);
  }
  if (::fstat(file.fd(), &info) != 0) fail(path_);
  const bool is_regular = S_ISREG(info.st_mode);
  if (is_regular && info.st_nlink > 1 && follow != 0) {
    throw std::runtime_error(path_ + ": has a second name (hard link); logging into it is refused");
  }
  if (!is_regular) ::fcntl(file.fd(), F_SETFL, O_APPEND);
  is_regular_ = is_regular;
  file_ = std::move(file);
}

void Output::reopen_if_moved() {
  struct stat ours{};
  struct stat named{};
  if (::fstat(file_.fd(), &ours) != 0) fail(path_);
  if (::stat(path_.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
      ours.st_dev == named.st_dev) {
    return;
  }
  // Renamed (rotation) or removed, perhaps with its folder: go on in a new file under the name.
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  open();
}

Output::Result Output::write_all(std::string_view bytes) {
  Result result;
  while (result.written < bytes.size()) {
    const ssize_t n =
        ::write(file_.fd(), bytes.data() + result.written, bytes.size() - result.written);
    if (n >= 0) {
      result.written += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      result.error = errno;
      break;
    }
  }
  return result;
}

Output::Result Output::append(Session& session, std::uint64_t batch, std::string_view bytes,
                              const std::function<void()>& prepare) {
  Result result;
  std::string message;
  if (!is_regular_) {
    prepare();
    result = write_all(bytes);
    if (result.error == 0) session.commit(batch);
    return result;
  }
  try {
    message = acquire();
  } catch (const std::system_error& error) {
    result.error = error.code().value();
    return result;
  }
  try {
    reopen_if_moved();
    struct stat info{};
    if (::fstat(file_.fd(), &info) != 0) fail(path_);
    const auto offset = static_cast<std::uint64_t>(info.st_size);
    prepare();
    if (ledger_) ledger_->intend(session, batch, file_.fd(), offset, bytes);
    result = write_all(bytes);
    if (result.error == 0) {
      session.commit(batch);
    } else if (result.written != 0 && ::ftruncate(file_.fd(), info.st_size) != 0) {
      message = path_ + ": ends in the middle of a record and cannot be shortened";
    }
    if (ledger_) ledger_->close_intent();
  } catch (const std::system_error& error) {
    result.error = error.code().value();
  } catch (const std::runtime_error& error) {  // what is now under the name is refused
    result.error = EPERM;
    message = error.what();
  }
  release();
  result.message = std::move(message);
  return result;
}

std::string Output::acquire() {
  if (ledger_) return ledger_->acquire();
  lock(file_.fd());
  return "";
}

void Output::release() {
  if (ledger_) {
    ledger_->release();
  } else {
    unlock(file_.fd());
  }
}

std::string Output::remembered() {
  known_memory_ = read_memory();
  return known_memory_;
}

bool Output::remember(std::string_view text) {
  if (!ledger_) return true;
  ledger_->acquire();
  const bool is_known = read_memory() == known_memory_;
  if (is_known) {
    known_memory_ += text;
    write_memory(known_memory_);
  }
  ledger_->release();
  return is_known;
}

void Output::forget() {
  if (!read_memory().empty()) write_memory("");
  known_memory_.clear();
}

// An extended attribute goes where the file goes. Where there are none, or no room for it, another
// process may order columns differently; nothing else is lost.
std::string Output::read_memory() const {
  std::string text(64 * 1024, '\0');
#if defined(__APPLE__)
  const ssize_t n = ::fgetxattr(file_.fd(), kMemoryName, text.data(), text.size(), 0, 0);
#else
  const ssize_t n = ::fgetxattr(file_.fd(), kMemoryName, text.data(), text.size());
#endif
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

void Output::write_memory(const std::string& text) {
#if defined(__APPLE__)
  ::fsetxattr(file_.fd(), kMemoryName, text.data(), text.size(), 0, 0);
#else
  ::fsetxattr(file_.fd(), kMemoryName, text.data(), text.size(), 0);
#endif
}

bool Output::is_empty() const {
  struct stat info{};
  return ::fstat(file_.fd(), &info) == 0 && info.st_size == 0;
}

void Output::sync() {
  ::fdatasync(file_.fd());
}

bool Output::truncate(const std::function<bool()>& may) {
  if (ledger_) ledger_->acquire();
  const bool does = may();
  const int result = does ? ::ftruncate(file_.fd(), 0) : 0;
  const int error = errno;
  if (does) forget();
  if (ledger_) ledger_->release();
  if (result != 0) {
    errno = error;
    fail(path_);
  }
  return does;
}

void Output::end_line() {
  if (!is_regular_) return;
  if (ledger_) ledger_->acquire();
  struct stat info{};
  char last = '\n';
  if (::fstat(file_.fd(), &info) == 0 && info.st_size > 0 &&
      ::pread(file_.fd(), &last, 1, info.st_size - 1) == 1 && last != '\n') {
    write_all("\n");
  }
  if (ledger_) ledger_->release();
}

void Output::close_locks() {
  if (ledger_) ledger_->close_lock();
  if (!ledger_ && is_regular_) file_.close();
}

}  // namespace attolog
