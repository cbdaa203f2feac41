#include "reader/records.hpp"

#include <algorithm>
#include <utility>

namespace attolog {
namespace {

class Merged final : public RecordStream {
 public:
  explicit Merged(std::vector<std::unique_ptr<RecordStream>> streams)
      : streams_(std::move(streams)) {
    for (std::size_t i = 0; i < streams_.size(); ++i) add(i);
  }

  const SourcedRecord* next() override {
    if (started_) advance();
    started_ = true;
    return heap_.empty() ? nullptr : heap_.front().record;
  }

 private:
  struct Head {
    const SourcedRecord* record;
    std::size_t stream;
  };

  // A heap has its greatest element in front, so the order is turned round.
  static bool later(const Head& a, const Head& b) {
    return std::pair(a.record->record.time_ns, a.stream) >
           std::pair(b.record->record.time_ns, b.stream);
  }

  void add(std::size_t stream) {
    const SourcedRecord* const record = streams_[stream]->next();
    if (record == nullptr) return;
    heap_.push_back({record, stream});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  void advance() {
    if (heap_.empty()) return;
    const std::size_t stream = heap_.front().stream;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    add(stream);
  }

  std::vector<std::unique_ptr<RecordStream>> streams_;
  std::vector<Head> heap_;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<RecordStream> merge(std::vector<std::unique_ptr<RecordStream>> streams) {
  if (streams.size() == 1) return std::move(streams.front());
  return std::make_unique<Merged>(std::move(streams));
}

}  // namespace attolog
