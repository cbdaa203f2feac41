#include "writer/run_id.hpp"

#include <cstdlib>
#include <random>
#include <string>

namespace attolog {

std::uint64_t run_id() {
  static const std::uint64_t id = [] {
    constexpr const char* kName = "ATTOLOG_RUN_ID";
    if (const char* inherited = std::getenv(kName)) {
      const std::uint64_t value = std::strtoull(inherited, nullptr, 16);
      if (value != 0) return value;
    }
    std::random_device random;
    const std::uint64_t fresh = (std::uint64_t{random()} << 32 | random()) | 1;
    std::string digits(16, '0');
    for (std::size_t i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[fresh >> (60 - 4 * i) & 15];
    ::setenv(kName, digits.c_str(), 1);
    return fresh;
  }();
  return id;
}

}  // namespace attolog
