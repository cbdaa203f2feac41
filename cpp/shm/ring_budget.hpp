// How much memory rings may take. It follows the file system that they lie in: a program's own
// shared memory there dies of SIGBUS where nothing is free any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace attolog {

// Why a thread gets a larger ring. `none`: it gets its first one. `early`: it could do without, its
// ring is half full. `needed`: there is no room.
enum class Growth { none, early, needed };

// The file system of a folder; 0: memory of the process, or none that could be looked at.
std::uint64_t device_of(const std::string& folder);

// Whether `bytes` more of rings may be taken in `folder` ("": the process's memory). `largest`: the
// size of one whole ring, which is granted where the file system has room, whatever it is.
bool may_take(const std::string& folder, std::size_t bytes, std::size_t largest, Growth growth);

// Bytes of a ring, counted while it lives.
class RingBytes {
 public:
  RingBytes(std::uint64_t device, std::size_t bytes);
  RingBytes(RingBytes&& other) noexcept
      : device_(other.device_), bytes_(std::exchange(other.bytes_, 0)) {}
  RingBytes& operator=(RingBytes&&) = delete;
  ~RingBytes();

 private:
  std::uint64_t device_;
  std::size_t bytes_;
};

}  // namespace attolog
