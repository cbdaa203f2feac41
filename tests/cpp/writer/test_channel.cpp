#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fstream>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "temp.hpp"
#include "writer/channel.hpp"
#include "writer/writer.hpp"

using namespace attolog;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

std::atomic<int> syncs{0};

}  // namespace

// In place of the C library's.
extern "C" int fdatasync(int) {
  ++syncs;
  return 0;
}

namespace {

// Long enough that only a hang takes it.
Deadline patience() {
  return steady_clock::now() + std::chrono::seconds(60);
}
std::string user() {
  return std::to_string(::geteuid());
}
Deadline soon() {
  return steady_clock::now() + milliseconds(100);
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
  std::shared_ptr<Channel> open() const { return Writer::get().open(options()); }

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
bool try_log(Channel& channel, std::string_view text, std::uint32_t site = kTextSite) {
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
void log(Channel& channel, std::string_view text) {
  while (!try_log(channel, text)) channel.wait_for_room(milliseconds(50));
}

std::string numbered(int thread, int number) {
  return std::to_string(thread) + ":" + std::to_string(number);
}

void expect_counts(const Channel& channel, std::uint64_t written, std::uint64_t waiting,
                   std::uint64_t dropped) {
  const Counts counts = channel.counts();
  check::equal(counts.written, written);
  check::equal(counts.waiting, waiting);
  check::equal(counts.dropped, dropped);
}

// A file that the writer cannot get rid of its bytes in until somebody reads.
class WedgedPipe {
 public:
  static constexpr std::size_t kCapacity = 65536;  // bytes, before the writer is stuck

  explicit WedgedPipe(const Log& log) {
    ::mkfifo(log.path().c_str(), 0600);
    reader_ = File(::open(log.path().c_str(), O_RDONLY | O_NONBLOCK));
    ::fcntl(reader_.fd(), F_SETFL, 0);
  }
  // Reads until `lines` lines have come; what they are.
  std::string read_lines(std::size_t lines) const {
    std::string text;
    while (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) < lines) {
      pollfd readable{reader_.fd(), POLLIN, 0};
      if (::poll(&readable, 1, 60'000) <= 0) break;  // only where lines are missing
      char piece[65536];
      const ssize_t n = ::read(reader_.fd(), piece, sizeof piece);
      if (n <= 0) break;
      text.append(piece, static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  File reader_;
};

}  // namespace

static const check::Test plain{
    "what was logged is in the file after a flush, and nothing is left after close", [] {
      const Log log;
      const auto channel = log.open();
      ::log(*channel, "one");
      ::log(*channel, "two");
      check::that(channel->flush(patience()));
      check::that(log.texts() == std::vector<std::string>{"one", "two"});
      expect_counts(*channel, 2, 0, 0);
      ::log(*channel, "three");
      check::that(channel->close(patience()));
      check::equal(log.texts().size(), 3u);
      expect_counts(*channel, 3, 0, 0);
      check::that(channel->is_finished());
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
                                           ::log(*channel, numbered(t, i));
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
        const auto channel = Writer::get().open(options);
        {
          std::vector<std::jthread> running;
          for (int t = 0; t < kThreads; ++t) {
            running.emplace_back([&, t] {
              for (int i = 0; i < kEach; ++i) {
                ::log(*channel, numbered(t, i));
                if (i % 1000 == 0) channel->drain_echo(patience());
              }
            });
          }
        }
        if (!channel->close(patience()) || !channel->drain_echo(patience())) ::_exit(1);
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
        std::thread([&] { ::log(*channel, numbered(t, 0)); }).join();
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
                                     ::log(*channel, "main");
                                     std::thread([&] { ::log(*channel, "other"); }).join();
                                     check::equal(log.files(kRingSuffix), 2u);
                                     check::that(channel->close(patience()));
                                   }};

static const check::Test full_ring{
    "with the file stuck a ring fills up, flush gives up in time, and drops are counted and told "
    "of",
    [] {
      const Log log;
      const WedgedPipe pipe(log);
      const auto channel = log.open();
      // More than the pipe takes, and then until the ring is full too.
      const std::string text(100, 'x');
      const std::size_t row = std::string("1234567890.123456,LOG,\n").size() + text.size();
      for (std::size_t taken = 0;;) {
        if (try_log(*channel, text)) {
          ++taken;
        } else if (taken * row <= WedgedPipe::kCapacity) {
          channel->wait_for_room(milliseconds(50));
        } else {
          break;
        }
      }
      const Counts before = channel->counts();
      check::that(!channel->flush(soon()));
      channel->drop(3);
      const Counts stuck = channel->counts();  // the pipe may have taken another batch meanwhile
      const std::uint64_t records = before.written + before.waiting;
      check::equal(stuck.written + stuck.waiting, records);
      check::equal(stuck.dropped, std::uint64_t{3});
      std::jthread closing([&] { check::that(channel->close(patience())); });
      const std::string read = pipe.read_lines(records + 1);  // and the row of the drops
      closing.join();
      check::that(read.find(",DROPPED,3,") != std::string::npos);
      expect_counts(*channel, records, 0, 3);
    }};

static const check::Test last_drops{
    "drops right before the end are told of too", [] {
      const Log log;
      const auto channel = log.open();
      ::log(*channel, "one");
      check::that(channel->flush(patience()));
      channel->drop(3);
      check::that(channel->close(patience()));
      check::that(temp::read_file(log.path()).find(",DROPPED,3,") != std::string::npos);
    }};

static const check::Test blocked{
    "a caller that waits for room goes on when the file does, and nothing is lost", [] {
      const Log log;
      const WedgedPipe pipe(log);
      const auto channel = log.open();
      constexpr int kRecords = 10'000;  // several times what ring and pipe hold
      std::jthread logging([&] {
        for (int i = 0; i < kRecords; ++i) ::log(*channel, numbered(0, i));
      });
      const std::string text = pipe.read_lines(kRecords);
      logging.join();
      check::equal(std::count(text.begin(), text.end(), '\n'), kRecords);
      check::that(text.find("," + numbered(0, kRecords - 1) + "\n") != std::string::npos);
      check::that(channel->close(patience()));
      expect_counts(*channel, kRecords, 0, 0);
    }};

static const check::Test spilled{
    "a record too large for its ring goes through a file beside it", [] {
      const Log log;
      const auto channel = log.open();
      const std::string text(3 * kMinRing, 's');
      Buffer values;
      encode_str(values, text);
      const std::uint64_t reference[2] = {channel->spill(values.view()).value(), values.size()};
      check::equal(log.files(".spill"), 1u);
      check::that(
          try_log(*channel, {reinterpret_cast<const char*>(reference), 16}, kTextSite | kSpilled));
      check::that(channel->flush(patience()));
      check::that(log.texts() == std::vector<std::string>{text});
      check::equal(log.files(".spill"), 0u);
      check::that(channel->close(patience()));
    }};

static const check::Test events{
    "sites registered before and after a channel opens are known to it", [] {
      const Log log;
      Site site;
      site.name = "EARLY";
      const std::uint32_t early = site_registry().add(site).value();
      const auto channel = log.open();
      site.name = "LATE";
      const std::uint32_t late = site_registry().add(site).value();
      check::that(try_log(*channel, "", early) && try_log(*channel, "", late));
      check::that(channel->close(patience()));
      const std::string text = temp::read_file(log.path());
      check::that(text.find(",EARLY\n") != std::string::npos);
      check::that(text.find(",LATE\n") != std::string::npos);
    }};

static const check::Test two_channels{
    "two channels of one file append to it, each its own, all of it", [] {
      const Log log;
      const auto one = log.open();
      const auto two = log.open();
      for (int i = 0; i < 1000; ++i) ::log(i % 2 == 0 ? *one : *two, numbered(0, i));
      check::that(one->close(patience()));
      ::log(*two, "last");
      check::that(two->close(patience()));
      check::equal(log.texts().size(), 1001u);
      expect_counts(*one, 500, 0, 0);
      expect_counts(*two, 501, 0, 0);
    }};

static const check::Test appended{
    "a file is appended to, or replaced where that is asked for", [] {
      const Log log;
      temp::write_file(log.path(), "0,LOG,old\n");
      auto options = log.options();
      auto channel = Writer::get().open(options);
      ::log(*channel, "new");
      check::that(channel->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"old", "new"});
      options.append = false;
      channel = Writer::get().open(options);
      ::log(*channel, "only");
      check::that(channel->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"only"});
    }};

static const check::Test parents{
    "missing folders are made; a path that cannot be is an error that names it", [] {
      const Log log("a/b/run.csv");
      const auto channel = log.open();
      ::log(*channel, "there");
      check::that(channel->close(patience()));
      check::equal(log.texts().size(), 1u);
      std::filesystem::create_directory(log / "folder.csv");
      auto options = log.options();
      options.path = log / "folder.csv";
      const std::string said = temp::error_of([&] { Writer::get().open(options); });
      check::that(said.find("folder.csv") != std::string::npos);
      check::equal(log.files(kSessionSuffix), 0u);
    }};

static const check::Test recovers{
    "a channel takes in what a dead process left for its file", [] {
      const Log log;
      // Killed right behind the call.
      const int status = temp::in_child([&] {
        const auto channel = log.open();
        ::log(*channel, "left");
        ::_exit(0);
      });
      check::equal(status, 0);
      const auto channel = log.open();
      ::log(*channel, "mine");
      check::that(channel->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"left", "mine"});
    }};

static const check::Test forked{
    "a forked child has a channel of its own, and what the parent logged is the parent's", [] {
      const Log log;
      const auto channel = log.open();
      ::log(*channel, "parent");
      const int status = temp::in_child([&] {
        check::that(channel->is_forked());
        check::that(channel->attach(1, "child") == nullptr);
        const auto own = Writer::get().reopen(*channel);
        ::log(*own, "child");
        ::_exit(own->close(patience()) ? 0 : 1);
      });
      check::equal(status, 0);
      check::that(channel->producer() != nullptr);
      ::log(*channel, "parent");
      check::that(channel->close(patience()));
      const auto texts = log.texts();
      check::equal(std::count(texts.begin(), texts.end(), "parent"), 2);
      check::equal(std::count(texts.begin(), texts.end(), "child"), 1);
    }};

static const check::Test successor{
    "a successor takes no records of its own, and opens the file for the next call", [] {
      const Log log;
      const auto channel = log.open();
      const auto next = channel->successor();
      check::that(next->is_forked());
      check::that(next->attach(1, "thread") == nullptr);
      next->tell(kSkippedSite, "", std::nullopt);
      check::that(channel->close(patience()));
      const auto reopened = Writer::get().reopen(*next);
      ::log(*reopened, "again");
      check::that(reopened->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"again"});
    }};

static const check::Test synced{
    "the file is put onto the disk at its interval, however short, and only with something new",
    [] {
      const Log file;
      ChannelOptions options = file.options();
      options.fsync_interval = 1e-6;
      const auto channel = Writer::get().open(options);
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
      check::equal(Writer::get().open(options)->longest_round().count(), 20);
      options.fsync_interval = 5;
      check::equal(Writer::get().open(options)->longest_round().count(), 50);
      options.fsync_interval = 0;
      check::equal(Writer::get().open(options)->longest_round().count(), 50);
    }};

static const check::Test failing{
    "with a full disk flush returns, and records wait in their rings", [] {
      Log log;
      auto options = log.options();
      options.path = "/dev/full";
      const auto channel = Writer::get().open(options);
      ::log(*channel, "waiting");
      check::that(!channel->flush(patience()));
      check::that(channel->is_failing());
      expect_counts(*channel, 0, 1, 0);
      check::that(!channel->close(patience()));
      expect_counts(*channel, 0, 0, 1);  // there is nothing to recover them from
    }};

static const check::Test no_folder{
    "where no private folder can be had rings are in memory, and all works", [] {
      const Log log;
      auto options = log.options();
      options.ring_dir = log / "none";
      std::ofstream(options.ring_dir) << "no folder";
      const auto channel = Writer::get().open(options);
      ::log(*channel, "there");
      Buffer values;
      encode_str(values, std::string(500'000, 'x'));
      const std::uint64_t reference[2] = {channel->spill(values.view()).value(), values.size()};
      check::that(
          try_log(*channel, {reinterpret_cast<const char*>(reference), 16}, kTextSite | kSpilled));
      check::that(channel->close(patience()));
      check::equal(log.texts().size(), 2u);
    }};

static const check::Test small_rings{
    "where there is no room for a ring as large as asked for a smaller one is made", [] {
      const Log log;
      auto options = log.options();
      options.ring_bytes = std::size_t{1} << 20;
      std::shared_ptr<Channel> channel;
      {
        const program::FileLimit limited(200'000);
        channel = Writer::get().open(options);
      }
      check::equal(log.files(".ring"), 1u);
      for (int i = 0; i < 10'000; ++i) ::log(*channel, numbered(0, i));
      check::that(channel->close(patience()));
      expect_counts(*channel, 10'000, 0, 0);
    }};

static const check::Test unopened{"a file that cannot be opened leaves no folder for rings", [] {
                                    const Log log;
                                    std::filesystem::create_directory(log.path());
                                    const auto attempt = [&] { log.open(); };
                                    check::that(temp::error_of(attempt).starts_with(log.path()));
                                    check::equal(log.files("") - log.files("attolog-" + user()),
                                                 1u);
                                  }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
