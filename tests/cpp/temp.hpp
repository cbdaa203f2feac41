// Folders that go away, and processes that die: what the tests of the core and the writer share.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace temp {

class Folder {
 public:
  Folder() {
    const char* const parent = std::getenv("TMPDIR");
    path_ = std::string(parent != nullptr ? parent : P_tmpdir) + "/attolog-test-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
    path_ = std::filesystem::canonical(path_).string();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// The sentences that were logged to a CSV file, without their times.
inline std::vector<std::string> sentences_of(const std::string& path) {
  constexpr std::string_view kLog = ",LOG,";
  std::vector<std::string> texts;
  for (const std::string& line : lines_of(path)) {
    const std::size_t at = line.find(kLog);
    if (at != std::string::npos) texts.push_back(line.substr(at + kLog.size()));
  }
  return texts;
}

// What `action` throws, in words; "" if it does not.
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

// Runs `action` in a child process that ends without any clean-up, as if it were killed. The
// parent's part of what it shares with the child goes on meanwhile.
template <class Action>
pid_t start_child(const Action& action) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  try {
    action();
  } catch (...) {
    ::_exit(99);
  }
  ::_exit(0);
}

// Waits for the child; its wait status, 0 if it ran to its end.
inline int wait_for(pid_t pid) {
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

template <class Action>
int in_child(const Action& action) {
  return wait_for(start_child(action));
}

// A pipe that two processes wait for each other with.
struct Signal {
  Signal() {
    if (::pipe(ends) != 0) std::abort();
  }
  ~Signal() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void send() const {
    if (::write(ends[1], "!", 1) != 1) std::abort();
  }
  void wait() const {
    char got = 0;
    if (::read(ends[0], &got, 1) != 1) std::abort();
  }
  int ends[2];
};

}  // namespace temp
