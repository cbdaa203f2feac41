// Where records come from: journals, and the rings that a killed process left behind.
#pragma once

#include <cstdint>

#include "core/record.hpp"

namespace attolog {

struct SourcedRecord {
  Record record;
  std::uint32_t pid = 0;
  std::uint64_t run_id = 0;
  std::size_t size = 0;  // its bytes in its block
};

// One pass over records, in order of time.
class RecordStream {
 public:
  virtual ~RecordStream() = default;
  // The next record, which lives until the next call (its site and thread as long as the source);
  // nullptr at the end.
  virtual const SourcedRecord* next() = 0;
};

}  // namespace attolog
