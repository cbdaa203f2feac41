// Numbered records for boxes, and what is found in one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"
#include "core/site.hpp"
#include "shm/circular_buffer.hpp"
#include "shm/record_walk.hpp"

namespace boxes {

using namespace attolog;

// A record that can be told from all others by each of its bytes.
struct Entry {
  std::uint64_t id = 0;
  std::uint64_t thread = 0;
  std::size_t length = 0;  // of its text
  bool is_spilled = false;

  bool operator==(const Entry&) const = default;
  Thread owner() const { return {thread, "thread " + std::to_string(thread)}; }
  std::string text() const { return std::string(length, static_cast<char>('a' + id % 26)); }
  std::string bytes() const {
    Buffer values;
    if (is_spilled) {
      const std::uint64_t spill[] = {id, length};
      values.append({reinterpret_cast<const char*>(spill), sizeof spill});
    } else {
      encode_str(values, text());
    }
    Buffer record;
    encode_record(record, kTextSite | (is_spilled ? kSpilled : 0), id, values.view());
    return std::string(record.view());
  }
  // With its announcement.
  std::size_t announced_size() const {
    Buffer announcement;
    encode_thread(announcement, id, thread, owner().name);
    return announcement.size() + bytes().size();
  }
};
inline std::ostream& operator<<(std::ostream& out, const Entry& entry) {
  return out << entry.id << " of " << entry.thread << ", " << entry.length << " long";
}

// All records of a ring, each checked to be whole.
inline std::vector<Entry> entries(const Ring& ring, std::uint64_t committed = 0) {
  std::vector<Entry> found;
  const std::uint64_t tail = ring.tail(committed);
  const std::uint64_t head = ring.head(committed);
  RecordWalk walk({ring.data() + tail % ring.capacity(), head - tail},
                  thread_of(ring.thread(committed)));
  while (const RingRecord* record = walk.next()) {
    Entry& entry = found.emplace_back(Entry{record->head.ticks, walk.thread().id});
    entry.is_spilled = (record->head.site & kSpilled) != 0;
    check::equal(walk.thread().name, entry.owner().name);
    if (entry.is_spilled) {
      check::equal(record->spill_number, entry.id);
      entry.length = record->spill_size;
      continue;
    }
    Arena arena;
    std::vector<Value> values;
    check::that(decode_values(record->values, arena, values) && values.size() == 1);
    if (values.size() != 1) break;
    entry.length = values[0].text.size();
    check::equal(std::string(values[0].text), entry.text());
  }
  check::that(!walk.is_damaged());
  return found;
}

inline std::uint64_t total(const CircularBuffer::Totals& counts) {
  return counts.unsaved + counts.overwritten + counts.saved;
}

// Appends, and commits as a batch.
inline std::vector<std::uint64_t> add(CircularBuffer& box, std::uint64_t batch,
                                      const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) box.append(entry.bytes(), entry.owner());
  box.prepare(batch);
  return box.release(batch);
}

}  // namespace boxes
