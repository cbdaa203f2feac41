#include "shm/ring_budget.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace attolog {

namespace {

// All rings of a process in one file system, and what is taken without need.
constexpr std::size_t kMost = std::size_t{256} << 20;
constexpr std::size_t kMostEarly = std::size_t{32} << 20;
// With many busy threads each of them has as much.
constexpr std::size_t kSmallRing = std::size_t{256} << 10;
// Parts of what is free: all else is for the program and other processes. First rings are small,
// and one that is not there is kept in memory that goes with the process: they may take more.
constexpr std::uint64_t kFirstPart = 2;
constexpr std::uint64_t kPart = 4;
constexpr std::uint64_t kEarlyPart = 32;

struct Limits {
  std::uint64_t most;
  std::uint64_t part;
};
// A ring takes the place of smaller ones, which go once they are drained.
Limits limits_of(Growth growth, std::size_t bytes, std::size_t largest) {
  constexpr std::uint64_t kNone = ~std::uint64_t{0};
  const std::uint64_t one = largest + largest / 4;
  switch (growth) {
    case Growth::none: break;
    case Growth::early: return {std::max<std::uint64_t>(kMostEarly, one), kEarlyPart};
    case Growth::needed:
      return {bytes <= kSmallRing ? kNone : std::max<std::uint64_t>(kMost, one), kPart};
  }
  return {kNone, kFirstPart};
}

// No lock: the child of a fork goes on with its copy. Relaxed: these are counts.
struct Use {
  std::atomic<std::uint64_t> device{0};
  std::atomic<std::size_t> bytes{0};
};
// Rings lie in few file systems; further ones share the last place. The first is the process's own.
constinit std::array<Use, 8> uses{};

Use& use_of(std::uint64_t device) {
  if (device == 0) return uses.front();
  for (std::size_t i = 1; i < uses.size() - 1; ++i) {
    std::uint64_t known = 0;
    const bool is_new =
        uses[i].device.compare_exchange_strong(known, device, std::memory_order_relaxed);
    if (is_new || known == device) return uses[i];
  }
  return uses.back();
}

}  // namespace

std::uint64_t device_of(const std::string& folder) {
  struct stat info{};
  return !folder.empty() && ::stat(folder.c_str(), &info) == 0 ? info.st_dev : 0;
}

bool may_take(const std::string& folder, std::size_t bytes, std::size_t largest, Growth growth) {
  const std::size_t taken = use_of(device_of(folder)).bytes.load(std::memory_order_relaxed);
  const Limits limits = limits_of(growth, bytes, largest);
  std::uint64_t most = limits.most;
  struct statvfs info{};
  if (!folder.empty() && ::statvfs(folder.c_str(), &info) == 0)
    most = std::min(most, (info.f_bavail * info.f_frsize + taken) / limits.part);
  return taken + bytes <= most;
}

RingBytes::RingBytes(std::uint64_t device, std::size_t bytes) : device_(device), bytes_(bytes) {
  use_of(device_).bytes.fetch_add(bytes_, std::memory_order_relaxed);
}

RingBytes::~RingBytes() {
  use_of(device_).bytes.fetch_sub(bytes_, std::memory_order_relaxed);
}

}  // namespace attolog
