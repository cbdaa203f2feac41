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

// Values stand in the order of site->fields. There may be fewer (the last are absent) or more (a
// declared event called with too many); an extra one is named by its position.
struct Record {
  const Site* site = nullptr;
  const Thread* thread = nullptr;
  std::int64_t time_ns = 0;  // since 1970, UTC
  std::span<const Value> values;
  bool is_stamped = false;     // with the program's own time (set_time)
  bool is_on_console = false;  // on the screen already

  // How many calls a sampled record stands for: its last value, unless that was cut off with what
  // a journal cannot hold. Null for all others, which stand for themselves.
  const Value* weight() const {
    const bool is_there = site->is_weighted && !values.empty() && values.back().tag == Tag::float64;
    return is_there ? &values.back() : nullptr;
  }
  // The values of the call itself, in the order of site->own_fields().
  std::span<const Value> own_values() const {
    return values.first(values.size() - (weight() != nullptr ? 1 : 0));
  }
};

}  // namespace attolog
