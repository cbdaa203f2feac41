// Boxes as others see them: while their owner goes on, and after it died at any point.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "check.hpp"
#include "circular_buffers.hpp"
#include "core/mapping.hpp"
#include "program.hpp"
#include "shm/circular_buffer.hpp"
#include "shm/session.hpp"
#include "temp.hpp"
#include "writer/drain.hpp"
#include "writer/output.hpp"
#include "writer/recovery.hpp"

using namespace attolog;
using boxes::add;
using boxes::entries;
using boxes::Entry;
using boxes::total;

namespace {

// What a session's page is to a box: seen by parent and child.
struct Shared {
  std::atomic<std::uint64_t> committed{0};
  std::atomic<bool> is_over{false};
  std::atomic<bool> is_looking{false};
};
class SharedPage {
 public:
  Shared* operator->() const { return shared_; }

 private:
  Mapping mapping_ = Mapping::of(memory_file(kPage).fd(), kPage, true);
  Shared* shared_ = new (mapping_.data()) Shared{};
};

std::vector<Entry> run_of(std::uint64_t from, std::uint64_t to) {
  std::vector<Entry> run;
  for (std::uint64_t id = from; id <= to; ++id) run.push_back({id, 1 + id / 2 % 3, 5 + id % 40});
  return run;
}

void expect_run(const std::vector<Entry>& found) {
  if (!found.empty()) check::that(found == run_of(found.front().id, found.back().id));
}

}  // namespace

static const check::Test copied{
    "a copy is what is in the box, and stays so when the owner goes on", [] {
      CircularBuffer box = CircularBuffer::create("", kPage, 1000);
      for (std::uint64_t batch = 1; batch <= 20; ++batch) {
        add(box, batch, run_of(5 * batch - 5, 5 * batch - 1));
        const auto expected = entries(box.ring());
        const auto copy = CircularSnapshot::copy(box, batch, CircularBufferOwner::living);
        check::that(copy && entries(copy->ring()) == expected);
        if (!copy) return;
        check::equal(copy->state().records, expected.size());
        check::equal(copy->state().head, box.ring().head(0));
        check::equal(copy->cut_bytes() + copy->cut_records(), 0u);
      }
      const auto copy = CircularSnapshot::copy(CircularBuffer::create("", kPage, 1000), 0,
                                               CircularBufferOwner::living);
      check::that(copy && entries(copy->ring()).empty());
    }};

static const check::Test overtaken{
    "what the owner overwrites while it is copied is cut off between two records, and counted", [] {
      for (std::uint64_t more = 0; more <= 200; ++more) {
        CircularBuffer box = CircularBuffer::create("", kPage, 1000);
        std::uint64_t batch = 0;
        for (std::uint64_t id = 0; id < 100; ++id) add(box, ++batch, run_of(id, id));
        const auto before = entries(box.ring());
        auto copy = CircularSnapshot::start(box, batch, CircularBufferOwner::living);
        // Its bytes as they may be where the owner was at them meanwhile.
        for (std::uint64_t id = 100; id < 100 + more; ++id) add(box, ++batch, run_of(id, id));
        const auto gone = box.ring().tail(0) - std::min(copy->state().head, copy->state().tail);
        const auto torn = std::min<std::uint64_t>(gone, copy->ring().head(0));
        std::memset(copy->ring().data(), 0xff, torn);
        std::atomic_signal_fence(std::memory_order_seq_cst);

        check::that(copy->validate(box, batch, CircularBufferOwner::living));
        const auto found = entries(copy->ring());
        check::that(found.size() <= before.size() &&
                    std::equal(found.rbegin(), found.rend(), before.rbegin()));
        check::equal(copy->cut_records(), before.size() - found.size());
        check::equal(copy->cut_bytes(), torn);
        const std::uint64_t first = entries(box.ring()).front().id;
        check::equal(found.size(), first > 99 ? 0 : 100 - first);
      }
    }};

