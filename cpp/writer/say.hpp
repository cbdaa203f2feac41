// The few things the writer has to tell the user, on stderr.
#pragma once

#include <string>

namespace attolog {

// One line, "attolog: ...". Never fails, never waits for a lock.
void say(const std::string& line);

// What errno stands for, in words.
std::string describe_errno(int error);

}  // namespace attolog
