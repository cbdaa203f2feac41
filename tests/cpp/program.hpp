// A program that logs, with no thread and no clock of its own: what draining and recovery are
// tested with. Its ticks are nanoseconds since 1970.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "check.hpp"
#include "core/codec.hpp"
#include "core/file_id.hpp"
#include "core/site_table.hpp"
#include "shm/ring.hpp"
#include "shm/session.hpp"
#include "sinks/sink.hpp"
#include "writer/output.hpp"

namespace program {

using attolog::Ticks;

inline constexpr Ticks kAll = std::numeric_limits<Ticks>::max();

inline attolog::LogTarget target_of(std::string path,
                                    attolog::Format format = attolog::Format::csv) {
  attolog::LogTarget target{
      std::move(path), static_cast<std::uint8_t>(format), 9, 0, "{thread}: {message}", 0x5eed, 77};
  target.file = attolog::file_id(target.path).value_or(attolog::FileId{});
  return target;
}

inline std::unique_ptr<attolog::Output> output_of(const std::string& path,
                                                  const std::string& folder) {
  auto output = std::make_unique<attolog::Output>(path);
  output->keep_ledger(folder, false);
  return output;
}

// The log file is there, and has an identity.
inline attolog::LogTarget with_file(attolog::LogTarget target) {
  std::ofstream(target.path, std::ios::app);
  target.file = attolog::file_id(target.path).value_or(attolog::FileId{});
  return target;
}

class Program {
 public:
  Program(const std::string& folder, const attolog::LogTarget& target, std::size_t rings = 1)
      : session_(attolog::Session::create(folder, with_file(target))) {
    attolog::ClockHistory& clock = session_->header().clock;
    clock.segments[0] = {0, 0, 1.0};
    clock.count = 1;
    for (std::size_t i = 0; i < rings; ++i) {
      const auto path = session_->ring_path(static_cast<std::uint32_t>(i));
      rings_.push_back(attolog::Ring::create(path, attolog::kMinRing));
    }
  }

  attolog::Session& session() const { return *session_; }
  const attolog::Ring& ring(std::size_t i = 0) const { return rings_.at(i); }
  const std::deque<attolog::Ring>& rings() const { return rings_; }

  // A sentence; false where the ring is full.
  bool log(Ticks ticks, std::string_view text, std::size_t ring = 0) {
    attolog::Buffer values;
    attolog::encode_str(values, text);
    return put(attolog::kTextSite, ticks, values.view(), ring);
  }
  bool put(std::uint32_t site, Ticks ticks, std::string_view values, std::size_t ring = 0) {
    attolog::Buffer record;
    attolog::encode_record(record, site, ticks, values);
    return put_bytes(record.view(), ring);
  }
  bool put_bytes(std::string_view bytes, std::size_t ring = 0) {
    const attolog::Ring& into = rings_.at(ring);
    const std::uint64_t head = into.header().head;
    if (head + bytes.size() - into.header().tail > into.capacity()) return false;
    std::memcpy(into.data() + head % into.capacity(), bytes.data(), bytes.size());
    into.header().head.store(head + bytes.size(), std::memory_order_release);
    return true;
  }

 private:
  std::unique_ptr<attolog::Session> session_;
  std::deque<attolog::Ring> rings_;
};

// The row that Program::log becomes.
inline std::string row(Ticks ticks, std::string_view text) {
  std::string digits = std::to_string(ticks % 1'000'000'000);
  digits.insert(0, 9 - digits.size(), '0');
  return std::to_string(ticks / 1'000'000'000) + "." + digits + ",LOG," + std::string(text);
}

// Files cannot grow beyond `bytes` as long as this lives: writing more is an error, or, where the
// signal is let through, the end of the process.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes, bool kills = false)
      : handler_(std::signal(SIGXFSZ, kills ? SIG_DFL : SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace program
