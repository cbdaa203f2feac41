// The boxes of a session: where records are kept until later ones take their place, one box for
// each policy `last:N`.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/codec.hpp"
#include "core/site_cache.hpp"
#include "shm/circular_buffer.hpp"
#include "shm/session.hpp"

namespace attolog {

// The circular buffer of records without a policy of their own, in a log without a file.
struct CircularBufferOptions {
  std::uint64_t max_records = 0;  // 0: there is a file
  std::uint64_t max_bytes = 0;    // 0: kBytesPerRecord for each
};

inline constexpr std::uint64_t kBytesPerRecord = 128;

class CircularBuffers {
 public:
  // Opens what another process left in the session.
  CircularBuffers(Session& session, const CircularBufferOptions& options);

  // Adds a record of the rings to the batch, with its time as of now. False: the batch has no room
  // for it, and must be committed first. Throws std::system_error where there is no memory for a
  // box.
  bool append(const Record& record, const RingRecord& raw);
  bool is_empty() const;  // the batch

  void prepare(std::uint64_t batch);
  void release(std::uint64_t batch);
  void clear();  // the batch

  // Batches have taken all below the boxes' tails to where it is wanted.
  void mark_saved();

  CircularBuffer::Totals counts() const;
  std::uint64_t records() const;  // in the boxes
  std::deque<CircularBuffer>& list() { return list_; }

 private:
  CircularBuffer& buffer_of(const Site& site);

  Session& session_;
  CircularBufferOptions options_;
  mutable std::mutex mutex_;         // list_, as a list: the drain alone adds to it, others look
  std::deque<CircularBuffer> list_;  // one for each number of records
  std::uint32_t n_files_ = 0;        // of boxes: the next one gets the next name
  SiteCache<CircularBuffer*> by_site_;
  Buffer record_;
  std::vector<std::uint64_t> spilled_;  // what the batch was too large for
};

}  // namespace attolog
