#include "writer/output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "core/report.hpp"
#include "shm/place.hpp"
#include "writer/recovery.hpp"
#include "writer/settle.hpp"

namespace attolog {

namespace {

constexpr off_t kPresence = off_t{1} << 60;

[[maybe_unused]] struct flock presence(int type) {
  struct flock mark{};
  mark.l_type = static_cast<short>(type);
  mark.l_whence = SEEK_SET;
  mark.l_start = kPresence;
  mark.l_len = 1;
  return mark;
}
constexpr std::string_view kMemorySuffix = ".columns";
// Another process holds the lock for a batch, mostly; one that is stopped holds it for longer. The
// writer has other files to look after, too.
constexpr std::chrono::milliseconds kPatience{250};

bool is_system_path(const std::string& path) {
  return path.starts_with("/dev/") || path.starts_with("/proc/");
}

// No right to make a file, or nothing to make one with: an old one that was renamed is as good as
// it was.
bool is_lack(int error) {
  constexpr int kLacks[] = {EACCES, EPERM, EROFS, EMFILE, ENFILE, ENOSPC, EDQUOT};
  return std::ranges::find(kLacks, error) != std::end(kLacks);
}

[[noreturn]] void fail_busy(const std::string& path) {
  throw std::system_error(EWOULDBLOCK, std::generic_category(), path);
}

}  // namespace

Output::Output(const std::string& path) : path_(path) {
  if (path.empty()) {
    path_ = "standard output";
    is_standard_output_ = true;
  }
  open();
}

Output::Output(File file, const std::string& path)
    : path_(path), file_(std::move(file)), id_(file_id(file_.fd())), follows_name_(false) {}

void Output::keep_ledger(const std::string& folder, bool moves, const std::string& named) {
  if (!is_regular_) return;
  named_ = named.empty() ? path_ : named;
  ledger_ = std::make_unique<Ledger>(folder, named_);
  folder_ = folder;
  moves_ = moves;
}

void Output::open() {
  File file = open_path();
  refuse_second_name(file);
  use(std::move(file));
}

File Output::open_path() const {
  struct stat info{};
  if (is_standard_output_) {
    File file(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!file) fail(path_);
    return file;
  }
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
  File file = File::open(path_, flags | (expects_regular ? O_RDWR : O_WRONLY | O_NONBLOCK), 0666);
  if (!file && errno == EACCES && expects_regular) {
    file = File::open(path_, flags | O_WRONLY, 0666);
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
  if (!S_ISREG(info.st_mode)) ::fcntl(file.fd(), F_SETFL, O_APPEND);
  return file;
}

void Output::refuse_second_name(const File& file) const {
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) fail(path_);
  if (S_ISREG(info.st_mode) && info.st_nlink > 1 && !is_system_path(path_))
    throw std::runtime_error(path_ + ": has a second name (hard link); logging into it is refused");
}

void Output::use(File file) {
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) fail(path_);
  id_ = file_id(file.fd());
  is_regular_ = !is_standard_output_ && S_ISREG(info.st_mode);
  file_ = std::move(file);
  if (is_regular_) show_presence(true);
}

// Whether names mean other files since (chroot): the file is known by its descriptor alone then.
bool Output::has_other_root() const {
  const auto now = file_id(std::string("/"));
  return now && root_ && *now != *root_;
}

// The program may have closed the descriptor, and have another file under its number. Where another
// file has come under the log file's name since, that is written if names are followed.
void Output::restore() {
  if (file_.is_intact()) return;
  const bool may_move = follows_name_ && is_regular_ && !has_other_root();
  if (may_move) std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  File file = open_path();
  if (file_id(file.fd()) != id_) {
    errno = EBADF;
    if (!may_move) fail(path_);
    refuse_second_name(file);
    is_another_ = true;
  }
  use(std::move(file));
}

// Without locks, on some network's file systems, rows of several processes may be torn: one process
// is to write the file then.
bool Output::acquire(std::chrono::milliseconds patience) {
  restore();
  if (!has_locks_) return true;
  try {
    return file_.lock(patience);
  } catch (const std::system_error& error) {
    const int number = error.code().value();
    if (number == EBADF) return false;  // closed just now: the next try opens it again
    if (number != ENOLCK && number != EOPNOTSUPP && number != ENOSYS && number != EINVAL) throw;
    has_locks_ = false;
    report(path_ + ": its file system has no locks (" + describe_errno(number) +
           "); only one process may log to it");
    return true;
  }
}

void Output::release() {
  if (has_locks_ && file_.is_intact()) file_.unlock();
}

