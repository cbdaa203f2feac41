// Where records come from: journals, and the rings that a killed process left behind.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/record.hpp"

namespace attolog {

struct SourcedRecord {
  Record record;
  std::uint32_t pid = 0;
};

// One pass over records, in order of time.
class RecordStream {
 public:
  virtual ~RecordStream() = default;
  // The next record, which lives until the next call (its site and thread as long as the source);
  // nullptr at the end.
  virtual const SourcedRecord* next() = 0;
};

// Records that can be passed over any number of times, also by several threads at once.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // The stream keeps what it needs of the source alive.
  virtual std::unique_ptr<RecordStream> records() const = 0;
};

// Several streams as one, in order of time; of equal times the earlier stream's come first.
std::unique_ptr<RecordStream> merge(std::vector<std::unique_ptr<RecordStream>> streams);

}  // namespace attolog
