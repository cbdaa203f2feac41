// The slow way into the ring: for records that are encoded already, whatever their size, from
// threads that have no ring yet, into rings that are full.
#pragma once

#include "python/compat.hpp"

#include <cstdint>
#include <string_view>

#include "python/logger.hpp"

namespace attolog::python {

// Commits one record of `site` with the encoded `values`, or counts it as dropped. May release the
// GIL and run signal handlers while it waits for room. False with an exception set if one of those
// raised. `caller`: the logger that was called, whose own time goes before the root's.
bool submit(Root& root, std::uint32_t site, std::string_view values, const Root& caller);

}  // namespace attolog::python
