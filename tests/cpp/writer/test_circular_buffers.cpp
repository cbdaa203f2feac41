#include "writer/circular_buffers.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "policies.hpp"
#include "shm/ring_merge.hpp"
#include "temp.hpp"

using namespace attolog;
using namespace policies;

namespace {

// What is in the boxes, in order of time: the first value of each record.
std::string kept(const Mixed& mixed, CircularBuffers& keeper) {
  RingMerge merge(mixed.session());
  for (const CircularBuffer& box : keeper.list()) merge.add(box.ring());
  merge.sweep(kAll);
  std::string found;
  while (const Record* record = merge.next()) {
    check::that(record->is_stamped);
    found += (found.empty() ? "" : " ") + std::to_string(record->values[0].i);
  }
  check::equal(merge.damaged(), 0u);
  return found;
}

// Hands what is in the ring to the keeper, as the drain does; how many records it took.
std::size_t take(RingMerge& merge, CircularBuffers& keeper) {
  std::size_t taken = 0;
  merge.sweep(kAll);
  while (const Record* record = merge.next()) {
    if (!keeper.append(*record, merge.raw())) {
      merge.unread();
      break;
    }
    ++taken;
  }
  return taken;
}

// A program with a ring of records to keep, and a merge that reads it.
struct Program {
  explicit Program(std::uint64_t last = kLast) : mixed(disk, last), merge(mixed.session()) {
    merge.add(mixed.ring());
    merge.skip_buffered_records();
  }
  void log(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t i = from; i < to; ++i) check::that(mixed.log(kKept, i));
  }
  void prepare(CircularBuffers& keeper, std::uint64_t batch) {
    mixed.ring().prepare(batch, merge.sources().at(0).position, Thread{});
    keeper.prepare(batch);
  }
  void commit(CircularBuffers& keeper, std::uint64_t batch) {
    prepare(keeper, batch);
    mixed.session().commit(batch);
    mixed.ring().release(batch);
    merge.sources().at(0).committed = merge.sources().at(0).position;
    keeper.release(batch);
  }

  Disk disk;
  Mixed mixed;
  RingMerge merge;
};

}  // namespace

static const check::Test holds{"it holds as many records as the policy says, the last ones", [] {
                                 Program program(3);
                                 CircularBuffers keeper(program.mixed.session(), {});
                                 check::equal(keeper.records(), 0u);
                                 program.log(0, 5);
                                 check::equal(take(program.merge, keeper), 5u);
                                 check::that(!keeper.is_empty());
                                 check::equal(keeper.records(), 0u);  // not before the commit
                                 program.commit(keeper, 1);
                                 check::that(keeper.is_empty());
                                 check::equal(keeper.records(), 3u);
                                 check::equal(kept(program.mixed, keeper), "2 3 4");
                                 check::equal(keeper.counts().unsaved, 3u);
                                 check::equal(keeper.counts().overwritten, 2u);
                               }};

static const check::Test default_box{"without a policy the box is that of the log", [] {
                                       Program program(3);
                                       CircularBuffers keeper(program.mixed.session(), {7, 0});
                                       program.log(0, 20);
                                       take(program.merge, keeper);
                                       program.commit(keeper, 1);
                                       check::equal(keeper.records(), 7u);
                                     }};

static const check::Test cleared{"a batch that is cleared was never there", [] {
                                   Program program(3);
                                   CircularBuffers keeper(program.mixed.session(), {});
                                   program.log(0, 2);
                                   take(program.merge, keeper);
                                   program.commit(keeper, 1);
                                   program.log(2, 9);
                                   take(program.merge, keeper);
                                   keeper.clear();
                                   check::that(keeper.is_empty());
                                   check::equal(kept(program.mixed, keeper), "0 1");
                                 }};

static const check::Test killed{
    "another process ends the batch of one that was killed at any step of it", [] {
      for (const std::string_view step : {"taken", "prepared", "committed", "released"}) {
        Program program(4);
        CircularBuffers keeper(program.mixed.session(), {});
        program.log(0, 6);
        take(program.merge, keeper);
        program.commit(keeper, 1);
        program.log(6, 9);
        take(program.merge, keeper);
        if (step == "prepared") program.prepare(keeper, 2);
        if (step == "committed") {
          program.prepare(keeper, 2);
          program.mixed.session().commit(2);
        }
        if (step == "released") program.commit(keeper, 2);
        const bool is_done = program.mixed.session().committed() == 2;

        CircularBuffers next(program.mixed.session(), {});
        const std::string found = kept(program.mixed, next);
        // What had to make room is gone already; what comes in its place is in the ring still.
        check::equal(found, is_done ? "5 6 7 8" : step == "taken" ? "2 3 4 5" : "5");
        check::equal(next.counts().unsaved + next.counts().overwritten, is_done ? 9u : 6u);
        program.mixed.ring().settle(program.mixed.session().committed());
        RingMerge rest(program.mixed.session());
        rest.add(program.mixed.ring());
        rest.skip_buffered_records();
        check::equal(take(rest, next), is_done ? 0u : 3u);
        next.prepare(3);
        program.mixed.session().commit(3);
        next.release(3);
        check::equal(kept(program.mixed, next), "5 6 7 8");
        check::equal(next.counts().unsaved, 4u);
        check::equal(next.counts().overwritten, 5u);
      }
    }};

static const check::Test goes_on{"another process goes on in the same box", [] {
                                   Program program(4);
                                   std::uint64_t batch = 0;
                                   for (std::uint64_t from = 0; from < 30; from += 3) {
                                     CircularBuffers keeper(program.mixed.session(), {});
                                     program.log(from, from + 3);
                                     take(program.merge, keeper);
                                     program.commit(keeper, ++batch);
                                     check::equal(program.disk.files(".box"), 1u);
                                   }
                                   CircularBuffers last(program.mixed.session(), {});
                                   check::equal(kept(program.mixed, last), "26 27 28 29");
                                 }};

static const check::Test full_batch{
    "a batch that has no room for a record leaves it for the next", [] {
      Program program(100'000);
      CircularBuffers keeper(program.mixed.session(), {100'000, 1});  // the smallest box there is
      const std::string text(4000, 'x');
      std::uint64_t logged = 0;
      std::uint64_t taken = 0;
      for (std::uint64_t batch = 1; batch < 20; ++batch) {
        while (program.mixed.log(kKept, logged, text)) ++logged;
        const std::size_t n = take(program.merge, keeper);
        check::that(n > 0);
        taken += n;
        program.commit(keeper, batch);
      }
      check::equal(keeper.counts().unsaved + keeper.counts().overwritten, taken);
      check::that(keeper.counts().overwritten > 0);
      const std::string found = kept(program.mixed, keeper);
      check::that(found.ends_with(std::to_string(taken - 1)));
    }};

static const check::Test marked{"what was taken to the file counts as saved", [] {
                                  Program program(4);
                                  CircularBuffers keeper(program.mixed.session(), {});
                                  program.log(0, 6);
                                  take(program.merge, keeper);
                                  program.commit(keeper, 1);
                                  keeper.mark_saved();
                                  check::equal(keeper.counts().saved, 0u);  // the tail stands still
                                  check::equal(keeper.counts().unsaved, 4u);
                                  check::equal(keeper.counts().overwritten, 2u);
                                }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
