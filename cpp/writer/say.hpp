// The few things the writer has to tell the user, on stderr.
#pragma once

#include <string>
#include <string_view>

namespace attolog {

// One line, "attolog: ...". Never fails, never waits for a lock, takes no memory.
void say(std::string_view line) noexcept;

// What errno stands for, in words.
std::string describe_errno(int error);

}  // namespace attolog
