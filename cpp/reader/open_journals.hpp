// Journals as they are found: each with its parts, and with the records that its dead processes
// left in their rings.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reader/journal_reader.hpp"
#include "reader/pending.hpp"

namespace attolog {

struct OpenJournals {
  std::vector<Pending> pending;  // of each journal
  std::shared_ptr<JournalReader> reader;
};

// Opens journals as one source of records. A path that is another's part, or names a journal that
// another path names, adds nothing; nor does a journal that is gone, as long as one is there.
// `ring_dir` is where rings are, if not where they usually are. Throws as JournalReader::open does.
OpenJournals open_journals(const std::vector<std::string>& paths, const std::string& ring_dir,
                           JournalReader::Check check = JournalReader::Check::summaries);

}  // namespace attolog
