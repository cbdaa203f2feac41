#include "console/backlog.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace attolog {

namespace {

// Before each text in a file.
struct Frame {
  std::uint64_t stream;
  std::uint64_t size;
};

File unnamed_file(const std::string& folder) {
#if defined(O_TMPFILE)
  if (File file = File::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600)) return file;
#endif
  std::string path = folder + "/attolog-XXXXXX";
  File file = File::open_by([&] { return ::mkostemp(path.data(), O_CLOEXEC); });
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

}  // namespace

void Backlog::Pieces::add(int stream, std::string_view text) {
  if (empty() || back().stream != stream || back().text.size() >= kPiece) {
    push_back({stream, std::string(text)});
  } else {
    back().text += text;
  }
}

Backlog::Segment::Segment(std::size_t size) {
  const File file = temporary_file();
  if (!file) fail("a file for waiting text");
  allocate(file.fd(), 0, size);
  mapping_ = Mapping::private_of(file.fd(), size, true);
}

bool Backlog::Segment::push(int stream, std::string_view text) {
  const Frame frame{static_cast<std::uint64_t>(stream), text.size()};
  if (mapping_.size() - end_ < sizeof frame + text.size()) return false;
  char* const to = mapping_.data() + end_;
  std::memcpy(to, &frame, sizeof frame);
  std::memcpy(to + sizeof frame, text.data(), text.size());
  end_ += sizeof frame + text.size();
  return true;
}

std::pair<int, std::string_view> Backlog::Segment::next() const {
  Frame frame{};
  std::memcpy(&frame, mapping_.data() + read_, sizeof frame);
  return {static_cast<int>(frame.stream), {mapping_.data() + read_ + sizeof frame, frame.size}};
}

void Backlog::Segment::pop_front() {
  read_ += sizeof(Frame) + next().second.size();
}

void Backlog::push(int stream, std::string_view text) {
  if (text.empty()) return;
  if (segments_.empty() && back_.empty() && bytes_ + text.size() <= most_) {
    front_.add(stream, text);
    bytes_ += text.size();
  } else if (!back_.empty() || !write_out(stream, text)) {
    back_.add(stream, text);
  }
}

bool Backlog::write_out(int stream, std::string_view text) {
  if (!segments_.empty() && segments_.back().push(stream, text)) return true;
  try {
    Segment segment(std::max(kSegment, sizeof(Frame) + text.size()));
    segment.push(stream, text);
    segments_.push_back(std::move(segment));
    return true;
  } catch (const std::system_error&) {
    return false;  // no folder, no room, no descriptor
  }
}

std::optional<Backlog::Piece> Backlog::pop() {
  if (rest_) return std::exchange(rest_, std::nullopt);
  if (front_.empty()) read_back();
  if (front_.empty()) return std::nullopt;
  Piece piece = std::move(front_.front());
  front_.pop_front();
  bytes_ -= piece.text.size();
  return piece;
}

// The next piece, or what is behind the files.
void Backlog::read_back() {
  while (!segments_.empty() && bytes_ < kPiece) {
    Segment& first = segments_.front();
    const auto [stream, text] = first.next();
    front_.add(stream, text);
    bytes_ += text.size();
    first.pop_front();
    if (first.is_read()) segments_.pop_front();
  }
  if (!segments_.empty() || !front_.empty()) return;
  front_.swap(back_);
  for (const Piece& piece : front_) bytes_ += piece.text.size();
}

}  // namespace attolog
