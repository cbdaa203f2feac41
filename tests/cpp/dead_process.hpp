// The files of a process that has died, to be damaged and put back over and over.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "core/folder.hpp"
#include "policies.hpp"
#include "temp.hpp"

namespace dead {

inline constexpr std::uint64_t kCommitted = 40;  // steps that are in the file, and
inline constexpr std::uint64_t kWaiting = 20;    // those that wait in the ring

// A program that wrote, counted and kept a record in each step. It has all kinds of mapped files:
// session, ring, spill file, box, ledger, two checkpoints.
class Process {
 public:
  explicit Process(const std::string& name = "run.csv") : disk_("old", name) {
    const int status = temp::in_child([&] {
      auto* program = std::make_unique<policies::Mixed>(disk_).release();
      for (int i = 0; i < 2; ++i) {  // a checkpoint in each of the two files
        program->steps(kCommitted / 2);
        program->sweep();
      }
      program->steps(kWaiting - 1);
      constexpr std::uint64_t kLastStep = kCommitted + kWaiting - 1;
      program->log_spilled(policies::kWritten, kLastStep, "spilled");
      program->log(policies::kCounted, kLastStep);
      program->log(policies::kKept, kLastStep);
    });
    if (status != 0) std::abort();
    files_ = read();
    log_ = temp::read_file(disk_.path());
  }

  const policies::Disk& disk() const { return disk_; }
  // What its log file held.
  const std::string& log() const { return log_; }
  // By their names in the folder.
  const std::map<std::string, std::string>& files() const { return files_; }
  // The name of the one file that ends so.
  const std::string& name(std::string_view suffix) const {
    return std::ranges::find_if(files_,
                                [&](const auto& each) { return each.first.ends_with(suffix); })
        ->first;
  }
  std::string path(std::string_view suffix) const { return disk_.folder() + "/" + name(suffix); }

  // As it was when the process died.
  void restore() const {
    std::filesystem::remove_all(disk_.folder());
    std::filesystem::create_directory(disk_.folder());
    for (const auto& [name, bytes] : files_) temp::write_file(disk_.folder() + "/" + name, bytes);
    temp::write_file(disk_.path(), log_);
  }
  // As it was then, with other bytes in one file.
  void restore(const std::string& name, std::string_view bytes) const {
    restore();
    temp::write_file(disk_.folder() + "/" + name, bytes);
  }
  template <class T>
  void restore_with(std::string_view suffix, std::size_t offset, T value) const {
    std::string bytes = files_.at(name(suffix));
    std::memcpy(bytes.data() + offset, &value, sizeof value);
    restore(name(suffix), bytes);
  }

  // Whether nothing lies beside the log file and its folder.
  bool is_alone() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(disk_.root())) {
      names.insert(entry.path().filename().string());
    }
    names.erase("folder");
    return names == std::set{std::filesystem::path(disk_.path()).filename().string()};
  }

 private:
  std::map<std::string, std::string> read() const {
    std::map<std::string, std::string> files;
    for (const std::string& name : attolog::list_files(disk_.folder(), "")) {
      const std::string path = disk_.folder() + "/" + name;
      if (std::filesystem::is_regular_file(path)) files[name] = temp::read_file(path);
    }
    return files;
  }

  policies::Disk disk_;
  std::map<std::string, std::string> files_;
  std::string log_;
};

// What a child is at, in memory that outlives it.
class Position {
 public:
  Position()
      : at_(static_cast<std::uint64_t*>(::mmap(nullptr, sizeof *at_, PROT_READ | PROT_WRITE,
                                               MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  Position(const Position&) = delete;
  Position& operator=(const Position&) = delete;
  ~Position() { ::munmap(at_, sizeof *at_); }
  std::uint64_t get() const { return *at_; }
  void set(std::uint64_t at) const { *at_ = at; }

 private:
  std::uint64_t* at_;
};

// Calls `each` with first to last - 1 in a child that must not crash, hang for a minute or throw:
// the number at which it did, else `last`.
inline std::uint64_t survive(std::uint64_t first, std::uint64_t last,
                             const std::function<void(std::uint64_t)>& each) {
  const Position position;
  position.set(first);
  const int status = temp::in_child([&] {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) std::abort();
    for (std::uint64_t i = first; i < last; ++i) {
      position.set(i);
      ::alarm(60);
      each(i);
    }
    position.set(last);
  });
  if (status != 0 && position.get() == last) return last - 1;
  return position.get();
}

}  // namespace dead
