// The few things the writer has to tell the user, on stderr.
#pragma once

#include <string>
#include <string_view>

namespace attolog {

// One line, "attolog: ...". Never fails, never waits for a lock, takes no memory.
void say(std::string_view line) noexcept;

// Says the line, unless this process or one that it was forked from has said `what` of `where`.
void say_once(std::string_view what, std::string_view where, std::string_view line) noexcept;

// What errno stands for, in words.
std::string describe_errno(int error);

}  // namespace attolog
