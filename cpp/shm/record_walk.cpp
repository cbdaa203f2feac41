#include "shm/record_walk.hpp"

#include <cstring>

#include "core/site.hpp"

namespace attolog {

const RingRecord* RecordWalk::next() {
  for (;;) {
    start_ = end_;
    if (start_ == bytes_.size()) return nullptr;
    if (!parse_record(bytes_.substr(start_), record_)) {
      is_damaged_ = true;
      return nullptr;
    }
    end_ += record_.head.size;
    if (record_.site() != kThreadSite) return &record_;
    arena_.clear();
    if (decode_values(record_.values, arena_, values_) && values_.size() == 2 &&
        values_[0].tag == Tag::int64) {
      thread_.id = static_cast<std::uint64_t>(values_[0].i);
      thread_.name = values_[1].text;
    }
  }
}

Thread thread_of(const RingThread& thread) {
  return {thread.id, {thread.name, ::strnlen(thread.name, RingThread::kName)}};
}

}  // namespace attolog
