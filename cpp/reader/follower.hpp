// Follows a journal while it is written: gives, time after time, the blocks that came since.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "reader/file_pool.hpp"
#include "reader/journal_reader.hpp"

namespace attolog {

class JournalFollower {
 public:
  // `log_path` is the journal's real path; `ring_dir`: where rings are, if not where they usually
  // are.
  JournalFollower(std::string ring_dir, std::string log_path);

  // The blocks that came since the last call, in the journal and in its parts, new ones included;
  // null if no file has changed. A file that was renamed or removed is read on to its end. One that
  // was shortened is read again from its start, and blocks that were given are not given again.
  // Throws std::system_error where a file cannot be read, and NotAJournal.
  std::shared_ptr<JournalReader> poll();

 private:
  struct Followed {
    std::shared_ptr<PooledFile> file;
    bool is_named = true;     // still the journal or a part of it
    int rests = 0;            // polls that brought nothing since it is not
    std::uint64_t size = 0;   // as of the last poll
    bool is_limited = false;  // and what is behind `progress` is not committed yet
    JournalReader::Progress progress;
  };

  void list();
  static bool was_rewritten(const Followed& each, std::uint64_t size);

  std::shared_ptr<FilePool> pool_ = std::make_shared<FilePool>();
  std::string ring_dir_;
  std::string log_path_;
  std::filesystem::file_time_type listed_;  // the folder's time stamp then
  bool is_listed_ = false;                  // and nothing has come since that it does not tell
  std::vector<Followed> files_;
  bool is_journal_ = false;
  JournalReader::Headers known_;
};

}  // namespace attolog
