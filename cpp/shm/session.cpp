#include "shm/session.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>

#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "shm/checkpoint.hpp"

namespace attolog {

namespace {

constexpr std::size_t kSiteStep = 64 * 1024;
constexpr std::size_t kBatchStep = 64 * 1024;
// The most that a call may spill: max_record, and the room of its encoding. More is damage.
constexpr std::uint64_t kMostSpill = std::uint64_t{2} << 30;
constexpr std::size_t kMostBatch = std::size_t{4}
                                   << 20;  // larger ones are rare; their room is not kept

template <std::size_t N>
void copy_text(char (&to)[N], const std::string& from) {
  if (from.size() >= N) throw std::invalid_argument(from + ": too long");
  std::memcpy(to, from.c_str(), from.size() + 1);
}

template <std::size_t N>
std::string text_of(const char (&from)[N]) {
  return {from, ::strnlen(from, N)};
}

std::string boot_id() {
  const std::string id = read_system_file("/proc/sys/kernel/random/boot_id");
  return id.substr(0, std::min(id.find('\n'), sizeof SessionHeader::boot_id - 1));
}

// Names come from files that may be damaged: only what we would have made ourselves is believed.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

}  // namespace

std::unique_ptr<Session> Session::create(const std::string& folder, const LogTarget& target) {
  std::unique_ptr<Session> session(new Session());
  const std::size_t size = kHeader + kSiteStep;
  std::string fresh;
  if (folder.empty()) {
    session->mapping_ = Mapping::memory(kHeader + kSiteRoom);
  } else {
    session->folder_ = folder;
    session->name_ = std::to_string(::getpid()) + "-" + random_hex();
    // No process may find it before it is locked, or it would look dead.
    fresh = folder + "/." + session->name_;
    session->lock_ = create_file(fresh, size);
    if (!session->lock_.try_lock()) throw std::runtime_error(fresh + ": is locked by another");
    session->mapping_ = Mapping::private_of(session->lock_.fd(), kHeader + kSiteRoom, true);
  }
  session->site_room_ = kSiteStep;
  auto* header = new (session->mapping_.data()) SessionHeader{};
  header->pid = static_cast<std::uint32_t>(::getpid());
  header->started_ns = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME));
  header->format = target.format;
  header->digits = target.digits;
  header->columns = target.columns;
  header->weight = target.weight;
  header->run_id = target.run_id;
  header->file = target.file;
  copy_text(header->path, target.path);
  copy_text(header->pattern, target.pattern);
  copy_text(header->boot_id, boot_id());
  header->magic = SessionHeader::kMagic;
  if (!folder.empty()) {
    const std::string path = folder + "/" + session->file_name();
    if (::rename(fresh.c_str(), path.c_str()) != 0) fail(path);
  }
  return session;
}

std::unique_ptr<Session> Session::open(const std::string& folder, const std::string& name,
                                       Access access) {
  if (!is_plain_name(name) || !name.ends_with(kSessionSuffix)) return nullptr;
  std::unique_ptr<Session> session(new Session());
  session->folder_ = folder;
  session->name_ = name.substr(0, name.size() - kSessionSuffix.size());
  const bool writes = access != Access::read;
  const std::string path = folder + "/" + name;
  session->lock_ =
      File::open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (!session->lock_) {
    if (errno == ENOENT) return nullptr;
    fail(path);
  }
  if (access == Access::claim && !session->lock_.try_lock()) return nullptr;
  struct stat info{};
  if (::fstat(session->lock_.fd(), &info) != 0) fail(path);
  const auto size = static_cast<std::size_t>(info.st_size);
  if (info.st_nlink == 0) return nullptr;  // another recovery was quicker
  if (size >= kHeader) session->mapping_ = Mapping::private_of(session->lock_.fd(), size, writes);
  const bool is_known = size >= kHeader && (session->header().magic == SessionHeader::kMagic ||
                                            session->header().magic == SessionHeader::kMagicBefore);
  if (!is_known) {
    if (access != Access::claim) return nullptr;
    throw DamagedFile(path + ": is damaged, or of another version; left alone");
  }
  session->site_room_ = size - kHeader;
  if (access == Access::claim) session->header().is_claimed.store(true, std::memory_order_relaxed);
  return session;
}

LogTarget Session::target() const {
  const SessionHeader& h = header();
  return {text_of(h.path), h.format, h.digits, h.columns, text_of(h.pattern),
          h.run_id,        h.pid,    h.weight, h.file};
}

std::string Session::folder() const {
  const std::lock_guard lock(folder_mutex_);
  return folder_;
}

bool Session::is_of_other_start() const {
  return text_of(header().boot_id) != boot_id();
}

