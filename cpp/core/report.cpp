#include "core/report.hpp"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <new>
#include <system_error>

#include "core/checksum.hpp"

namespace attolog {

namespace {

// Hashes of the lines that were reported. No lock: a fork may come at any moment. Where it is full,
// a line is reported more than once.
using Said = std::array<std::atomic<std::uint64_t>, 256>;

// A page that this process and all that it forks have in common.
Said& share() noexcept {
  static constinit Said own{};
  void* const page =
      ::mmap(nullptr, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? own : *new (page) Said{};
}

Said& said = share();

}  // namespace

void report(std::string_view line) noexcept {
  // In one piece, and without memory: a lack of memory is often the message.
  static constexpr std::string_view kStart = "attolog: ";
  const auto piece = [](std::string_view text) {
    return iovec{const_cast<char*>(text.data()), text.size()};
  };
  const iovec pieces[] = {piece(kStart), piece(line), piece("\n")};
  [[maybe_unused]] const ssize_t n = ::writev(STDERR_FILENO, pieces, 3);
}

void report_once(std::string_view what, std::string_view where, std::string_view line) noexcept {
  const std::uint64_t hash =
      (std::uint64_t{crc32c(what)} << 32) + crc32c(where) + 1;  // 0 is a free place
  for (auto& place : said) {
    std::uint64_t known = 0;
    if (place.compare_exchange_strong(known, hash, std::memory_order_relaxed)) break;
    if (known == hash) return;
  }
  report(line);
}

std::string describe_errno(int error) {
  return std::generic_category().message(error);
}

}  // namespace attolog
