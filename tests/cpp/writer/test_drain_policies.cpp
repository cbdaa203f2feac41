// Draining records that are counted and kept, with kills and failures at every point.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>

#include "check.hpp"
#include "policies.hpp"
#include "program.hpp"
#include "shm/checkpoint.hpp"
#include "temp.hpp"

using namespace attolog;
using namespace policies;
using program::FileLimit;

namespace {

constexpr std::uint64_t kSteps = 45;

// A process that logs and drains, and is killed at the end of `action` if not before.
template <class Action>
int killed(const Disk& disk, std::uint64_t unsaved, const Action& action) {
  return temp::in_child([&] {
    action(*std::make_unique<Mixed>(disk, unsaved).release());
    ::kill(::getpid(), SIGKILL);
  });
}

// How large the file gets where all goes well.
std::uintmax_t whole() {
  const Disk disk;
  Mixed mixed(disk);
  mixed.steps(kSteps);
  mixed.end();
  return disk.size();
}

// Limits on the file's size, from its first new byte on to nearly its last.
std::vector<rlim_t> limits(std::size_t n, std::uintmax_t end) {
  std::vector<rlim_t> found;
  const rlim_t start = kOld.size() + 2;
  for (std::size_t i = 0; i < n; ++i) found.push_back(start + (end - start) * i / n);
  return found;
}

// More than the ring takes at once, and more than a batch.
constexpr std::uint64_t kMany = 3000;
constexpr std::uint64_t kRoom = 30'000;
void keep_many(Mixed& mixed) {
  const std::string text(1000, 'x');
  for (std::uint64_t i = 0; i < kMany; ++i) {
    if (mixed.log(kKept, i, text)) continue;
    mixed.sweep();
    check::that(mixed.log(kKept, i, text));
  }
}

}  // namespace

static const check::Test once{"each record is written, counted or kept, once", [] {
                                const Disk disk;
                                Mixed mixed(disk);
                                mixed.steps(kSteps);
                                check::equal(mixed.end().records, 3 * kSteps);
                                disk.expect(kSteps);
                                check::equal(mixed.progress().written, kSteps);
                                check::equal(mixed.progress().aggregated, kSteps);
                                check::equal(mixed.end().records, 0u);
                                disk.expect(kSteps);
                              }};

static const check::Test goes_on{
    "a drain goes on with the windows and boxes of another, wherever that ended", [] {
      for (std::uint64_t first = 0; first <= kSteps; first += 4) {
        const Disk disk;
        Mixed mixed(disk);
        mixed.steps(first);
        mixed.sweep();
        mixed.restart();
        check::equal(mixed.drain().is_holding(), first > 0);
        mixed.steps(kSteps - first);
        check::equal(mixed.end().error, 0);
        disk.expect(kSteps);
        check::that(!mixed.drain().is_holding());
      }
    }};

static const check::Test many{"a new drain after each step", [] {
                                const Disk disk;
                                Mixed mixed(disk);
                                for (std::uint64_t i = 0; i < kSteps; ++i) {
                                  mixed.steps(1);
                                  mixed.restart();
                                  mixed.sweep();
                                }
                                mixed.restart();
                                mixed.end();
                                disk.expect(kSteps);
                              }};

static const check::Test killed_between{
    "a process that is killed between two sweeps is finished by recovery", [] {
      for (std::uint64_t sweeps = 0; sweeps <= kSteps; sweeps += 3) {
        const Disk disk;
        killed(disk, kLast, [&](Mixed& mixed) {
          mixed.steps(kSteps);
          for (std::uint64_t i = 1; i <= sweeps; ++i) mixed.sweep(i);
        });
        check::equal(recover(disk.folder(), disk.path()).messages.size(), 0u);
        disk.expect(kSteps);
        check::equal(disk.files(".box") + disk.files(".ring") + disk.files(".session"), 0u);
      }
    }};

