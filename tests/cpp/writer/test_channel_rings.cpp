#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"
#include "temp.hpp"
#include "writer/channel.hpp"
#include "writer/recovery.hpp"
#include "writer/writer_thread.hpp"

using namespace attolog;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// Long enough that only a hang takes it.
Deadline patience() {
  return steady_clock::now() + std::chrono::seconds(60);
}

class Log {
 public:
  std::string path() const { return root_ / "run.csv"; }
  ChannelOptions options() const {
    ChannelOptions options;
    options.path = path();
    options.format = Format::csv;
    options.ring_dir = root_.path();
    return options;
  }
  std::vector<std::string> texts() const { return temp::sentences_of(path()); }
  // Sizes of the rings there are, without their headers.
  std::vector<std::uint64_t> rings() const {
    std::vector<std::uint64_t> sizes;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
      struct stat info{};
      if (entry.path().string().ends_with(kRingSuffix) && ::stat(entry.path().c_str(), &info) == 0)
        sizes.push_back(static_cast<std::uint64_t>(info.st_size) - kPage);
    }
    std::ranges::sort(sizes);
    return sizes;
  }

 private:
  temp::Folder root_;
};

// While it lives, another process would be within its write: nothing is drained.
class Held {
 public:
  explicit Held(const Log& log) : file_(::open(log.path().c_str(), O_RDWR | O_CLOEXEC)) {
    check::equal(::flock(file_.fd(), LOCK_EX), 0);
  }

 private:
  File file_;
};

// A call as the extension module does it. False: there is no room.
bool log_text(Channel& channel, std::string_view text) {
  Buffer values;
  encode_str(values, text);
  const std::uint64_t size = (sizeof(RecordHead) + values.size() + 7) / 8 * 8;
  for (;;) {
    Producer* producer = channel.producer();
    if (producer == nullptr)
      producer = channel.attach(static_cast<std::uint64_t>(::gettid()), "thread");
    if (producer == nullptr) return false;
    if (const Growth growth = channel.growth_for(*producer, size); growth != Growth::none) {
      channel.grow(*producer, size, growth);
      continue;
    }
    if (!channel.has_room(*producer, size)) return false;
    Buffer record;
    encode_record(record, kTextSite, now_ticks(), values.view());
    std::memcpy(producer->place(), record.data(), record.size());
    producer->commit(record.size());
    return true;
  }
}

std::string text_of(int number) {
  return std::to_string(number) + ":" + std::string(40, 'x');
}

std::vector<std::string> texts_to(int n) {
  std::vector<std::string> texts;
  for (int i = 0; i < n; ++i) texts.push_back(text_of(i));
  return texts;
}

// A channel whose first thread has the ring that was made for it: others begin small.
std::shared_ptr<Channel> open_for_others(const Log& log) {
  auto channel = WriterThread::get().open(log.options());
  check::that(channel->attach(1, "first") != nullptr);
  return channel;
}

// As many records as find room while nothing is drained.
int fill(const Log& log, Channel& channel) {
  int logged = 0;
  std::thread([&] {
    const Held held(log);
    while (log_text(channel, text_of(logged))) ++logged;
  }).join();
  return logged;
}

}  // namespace

static const check::Test first{
    "the first thread of a logger has a full ring at once", [] {
      const Log log;
      const auto channel = WriterThread::get().open(log.options());
      check::that(log.rings() == std::vector<std::uint64_t>{channel->options().ring_bytes});
      check::that(log_text(*channel, "one"));
      check::equal(log.rings().size(), 1u);
      check::that(channel->close(patience()));
    }};

static const check::Test burst{
    "a thread's first burst of as much as was asked for finds room, and stays in order", [] {
      const Log log;
      const auto channel = open_for_others(log);
      const int logged = fill(log, *channel);
      // A record's head and padding are less than its text.
      const std::size_t bytes = static_cast<std::size_t>(logged) * text_of(0).size();
      check::that(bytes > channel->options().ring_bytes / 2);
      check::that(channel->close(patience()));
      check::that(log.texts() == texts_to(logged));
      check::equal(channel->counts().written, static_cast<std::uint64_t>(logged));
      check::that(log.rings().empty());
    }};

static const check::Test quiet{"threads that log little have little rings", [] {
                                 const Log log;
                                 const auto channel = open_for_others(log);
                                 constexpr int kThreads = 50;
                                 std::atomic<int> ready{0};
                                 std::atomic<bool> go{false};
                                 std::vector<std::thread> threads;
                                 for (int i = 0; i < kThreads; ++i) {
                                   threads.emplace_back([&, i] {
                                     log_text(*channel, text_of(i));
                                     ++ready;
                                     ready.notify_all();
                                     go.wait(false);
                                   });
                                 }
                                 for (int n = 0; n < kThreads; n = ready.load()) ready.wait(n);
                                 const std::vector<std::uint64_t> rings = log.rings();
                                 check::equal(rings.size(), kThreads + std::size_t{1});
                                 check::equal(rings.at(kThreads - 1), std::uint64_t{16} * 1024);
                                 go = true;
                                 go.notify_all();
                                 for (std::thread& thread : threads) thread.join();
                                 check::that(channel->close(patience()));
                                 check::equal(log.texts().size(),
                                              static_cast<std::size_t>(kThreads));
                               }};

static const check::Test given_back{
    "rings that no thread has any more are given back, and what they held is in the file", [] {
      const Log log;
      const auto channel = open_for_others(log);
      const int logged = fill(log, *channel);
      // The writer does it between two rounds.
      const Deadline end = patience();
      while (log.rings().size() > 1 && steady_clock::now() < *end) std::this_thread::yield();
      check::equal(log.rings().size(), 1u);
      check::equal(fill(log, *channel), logged);
      check::that(channel->close(patience()));
      check::equal(log.texts().size(), 2 * static_cast<std::size_t>(logged));
    }};

static const check::Test large{"a record that is large for a first ring gets a larger one", [] {
                                 const Log log;
                                 const auto channel = WriterThread::get().open(log.options());
                                 const std::string text(300'000, 'y');
                                 check::that(log_text(*channel, text));
                                 check::that(channel->close(patience()));
                                 check::that(log.texts() == std::vector<std::string>{text});
                               }};

static const check::Test killed{
    "what a killed process had in all rings of a thread is recovered in order", [] {
      const Log log;
      constexpr int kRecords = 50'000;
      const auto die = [&] {
        const auto channel = open_for_others(log);
        const Held held(log);
        std::thread([&] {
          for (int i = 0; i < kRecords && log_text(*channel, text_of(i)); ++i) continue;
          // The first thread's, and three of this one.
          ::_exit(log.rings().size() == 4 ? 0 : 1);
        }).join();
      };
      check::equal(temp::in_child(die), 0);
      check::that(WriterThread::get().open(log.options())->close(patience()));
      check::that(log.texts() == texts_to(kRecords));
      check::that(log.rings().empty());
    }};

static const check::Test tight{
    "where a larger ring may not be had, a thread goes on in the one that it has", [] {
      const Log log;
      const std::string folder = log.options().ring_dir;
      struct statvfs info{};
      check::equal(::statvfs(folder.c_str(), &info), 0);
      const auto channel = open_for_others(log);
      const RingBytes others(device_of(folder), info.f_bavail * info.f_frsize / 2);
      check::that(fill(log, *channel) > 100);
      check::equal(log.rings().front(), std::uint64_t{16} * 1024);
      check::equal(log.rings().size(), 2u);
      check::that(channel->close(patience()));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
