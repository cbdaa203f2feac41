// A log file, and the caller's side of its channel as the extension module has it.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"
#include "temp.hpp"
#include "writer/channel.hpp"
#include "writer/writer_thread.hpp"

namespace channels {

using namespace attolog;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Long enough that only a hang takes it.
inline Deadline patience() {
  return steady_clock::now() + std::chrono::seconds(60);
}
// A log file, and the caller's side of a channel as the extension module has it.
class Log {
 public:
  explicit Log(const char* name = "run.csv") : name_(name) {}
  std::string path() const { return root_ / name_; }
  std::string operator/(const char* name) const { return root_ / name; }

  ChannelOptions options() const {
    ChannelOptions options;
    options.path = path();
    options.format = Format::csv;
    options.ring_dir = root_.path();
    options.ring_bytes = kMinRing;
    return options;
  }
  std::shared_ptr<Channel> open() const { return WriterThread::get().open(options()); }

  std::vector<std::string> texts() const { return temp::sentences_of(path()); }
  std::size_t files(std::string_view suffix) const {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
      found += entry.path().string().ends_with(suffix) ? 1 : 0;
    }
    return found;
  }

 private:
  temp::Folder root_;
  const char* name_;
};

// One call: the record is in the ring, or false.
inline bool try_log(Channel& channel, std::string_view text, std::uint32_t site = kTextSite) {
  Producer* producer = channel.producer();
  if (producer == nullptr)
    producer = channel.attach(static_cast<std::uint64_t>(::gettid()), "thread");
  if (producer == nullptr) return false;
  Buffer values;
  if (site == kTextSite) {
    encode_str(values, text);
  } else {
    values.append(text);
  }
  const std::size_t size = (sizeof(RecordHead) + values.size() + 7) / 8 * 8;
  if (!channel.has_room(*producer, size)) return false;
  Buffer record;
  encode_record(record, site, now_ticks(), values.view());
  std::memcpy(producer->place(), record.data(), record.size());
  producer->commit(record.size());
  return true;
}

// A call of a logger that blocks.
inline void log(Channel& channel, std::string_view text) {
  while (!try_log(channel, text)) channel.wait_for_room(milliseconds(50));
}

inline std::string numbered(int thread, int number) {
  return std::to_string(thread) + ":" + std::to_string(number);
}

inline void expect_counts(const Channel& channel, std::uint64_t written, std::uint64_t waiting,
                          std::uint64_t dropped) {
  const RecordCounts counts = channel.counts();
  check::equal(counts.written, written);
  check::equal(counts.waiting, waiting);
  check::equal(counts.dropped, dropped);
}

}  // namespace channels
