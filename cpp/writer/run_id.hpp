// The run id: one number for a program and the processes it starts, so that their journals can be
// read as one.
#pragma once

#include <cstdint>

namespace attolog {

// The inherited id, or a new one, which later children will inherit (ATTOLOG_RUN_ID).
std::uint64_t run_id();

}  // namespace attolog
