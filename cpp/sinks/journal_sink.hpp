// The sink that writes a journal.
#pragma once

#include <cstdint>
#include <memory>

#include "sinks/sink.hpp"

namespace attolog {

// `run_id` is shared by a process and its children: their journals read as one. `pid` is that of
// the process whose records these are. Limits and failures of `append` are those of
// BlockEncoder::append (journal/journal.hpp).
std::unique_ptr<Sink> make_journal_sink(std::uint64_t run_id, std::uint32_t pid);

}  // namespace attolog
