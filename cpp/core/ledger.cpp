#include "core/ledger.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "core/checksum.hpp"
#include "core/session.hpp"

namespace attolog {

struct Ledger::Page {
  // release: the intent below is complete; acquired by whoever settles it. 0: closed, also in a new
  // file.
  std::atomic<std::uint32_t> open;
  std::uint32_t checksum;
  std::uint64_t batch;
  std::uint64_t device;
  std::uint64_t inode;
  std::int64_t born;  // inode numbers are used again at once
  std::uint64_t offset;
  std::uint64_t length;
  char session[256];
};

namespace {

// When the file was made, in ns; 0 where that is not known.
std::int64_t birth_of(int fd) {
#if defined(__linux__)
  struct statx info{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &info) == 0 &&
      (info.stx_mask & STATX_BTIME) != 0) {
    return info.stx_btime.tv_sec * 1'000'000'000 + info.stx_btime.tv_nsec;
  }
#endif
  return 0;
}

// CRC of [offset, offset + length) of a file; false if it is not all there.
bool checksum_of(int fd, std::uint64_t offset, std::uint64_t length, std::uint32_t& crc) {
  std::vector<char> piece(std::size_t{1} << 16);
  crc = 0;
  while (length > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, piece.size()));
    const ssize_t n = ::pread(fd, piece.data(), wanted, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    crc = crc32c({piece.data(), static_cast<std::size_t>(n)}, crc);
    offset += static_cast<std::uint64_t>(n);
    length -= static_cast<std::uint64_t>(n);
  }
  return true;
}

}  // namespace

bool Ledger::is_its_file(const Page& page, int log_fd) {
  struct stat info{};
  return ::fstat(log_fd, &info) == 0 && info.st_dev == page.device && info.st_ino == page.inode &&
         birth_of(log_fd) == page.born;
}

bool Ledger::is_complete(const Page& page, int log_fd) {
  std::uint32_t crc = 0;
  return checksum_of(log_fd, page.offset, page.length, crc) && crc == page.checksum;
}

std::optional<Ledger::Intent> Ledger::look(const std::string& folder, const std::string& log_path) {
  const std::string path =
      folder + log_path.substr(log_path.rfind('/')) + std::string(kLedgerSuffix);
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const File log(::open(log_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info{};
  if (!file || !log || ::fstat(file.fd(), &info) != 0 ||
      static_cast<std::size_t>(info.st_size) < sizeof(Page)) {
    return std::nullopt;
  }
  const Mapping mapping = Mapping::private_of(file.fd(), sizeof(Page), false);
  const Page& page = *reinterpret_cast<const Page*>(mapping.data());
  if (page.open.load(std::memory_order_acquire) == 0 || !is_its_file(page, log.fd())) {
    return std::nullopt;
  }
  const std::string session(page.session, ::strnlen(page.session, sizeof page.session));
  return Intent{session, page.batch, page.offset, is_complete(page, log.fd())};
}

Ledger::Ledger(std::string folder, std::string log_path)
    : folder_(std::move(folder)), log_path_(std::move(log_path)) {
  path_ = folder_ + "/" + log_path_.substr(log_path_.rfind('/') + 1) + std::string(kLedgerSuffix);
  open();
}

void Ledger::open() {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  File file(::open(path_.c_str(), kFlags, 0600));
  if (!file && errno == ENOENT) {
    // Somebody has cleared the folder away. What is mapped lives on, so logging does too.
    ::mkdir(folder_.substr(0, folder_.rfind('/')).c_str(), 0700);
    ::mkdir(folder_.c_str(), 0700);
    file = File(::open(path_.c_str(), kFlags, 0600));
  }
  if (!file) fail(path_);
  allocate(file.fd(), 0, kPage);
  mapping_ = Mapping::private_of(file.fd(), kPage, true);
  file_ = std::move(file);  // last: after a failure the one before still serves
}

std::string Ledger::acquire() {
  for (;;) {
    lock(file_.fd());
    // The last user of a folder removes its ledger: then there may be a new one under the name.
    struct stat ours{};
    struct stat named{};
    if (::fstat(file_.fd(), &ours) == 0 && ::stat(path_.c_str(), &named) == 0 &&
        ours.st_ino == named.st_ino && ours.st_dev == named.st_dev) {
      break;
    }
    open();
  }
  // acquire: pairs with intend.
  if (page().open.load(std::memory_order_acquire) == 0) return "";
  try {
    return settle();
  } catch (...) {
    release();
    throw;
  }
}

void Ledger::release() {
  unlock(file_.fd());
}

void Ledger::intend(const Session& session, std::uint64_t batch, int log_fd, std::uint64_t offset,
                    std::string_view bytes) {
  struct stat info{};
  if (::fstat(log_fd, &info) != 0) fail(log_path_);
  Page& p = page();
  p.checksum = crc32c(bytes);
  p.batch = batch;
  p.device = info.st_dev;
  p.inode = info.st_ino;
  p.born = birth_of(log_fd);
  p.offset = offset;
  p.length = bytes.size();
  const std::string name = session.name() + std::string(kSessionSuffix);
  std::memcpy(p.session, name.c_str(), std::min(name.size() + 1, sizeof p.session));
  p.open.store(1, std::memory_order_release);
}

void Ledger::close_intent() {
  // release: what the intent led to is stored before it is gone.
  page().open.store(0, std::memory_order_release);
}

std::string Ledger::settle() {
  Page& p = page();
  std::string said;
  const File log(::open(log_path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat info{};
  if (log && ::fstat(log.fd(), &info) == 0 && is_its_file(p, log.fd())) {
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (is_complete(p, log.fd())) {
      p.session[sizeof p.session - 1] = '\0';
      // Only the header is touched, and its owner is dead: it would have closed the intent itself.
      if (const auto session = Session::open(folder_, p.session, Session::Access::settle)) {
        session->commit(p.batch);
      }
    } else if (size <= p.offset + p.length) {
      if (size > p.offset && ::ftruncate(log.fd(), static_cast<off_t>(p.offset)) != 0)
        fail(log_path_);
    } else {
      said = "another program wrote into " + log_path_ +
             " while a record was being written; both are kept";
    }
  }
  close_intent();
  return said;
}

}  // namespace attolog
