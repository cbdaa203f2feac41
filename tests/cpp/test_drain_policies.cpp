// Draining records that are counted and kept, with kills and failures at every point.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "check.hpp"
#include "core/folder.hpp"
#include "policies.hpp"
#include "program.hpp"
#include "temp.hpp"

using namespace attolog;
using namespace policies;
using program::FileLimit;

namespace {

constexpr std::uint64_t kSteps = 45;

std::uintmax_t size_of(const Mixed& mixed) {
  return std::filesystem::file_size(mixed.path());
}

// Bytes of the file of `kSteps` once all is in it.
std::uintmax_t whole() {
  Mixed mixed;
  mixed.steps(kSteps);
  mixed.end();
  return size_of(mixed);
}

}  // namespace

static const check::Test once{"each record is written, counted or kept, once", [] {
                                Mixed mixed;
                                mixed.steps(kSteps);
                                check::equal(mixed.end().records, 3 * kSteps);
                                mixed.expect(kSteps);
                                check::equal(mixed.progress().written, kSteps);
                                check::equal(mixed.progress().aggregated, kSteps);
                                check::equal(mixed.end().records, 0u);
                                mixed.expect(kSteps);
                              }};

static const check::Test goes_on{
    "a drain goes on with the windows and boxes of another, wherever that ended", [] {
      for (std::uint64_t first = 0; first <= kSteps; ++first) {
        Mixed mixed;
        mixed.steps(first);
        mixed.drain().run(kAll - 1, true);
        mixed.restart();
        check::equal(mixed.drain().is_holding(), first > 0);
        mixed.steps(kSteps - first);
        check::equal(mixed.end().error, 0);
        mixed.expect(kSteps);
        check::that(!mixed.drain().is_holding());
      }
    }};

static const check::Test many{"a new drain after each record", [] {
                                Mixed mixed;
                                for (std::uint64_t i = 0; i < kSteps; ++i) {
                                  mixed.step();
                                  mixed.restart().run(kAll - 1, false);
                                }
                                mixed.restart();
                                mixed.end();
                                mixed.expect(kSteps);
                              }};

static const check::Test killed_between{
    "a process that is killed between two sweeps is finished by recovery", [] {
      for (std::uint64_t sweeps = 0; sweeps <= kSteps; sweeps += 3) {
        Mixed mixed;
        mixed.steps(kSteps);
        const int status = temp::in_child([&] {
          Drain& drain = mixed.drain();
          for (std::uint64_t i = 1; i <= sweeps; ++i) drain.run(i * kStep, false);
          ::kill(::getpid(), SIGKILL);
        });
        check::that(WIFSIGNALED(status));
        mixed.die();
        check::equal(recover(mixed.folder(), mixed.path()).messages.size(), 0u);
        mixed.expect(kSteps);
        check::equal(list_files(mixed.folder(), kBoxSuffix).size(), 0u);
      }
    }};

