// What a program does to descriptors that are not its own.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
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

// How many descriptors the process may have, for as long as it lives.
class Limit {
 public:
  explicit Limit(rlim_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit now{most, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  ~Limit() {
    for (const int fd : taken_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  void use_up() {
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(fd);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

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