static const check::Test in_between{
    "a living owner in the middle of a change is waited for, a dead one is not", [] {
      CircularBuffer box = CircularBuffer::create("", kPage, 1000);
      add(box, 1, run_of(0, 9));
      const auto has = [&](std::uint64_t committed, CircularBufferOwner owner, std::size_t n) {
        const auto copy = CircularSnapshot::copy(box, committed, owner);
        return copy && entries(copy->ring()).size() == n;
      };
      {
        const RingChange change(box.ring().header());
        check::that(!CircularSnapshot::copy(box, 1, CircularBufferOwner::living));
        check::that(has(1, CircularBufferOwner::dead, 10));
      }
      check::that(has(1, CircularBufferOwner::living, 10));
      for (const Entry& entry : run_of(10, 14)) box.append(entry.bytes(), entry.owner());
      box.prepare(2);
      check::that(has(1, CircularBufferOwner::living, 10) && has(1, CircularBufferOwner::dead, 10));
      // Committed, and not yet released.
      check::that(!CircularSnapshot::copy(box, 2, CircularBufferOwner::living));
      check::that(has(2, CircularBufferOwner::dead, 15));
      box.release(2);
      check::that(has(2, CircularBufferOwner::living, 15) &&
                  has(1, CircularBufferOwner::living, 15));
    }};

static const check::Test watched{
    "whenever a living owner's box is copied, the copy is whole and its counts make the sum", [] {
      const temp::Folder folder;
      const SharedPage shared;
      const std::string path = folder / "a.box";
      CircularBuffer box = CircularBuffer::create(path, 4 * kPage, 300);
      const pid_t child = temp::start_child([&] {
        std::uint64_t id = 0;
        for (std::uint64_t batch = 0; batch < 1'000'000 && !shared->is_over;) {
          const std::uint64_t next = id + 1 + batch % 7;
          for (; id < next; ++id) {
            const Entry entry = run_of(id, id)[0];
            box.append(entry.bytes(), entry.owner());
          }
          box.prepare(++batch);
          shared->committed.store(batch, std::memory_order_release);
          box.release(batch);
          if (batch % 50 == 0) box.mark_saved(box.ring().head(0));
        }
      });
      const CircularBuffer view = CircularBuffer::open(path, false);
      std::uint64_t last = 0;
      for (int copies = 0; copies < 500;) {
        const auto copy =
            CircularSnapshot::copy(view, shared->committed, CircularBufferOwner::living);
        if (!copy) continue;
        ++copies;
        const auto found = entries(copy->ring());
        expect_run(found);
        check::equal(found.size() + copy->cut_records(), copy->state().records);
        if (found.empty()) continue;
        check::that(found.back().id >= last);
        last = found.back().id;
        check::equal(total(copy->state().counts), last + 1);
        check::that(copy->state().counts.unsaved <= copy->state().records);
      }
      shared->is_over = true;
      check::equal(temp::wait_for(child), 0);
      const auto final = CircularSnapshot::copy(view, shared->committed, CircularBufferOwner::dead);
      check::that(final && entries(final->ring()) == entries(view.ring()));
    }};

static const check::Test drained{
    "a box is drained like any ring, with its threads, whatever its owner left undone", [] {
      const temp::Folder folder;
      for (const bool is_committed : {false, true}) {
        const std::string root = folder / (is_committed ? "committed" : "not");
        std::filesystem::create_directory(root);
        const LogTarget target = program::target_of(root + "/run.log", Format::text);
        program::Program program(root, target);
        Session& session = program.session();
        const std::string path = root + "/" + session.name() + std::string(kCircularBufferSuffix);
        CircularBuffer box = CircularBuffer::create(path, kPage, 20);
        for (std::uint64_t batch = 1; batch <= 10; ++batch) {
          add(box, batch, run_of(5 * batch - 5, 5 * batch - 1));
        }
        for (const Entry& entry : run_of(50, 51)) box.append(entry.bytes(), entry.owner());
        box.prepare(11);
        session.commit(is_committed ? 11 : 10);

        std::vector<std::string> expected;
        for (const Entry& entry : run_of(32, is_committed ? 51 : 49)) {
          expected.push_back(entry.text());
        }
        // Only looked at, it shows the same.
        RingMerge merge(session);
        merge.add(box.ring());
        merge.sweep(program::kAll);
        std::size_t i = 0;
        while (const Record* record = merge.next()) {
          check::equal(record->thread->name, run_of(32 + i, 32 + i)[0].owner().name);
          check::equal(std::string(record->values[0].text), expected.at(i++));
        }
        check::equal(i, expected.size());

        const auto output = program::output_of(target.path, root);
        Progress progress;
        Drain drain(session, output.get(), make_sink(target), progress);
        box = CircularBuffer::open(path, true);
        box.settle(session.committed());
        drain.add(box.ring());
        check::equal(drain.run(program::kAll, true).records, expected.size());
        box.mark_saved(box.ring().tail(session.committed()));
        check::that(temp::lines_of(target.path) == expected);
        check::equal(box.counts().saved, expected.size());
        check::equal(box.counts().overwritten, 32u);
        check::equal(box.records(), 0u);
        add(box, session.committed() + 1, run_of(70, 72));
        check::that(entries(box.ring()) == run_of(70, 72));
      }
    }};

