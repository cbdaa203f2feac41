// A table's rows, decoded by several threads: the time that a query asks for is cut into stretches,
// each is a stream of its own, and their batches come in order.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "reader/query.hpp"

namespace attolog {

// How many bytes of payloads a stretch has at least.
inline constexpr std::uint64_t kStretchBytes = std::uint64_t{4} << 20;

// See scan().
std::unique_ptr<BatchStream> scan_in_parallel(std::shared_ptr<const JournalReader> reader,
                                              const Query& query, const TableColumns& columns,
                                              unsigned threads,
                                              std::uint64_t stretch_bytes = kStretchBytes);

// The selections of the stretches. Together they are `selection`; each begins with the first record
// of a block, and where few blocks go on from one to the next.
std::vector<JournalReader::Selection> stretches(const std::vector<JournalReader::BlockInfo>& blocks,
                                                const JournalReader::Selection& selection,
                                                std::uint64_t bytes);

}  // namespace attolog
