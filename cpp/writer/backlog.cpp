#include "writer/backlog.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace attolog {

namespace {

// Before each text in the file.
struct Frame {
  std::uint64_t stream;
  std::uint64_t size;
};

File unnamed_file(const std::string& folder) {
#if defined(O_TMPFILE)
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
  if (fd >= 0) return File(fd);
#endif
  std::string path = folder + "/attolog-XXXXXX";
  File file(::mkostemp(path.data(), O_CLOEXEC));
  if (file) ::unlink(path.c_str());
  return file;
}

File temporary_file() {
  const char* const wanted = std::getenv("TMPDIR");
  for (const char* const folder : {wanted, "/var/tmp", "/tmp"}) {
    if (folder == nullptr || *folder == '\0') continue;
    if (File file = unnamed_file(folder)) return file;
  }
  return File();
}

// All of it or nothing that counts.
bool read_all(int fd, char* to, std::size_t size, std::int64_t from) {
  while (size != 0) {
    const ssize_t n = ::pread(fd, to, size, from);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    from += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

bool write_all(int fd, std::string_view bytes, std::int64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += n;
  }
  return true;
}

}  // namespace

void Backlog::Pieces::add(int stream, std::string_view text) {
  if (empty() || back().stream != stream || back().text.size() >= kPiece) {
    push_back({stream, std::string(text)});
  } else {
    back().text += text;
  }
}

void Backlog::push(int stream, std::string_view text) {
  if (text.empty()) return;
  if (read_ == end_ && back_.empty() && bytes_ + text.size() <= most_) {
    front_.add(stream, text);
    bytes_ += text.size();
  } else if (!back_.empty() || !write_out(stream, text)) {
    back_.add(stream, text);
  }
}

bool Backlog::write_out(int stream, std::string_view text) {
  if (!file_ && !has_no_file_) {
    file_ = temporary_file();
    has_no_file_ = !file_;
  }
  if (!file_) return false;
  const Frame frame{static_cast<std::uint64_t>(stream), text.size()};
  const std::string_view head(reinterpret_cast<const char*>(&frame), sizeof frame);
  const auto start = end_ + static_cast<std::int64_t>(sizeof frame);
  if (!write_all(file_.fd(), head, end_) || !write_all(file_.fd(), text, start)) return false;
  end_ = start + static_cast<std::int64_t>(text.size());
  return true;
}

std::optional<Backlog::Piece> Backlog::take() {
  if (rest_) return std::exchange(rest_, std::nullopt);
  if (front_.empty()) read_back();
  if (front_.empty()) return std::nullopt;
  Piece piece = std::move(front_.front());
  front_.pop_front();
  bytes_ -= piece.text.size();
  return piece;
}

// What has been read of the file need not stay on the disk: a reader may lag behind for ever.
void Backlog::give_back() {
#if defined(FALLOC_FL_PUNCH_HOLE)
  if (read_ - given_back_ < kHole) return;
  ::fallocate(file_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, given_back_,
              read_ - given_back_);
  given_back_ = read_;
#endif
}

// The next piece, or what is behind the file.
void Backlog::read_back() {
  while (read_ != end_ && bytes_ < kPiece) {
    Frame frame{};
    std::string text;
    bool is_there = read_all(file_.fd(), reinterpret_cast<char*>(&frame), sizeof frame, read_);
    if (is_there) {
      text.resize(frame.size);
      const auto start = read_ + static_cast<std::int64_t>(sizeof frame);
      is_there = read_all(file_.fd(), text.data(), text.size(), start);
    }
    if (!is_there) {  // the disk is broken, and what is on it is lost
      read_ = end_;
      break;
    }
    front_.add(static_cast<int>(frame.stream), text);
    bytes_ += text.size();
    read_ += static_cast<std::int64_t>(sizeof frame + text.size());
  }
  give_back();
  if (read_ != end_) return;
  if (end_ != 0) {
    [[maybe_unused]] const int ignored = ::ftruncate(file_.fd(), 0);
    read_ = end_ = given_back_ = 0;
  }
  if (!front_.empty()) return;
  front_.swap(back_);
  for (const Piece& piece : front_) bytes_ += piece.text.size();
}

}  // namespace attolog
