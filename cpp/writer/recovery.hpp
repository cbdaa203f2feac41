// Recovery: what processes left in their rings when they died is put into their log files.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "shm/place.hpp"
#include "shm/session.hpp"

namespace attolog {

inline constexpr std::chrono::milliseconds kRecoveryPatience{1'000};

struct Recovery {
  std::uint64_t sessions = 0;  // left by dead processes and now done with
  std::uint64_t records = 0;   // put into their files
  std::uint64_t living = 0;    // sessions that are left alone
  std::uint64_t gone = 0;      // sessions whose file is nowhere to be found
  std::vector<std::string> messages;

  void add(Recovery other);
};

// Finishes every dead session in a log folder. Their files are known by what they are: one that was
// renamed in its folder gets what is its own, and a new file under its name does not. `log_path`
// (real) is one that the caller knows; sessions of living processes are not touched.
struct RecoveryOptions {
  std::chrono::milliseconds patience = kRecoveryPatience;  // for a holder of a file's lock
  bool tells_of_holder = true;  // where that was not enough; else a later recovery is sure to come
  bool ends_outdated =
      true;         // sessions of another start of the machine are removed, and it is said
  int log_fd = -1;  // the log file, for a process that may not open it any more
};
Recovery recover(const std::string& folder, const std::string& log_path,
                 const RecoveryOptions& options = {});

// What recover would do: nothing is written.
Recovery inspect(const std::string& folder, const std::string& log_path);

// Recovers a folder of which the caller knows no more, and tidies it up. Circular logs are left
// alone.
Recovery recover_folder(const std::string& folder, bool ends_outdated = true);
// Recovers, or inspects, all log folders of a place.
Recovery recover_all(const RingPlace& place);
Recovery inspect_all(const RingPlace& place);

// Forgets the sessions of a place whose files have been nowhere to be found for a day, the last
// `most` excepted; with 0 all of them at once, and damaged ones. How many records went with them.
std::uint64_t forget_gone(const RingPlace& place, std::size_t most);

// The log file of a session, wherever in its folder it is now; "" where it is not to be found.
std::string find_log(const Session& session, const std::string& log_path);

// Removes the folder of a log file that no session is left of.
void tidy(const std::string& folder);

}  // namespace attolog
