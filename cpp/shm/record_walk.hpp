// From record to record through the bytes of a ring, without the session they belong to.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "core/record.hpp"
#include "shm/ring.hpp"

namespace attolog {

class RecordWalk {
 public:
  // `thread`: whose the first record is, unless an announcement says otherwise. The bytes must
  // outlive the walk.
  RecordWalk(std::string_view bytes, Thread thread) : bytes_(bytes), thread_(std::move(thread)) {}

  // The next record that is no announcement of a thread; null at the end, or where the bytes make
  // no sense. Valid until the next call.
  const RingRecord* next();

  const Thread& thread() const { return thread_; }  // of that record; at the end, of the next one
  std::size_t start() const { return start_; }      // where that record starts
  // Whether the bytes make no sense from `start` on.
  bool is_damaged() const { return is_damaged_; }

 private:
  std::string_view bytes_;
  Thread thread_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
  bool is_damaged_ = false;
  RingRecord record_;
  Arena arena_;
  std::vector<Value> values_;
};

// As a header keeps it.
Thread thread_of(const RingThread& thread);

}  // namespace attolog
