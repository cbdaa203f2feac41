// Jobs that several threads do side by side, and whose results come in the order of the jobs.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace attolog {

inline constexpr unsigned kMostJobThreads = 8;

// The threads that a pass in so many parts has: `wanted` at most, 0 for as many as the machine has.
inline unsigned job_threads(unsigned wanted, std::size_t parts) {
  if (wanted == 0) wanted = std::min(std::thread::hardware_concurrency(), kMostJobThreads);
  const std::size_t most = std::min<std::size_t>(wanted, parts);
  return static_cast<unsigned>(std::max<std::size_t>(most, 1));
}

template <class Result>
class OrderedJobs {
 public:
  // Hands on a result of the job, which counts `bytes` bytes; false: nobody wants any more.
  using Give = std::function<bool(Result result, std::size_t bytes)>;
  // A thread's way to do a job, by its number.
  using Worker = std::function<void(std::size_t job, const Give& give)>;

  // Each thread asks `make_worker` for its worker. Threads begin a few jobs ahead, and the results
  // of a job that wait are `most_bytes` at most, or one result. Both must be usable until the jobs
  // are destroyed.
  OrderedJobs(std::size_t jobs, unsigned threads, std::size_t most_bytes,
              std::function<Worker()> make_worker)
      : thread_count_(std::max(threads, 1U)),
        most_bytes_(most_bytes),
        make_worker_(std::move(make_worker)),
        jobs_(jobs) {}
  OrderedJobs(const OrderedJobs&) = delete;
  OrderedJobs& operator=(const OrderedJobs&) = delete;
  ~OrderedJobs() {
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

  enum class Next : std::uint8_t { result, end, not_yet };

  // Takes the next result, for which it waits no longer than `patience`. Throws what a worker has
  // thrown. For one thread at a time.
  Next next(Result& result, std::chrono::milliseconds patience) {
    if (is_in_child()) throw std::runtime_error("the pass was begun before a fork");
    if (threads_.empty()) start();
    std::unique_lock lock(mutex_);
    while (taken_ < jobs_.size()) {
      Job& job = jobs_[taken_];
      const bool is_there = changed_.wait_for(
          lock, patience, [&] { return error_ != nullptr || job.is_done || !job.results.empty(); });
      if (!is_there) return Next::not_yet;
      if (error_ != nullptr) std::rethrow_exception(error_);
      const bool has_result = !job.results.empty();
      if (has_result) {
        auto& [first, bytes] = job.results.front();
        result = std::move(first);
        job.bytes -= bytes;
        job.results.pop_front();
      } else {
        ++taken_;
      }
      changed_.notify_all();
      if (has_result) return Next::result;
    }
    return Next::end;
  }

 private:
  struct Job {
    std::deque<std::pair<Result, std::size_t>> results;
    std::size_t bytes = 0;  // of these
    bool is_done = false;
  };

  bool is_in_child() const { return pid_ != ::getpid(); }

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
      const Worker work = make_worker_();
      for (std::size_t job = begin(); job < jobs_.size(); job = begin()) {
        work(job,
             [&](Result result, std::size_t bytes) { return put(job, std::move(result), bytes); });
        const std::lock_guard lock(mutex_);
        jobs_[job].is_done = true;
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      changed_.notify_all();
    }
  }

  bool is_over() const { return is_stopped_ || error_ != nullptr || begun_ == jobs_.size(); }

  // The next job that no thread has begun, once it is not too far ahead; their number at the end.
  std::size_t begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_over() || begun_ <= taken_ + thread_count_; });
    return is_over() ? jobs_.size() : begun_++;
  }

  bool put(std::size_t number, Result result, std::size_t bytes) {
    Job& job = jobs_[number];
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return is_stopped_ || error_ != nullptr || job.results.empty() ||
             job.bytes + bytes <= most_bytes_;
    });
    if (is_stopped_ || error_ != nullptr) return false;
    job.results.emplace_back(std::move(result), bytes);
    job.bytes += bytes;
    changed_.notify_all();
    return true;
  }

  const pid_t pid_ = ::getpid();
  const unsigned thread_count_;
  const std::size_t most_bytes_;
  const std::function<Worker()> make_worker_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Under the mutex:
  std::vector<Job> jobs_;
  std::size_t begun_ = 0;
  std::size_t taken_ = 0;
  bool is_stopped_ = false;
  std::exception_ptr error_;

  std::vector<std::thread> threads_;
};

}  // namespace attolog
