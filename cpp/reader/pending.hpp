// The records that a journal's dead processes left in their rings, as a journal: reading shows what
// recovery would write, and writes nothing itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/mapping.hpp"
#include "reader/journal_reader.hpp"

namespace attolog {

struct Pending {
  // `paths`, cut to what their ledgers call committed.
  std::vector<JournalPath> files;
  // The records of the rings, as one more file to read, which is open as long as `records` is;
  // nothing where no process died.
  std::vector<JournalPath> rings;
  File records;
  std::vector<std::string> problems;
  // Whose rings these are: the dead sessions, each with the last batch of it that is in its file.
  struct Dead {
    std::string folder;
    std::string name;
    std::uint64_t committed;
  };
  std::vector<Dead> sessions;
};

// `log_path` is the journal's real path, `paths` it and its parts. `ring_dir`: where rings are, if
// not where they usually are.
Pending find_pending(const std::string& ring_dir, const std::string& log_path,
                     const std::vector<std::string>& paths);

// Whether no process has moved records from the rings to the files since. Otherwise files that were
// opened since have some of them, too.
bool is_current(const Pending& pending);

// The folders of a log file in all places where it may have one, where they are.
std::vector<std::string> folders_of(const std::string& ring_dir, const std::string& log_path);

// The end up to which the file is to be read, by its ledgers; its size where no batch is open.
std::uint64_t committed_length(const std::vector<std::string>& folders, const std::string& path,
                               std::uint64_t size);

}  // namespace attolog