std::string_view Session::sites() const {
  // acquire: pairs with append_sites.
  const std::uint64_t size = header().site_bytes.load(std::memory_order_acquire);
  return {mapping_.data() + kHeader, std::min<std::uint64_t>(size, mapping_.size() - kHeader)};
}

bool Session::append_sites(std::string_view encoded) {
  const std::uint64_t used = header().site_bytes.load(std::memory_order_relaxed);
  const std::uint64_t wanted = used + encoded.size();
  if (wanted > kSiteRoom) return false;
  if (wanted > site_room_) {
    const std::size_t room = (wanted + kSiteStep - 1) / kSiteStep * kSiteStep;
    try {
      if (!name_.empty() && !restore_lock()) return false;
      if (!name_.empty()) allocate(lock_.fd(), kHeader, room);
    } catch (const std::system_error&) {
      return false;
    }
    site_room_ = room;
  }
  if (!encoded.empty()) {
    std::memcpy(mapping_.data() + kHeader + used, encoded.data(), encoded.size());
  }
  // release: the sites are complete before any record names them.
  header().site_bytes.store(wanted, std::memory_order_release);
  return true;
}

// The program may have closed it. The mapping has held the lock since, where systems do it so.
bool Session::restore_lock() {
  if (lock_.is_intact()) return true;
  if (!lock_.restore(path_of(std::string(kSessionSuffix)), O_RDWR | O_CLOEXEC | O_NOFOLLOW))
    return false;
  lock_.try_lock();
  return true;
}

std::string Session::ring_path(std::uint32_t index) const {
  if (name_.empty()) return "";
  return path_of("." + std::to_string(index) + std::string(kRingSuffix));
}

std::uint64_t Session::spill(std::string_view values) {
  const std::uint64_t number = spills_.fetch_add(1, std::memory_order_relaxed);
  if (name_.empty()) {
    const std::lock_guard lock(folder_mutex_);
    memory_spills_.emplace(number, values);
    return number;
  }
  const File file = create_file(spill_path(number), values.size());
  std::size_t done = 0;
  while (done < values.size()) {
    const ssize_t n =
        ::pwrite(file.fd(), values.data() + done, values.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      remove_spill(number);
      errno = error;
      fail(folder());
    }
    done += static_cast<std::size_t>(n);
  }
  return number;
}

std::optional<std::string_view> Session::read_spill(std::uint64_t number, std::uint64_t size,
                                                    Arena& arena) const {
  // Memory is taken once that much is known to be there: the size may be damaged.
  if (name_.empty()) {
    const std::lock_guard lock(folder_mutex_);
    const auto kept = memory_spills_.find(number);
    if (kept == memory_spills_.end() || kept->second.size() < size) return std::nullopt;
    char* const to = arena.allocate(size);
    return std::string_view(to, kept->second.copy(to, size));
  }
  const File file = File::open_if_there(spill_path(number));
  struct stat info{};
  if (!file || size > kMostSpill || ::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode) ||
      static_cast<std::uint64_t>(info.st_size) < size) {
    return std::nullopt;
  }
  char* const to = arena.allocate(size);
  if (!read_at(file.fd(), to, size, 0)) return std::nullopt;
  return std::string_view(to, size);
}

void Session::remove_spill(std::uint64_t number) const noexcept try {
  if (name_.empty()) {
    const std::lock_guard lock(folder_mutex_);
    memory_spills_.erase(number);
  } else {
    ::unlink(spill_path(number).c_str());
  }
} catch (const std::bad_alloc&) {
  return;
}

std::string Session::spill_path(std::uint64_t number) const {
  return path_of("." + std::to_string(number) + ".spill");
}

std::string Session::circular_buffer_path(std::uint32_t index) const {
  if (name_.empty()) return "";
  return path_of("." + std::to_string(index) + std::string(kCircularBufferSuffix));
}

std::string Session::stats_path() const {
  return name_.empty() ? "" : path_of(".stats");
}

std::vector<std::string> Session::paths_of(std::string_view suffix) const {
  std::vector<std::string> paths;
  if (name_.empty()) return paths;
  const std::string where = folder();
  for (const std::string& file : list_files(where, suffix)) {
    if (file.starts_with(name_ + ".")) paths.push_back(where + "/" + file);
  }
  return paths;
}

// Names of all that belongs to it, itself left out.
std::vector<std::string> Session::own_files() const {
  std::vector<std::string> files = list_files(folder(), "");
  std::erase_if(files, [this](const std::string& file) {
    return file == file_name() || !file.starts_with(name_ + ".");
  });
  return files;
}