// Renamed (rotation) or removed, perhaps with its folder: goes on in a new file under the name.
void Output::follow_rename(Session& session) {
  if (!follows_name_) return;
  if (is_another_) return move(session);
  struct stat ours{};
  struct stat named{};
  if (::fstat(file_.fd(), &ours) != 0) fail(path_);
  const int error = ::stat(path_.c_str(), &named) == 0 ? 0 : errno;
  if (error == 0 && ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) return;
  if (has_other_root()) return;
  if (error != 0 && error != ENOENT && error != ENOTDIR && ours.st_nlink != 0) {
    return;  // no way to look: the process may have given up its rights
  }
  File before = std::exchange(file_, File());
  const FileId id_before = id_;
  try {
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
    open();
    if (!acquire(kPatience)) fail_busy(path_);
    move(session);
  } catch (const std::system_error& error) {
    file_ = std::move(before);
    id_ = id_before;
    if (ours.st_nlink == 0 || !is_lack(error.code().value())) throw;
  } catch (...) {
    file_ = std::move(before);
    id_ = id_before;
    throw;
  }
}

// The open file is the log file from now on.
void Output::move(Session& session) {
  if (ledger_) move_session(session);
  is_another_ = false;
  end_.reset();
}

void Output::move_session(Session& session) {
  const FileId now = id();
  const std::string old = folder_;
  if (moves_) {
    const LockedFolder to = lock_log_folder(place_of(old), path_.substr(path_.rfind('/') + 1), now);
    if (session.move(to.path, known_in(to.path, now))) folder_ = to.path;
    named_ = path_;
    ledger_ = std::make_unique<Ledger>(folder_, named_);
  }
  session.header().file = known_in(folder_, now);
  if (folder_ != old) tidy(old);
  if (const SettleResult settled = finish_dead(); !settled.message.empty()) report(settled.message);
}

SettleResult Output::finish_dead() {
  return ledger_ ? attolog::settle(folder_, path_, *ledger_, file_.fd()) : SettleResult{};
}

// Others have written since, or the file is new here: one that was killed may have left a torn
// record, and be known to no ledger that is seen from here.
std::string Output::torn_end(const Session& session, std::uint64_t size) const {
  const auto format = static_cast<Format>(session.header().format);
  if (end_ == size || size == 0) return "";
  return torn_record_end(format, file_.fd(), end_ && *end_ < size ? *end_ : 0, size);
}

Output::Result Output::write_all(std::string_view bytes) {
  Result result;
  if (!file_.is_intact()) {
    result.error = EBADF;
    return result;
  }
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

// Behind the last byte that was written. Other programs may have appended since the file's size was
// looked at: the descriptor knows better.
std::optional<std::uint64_t> Output::position() const {
  const off_t end = ::lseek(file_.fd(), 0, SEEK_CUR);
  return end < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(end));
}

Output::Result Output::append(Session& session, std::uint64_t batch, std::string_view bytes,
                              const std::function<void()>& prepare) {
  Result result;
  std::string message;
  bool is_locked = false;
  bool is_intent_open = false;  // our intent is open
  try {
    if (!is_regular_) {
      restore();
      prepare();
      result = write_all(bytes);
      if (result.error == 0) session.commit(batch);
      return result;
    }
    is_locked = acquire(kPatience);
    if (!is_locked) fail_busy(path_);
    follow_rename(session);
    message = finish_dead().message;
    struct stat info{};
    if (::fstat(file_.fd(), &info) != 0) fail(path_);
    auto offset = static_cast<std::uint64_t>(info.st_size);
    if (const std::string end = torn_end(session, offset); !end.empty()) {
      if (write_all(end).error == 0) offset += end.size();
    }
    prepare();
    if (ledger_ && !session.name().empty()) {
      is_intent_open = true;
      session.stage(bytes);
      ledger_->open({session.file_name(), batch, known_in(folder_, id()), offset, bytes.size(),
                     crc32c(bytes)});
    }
    result = write_all(bytes);
    if (result.error == EBADF) {
      // The program has closed it, and the lock is gone: others may have finished the batch.
      is_locked = false;
      is_locked = acquire(kPatience);
      if (is_locked) finish_reopened(session, batch, bytes, is_intent_open, result);
    }
    if (result.error == 0) {
      session.commit(batch);
      end_ = position();
    } else {
      if (result.written != 0) message = truncate_failed(offset, bytes.substr(0, result.written));
      end_.reset();
    }
    if (is_intent_open) ledger_->close();
  } catch (const std::system_error& error) {
    if (is_intent_open) ledger_->close();
    result.error = error.code().value();
    if (result.is_busy()) message = path_ + ": " + holder();
  } catch (const std::runtime_error& error) {  // what is now under the name is refused
    if (is_intent_open) ledger_->close();
    result.error = EPERM;
    message = error.what();
  } catch (...) {                          // no memory
    if (is_intent_open) ledger_->close();  // we live, and try again
    if (is_locked) release();
    throw;
  }
  if (is_locked) release();
  result.message = std::move(message);
  return result;
}

