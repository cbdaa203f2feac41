#include "reader/processes.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace attolog {
namespace {

using Key = std::pair<std::uint64_t, std::uint32_t>;  // run, process

// The threads of a process that were met.
struct MetThreads {
  std::unordered_set<const Thread*> threads;
  std::unordered_set<std::string> names;

  void add(const Thread& thread, std::vector<std::string>& in_order) {
    if (!threads.insert(&thread).second) return;
    const auto [name, is_new] =
        names.insert(thread.name.empty() ? std::to_string(thread.id) : thread.name);
    if (is_new) in_order.push_back(*name);
  }
};

}  // namespace

std::vector<ProcessInfo> find_processes(RecordStream& records) {
  std::vector<ProcessInfo> processes;
  std::vector<MetThreads> met;  // by process
  std::map<Key, std::size_t> index;
  Key key;
  std::size_t at = 0;
  while (const SourcedRecord* const next = records.next()) {
    const Key found{next->run_id, next->pid};
    const std::int64_t time = next->record.time_ns;
    if (processes.empty() || found != key) {
      key = found;
      const auto [place, is_new] = index.try_emplace(key, processes.size());
      at = place->second;
      if (is_new) {
        processes.push_back({next->pid, next->run_id, time, time});
        met.emplace_back();
      }
    }
    ProcessInfo& process = processes[at];
    process.first_ns = std::min(process.first_ns, time);
    process.last_ns = std::max(process.last_ns, time);
    ++process.records;
    const Thread* const thread = next->record.thread;
    if (thread != nullptr) met[at].add(*thread, process.threads);
  }
  return processes;
}

}  // namespace attolog
