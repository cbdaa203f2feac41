// The slow way into the ring: for records that are encoded already, whatever their size, from
// threads that have no ring yet, into rings that are full.
#pragma once

#include "python/compat.hpp"

#include <cstdint>
#include <string_view>

#include "python/route/logger_core.hpp"

namespace attolog::python {

// The outcome for a record. `done`: it is in a ring, or dropped as full rings are. `lost`: dropped
// where nothing shows it: there is no log, no ring or no memory. `raised`: with an exception set.
enum class SubmitResult { done, lost, raised };

// Commits one record of `site` with the encoded `values`, or counts it as dropped. May release the
// GIL and run signal handlers, which may raise, while it waits for room. `caller`: the logger that
// was called, whose own time goes before the core's.
SubmitResult submit(LoggerCore& core, std::uint32_t site, std::string_view values,
                    const LoggerCore& caller);

}  // namespace attolog::python
