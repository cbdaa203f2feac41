#include "reader/processes.hpp"

#include <vector>

#include "check.hpp"
#include "core/record.hpp"
#include "reader/records.hpp"

using attolog::find_processes;
using attolog::ProcessInfo;
using attolog::SourcedRecord;
using attolog::Thread;

namespace {

const Thread main_thread{1, "MainThread"};
const Thread equal_name{2, "MainThread"};
const Thread unnamed{3, ""};

class Records final : public attolog::RecordStream {
 public:
  void add(std::uint64_t run, std::uint32_t pid, std::int64_t time, const Thread* thread) {
    SourcedRecord& record = records_.emplace_back();
    record.run_id = run;
    record.pid = pid;
    record.record.time_ns = time;
    record.record.thread = thread;
  }

  const SourcedRecord* next() override {
    return at_ == records_.size() ? nullptr : &records_[at_++];
  }

 private:
  std::vector<SourcedRecord> records_;
  std::size_t at_ = 0;
};

}  // namespace

static const check::Test none{"no records have no processes", [] {
                                Records records;
                                check::that(find_processes(records).empty());
                              }};

static const check::Test one{
    "a process has its records, its times and its threads", [] {
      Records records;
      records.add(7, 20, 100, &main_thread);
      records.add(7, 10, 110, &unnamed);
      records.add(7, 20, 90, &equal_name);
      records.add(7, 20, 130, &unnamed);
      records.add(7, 20, 140, nullptr);
      const std::vector<ProcessInfo> found = find_processes(records);
      check::equal(found.size(), 2U);
      check::equal(found[0].pid, 20U);
      check::equal(found[0].records, 4U);
      check::equal(found[0].first_ns, 90);
      check::equal(found[0].last_ns, 140);
      check::that(found[0].threads == std::vector<std::string>{"MainThread", "3"});
      check::equal(found[1].pid, 10U);
      check::equal(found[1].records, 1U);
      check::that(found[1].threads == std::vector<std::string>{"3"});
    }};

static const check::Test runs{"a process id that two runs had is two processes", [] {
                                Records records;
                                records.add(7, 20, 100, &main_thread);
                                records.add(8, 20, 200, &main_thread);
                                records.add(7, 20, 300, &main_thread);
                                const std::vector<ProcessInfo> found = find_processes(records);
                                check::equal(found.size(), 2U);
                                check::equal(found[0].run_id, 7U);
                                check::equal(found[0].records, 2U);
                                check::equal(found[1].run_id, 8U);
                              }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
