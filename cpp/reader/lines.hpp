// The records of a query as lines of text, composed by several threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/buffer.hpp"
#include "reader/columns.hpp"
#include "reader/ordered_jobs.hpp"
#include "reader/query.hpp"

namespace attolog {

// Some whole lines together have as many bytes as this, or a few more.
inline constexpr std::size_t kLinesBytes = std::size_t{128} << 10;

// One pass, in order of time. Memory holds the lines of a few stretches of time.
class LineStream {
 public:
  using Next = OrderedJobs<Buffer>::Next;

  // Throws std::invalid_argument where the query's steps are no expression. `threads` at most, 0
  // for as many as the machine has; a stretch of time has `stretch_bytes` bytes of payloads at
  // least.
  LineStream(std::shared_ptr<const JournalReader> reader, const Query& query, Origin origin,
             unsigned threads = 0, std::uint64_t stretch_bytes = kStretchBytes);

  // Some whole lines, for which it waits no longer than `patience`; what a thread has thrown.
  Next next(Buffer& lines, std::chrono::milliseconds patience) {
    return jobs_.next(lines, patience);
  }

 private:
  static constexpr std::uint64_t kStretchBytes = std::uint64_t{1} << 20;

  OrderedJobs<Buffer>::Worker make_worker() const;

  std::shared_ptr<const JournalReader> reader_;
  Query query_;
  Origin origin_;
  std::vector<JournalReader::Selection> stretches_;
  OrderedJobs<Buffer> jobs_;  // the last member: its threads use the others
};

}  // namespace attolog
