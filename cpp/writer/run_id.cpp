#include "writer/run_id.hpp"

#include <array>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace attolog {

namespace {

constexpr const char* kName = "ATTOLOG_RUN_ID";

std::uint64_t inherited_id() {
  const char* const text = std::getenv(kName);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 16);
}

std::uint64_t fresh_id() {
  std::random_device random;
  return (std::uint64_t{random()} << 32 | random()) | 1;
}

}  // namespace

std::uint64_t run_id() {
  static std::atomic<std::uint64_t> id{0};
  // relaxed: the number is all there is
  std::uint64_t known = id.load(std::memory_order_relaxed);
  if (known != 0) return known;
  const std::uint64_t inherited = inherited_id();
  const std::uint64_t mine = inherited != 0 ? inherited : fresh_id();
  if (!id.compare_exchange_strong(known, mine, std::memory_order_relaxed)) return known;
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64, mine);
  ::setenv(kName, digits.data(), 1);
  return mine;
}

}  // namespace attolog
