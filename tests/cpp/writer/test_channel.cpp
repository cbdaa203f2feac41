#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "channels.hpp"
#include "check.hpp"
#include "temp.hpp"

using namespace channels;

namespace {

std::atomic<int> syncs{0};

}  // namespace

// In place of the C library's.
extern "C" int fdatasync(int) {
  ++syncs;
  return 0;
}

static const check::Test plain{
    "what was logged is in the file after a flush, and nothing is left after close", [] {
      const Log log;
      const auto channel = log.open();
      channels::log(*channel, "one");
      channels::log(*channel, "two");
      check::that(channel->flush(patience()));
      check::that(log.texts() == std::vector<std::string>{"one", "two"});
      expect_counts(*channel, 2, 0, 0);
      channels::log(*channel, "three");
      check::that(channel->close(patience()));
      check::equal(log.texts().size(), 3u);
      expect_counts(*channel, 3, 0, 0);
      check::that(channel->is_released());
      check::equal(log.files(kRingSuffix) + log.files(kSessionSuffix), 0u);
    }};

static const check::Test closed{"after close there is no ring to be had; closing again is fine",
                                [] {
                                  const Log log;
                                  const auto channel = log.open();
                                  check::that(channel->close(patience()));
                                  check::that(channel->close(patience()));
                                  check::that(channel->attach(1, "late") == nullptr);
                                }};

static const check::Test threads{"many threads: every record once, in each thread's order", [] {
                                   const Log log;
                                   const auto channel = log.open();
                                   constexpr int kThreads = 8;
                                   constexpr int kEach = 5000;
                                   {
                                     std::vector<std::jthread> running;
                                     for (int t = 0; t < kThreads; ++t) {
                                       running.emplace_back([&, t] {
                                         for (int i = 0; i < kEach; ++i)
                                           channels::log(*channel, numbered(t, i));
                                       });
                                     }
                                   }
                                   check::that(channel->close(patience()));
                                   int next[kThreads] = {};
                                   for (const std::string& text : log.texts()) {
                                     const int thread = std::stoi(text);
                                     check::equal(text, numbered(thread, next[thread]++));
                                   }
                                   for (const int each : next) check::equal(each, kEach);
                                   expect_counts(*channel, kThreads * kEach, 0, 0);
                                 }};

static const check::Test echoed{
    "many threads with an echo: every record is shown once, in its thread's order", [] {
      const Log log;
      constexpr int kThreads = 4;
      constexpr int kEach = 20'000;
      // In a process of its own, whose standard output is a file.
      const int status = temp::in_child([&] {
        const File out(::open((log / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        ::dup2(out.fd(), STDOUT_FILENO);
        ChannelOptions options = log.options();
        options.echo = true;
        const auto channel = WriterThread::get().open(options);
        {
          std::vector<std::jthread> running;
          for (int t = 0; t < kThreads; ++t) {
            running.emplace_back([&, t] {
              for (int i = 0; i < kEach; ++i) {
                channels::log(*channel, numbered(t, i));
                if (i % 1000 == 0) channel->drain_console(patience());
              }
            });
          }
        }
        if (!channel->close(patience()) || !channel->drain_console(patience())) ::_exit(1);
      });
      check::equal(status, 0);
      int next[kThreads] = {};
      for (const std::string& text : temp::lines_of(log / "out")) {
        const int thread = std::stoi(text);
        check::equal(text, numbered(thread, next[thread]++));
      }
      for (const int each : next) check::equal(each, kEach);
      check::equal(log.texts().size(), static_cast<std::size_t>(kThreads * kEach));
    }};

static const check::Test rings_reused{
    "the ring of a thread that ended goes to the next", [] {
      const Log log;
      const auto channel = log.open();
      constexpr int kThreads = 200;
      for (int t = 0; t < kThreads; ++t) {
        std::thread([&] { channels::log(*channel, numbered(t, 0)); }).join();
        if (t % 50 == 0) check::that(channel->flush(patience()));
      }
      check::equal(log.files(kRingSuffix), 1u);
      check::that(channel->close(patience()));
      const auto texts = log.texts();
      check::equal(texts.size(), std::size_t{kThreads});
      for (int t = 0; t < kThreads; ++t)
        check::equal(texts.at(static_cast<std::size_t>(t)), numbered(t, 0));
    }};

static const check::Test own_rings{"threads that live at once have a ring each", [] {
                                     const Log log;
                                     const auto channel = log.open();
                                     channels::log(*channel, "main");
                                     std::thread([&] { channels::log(*channel, "other"); }).join();
                                     check::equal(log.files(kRingSuffix), 2u);
                                     check::that(channel->close(patience()));
                                   }};

static const check::Test two_channels{
    "two channels of one file append to it, each its own, all of it", [] {
      const Log log;
      const auto one = log.open();
      const auto two = log.open();
      for (int i = 0; i < 1000; ++i) channels::log(i % 2 == 0 ? *one : *two, numbered(0, i));
      check::that(one->close(patience()));
      channels::log(*two, "last");
      check::that(two->close(patience()));
      check::equal(log.texts().size(), 1001u);
      expect_counts(*one, 500, 0, 0);
      expect_counts(*two, 501, 0, 0);
    }};

static const check::Test synced{
    "the file is put onto the disk at its interval, however short, and only with something new",
    [] {
      const Log file;
      ChannelOptions options = file.options();
      options.fsync_interval = 1e-6;
      const auto channel = WriterThread::get().open(options);
      for (int i = 0; i < 5; ++i) {
        const int before = syncs;
        log(*channel, "again");
        check::that(channel->flush(patience()));
        while (syncs == before) channel->sync_if_due();
        check::that(channel->flush(patience()));
      }
      const int all = syncs;
      channel->sync_if_due();
      check::equal(syncs.load(), all);
      check::equal(channel->longest_round().count(), 1);
      check::that(channel->close(patience()));
      options.fsync_interval = 0.02;
      check::equal(WriterThread::get().open(options)->longest_round().count(), 20);
      options.fsync_interval = 5;
      check::equal(WriterThread::get().open(options)->longest_round().count(), 50);
      options.fsync_interval = 0;
      check::equal(WriterThread::get().open(options)->longest_round().count(), 50);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
