// The ledger: one small mapped file per log file, shared by all processes that write it. It makes
// "write" and "remember that it was written" one step, also for a process killed in between.
//
//   lock; settle what a dead holder left; store the intent; write; commit; close the intent; unlock
//
// An open intent says which bytes of the log file a batch was to become. Whoever finds one compares
// the bytes: all there makes the batch committed, anything less is cut off again.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/mapping.hpp"

namespace attolog {

class Session;

inline constexpr std::string_view kLedgerSuffix = ".ledger";

class Ledger {
 public:
  // The ledger of the log file `log_path` in its log folder; made if need be. Throws
  // std::system_error.
  Ledger(std::string folder, std::string log_path);

  // Waits for the lock and settles an open intent. What had to be said about it (somebody else
  // wrote into the log file) is returned; "" mostly.
  std::string acquire();
  void release();

  // What an open intent would come to, for those who only read.
  struct Intent {
    std::string session;  // the name of its file
    std::uint64_t batch = 0;
    std::uint64_t offset = 0;
    bool is_complete = false;  // the bytes are all there
  };
  static std::optional<Intent> look(const std::string& folder, const std::string& log_path);

  // Under the lock: batch `batch` of `session` is about to become `bytes` at `offset` of the file.
  void intend(const Session& session, std::uint64_t batch, int log_fd, std::uint64_t offset,
              std::string_view bytes);
  void close_intent();

  // In a forked child: lets go of the parent's lock.
  void close_lock() { file_.close(); }

 private:
  struct Page;
  Page& page() const { return *reinterpret_cast<Page*>(mapping_.data()); }
  void open();
  std::string settle();
  static bool is_its_file(const Page& page, int log_fd);
  static bool is_complete(const Page& page, int log_fd);

  std::string folder_;
  std::string log_path_;
  std::string path_;
  File file_;
  Mapping mapping_;
};

}  // namespace attolog
