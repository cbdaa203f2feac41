#include <string>

#include "check.hpp"
#include "core/checksum.hpp"

using attolog::crc32c;
using attolog::crc32c_portable;

static const check::Test vectors{"CRC-32C of the published examples (RFC 3720, B.4)", [] {
                                   check::equal(crc32c(""), 0u);
                                   check::equal(crc32c("123456789"), 0xE3069283u);
                                   check::equal(crc32c(std::string(32, '\0')), 0x8A9136AAu);
                                   check::equal(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
                                 }};

static const check::Test alike{"the instruction and the table agree at every length and seed", [] {
                                 std::string bytes;
                                 for (int i = 0; i < 100; ++i) {
                                   const auto seed = static_cast<std::uint32_t>(i * 0x01234567);
                                   check::equal(crc32c(bytes, seed), crc32c_portable(bytes, seed));
                                   bytes.push_back(static_cast<char>(i * 37 + 11));
                                 }
                               }};

static const check::Test long_ones{
    "the instruction and the table agree for bytes of several blocks", [] {
      std::string bytes;
      std::uint32_t next = 1;
      while (bytes.size() < 150'000)
        bytes.push_back(static_cast<char>((next = next * 1664525 + 1013904223) >> 24));
      for (const std::size_t size : {24'575, 24'576, 24'577, 49'151, 49'152, 80'003, 150'000})
        for (const std::uint32_t seed : {0u, 1u, 0xE3069283u})
          check::equal(crc32c(bytes.substr(3, size), seed),
                       crc32c_portable(bytes.substr(3, size), seed));
    }};

static const check::Test continued{
    "a checksum can be continued", [] {
      const std::string bytes = "attolog: nano, pico, femto, atto";
      for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        check::equal(crc32c(bytes.substr(cut), crc32c(bytes.substr(0, cut))), crc32c(bytes));
      }
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
