// A decoded record: what the writer's sinks and the reader's columns are given.
#pragma once

#include <cstdint>
#include <span>

#include "core/site.hpp"
#include "core/value.hpp"

namespace attolog {

struct Thread {
  std::uint64_t id = 0;  // the kernel's thread id
  std::string name;
};

// Values stand in the order of site->fields. There may be fewer (the rest is absent) or more (a
// declared event called with too many); an extra one is named by its position.
struct Record {
  const Site* site = nullptr;
  const Thread* thread = nullptr;
  std::int64_t time_ns = 0;  // since 1970, UTC
  std::span<const Value> values;
  bool is_stamped = false;  // with the program's own time (set_time)
};

}  // namespace attolog