// Instruction by instruction. Sanitizers make many times as many of them, and find nothing there
// that they do not find elsewhere.
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

// A box whose owner is about to add a batch, for which some of what is there has to go.
class Adding {
 public:
  Adding(std::size_t capacity, std::uint64_t max_records)
      : path_(folder_ / "a.box"), box_(CircularBuffer::create(path_, capacity, max_records)) {
    for (std::uint64_t batch = 1; batch <= 20; ++batch) {
      add(box_, batch, run_of(5 * batch - 5, 5 * batch - 1));
    }
    shared_->committed = 20;
    before_ = entries(box_.ring());
    for (const Entry& entry : run_of(100, 100 + kBatch - 1)) {
      box_.append(entry.bytes(), entry.owner());
    }
  }
  void add_batch() {
    box_.prepare(21);
    shared_->committed.store(21, std::memory_order_release);
    box_.release(21);
    box_.mark_saved(box_.ring().head(21));
  }

  // The owner has died: the box is whole, and its next owner can go on with it. If it only paused,
  // it is waited for, or the box is whole too.
  void expect_whole() {
    const std::uint64_t committed = shared_->committed;
    const CircularBuffer view = CircularBuffer::open(path_, false);
    if (const auto copy = CircularSnapshot::copy(view, committed, CircularBufferOwner::living))
      expect_whole(*copy);
    const auto copy = CircularSnapshot::copy(view, committed, CircularBufferOwner::dead);
    check::that(copy.has_value());
    if (copy) expect_heirs(committed, expect_whole(*copy), copy->state().counts.overwritten);
  }
  std::vector<Entry> expect_whole(const CircularSnapshot& copy) {
    const std::uint64_t committed = shared_->committed;
    const auto found = entries(copy.ring());
    const std::uint64_t all = committed == 21 ? 100 + kBatch : 100;
    expect_run(found);
    // A batch as large as the box needs all the room, before its commit already.
    const bool may_be_empty = committed != 21 && box_.max_records() <= kBatch;
    check::that(found.empty() ? may_be_empty : found.back().id == all - 1);
    check::equal(copy.cut_bytes(), 0u);
    const CircularBuffer::State& state = copy.state();
    check::equal(state.records, found.size());
    check::equal(total(state.counts), all);
    check::equal(state.counts.overwritten, all - found.size());
    check::that(state.counts.saved == 0 || state.counts.unsaved == 0);
    if (!found.empty() && found.front().id != first_) {
      check::that(found.front().id > first_ && found.front().id <= before_.back().id + kBatch);
      first_ = found.front().id;
    }
    return found;
  }
  void expect_heirs(std::uint64_t committed, const std::vector<Entry>& found,
                    std::uint64_t overwritten) {
    const std::uint64_t all = committed == 21 ? 100 + kBatch : 100;
    CircularBuffer taking = heir(committed);
    taking.ring().prepare(22, taking.ring().head(0), {});
    taking.ring().release(22);
    taking.mark_saved(taking.ring().tail(0));
    check::equal(taking.counts().overwritten, overwritten);
    check::equal(taking.counts().saved, all - overwritten);

    CircularBuffer box = heir(committed);
    check::that(box.read_state(committed, CircularBufferOwner::living).has_value());
    check::that(entries(box.ring(), committed + 100) == found);
    add(box, 22, run_of(all, all));
    const auto after = entries(box.ring());
    expect_run(after);
    check::equal(after.back().id, all);
    check::equal(after.size(), box.records());
    check::equal(total(box.counts()), all + 1);
    check::that(box.counts().saved != 0 || box.counts().unsaved == after.size());
  }
  // Whether there is anything new to see for who comes now.
  bool has_changed() {
    const std::string page(box_.ring().data() - kPage, kPage);
    const bool changed = page != page_ || shared_->committed != committed_;
    page_ = page;
    committed_ = shared_->committed;
    return changed;
  }
  const std::vector<Entry>& before() const { return before_; }
  const CircularBuffer& box() const { return box_; }