static const check::Test killed_writing{
    "a process that is killed anywhere in its writing is finished by recovery", [] {
      for (const rlim_t limit : limits(30, whole())) {
        const Disk disk;
        const int status = killed(disk, kLast, [&](Mixed& mixed) {
          mixed.steps(kSteps);
          const FileLimit killing(limit, true);
          for (std::uint64_t until = 5; until < kSteps; until += 10) mixed.sweep(until);
          mixed.end();
        });
        check::that(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
        recover(disk.folder(), disk.path());
        disk.expect(kSteps);
      }
    }};

static const check::Test killed_recovering{
    "recoveries may be killed one after the other", [] {
      const Disk disk;
      killed(disk, kLast, [&](Mixed& mixed) { mixed.steps(kSteps); });
      for (const rlim_t more : {2u, 300u, 200u, 700u, 20u, 2000u, 3000u}) {
        temp::in_child([&] {
          const FileLimit killing(kOld.size() + more, true);
          recover(disk.folder(), disk.path());
        });
      }
      recover(disk.folder(), disk.path());
      disk.expect(kSteps);
    }};

static const check::Test killed_box{
    "a process that is killed before its box has its name is finished by recovery", [] {
      const Disk disk;
      killed(disk, kLast, [&](Mixed& mixed) {
        mixed.steps(kSteps);
        temp::write_file(mixed.session().circular_buffer_path(0) + "-", "begun");
      });
      check::equal(recover(disk.folder(), disk.path()).messages.size(), 0u);
      disk.expect(kSteps);
    }};

static const check::Test removed_in_part{
    "a session that was removed in part has nothing more to tell", [] {
      for (const bool is_newest_left : {false, true}) {
        const Disk disk;
        killed(disk, kLast, [&](Mixed& mixed) {
          mixed.steps(kSteps);
          mixed.sweep();  // the state before the last is one with an open window
          mixed.end();
          const std::string path = mixed.session().stats_path();
          if (!is_newest_left) {
            Checkpoint(path).remove();
          } else {
            Checkpoint checkpoint(path);
            const auto state = checkpoint.read(mixed.session().committed());
            checkpoint.remove();
            checkpoint.prepare(mixed.session().committed(), *state);
          }
        });
        recover(disk.folder(), disk.path());
        disk.expect(kSteps);
      }
    }};

static const check::Test full_disk{
    "where the disk is full statistics and boxes wait with the file, and go on with it", [] {
      for (const rlim_t limit : limits(30, whole())) {
        const Disk disk;
        Mixed mixed(disk);
        mixed.steps(kSteps);
        {
          const FileLimit full(limit);
          for (std::uint64_t until = 5; until < kSteps; until += 10) mixed.sweep(until);
          check::equal(mixed.end().error, EFBIG);
          check::equal(mixed.end().error, EFBIG);
        }
        check::equal(mixed.end().error, 0);
        disk.expect(kSteps);
      }
    }};

static const check::Test full_then_killed{
    "a process that is killed while its disk is full is finished by recovery", [] {
      for (const rlim_t limit : limits(15, whole())) {
        const Disk disk;
        killed(disk, kLast, [&](Mixed& mixed) {
          mixed.steps(kSteps);
          const FileLimit full(limit);
          mixed.sweep(20);
          mixed.end();
          ::kill(::getpid(), SIGKILL);
        });
        recover(disk.folder(), disk.path());
        disk.expect(kSteps);
      }
    }};

static const check::Test holding{
    "that something is held is known as soon as the rings are drained of it", [] {
      const Disk disk;
      Mixed mixed(disk);
      mixed.steps(kSteps);
      // A part gets through, and then the run ends with an error.
      const FileLimit full(kOld.size() + 500);
      check::equal(mixed.sweep().error, EFBIG);
      check::that(mixed.progress().aggregated > 0);
      check::that(mixed.drain().is_holding());
    }};

static const check::Test in_batches{
    "what was kept goes into the file in batches, and none of it twice where a kill comes between",
    [] {
      std::uintmax_t end = kOld.size();
      for (std::uint64_t point = 0; point < 9; ++point) {
        const Disk disk;
        const int status = killed(disk, kRoom, [&](Mixed& mixed) {
          keep_many(mixed);
          const rlim_t most = kOld.size() + point * (end - kOld.size()) / 9;
          const FileLimit killing(point == 0 ? RLIM_INFINITY : most, true);
          mixed.end();
        });
        check::equal(WTERMSIG(status), point == 0 ? SIGKILL : SIGXFSZ);
        recover(disk.folder(), disk.path());
        disk.expect_kept(kMany, kRoom);
        end = disk.size();
      }
      check::that(end > kOld.size() + 2 * (std::uintmax_t{1} << 20));  // more than two batches
    }};

static const check::Test full_box{
    "a disk that is full while they are written makes the rest of what is kept wait", [] {
      const Disk disk;
      Mixed mixed(disk, kRoom);
      keep_many(mixed);
      for (const rlim_t more : {10u, 1'500'000u, 1'600'000u, 2'900'000u}) {
        const FileLimit full(kOld.size() + more);
        check::equal(mixed.end().error, EFBIG);
        check::that(mixed.drain().is_holding());
      }
      check::equal(mixed.end().error, 0);
      disk.expect_kept(kMany, kRoom);
      const CircularBuffer::Totals counts = mixed.drain().buffers().counts();
      check::equal(counts.saved, kMany);
      check::equal(counts.unsaved + counts.overwritten, 0u);
    }};

static const check::Test wraps{
    "a box that wraps many times holds the last records, also for a drain that goes on", [] {
      const Disk disk;
      Mixed mixed(disk, 100);
      for (int round = 0; round < 60; ++round) {
        mixed.steps(70);
        if (round % 7 == 3) mixed.restart();
        check::equal(mixed.sweep().records, 210u);
      }
      mixed.end();
      disk.expect(60 * 70, 100);
    }};

static const check::Test jump{"windows do not go across a step of the clock", [] {
                                const Disk disk;
                                Mixed mixed(disk);
                                mixed.steps(3);
                                mixed.sweep(3);
                                check::equal(disk.rows("STATS").size(), 0u);
                                mixed.drain().note_jump(1'000'000'000);
                                mixed.sweep(3);
                                check::equal(disk.rows("STATS").size(), 2u);
                                check::equal(disk.rows("CLOCK").size(), 1u);
                                mixed.steps(3);
                                mixed.end();
                                check::equal(disk.rows("STATS").size(), 4u);
                                disk.expect(6);
                              }};

static const check::Test time_ends{"a window ends with the time of a sweep, where no record comes",
                                   [] {
                                     const Disk disk;
                                     Mixed mixed(disk);
                                     mixed.steps(5);
                                     mixed.sweep(9);
                                     check::equal(disk.rows("STATS").size(), 0u);
                                     mixed.sweep(10);
                                     check::equal(disk.rows("STATS").size(), 2u);
                                     check::equal(disk.rows("STATS").at(0).at(0), "0.001000000");
                                   }};

static const check::Test spilled{
    "records that lie in files of their own are kept with them, and the files go with the records",
    [] {
      for (const bool is_watched : {false, true}) {
        const Disk disk;
        Mixed mixed(disk, 4);
        std::size_t seen = 0;
        if (is_watched) mixed.restart([&](const Record& record) { seen += record.values.size(); });
        for (std::uint64_t i = 0; i < 12; ++i) {
          if (i % 2 == 0) {
            mixed.log_spilled(kKept, i, std::string(100'000, 'a'));
          } else {
            check::that(mixed.log(kKept, i, "short"));
          }
          mixed.sweep();
        }
        check::equal(disk.files(".spill"), 2u);
        check::equal(mixed.end().error, 0);
        disk.expect_kept(12, 4);
        check::equal(disk.rows("KEPT").at(0).at(3).size(), 100'000u);
        check::equal(disk.files(".spill"), 0u);
        check::equal(mixed.session().header().dropped.load(), 0u);
        check::equal(seen, is_watched ? 24u : 0u);
      }
    }};

static const check::Test too_large{
    "what is too large for the box lies in a file of its own, one for each record that is held",
    [] {
      const Disk disk;
      Mixed mixed(disk, 4);
      const std::string text(20'000, 'b');  // a quarter of the smallest box is less
      for (std::uint64_t i = 0; i < 12; ++i) {
        check::that(mixed.log(kKept, i, text));
        check::that(mixed.log(kWritten, i));
        {
          const FileLimit full(disk.size());
          check::equal(mixed.sweep().error, EFBIG);
        }
        check::equal(disk.files(".spill"), std::min<std::size_t>(i, 4));
        check::equal(mixed.sweep().error, 0);
        check::equal(disk.files(".spill"), std::min<std::size_t>(i + 1, 4));
      }
      mixed.end();
      disk.expect_kept(12, 4);
      check::equal(disk.rows("KEPT").at(3).at(3), text);
      check::equal(disk.files(".spill"), 0u);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
