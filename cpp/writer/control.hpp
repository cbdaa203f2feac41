// The control page: how `attolog ctl` asks a running process, and is answered.
//
//   <root>/attolog-UID/control/PID-<random>.ctl   header with the request (two pages) | the answer
//   <root>/attolog-UID/control/PID-<random>.ask   empty; locked by the one client that asks
//
// Only its own user gets into the folder, and the page names no path: a request is a line of text.
// Alive means that the lock on the page is held, as with sessions. Requests are counted, and an
// answer has the number of its request: one that comes too late is nobody's. A request is taken by
// the process or withdrawn by the client, by one exchange of `asked`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mapping.hpp"

namespace attolog {

struct ControlHeader {
  static constexpr std::uint64_t kMagic = 0x324c5443'4f545441;  // "ATTOCTL2"
  static constexpr std::size_t kMostRequest = 4096;
  std::uint64_t magic;
  std::uint32_t pid;
  std::int64_t started_ns;
  char command[256];
  // The request that waits, by its number; 0: none does. Set by the client. release: the request is
  // complete; acquired by the process.
  std::atomic<std::uint64_t> asked;
  std::atomic<std::uint64_t> counted;           // requests so far; relaxed: the clients' alone
  std::atomic<std::uint32_t> request_size;      // relaxed: ordered by `asked`
  std::atomic<std::uint32_t> request_checksum;  // of number and text; relaxed: by `asked`
  // Written by the process. release: the answer to that request is complete; acquired by the
  // client.
  std::atomic<std::uint64_t> answered;
  std::atomic<std::uint64_t> answer_size;  // relaxed: ordered by `answered`
  char request[kMostRequest];
};

// The process's side, for one thread.
class ControlPage {
 public:
  static constexpr std::size_t kAnswerAt = 8192;
  static constexpr std::size_t kAnswerStep = 64 * 1024;  // allocated at first
  static constexpr std::size_t kMostAnswer = std::size_t{1} << 20;
  static_assert(sizeof(ControlHeader) <= kAnswerAt);

  // Throws std::system_error, and std::runtime_error where a folder is not private.
  static std::unique_ptr<ControlPage> create(const std::string& root);
  ControlPage(const ControlPage&) = delete;
  ControlPage& operator=(const ControlPage&) = delete;
  ~ControlPage();  // removes it

  // A request that was not taken yet. Costs one load where there is none.
  std::optional<std::string> request() {
    // acquire: pairs with ask; the request is complete.
    const std::uint64_t asked = header().asked.load(std::memory_order_acquire);
    return asked == 0 ? std::nullopt : accept(asked);
  }
  // Answers the request that was taken last. What there is no room for is cut off after a line.
  void answer(std::string_view text);
  // In a forked child: lets go of the parent's lock and page. Only to be destroyed afterwards.
  void close_in_child();

 private:
  ControlPage() = default;
  ControlHeader& header() const { return *reinterpret_cast<ControlHeader*>(mapping_.data()); }
  std::optional<std::string> accept(std::uint64_t asked);
  void make_room(std::size_t size);

  std::string folder_;
  std::string name_;  // "": not ours to remove
  File lock_;
  Mapping mapping_;
  std::size_t room_ = kAnswerStep;  // allocated so far, for an answer
  std::uint64_t accepted_ = 0;
};

struct ControlEntry {
  std::uint32_t pid = 0;
  std::string command;  // its beginning, as bytes; control characters are replaced
  std::int64_t started_ns = 0;
  bool is_alive = false;
};

// The processes that can be asked, the oldest first. Dead ones are listed once more, and removed.
std::vector<ControlEntry> list_processes(const std::string& root);

// What became of a request.
struct Reply {
  enum class State {
    answered,
    not_accepted,  // there is no such process, or it did not look in time: it will never do it
    accepted,      // the process is at it, and has not answered in time
  };
  State state = State::not_accepted;
  std::string text;  // of the answer
};

// Asks a process. Throws std::invalid_argument where the request is too long, and
// std::system_error.
Reply ask(const std::string& root, std::uint32_t pid, std::string_view request, int timeout_ms);

}  // namespace attolog
