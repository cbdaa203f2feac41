#include "shm/checkpoint.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/checksum.hpp"

namespace attolog {

namespace {

// All groups and fields that an aggregator keeps, at their largest. More is damage.
constexpr std::uint64_t kMaxState = std::uint64_t{1} << 30;

bool write_all(int fd, const void* bytes, std::size_t size, off_t at) {
  const char* from = static_cast<const char*>(bytes);
  while (size != 0) {
    const ssize_t n = ::pwrite(fd, from, size, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from += n;
    size -= static_cast<std::size_t>(n);
    at += n;
  }
  return true;
}

}  // namespace

File& Checkpoint::open(std::size_t index) {
  File& file = files_[index];
  if (!file.is_intact())
    file = File::open(slot(index), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  return file;
}

bool Checkpoint::prepare(std::uint64_t batch, std::string_view state) {
  if (path_.empty()) return true;
  const File& file = open(next_);
  if (!file) return false;
  // The header last: until then the file is that of an older batch, or of one that is damaged.
  const Header header{batch, state.size(), crc32c(state)};
  return write_all(file.fd(), state.data(), state.size(), sizeof header) &&
         write_all(file.fd(), &header, sizeof header, 0);
}

std::optional<std::string> Checkpoint::read(std::uint64_t committed_batch) {
  std::optional<std::string> best;
  std::uint64_t newest = 0;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const File file = File::open_if_there(slot(i));
    Header header{};
    struct stat info{};
    if (!file || !read_at(file.fd(), reinterpret_cast<char*>(&header), sizeof header, 0) ||
        ::fstat(file.fd(), &info) != 0 || header.batch > committed_batch || header.batch < newest ||
        header.size > kMaxState ||
        header.size > static_cast<std::uint64_t>(info.st_size) - sizeof header) {
      continue;
    }
    std::string state(header.size, '\0');
    if (!read_at(file.fd(), state.data(), state.size(), sizeof header) ||
        crc32c(state) != header.checksum) {
      continue;
    }
    newest = header.batch;
    best = std::move(state);
    next_ = 1 - i;
  }
  return best;
}

void Checkpoint::remove() {
  if (path_.empty()) return;
  std::array<std::uint64_t, 2> batches{};
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const File file = File::open(slot(i), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    Header header{};
    if (file && read_at(file.fd(), reinterpret_cast<char*>(&header), sizeof header, 0))
      batches[i] = header.batch;
  }
  const std::size_t older = batches[0] <= batches[1] ? 0 : 1;
  ::unlink(slot(older).c_str());
  ::unlink(slot(1 - older).c_str());
}

}  // namespace attolog
