// The ledger: one small mapped file per log file and place, shared by all processes there that
// write the file. It says whose batch is being written, so that "write" and "remember that it was
// written" are one step, also for a process killed in between.
//
//   lock the log file; finish what a dead holder left; store the intent; write; commit; close the
//   intent; unlock
//
// The lock is the log file's own (flock): it holds for all writers, wherever their ledgers are.
// writer/settle.hpp finishes what an open intent tells of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file_id.hpp"
#include "core/mapping.hpp"

namespace attolog {

inline constexpr std::string_view kLedgerSuffix = ".ledger";

// The name of a file beside the log's sessions that is about the log file itself.
std::string file_about(const std::string& folder, const std::string& log_path,
                       std::string_view suffix);

// That a batch is about to become `length` bytes at `offset` of a file, or behind what other
// programs append there meanwhile. The bytes themselves are in the session's copy.
struct Intent {
  std::string session;  // the name of its file
  std::uint64_t batch = 0;
  FileId file;  // as the ledger's folder knows it
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint32_t checksum = 0;  // of the bytes
};

class Ledger {
 public:
  // The ledger of the log file `log_path` in a folder; made if need be. Throws std::system_error.
  Ledger(const std::string& folder, const std::string& log_path);
  // The open intents in all ledgers of a folder, for those who only read. Files are known by what
  // they are: one may have had another name when its ledger was made.
  static std::vector<Intent> open_intents(const std::string& folder);

  // The open intent. A page that its checksum does not fit has none.
  std::optional<Intent> intent() const { return read(page()); }
  // Both are for the holder of the log file's lock.
  void open(const Intent& intent);
  void close();

 private:
  struct Page;
  Page& page() const { return *reinterpret_cast<Page*>(mapping_.data()); }
  static std::optional<Intent> read(const Page& page);

  Mapping mapping_;
};

}  // namespace attolog