static const check::Test killed_writing{
    "a process that is killed anywhere in its writing is finished by recovery", [] {
      const std::uintmax_t end = whole();
      const std::uintmax_t part = (end - kOld.size()) / 40;
      for (rlim_t limit = kOld.size() + 2; limit < end; limit += part) {
        Mixed mixed;
        mixed.steps(kSteps);
        const int status = temp::in_child([&] {
          const FileLimit killing(limit, true);
          for (Ticks until = 5; until < kSteps; until += 10) {
            mixed.drain().run(until * kStep, false);
          }
          mixed.end();
        });
        check::that(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
        mixed.die();
        recover(mixed.folder(), mixed.path());
        mixed.expect(kSteps);
      }
    }};

static const check::Test killed_recovering{
    "recoveries may be killed one after the other", [] {
      Mixed mixed;
      mixed.steps(kSteps);
      mixed.die();
      for (const rlim_t more : {2u, 300u, 200u, 700u, 20u, 2000u, 3000u}) {
        temp::in_child([&] {
          const FileLimit killing(kOld.size() + more, true);
          recover(mixed.folder(), mixed.path());
        });
      }
      recover(mixed.folder(), mixed.path());
      mixed.expect(kSteps);
    }};

static const check::Test full_disk{
    "where the disk is full statistics and boxes wait with the file, and go on with it", [] {
      const std::uintmax_t end = whole();
      const std::uintmax_t part = (end - kOld.size()) / 40;
      for (rlim_t limit = kOld.size() + 2; limit < end; limit += part) {
        Mixed mixed;
        mixed.steps(kSteps);
        {
          const FileLimit full(limit);
          for (Ticks until = 5; until < kSteps; until += 10) {
            mixed.drain().run(until * kStep, false);
          }
          check::equal(mixed.end().error, EFBIG);
          check::equal(mixed.end().error, EFBIG);
        }
        check::equal(mixed.end().error, 0);
        mixed.expect(kSteps);
      }
    }};

static const check::Test full_then_killed{
    "a process that is killed while its disk is full is finished by recovery", [] {
      const std::uintmax_t end = whole();
      for (rlim_t limit = kOld.size() + 2; limit < end; limit += (end - kOld.size()) / 15) {
        Mixed mixed;
        mixed.steps(kSteps);
        temp::in_child([&] {
          const FileLimit full(limit);
          mixed.drain().run(20 * kStep, false);
          mixed.end();
          ::kill(::getpid(), SIGKILL);
        });
        mixed.die();
        recover(mixed.folder(), mixed.path());
        mixed.expect(kSteps);
      }
    }};

static const check::Test holding{
    "that something is held is known as soon as the rings are drained of it", [] {
      Mixed mixed;
      mixed.steps(kSteps);
      // The first half gets through, and the run ends with an error.
      const FileLimit full(kOld.size() + 500);
      check::equal(mixed.drain().run(kAll - 1, false).error, EFBIG);
      check::that(mixed.progress().aggregated > 0);
      check::that(mixed.drain().is_holding());
    }};

static const check::Test in_batches{
    "what was kept goes into the file in batches, and none of it twice where a kill comes between",
    [] {
      constexpr std::uint64_t kRecords = 3000;
      const std::string text(1000, 'x');
      std::uintmax_t end = 0;
      for (std::uint64_t point = 0; point < 9; ++point) {
        Mixed mixed(30'000);
        for (std::uint64_t i = 0; i < kRecords; ++i) {
          if (mixed.log(kKept, i, text)) continue;
          mixed.drain().run(kAll - 1, false);
          check::that(mixed.log(kKept, i, text));
        }
        if (point != 0) {
          const int status = temp::in_child([&] {
            const FileLimit killing(kOld.size() + point * (end - kOld.size()) / 9, true);
            mixed.end();
          });
          check::that(WIFSIGNALED(status));
          mixed.die();
          recover(mixed.folder(), mixed.path());
        } else {
          check::equal(mixed.end().error, 0);
        }
        mixed.expect_kept(kRecords);
        end = size_of(mixed);
      }
      check::that(end > kOld.size() + 2 * (std::uintmax_t{1} << 20));
    }};

static const check::Test full_box{
    "a disk that is full while they are written makes the rest of what is kept wait", [] {
      constexpr std::uint64_t kRecords = 3000;
      const std::string text(1000, 'x');
      Mixed mixed(30'000);
      for (std::uint64_t i = 0; i < kRecords; ++i) {
        if (mixed.log(kKept, i, text)) continue;
        mixed.drain().run(kAll - 1, false);
        check::that(mixed.log(kKept, i, text));
      }
      for (const rlim_t more : {10u, 1'500'000u, 1'600'000u, 2'900'000u}) {
        const FileLimit full(kOld.size() + more);
        check::equal(mixed.end().error, EFBIG);
        check::that(mixed.drain().is_holding());
      }
      check::equal(mixed.end().error, 0);
      mixed.expect_kept(kRecords);
      const Box::Counts counts = mixed.drain().keeper().counts();
      check::equal(counts.saved, kRecords);
      check::equal(counts.kept + counts.overwritten, 0u);
    }};

static const check::Test wraps{
    "a box that wraps many times holds the last records, also for a drain that goes on", [] {
      Mixed mixed(100);
      for (int round = 0; round < 60; ++round) {
        mixed.steps(70);
        if (round % 7 == 3) mixed.restart();
        check::equal(mixed.drain().run(kAll - 1, false).records, 210u);
      }
      mixed.end();
      mixed.expect(60 * 70);
    }};

static const check::Test jump{"windows do not go across a step of the clock", [] {
                                Mixed mixed;
                                mixed.steps(3);
                                mixed.drain().run(kAll - 1, false);
                                check::equal(mixed.rows("STATS").size(), 0u);
                                mixed.drain().note_jump(1'000'000'000);
                                mixed.drain().run(kAll - 1, false);
                                check::equal(mixed.rows("STATS").size(), 2u);
                                check::equal(mixed.rows("CLOCK").size(), 1u);
                                mixed.steps(3);
                                mixed.end();
                                check::equal(mixed.rows("STATS").size(), 4u);
                                mixed.expect(6);
                              }};

static const check::Test time_ends{
    "a window ends with the time of a sweep, where no record comes", [] {
      Mixed mixed;
      mixed.steps(5);
      mixed.drain().run(9 * kStep, false);
      check::equal(mixed.rows("STATS").size(), 0u);
      mixed.drain().run(10 * kStep, false);
      check::equal(mixed.rows("STATS").size(), 2u);
      check::equal(mixed.rows("STATS").at(0).at(0), "0.001000000");
    }};

static const check::Test spilled{
    "records that lie in files of their own are kept with them, and the files go with the records",
    [] {
      for (const bool is_watched : {false, true}) {
        Mixed mixed(4);
        std::uint64_t seen = 0;
        if (is_watched) mixed.drain().watch_kept([&](const Record&) { ++seen; });
        mixed.drain();
        const auto spill_files = [&] {
          std::size_t n = 0;
          for (const std::string& name : list_files(mixed.folder(), "")) {
            n += name.find(".spill") != std::string::npos ? 1 : 0;
          }
          return n;
        };
        for (std::uint64_t i = 0; i < 12; ++i) {
          if (i % 2 == 0) {
            mixed.log_spilled(kKept, i, std::string(100'000, 'a'));
          } else {
            check::that(mixed.log(kKept, i, "short"));
          }
          mixed.drain().run(kAll - 1, false);
        }
        check::equal(spill_files(), 2u);
        check::equal(mixed.end().error, 0);
        mixed.expect_kept(12);
        check::equal(mixed.rows("KEPT").at(0).at(3).size(), 100'000u);
        check::equal(spill_files(), 0u);
        check::equal(mixed.program().session().header().dropped.load(), 0u);
        check::equal(seen, is_watched ? 12u : 0u);
      }
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
