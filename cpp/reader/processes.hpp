// The processes that wrote a journal, and their threads: learned in one pass over its records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reader/records.hpp"

namespace attolog {

struct ProcessInfo {
  std::uint32_t pid = 0;
  std::uint64_t run_id = 0;
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;
  std::uint64_t records = 0;
  std::vector<std::string> threads = {};  // their names, or ids where they have none
};

// The processes of some records, in the order of their first records.
std::vector<ProcessInfo> find_processes(RecordStream& records);

}  // namespace attolog
