#include "reader/parallel_scan.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <queue>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace attolog {
namespace {

constexpr unsigned kMostThreads = 8;
constexpr std::size_t kMostBatches = 2;  // of a stretch that wait

class ParallelScan final : public BatchStream {
 public:
  ParallelScan(std::shared_ptr<const JournalReader> reader, Query query, TableColumns columns,
               std::vector<JournalReader::Selection> stretches, unsigned threads)
      : reader_(std::move(reader)),
        query_(std::move(query)),
        columns_(std::move(columns)),
        stretches_(std::move(stretches)),
        thread_count_(threads),
        fields_(open(0)->fields()),
        waiting_(stretches_.size()) {}
  ParallelScan(const ParallelScan&) = delete;
  ParallelScan& operator=(const ParallelScan&) = delete;
  ~ParallelScan() override {
    if (is_in_child()) {  // of a fork: the threads are not here, and joining them would not end
      for (std::thread& thread : threads_) thread.detach();
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  const std::vector<Field>& fields() const override { return fields_; }

  bool next(Batch& batch) override {
    if (threads_.empty()) start();
    if (is_in_child()) throw std::runtime_error("the stream was opened before a fork");
    std::unique_lock lock(mutex_);
    while (given_ < waiting_.size()) {
      Stretch& stretch = waiting_[given_];
      changed_.wait(
          lock, [&] { return error_ != nullptr || stretch.is_done || !stretch.batches.empty(); });
      if (error_ != nullptr) std::rethrow_exception(error_);
      const bool is_there = !stretch.batches.empty();
      if (is_there) {
        batch = std::move(stretch.batches.front());
        stretch.batches.pop_front();
      } else {
        ++given_;
      }
      changed_.notify_all();
      if (is_there) return true;
    }
    return false;
  }

 private:
  struct Stretch {
    std::deque<Batch> batches;
    bool is_done = false;
  };

  bool is_in_child() const { return pid_ != ::getpid(); }

  std::unique_ptr<RecordStream> records(std::size_t stretch) const {
    Query query = query_;
    query.selection = stretches_[stretch];
    return select_records(reader_, query);
  }
  std::unique_ptr<TableStream> open(std::size_t stretch) const {
    return open_table(reader_->catalog(), query_.selection.table, records(stretch), columns_);
  }

  void start() {
    for (unsigned i = 0; i < thread_count_; ++i) {
      try {
        threads_.emplace_back([this] { run(); });
      } catch (const std::system_error&) {
        if (threads_.empty()) throw;
        return;  // those that there are do all of it
      }
    }
  }

  // What a thread does.
  void run() {
    try {
      std::unique_ptr<TableStream> rows;
      for (std::size_t next = begin(); next < stretches_.size(); next = begin()) {
        if (rows == nullptr) {
          rows = open(next);
        } else {
          rows->restart(records(next));
        }
        fill(next, *rows);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
    changed_.notify_all();
  }

  // The next stretch that no thread has begun, once it is not too far ahead; their number at the
  // end.
  std::size_t begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return is_stopped_ || error_ != nullptr || begun_ == stretches_.size() ||
             begun_ <= given_ + thread_count_;
    });
    return is_stopped_ || error_ != nullptr || begun_ == stretches_.size() ? stretches_.size()
                                                                           : begun_++;
  }

  void fill(std::size_t index, BatchStream& rows) {
    Stretch& stretch = waiting_[index];
    for (Batch batch; rows.next(batch); batch = Batch()) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] {
        return is_stopped_ || error_ != nullptr || stretch.batches.size() < kMostBatches;
      });
      if (is_stopped_ || error_ != nullptr) return;
      stretch.batches.push_back(std::move(batch));
      lock.unlock();
      changed_.notify_all();
    }
    {
      const std::lock_guard lock(mutex_);
      stretch.is_done = true;
    }
    changed_.notify_all();
  }

  const pid_t pid_ = ::getpid();
  std::shared_ptr<const JournalReader> reader_;
  Query query_;
  TableColumns columns_;
  std::vector<JournalReader::Selection> stretches_;
  unsigned thread_count_;
  std::vector<Field> fields_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under the mutex:
  std::vector<Stretch> waiting_;
  std::size_t begun_ = 0;
  std::size_t given_ = 0;
  bool is_stopped_ = false;
  std::exception_ptr error_;

  std::vector<std::thread> threads_;
};

}  // namespace

std::vector<JournalReader::Selection> stretches(const std::vector<JournalReader::BlockInfo>& blocks,
                                                const JournalReader::Selection& selection,
                                                std::uint64_t bytes) {
  std::vector<JournalReader::Selection> parts{selection};
  std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> ends;
  std::uint64_t size = 0;
  for (const JournalReader::BlockInfo& block : blocks) {
    while (!ends.empty() && ends.top() < block.first_ns) ends.pop();
    // A block that goes on behind the cut is decoded on both sides of it.
    const bool is_worth_it = size >= bytes * (1 + ends.size());
    if (is_worth_it && block.first_ns > parts.back().first_ns) {
      parts.push_back(selection);
      parts.back().first_ns = block.first_ns;
      parts[parts.size() - 2].last_ns = block.first_ns - 1;
      size = 0;
    }
    size += block.bytes;
    ends.push(block.last_ns);
  }
  return parts;
}

std::unique_ptr<BatchStream> scan_in_parallel(std::shared_ptr<const JournalReader> reader,
                                              const Query& query, const TableColumns& columns,
                                              unsigned threads, std::uint64_t stretch_bytes) {
  auto parts = stretches(reader->blocks(query.selection), query.selection, stretch_bytes);
  if (threads == 0) threads = std::min(std::thread::hardware_concurrency(), kMostThreads);
  threads = static_cast<unsigned>(std::min<std::size_t>(threads, parts.size()));
  if (threads < 2) {
    return open_table(reader->catalog(), query.selection.table, select_records(reader, query),
                      columns);
  }
  return std::make_unique<ParallelScan>(std::move(reader), query, columns, std::move(parts),
                                        threads);
}

}  // namespace attolog
