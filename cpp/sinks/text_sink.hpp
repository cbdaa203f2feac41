// The pattern of a text file's lines.
#pragma once

#include <string>
#include <string_view>

namespace attolog {

inline constexpr std::string_view kDefaultPattern = "{time} {level:<8} {message}";

// The mistake in `pattern` and its place, as a clause; empty if it can be used. A pattern is a
// format string over time (ISO 8601, UTC), level (EVENT for events), message, event, thread, file,
// line and function. The name line takes specs of an int, the others those of a str.
std::string check_pattern(std::string_view pattern);

}  // namespace attolog