// Writes what is missing of a batch whose file was closed meanwhile, and is open again.
void Output::finish_reopened(const Session& session, std::uint64_t batch, std::string_view bytes,
                             bool is_intent_open, Result& result) {
  if (is_intent_open) {
    finish_dead();  // as if we had died
    if (session.committed() >= batch) result = {bytes.size(), 0, ""};
  } else if (!is_another_) {
    const std::size_t before = result.written;
    result = write_all(bytes.substr(before));
    result.written += before;
  }
}

// Takes back what was written of a batch that failed, if it is still the end of the file.
std::string Output::truncate_failed(std::uint64_t from, std::string_view written) {
  struct stat info{};
  std::string there(written.size(), '\0');
  const bool is_end = ::fstat(file_.fd(), &info) == 0 &&
                      static_cast<std::uint64_t>(info.st_size) == from + written.size() &&
                      read_at(file_.fd(), there.data(), there.size(), from) && there == written;
  if (is_end && ::ftruncate(file_.fd(), static_cast<off_t>(from)) == 0) return "";
  return path_ + (is_end ? ": ends in the middle of a record and cannot be shortened"
                         : ": another program wrote behind a record that was torn; both are kept");
}

// The lock, if it is to be had.
class Output::ScopedLock {
 public:
  ScopedLock(Output& output, std::chrono::milliseconds patience)
      : output_(output), is_held_(output.acquire(patience)) {}
  ScopedLock(const ScopedLock&) = delete;
  ScopedLock& operator=(const ScopedLock&) = delete;
  ~ScopedLock() {
    if (is_held_) output_.release();
  }
  explicit operator bool() const { return is_held_; }

 private:
  Output& output_;
  bool is_held_;
};

std::optional<SettleResult> Output::settle(std::chrono::milliseconds patience) {
  if (!is_regular_ || !ledger_) return SettleResult{};
  const ScopedLock lock(*this, patience);
  return lock ? std::optional(finish_dead()) : std::nullopt;
}

std::string Output::holder() const {
  const int pid = file_.lock_holder();
  return (pid > 0 ? "process " + std::to_string(pid) : "another process") + " holds its lock";
}

// ---- the file's memory --------------------------------------------------------------------------

FileMemory::Location Output::memory_location() const {
  const bool has_folder = !folder_.empty();
  return {file_.fd(), path_, has_folder ? file_about(folder_, named_, kMemorySuffix) : ""};
}

std::string Output::read_memory() {
  restore();
  return memory_.read(memory_location());
}

bool Output::add_memory(std::string_view text) {
  if (!is_regular_) return true;
  const ScopedLock lock(*this, kPatience);
  if (!lock) fail_busy(path_);
  return memory_.add(memory_location(), text);
}

void Output::clear_memory() {
  memory_.clear(memory_location());
}

// ---- beginning and end --------------------------------------------------------------------------

bool Output::is_empty() const {
  struct stat info{};
  return ::fstat(file_.fd(), &info) == 0 && info.st_size == 0;
}

void Output::sync() {
  if (file_.is_intact()) ::fdatasync(file_.fd());
}

bool Output::truncate(std::chrono::milliseconds patience, const std::function<bool()>& may) {
  const ScopedLock lock(*this, patience);
  if (!lock || !may()) return false;
  if (::ftruncate(file_.fd(), 0) != 0) fail(path_);
  clear_memory();
  return true;
}

bool Output::close_torn_record(Format format, std::chrono::milliseconds patience) {
  if (!is_regular_) return true;
  const ScopedLock lock(*this, patience);
  struct stat info{};
  if (lock && ::fstat(file_.fd(), &info) == 0) {
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const std::string end = torn_record_end(format, file_.fd(), 0, size);
    if (write_all(end).error == 0) end_ = end.empty() ? size : position();
  }
  return static_cast<bool>(lock);
}

// A process that logs to the file has a lock on a byte far behind its end, beside that for writing.
// So all can see each other, whatever place and user they have.
void Output::show_presence(bool is_here) const {
#if defined(F_OFD_SETLK)
  struct flock mark = presence(is_here ? F_RDLCK : F_UNLCK);
  ::fcntl(file_.fd(), F_OFD_SETLK, &mark);
#else
  (void)is_here;
#endif
}

bool Output::is_shared() const {
#if defined(F_OFD_GETLK)
  struct flock mark = presence(F_WRLCK);
  return ::fcntl(file_.fd(), F_OFD_GETLK, &mark) == 0 && mark.l_type != F_UNLCK;
#else
  return false;
#endif
}

void Output::renew_in_child() {
  if (!is_regular_ || !file_.is_intact()) return;
  const std::string ours = "/proc/self/fd/" + std::to_string(file_.fd());
  File own = File::open(ours, O_RDWR | O_APPEND | O_CLOEXEC);
  if (!own) own = File::open(ours, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (own) {
    file_ = std::move(own);
  } else {
    has_locks_ = false;  // its parent's, which has given up its rights; so is the lock
  }
}

}  // namespace attolog
