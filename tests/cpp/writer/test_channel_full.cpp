#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "channels.hpp"
#include "check.hpp"
#include "core/codec.hpp"
#include "core/file.hpp"
#include "temp.hpp"

using namespace channels;

namespace {

Deadline soon() {
  return steady_clock::now() + milliseconds(100);
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
      const RecordCounts before = channel->counts();
      check::that(!channel->flush(soon()));
      channel->drop(3);
      const RecordCounts stuck =
          channel->counts();  // the pipe may have taken another batch meanwhile
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
      channels::log(*channel, "one");
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
        for (int i = 0; i < kRecords; ++i) channels::log(*channel, numbered(0, i));
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

static const check::Test failing{
    "with a full disk flush returns, and records wait in their rings", [] {
      Log log;
      auto options = log.options();
      options.path = "/dev/full";
      const auto channel = WriterThread::get().open(options);
      channels::log(*channel, "waiting");
      check::that(!channel->flush(patience()));
      check::that(channel->is_failing());
      expect_counts(*channel, 0, 1, 0);
      check::that(!channel->close(patience()));
      expect_counts(*channel, 0, 0, 1);  // there is nothing to recover them from
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