bool Session::stage(std::string_view bytes) {
  if (name_.empty()) return true;
  try {
    const bool is_wasteful = batch_.size() > kMostBatch && bytes.size() <= kMostBatch;
    if (bytes.size() > batch_.size() || is_wasteful) {
      if (!batch_file_.is_intact()) {
        batch_file_ =
            File::open(path_of(".batch"), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (!batch_file_) return false;
      }
      const std::size_t room = (bytes.size() + kBatchStep - 1) / kBatchStep * kBatchStep;
      batch_ = {};
      if (is_wasteful && ::ftruncate(batch_file_.fd(), static_cast<off_t>(room)) != 0) return false;
      allocate(batch_file_.fd(), 0, room);
      batch_ = Mapping::private_of(batch_file_.fd(), room, true);
    }
  } catch (const std::system_error&) {
    return false;
  }
  std::memcpy(batch_.data(), bytes.data(), bytes.size());
  return true;
}

std::optional<std::string> Session::staged(std::uint64_t size, std::uint32_t checksum) const {
  const File file = File::open_if_there(path_of(".batch"));
  struct stat info{};
  if (!file || ::fstat(file.fd(), &info) != 0 || size > static_cast<std::uint64_t>(info.st_size))
    return std::nullopt;
  std::string bytes(size, '\0');
  if (!read_at(file.fd(), bytes.data(), size, 0) || crc32c(bytes) != checksum) return std::nullopt;
  return bytes;
}

bool Session::move(const std::string& to, const FileId& file) {
  const std::string from = folder();
  if (from == to) return true;
  const auto link = [&](const std::string& name) {
    return ::link((from + "/" + name).c_str(), (to + "/" + name).c_str()) == 0;
  };
  std::vector<std::string> files = own_files();
  // The session last: it is there once all is that it needs.
  files.push_back(file_name());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (link(files[i])) continue;
    while (i > 0) ::unlink((to + "/" + files[--i]).c_str());
    return false;
  }
  header().file = file;
  {
    const std::lock_guard lock(folder_mutex_);
    folder_ = to;
  }
  for (auto name = files.rbegin(); name != files.rend(); ++name)
    ::unlink((from + "/" + *name).c_str());
  // Callers may have put something beside it meanwhile.
  for (const std::string& name : list_files(from, "")) {
    if (!name.starts_with(name_ + ".")) continue;
    if (link(name)) ::unlink((from + "/" + name).c_str());
  }
  return true;
}

std::uint64_t Session::reported() const {
  const SessionHeader& h = header();
  // acquire: pairs with prepare_batch.
  const std::uint64_t batch = h.pending_batch.load(std::memory_order_acquire);
  return batch != 0 && batch <= committed() ? h.pending_reported.load(std::memory_order_relaxed)
                                            : h.reported.load(std::memory_order_relaxed);
}

void Session::prepare_batch(std::uint64_t batch, std::uint64_t records,
                            std::uint64_t reported_then) {
  SessionHeader& h = header();
  h.reported.store(reported(), std::memory_order_relaxed);
  h.pending_batch.store(0, std::memory_order_relaxed);  // a kill in here leaves nothing pending
  std::atomic_signal_fence(std::memory_order_seq_cst);
  h.pending_reported.store(reported_then, std::memory_order_relaxed);
  h.pending_records.store(records, std::memory_order_relaxed);
  h.pending_batch.store(batch, std::memory_order_release);  // pairs with reported
}

void Session::drop(std::uint64_t n) {
  SessionHeader& h = header();
  Ticks none = 0;
  h.dropped_since.compare_exchange_strong(none, now_ticks(), std::memory_order_relaxed);
  h.dropped.fetch_add(n, std::memory_order_relaxed);
}

bool Session::is_alive() const {
  File file = File::open(folder() + "/" + file_name(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  return file && !header().is_claimed.load(std::memory_order_relaxed) && !file.try_lock_shared();
}

bool Session::is_removed() const {
  if (name_.empty()) return false;
  struct stat named{};
  if (::stat((folder() + "/" + file_name()).c_str(), &named) != 0) return errno == ENOENT;
  return lock_.inode() != named.st_ino || lock_.device() != named.st_dev;
}

void Session::remove() {
  if (name_.empty()) return;
  const std::string where = folder();
  // A kill in between leaves nothing that refers to a removed file. Circular buffers go before the
  // spill files that they refer to, and the older state of statistics before the last one.
  for (const std::string& path : circular_buffer_paths()) ::unlink(path.c_str());
  Checkpoint(stats_path()).remove();
  for (const std::string& file : own_files()) ::unlink((where + "/" + file).c_str());
  ::unlink((where + "/" + file_name()).c_str());
}

}  // namespace attolog
