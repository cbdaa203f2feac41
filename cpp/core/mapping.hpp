// Files in memory. Everything here is created complete (space allocated, no holes), because
// touching a page that a full file system cannot provide is a SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/file.hpp"

namespace attolog {

// Fails with std::system_error whose text starts with `path`.
File create_file(const std::string& path, std::size_t size);  // new, 0600, `size` bytes allocated
File open_file(const std::string& path, int flags);           // existing, never through a symlink
File memory_file(std::size_t size);                         // without a name, gone with the process
void allocate(int fd, std::size_t from, std::size_t size);  // space for [from, from + size)
// All `size` bytes at `from`; false where they are not there.
bool read_at(int fd, char* to, std::size_t size, std::uint64_t from);

// A mapped region, unmapped at the end.
class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping();

  // `size` may lie beyond the file's end, as room to grow: touch only what was allocated.
  static Mapping of(int fd, std::size_t size, bool writable);
  // A mapping as of(), which a forked child does not get: a mapping keeps its file's lock held,
  // also after the descriptor is closed.
  static Mapping private_of(int fd, std::size_t size, bool writable);
  // The `capacity` bytes behind `header` are mapped twice, one after the other: a record that wraps
  // is contiguous nevertheless.
  static Mapping mirrored(int fd, std::size_t header, std::size_t capacity, bool writable);

  // Memory that has no file, and is gone with the process; mirrored_memory is mapped as mirrored().
  static Mapping memory(std::size_t size);
  static Mapping mirrored_memory(std::size_t header, std::size_t capacity);

  // In a forked child that did not get it: what is mapped there by now is somebody else's.
  void forget() { data_ = nullptr; }

  char* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  Mapping(void* data, std::size_t size) : data_(static_cast<char*>(data)), size_(size) {}

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

[[noreturn]] void fail(const std::string& what);  // std::system_error from errno

}  // namespace attolog