  static constexpr std::uint64_t kBatch = 12;

 private:
  // The next owner, with a copy of the file.
  CircularBuffer heir(std::uint64_t committed) const {
    const std::string path = folder_ / "heir.box";
    std::filesystem::remove(path);
    std::filesystem::copy_file(path_, path);
    CircularBuffer box = CircularBuffer::open(path, true);
    box.settle(committed);
    return box;
  }

  temp::Folder folder_;
  std::string path_;
  CircularBuffer box_;
  SharedPage shared_;
  std::vector<Entry> before_;
  std::string page_;
  std::uint64_t committed_ = 0;
  std::uint64_t first_ = 0;
};

// Runs `action` in a child that its parent is asked about (`look`) wherever it stops: first at its
// start, then, where the answer is true, after one instruction, else where it stops itself.
template <class Action, class Look>
void step_through(const Action& action, const Look& look) {
  const pid_t child = temp::start_child([&] {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(98);
    ::raise(SIGSTOP);
    action();
    ::_exit(check::failures() == 0 ? 0 : 1);
  });
  int status = 0;
  while (::waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    ::ptrace(look() ? PTRACE_SINGLESTEP : PTRACE_CONT, child, nullptr, nullptr);
  }
  check::equal(status, 0);
}

}  // namespace

static const check::Test killed_anywhere{
    "at whichever instruction an owner dies, the box is whole up to the last committed batch", [] {
      struct Size {
        std::size_t pages;
        std::uint64_t most;
      };
      // Room is made for bytes; for records; for all of them, by a batch larger than the box.
      for (const Size size : {Size{1, 1000}, Size{2, 20}, Size{1, 5}}) {
        Adding adding(size.pages * kPage, size.most);
        check::that(adding.before().size() < 100);
        int changes = 0;
        const auto look = [&] {
          if (adding.has_changed()) {
            adding.expect_whole();
            ++changes;
          }
          return true;
        };
        step_through([&] { adding.add_batch(); }, look);
        check::that(changes > 20);
        check::equal(entries(adding.box().ring()).back().id, 100 + Adding::kBatch - 1);
      }
    }};

static const check::Test interrupted{
    "between whichever two instructions of a look the owner goes on, what is seen fits together",
    [] {
      const temp::Folder folder;
      const SharedPage shared;
      const std::string path = folder / "a.box";
      CircularBuffer box = CircularBuffer::create(path, kPage, 30);
      auto& records = reinterpret_cast<CircularBufferHeader*>(box.ring().data() - kPage +
                                                              CircularBufferHeader::kOffset)
                          ->records;
      const std::size_t size = Entry{0, 1, 8}.bytes().size();
      std::uint64_t all = 0;
      const auto add_one = [&] {
        add(box, ++all, {{all, 1 + all % 2, 8}});
        box.mark_saved(box.ring().head(0) - size);
        shared->committed = all;
      };
      while (all < 100) add_one();
      const std::uint64_t batch_size = box.ring().head(0) / all;

      constexpr int kLook = 300;  // instructions, about
      int steps = 0;              // of the present look
      int turns = 0;
      std::optional<RingChange> change;
      const auto go_on = [&] {
        if (!shared->is_looking) {
          shared->is_over = steps != 0;  // it came to its end without us
          return !shared->is_over;
        }
        ++steps;
        if (change) {
          if (steps < kLook) return true;
          records -= 1000;
          change.reset();
        } else if (steps <= turns / 2) {
          return true;
        } else if (turns++ % 2 == 0) {
          add_one();
        } else {
          // Only into the middle of it, until the look has surely got further.
          change.emplace(box.ring().header());
          records += 1000;
          steps = 1;
          return true;
        }
        steps = 0;
        return false;
      };
      const auto look = [&] {
        const CircularBuffer view = CircularBuffer::open(path, false);
        while (!shared->is_over) {
          ::raise(SIGSTOP);
          shared->is_looking = true;
          const auto state = view.read_state(shared->committed, CircularBufferOwner::living);
          shared->is_looking = false;
          if (!state) continue;
          check::equal(state->records, 30u);
          check::equal(total(state->counts), state->head / batch_size);
          check::equal(state->thread.id, 1 + (total(state->counts) - 30) % 2);
        }
      };
      step_through(look, go_on);
      check::that(turns > 100);
    }};

#endif

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
