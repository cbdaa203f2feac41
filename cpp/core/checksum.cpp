#include "core/checksum.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace attolog {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // 0x1EDC6F41, bits reversed

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
// The product of two polynomials, modulo that of the checksum. Their bits are reversed: the highest
// bit is x^0.
constexpr std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if ((a >> 31) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

// The instruction starts every cycle, and its result comes after three. So three blocks are taken
// side by side, and their checksums are joined: n more bytes behind it multiply one by x^(8 n).
constexpr int kBlockBits = 13;
constexpr std::size_t kBlock = std::size_t{1} << kBlockBits;
constexpr std::uint32_t kBehindOne = [] {
  std::uint32_t power = std::uint32_t{1} << 30;  // x
  for (int i = 0; i < kBlockBits + 3; ++i) power = multiply(power, power);
  return power;
}();
constexpr std::uint32_t kBehindTwo = multiply(kBehindOne, kBehindOne);

const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;

__attribute__((target("sse4.2,crc32"))) std::uint32_t crc32c_sse42(std::string_view bytes,
                                                                   std::uint32_t seed) {
  std::uint64_t crc = ~seed;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  const auto word = [](const char* from) {
    std::uint64_t eight;
    std::memcpy(&eight, from, sizeof eight);
    return eight;
  };
  for (; left >= 3 * kBlock; at += 3 * kBlock, left -= 3 * kBlock) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const char* from = at; from != at + kBlock; from += 8) {
      crc = _mm_crc32_u64(crc, word(from));
      second = _mm_crc32_u64(second, word(from + kBlock));
      third = _mm_crc32_u64(third, word(from + 2 * kBlock));
    }
    crc = multiply(static_cast<std::uint32_t>(crc), kBehindTwo) ^
          multiply(static_cast<std::uint32_t>(second), kBehindOne) ^ third;
  }
  for (; left >= 8; at += 8, left -= 8) crc = _mm_crc32_u64(crc, word(at));
  auto tail = static_cast<std::uint32_t>(crc);
  for (; left != 0; ++at, --left) tail = _mm_crc32_u8(tail, static_cast<unsigned char>(*at));
  return ~tail;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  for (const char c : bytes)
    crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  if (kHasInstruction) return crc32c_sse42(bytes, seed);
#endif
  return crc32c_portable(bytes, seed);
}

}  // namespace attolog
