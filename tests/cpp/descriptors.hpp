// What a program does to descriptors that are not its own.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace descriptors {

// All that are open, but for the standard streams.
inline std::vector<int> all() {
  std::vector<int> numbers;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(each.path().filename());
    if (fd > STDERR_FILENO) numbers.push_back(fd);
  }
  std::erase_if(numbers, [](int fd) { return ::fcntl(fd, F_GETFD) < 0; });  // the listing's own
  return numbers;
}

inline void close_all() {
  for (const int fd : all()) ::close(fd);
}

// A file of the program's own under all numbers that were open, as if it had got them again.
class TakenOver {
 public:
  explicit TakenOver(const std::string& path) : numbers_(all()) {
    const int own = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (const int fd : numbers_) ::dup2(own, fd);
    ::close(own);
  }
  TakenOver(const TakenOver&) = delete;
  TakenOver& operator=(const TakenOver&) = delete;
  ~TakenOver() {
    for (const int fd : numbers_) ::close(fd);
  }
  bool is_open() const {
    for (const int fd : numbers_) {
      if (::fcntl(fd, F_GETFD) < 0) return false;
    }
    return !numbers_.empty();
  }

 private:
  std::vector<int> numbers_;
};

}  // namespace descriptors
