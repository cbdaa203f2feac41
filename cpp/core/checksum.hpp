// CRC-32C (Castagnoli), the checksum of journal blocks and of the ledger.
#pragma once

#include <cstdint>
#include <string_view>

namespace attolog {

// The checksum of `bytes`. With the checksum of what stands before them as `seed`, it continues:
// crc32c("ab") == crc32c("b", crc32c("a")).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// crc32c() from a table, for processors without the instruction; public for a test that compares.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace attolog
