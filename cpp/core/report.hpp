// The few things the writer has to tell the user, on stderr.
#pragma once

#include <string>
#include <string_view>

namespace attolog {

// One line, "attolog: ...". Never fails, never waits for a lock, takes no memory.
void report(std::string_view line) noexcept;

// Reports the line, unless `what` of `where` was reported before: by this process, or by any that
// was forked from it, or that it was forked from.
void report_once(std::string_view what, std::string_view where, std::string_view line) noexcept;

// The meaning of errno in words.
std::string describe_errno(int error);

}  // namespace attolog
