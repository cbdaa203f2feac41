#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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
#include "writer/writer.hpp"

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
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const std::string& line : temp::lines_of(path())) {
      const std::size_t at = line.find(",LOG,");
      if (at != std::string::npos) texts.push_back(line.substr(at + 5));
    }
    return texts;
  }
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

}  // namespace

static const check::Test burst{
    "a first burst of as much as was asked for finds room, and its records stay in order", [] {
      const Log log;
      const auto channel = Channel::open(log.options());
      int logged = 0;
      {
        const Held held(log);
        while (log_text(*channel, text_of(logged))) ++logged;
        // A record's head, tag, length and padding are more than its text.
        check::that(static_cast<std::size_t>(logged) * text_of(0).size() >
                    channel->options().ring_bytes / 2);
        check::equal(log.rings().back(), channel->options().ring_bytes);
        check::equal(channel->counts().waiting, static_cast<std::uint64_t>(logged));
      }
      check::that(channel->close(patience()));
      check::that(log.texts() == texts_to(logged));
      check::equal(channel->counts().written, static_cast<std::uint64_t>(logged));
      check::that(log.rings().empty());
    }};

static const check::Test quiet{"threads that log little have little rings", [] {
                                 const Log log;
                                 const auto channel = Channel::open(log.options());
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
                                 std::uint64_t sum = 0;
                                 for (const std::uint64_t size : log.rings()) sum += size;
                                 check::that(log.rings().size() >= kThreads);
                                 check::that(sum <= (kThreads + 1) * std::uint64_t{16} * 1024);
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
      const auto channel = Channel::open(log.options());
      int logged = 0;
      std::thread([&] {
        const Held held(log);
        while (log_text(*channel, text_of(logged))) ++logged;
      }).join();
      check::equal(log.rings().back(), channel->options().ring_bytes);
      // The writer does it between two rounds.
      while (!log.rings().empty() && steady_clock::now() < *patience()) std::this_thread::yield();
      check::that(log.rings().empty());
      check::that(log_text(*channel, text_of(logged++)));
      check::equal(log.rings().size(), 1u);
      check::that(channel->close(patience()));
      check::that(log.texts() == texts_to(logged));
    }};

static const check::Test large{"a record that is large for a first ring gets a larger one", [] {
                                 const Log log;
                                 const auto channel = Channel::open(log.options());
                                 const std::string text(300'000, 'y');
                                 check::that(log_text(*channel, text));
                                 check::that(channel->close(patience()));
                                 check::that(log.texts() == std::vector<std::string>{text});
                               }};

static const check::Test killed{
    "what a killed process had in all rings of a thread is recovered in order", [] {
      const Log log;
      int n = 0;
      temp::in_child([&] {
        const auto channel = Channel::open(log.options());
        const Held held(log);
        for (int i = 0; i < 50'000 && log_text(*channel, text_of(i)); ++i) continue;
        ::_exit(log.rings().size() >= 3 ? 0 : 1);
      });
      const auto options = log.options();
      check::that(Channel::open(options)->close(patience()));
      n = static_cast<int>(log.texts().size());
      check::equal(n, 50'000);
      check::that(log.texts() == texts_to(n));
      check::that(log.rings().empty());
    }};

static const check::Test tight{
    "where a larger ring may not be had, a thread goes on in the one that it has", [] {
      const Log log;
      const auto channel = Channel::open(log.options());
      const RingBytes others(device_of(log.options().ring_dir), std::size_t{4} << 40);
      const Held held(log);
      int logged = 0;
      while (log_text(*channel, text_of(logged))) ++logged;
      check::that(logged > 100);
      check::equal(log.rings().back(), std::uint64_t{16} * 1024);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
