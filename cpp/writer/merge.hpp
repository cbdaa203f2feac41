// Merging: what a process has written to a part of its own goes into the journal when it ends.
#pragma once

#include <string>

namespace attolog {

enum class Merge {
  first,  // nobody has tried before
  again,  // a dead process may have begun: blocks that the journal has are passed over
};

// Appends the blocks of a part to its journal, as they are, and removes the part. The caller holds
// the part's session, in `folder` ("" where it has none): no process writes to the part then. Each
// piece goes under the ledger, as a batch of a session of its own. So a kill at any point leaves
// the part, whose blocks a reader knows for copies. `syncs`: the disk has the journal before the
// part goes.
//
// The part stays where it is if it is damaged, larger than 64 MiB, or names another journal than
// the one beside it; also where the journal cannot be written. False then, and for any other file.
bool merge_part(const std::string& folder, const std::string& part_path, Merge merge, bool syncs);

}  // namespace attolog
