// The parts of a journal. While one process writes run.atto, each other process writes a part of
// its own beside it: run.PID-N.atto. A part names its journal in its first block, so that a file
// which only has such a name is never taken for a part. The journal announces the part, so that one
// that is missing is missed. When its process ends, the part is merged (writer/merge.hpp).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/mapping.hpp"
#include "journal/journal.hpp"

namespace attolog {

struct JournalFiles {
  std::vector<std::string> paths;   // the journal and its parts that exist, in order of name
  std::vector<std::string> marked;  // the parts whose first block names the journal
  // False where the journal, or a file with a part's name, has no whole block yet: it may get one
  // without the folder's telling.
  bool is_final = true;
};

// A file is a part of `log_path` if its name has the process id of its first intact block, and that
// block names the journal. It then has the run id, first time and sequence of the first intact
// block of `log_path`. A run id alone would not do, since a program may start others that log to
// the next journal of the name. Also taken for parts are
// - files that begin with records, if their run has written the journal: parts of attolog 0.1;
// - parts of a journal that was renamed, if their process and that of the journal are of one run,
//   and it has logged since the journal began;
// - files with the name of another journal's part that name this one: it was renamed, or copied.
// A file that cannot be opened is listed, so that reading it says why.
JournalFiles journal_files(const std::string& log_path);

// Begins a part of this process, and of no other. A process of another container may have its
// number, and the one that ends merges the part and removes it. Its name has `number`, or the next
// one that no other file has. The part's first block names the journal. The journal announces the
// part by that block, but with the number in the part's name for its mask. A journal that has no
// block yet gets an empty one with `run_id` first. A file that cannot be written is reported where
// the part is opened.
std::string begin_part(const std::string& log_path, std::uint64_t number, std::uint64_t run_id);

// The path of the journal that a part is named after; "" for other names.
std::string journal_of_part(const std::string& part_path);
// The name, without its folder, of the part that a journal announces.
std::string announced_part(const std::string& log_path, const BlockHeader& announcement);

// Whether `mark`, the first block of a part, names the journal whose first block is `first`.
bool names_journal(const BlockHeader& mark, const BlockHeader& first);

// The headers of a journal's intact blocks, one after the other. Payloads are not looked at.
class HeaderWalk {
 public:
  explicit HeaderWalk(int fd) : fd_(fd) {}
  std::optional<BlockHeader> next();
  // Behind the block of the last one.
  std::uint64_t offset() const { return offset_; }

 private:
  std::size_t read(std::uint64_t offset, char* bytes, std::size_t size) const;
  bool find_magic();

  int fd_;
  std::uint64_t offset_ = 0;
};

// `extra` are more flags of open(). Nothing (and errno) where there is no regular file.
File open_regular(const std::string& path, int extra);

}  // namespace attolog
