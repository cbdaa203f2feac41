// Recovery: what processes left in their rings when they died is put into their log files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/session.hpp"
#include "writer/sink.hpp"

namespace attolog {

struct Recovery {
  std::uint64_t sessions = 0;  // left by dead processes and now done with
  std::uint64_t records = 0;   // put into their files
  std::uint64_t living = 0;    // sessions that are left alone
  std::vector<std::string> messages;
};

// Finishes every dead session in the log folder of `log_path` (real). Sessions of living processes
// are not touched, nor is a session whose log file is not one of `log_path`'s.
Recovery recover(const std::string& folder, const std::string& log_path);

// What recover would do: nothing is written.
Recovery inspect(const std::string& folder, const std::string& log_path);

// Whether a living session other than `name` is in the folder.
bool has_other_living(const std::string& folder, const std::string& name);

// Removes the folder of a log file that no session is left of.
void tidy(const std::string& folder);

std::unique_ptr<Sink> make_sink(const LogTarget& target);

}  // namespace attolog
