// What a journal's dead processes left in their rings, as a journal: reading shows what recovery
// would write, and writes nothing itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/mapping.hpp"
#include "reader/journal_reader.hpp"

namespace attolog {

struct Pending {
  // `paths`, cut to what their ledgers call committed.
  std::vector<JournalPath> files;
  // What the rings hold, as one more file to read, which is open as long as `records` is; nothing
  // where no process died.
  std::vector<JournalPath> rings;
  File records;
  std::vector<std::string> problems;
  // Whose rings these are: the dead sessions in `folder`, each with the last batch of it that is in
  // its file.
  std::string folder;
  std::map<std::string, std::uint64_t> sessions;
};

// `log_path` is the journal's real path, `paths` it and its parts. `ring_root` is where rings are.
Pending find_pending(const std::string& ring_root, const std::string& log_path,
                     const std::vector<std::string>& paths);

// Whether nobody has put into the files since what the rings held: else files that were opened
// since have some of it too.
bool is_current(const Pending& pending);

}  // namespace attolog
