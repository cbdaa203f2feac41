#include <deque>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "check.hpp"
#include "circular_buffers.hpp"
#include "shm/circular_buffer.hpp"
#include "temp.hpp"

using namespace attolog;
using boxes::add;
using boxes::entries;
using boxes::Entry;
using boxes::total;

namespace {

constexpr std::size_t kCapacity = 3 * kPage;  // no power of two

// The ids of what is in the box, as "first..last".
std::string range(const std::vector<Entry>& found) {
  for (std::size_t i = 1; i < found.size(); ++i) check::equal(found[i].id, found[i - 1].id + 1);
  if (found.empty()) return "none";
  return std::to_string(found.front().id) + ".." + std::to_string(found.back().id);
}

std::string shown(const CircularBuffer::Totals& counts) {
  return std::to_string(counts.unsaved) + " kept, " + std::to_string(counts.overwritten) +
         " overwritten, " + std::to_string(counts.saved) + " saved";
}

// Entries `from` to `to`, of one thread or of `threads` in turn.
std::vector<Entry> run_of(std::uint64_t from, std::uint64_t to, std::uint64_t threads = 1) {
  std::vector<Entry> run;
  for (std::uint64_t id = from; id <= to; ++id) run.push_back({id, 1 + id % threads, 8});
  return run;
}

// A box, what should be in it, and chance, which also lets batches fail and owners die.
class Model {
 public:
  Model(std::size_t capacity, std::uint64_t max_records, unsigned seed)
      : box_(CircularBuffer::create(folder_ / "a.box", capacity, max_records)), random_(seed) {}

  void step() {
    const std::vector<Entry> batch = make_batch();
    for (const Entry& entry : batch) box_.append(entry.bytes(), entry.owner());
    check::equal(box_.pending_records(), batch.size());
    box_.prepare(++batch_);
    // Not yet committed, nothing of it is seen; but room was made for it.
    const auto waiting = entries(box_.ring(), committed_);
    const std::size_t gone = take_over(waiting);
    expect_counts();
    if (below(10) == 0) {
      box_.clear();
      check::that(entries(box_.ring(), batch_) == waiting);
      expect_counts();
      return;
    }
    committed_ = batch_;
    next_id_ += batch.size();
    entries_.insert(entries_.end(), batch.begin(), batch.end());
    const bool is_killed = below(10) == 0;
    if (is_killed) {
      reopen();
    } else {
      for (const std::uint64_t id : box_.release(batch_)) told_spills_.insert(id);
    }
    const auto now = entries(box_.ring());
    take_over(now);
    if (gone != 0 && now.size() != box_.max_records()) expect_full(now);
    if (is_killed) told_spills_ = gone_spills_;  // the next owner does not know of them
    check::that(told_spills_ == gone_spills_);
    expect_counts();
    if (below(10) == 0) mark_saved();
    expect_counts();
  }

  CircularBuffer& box() { return box_; }
  std::uint64_t appended() const { return next_id_; }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }

  std::vector<Entry> make_batch() {
    std::vector<Entry> batch;
    std::size_t bytes = 0;
    const std::size_t most = 1 + below(60);
    const std::size_t longest = below(4) == 0 ? box_.record_limit() - 32 : 1 + below(200);
    while (batch.size() < most) {
      const Entry entry{next_id_ + batch.size(), 1 + below(4), below(longest), below(20) == 0};
      bytes += entry.announced_size();
      if (!batch.empty() && bytes + 128 > box_.ring().capacity() / 2) break;
      batch.push_back(entry);
    }
    return batch;
  }
  void reopen() {
    box_ = CircularBuffer::open(folder_ / "a.box", true);
    box_.settle(committed_);
  }
  void mark_saved() {
    box_.mark_saved(box_.ring().head(0));
    saved_ += unsaved();
    saved_to_ = next_id_;
  }
  std::uint64_t unsaved() const {
    const auto is_unsaved = [&](const Entry& entry) { return entry.id >= saved_to_; };
    return static_cast<std::uint64_t>(std::ranges::count_if(entries_, is_unsaved));
  }

  // What is in the box are the last of the entries; the model forgets the others.
  std::size_t take_over(const std::vector<Entry>& now) {
    check::that(now.size() <= entries_.size() &&
                std::equal(now.rbegin(), now.rend(), entries_.rbegin()));
    const std::size_t gone = entries_.size() - std::min(now.size(), entries_.size());
    for (std::size_t i = 0; i < gone; ++i) {
      last_gone_ = entries_.front();
      entries_.pop_front();
      if (last_gone_.id >= saved_to_) ++overwritten_;
      if (last_gone_.is_spilled) gone_spills_.insert(last_gone_.id);
    }
    return gone;
  }
  // There is no room for one entry more, the last that went.
  void expect_full(const std::vector<Entry>& now) {
    const std::size_t used = box_.ring().head(0) - box_.ring().tail(0);
    std::size_t more = last_gone_.bytes().size();
    if (now.front().thread != last_gone_.thread) {
      more += now.front().announced_size() - now.front().bytes().size();
    }
    check::that(used + more > box_.ring().capacity());
  }
  void expect_counts() {
    const CircularBuffer::Totals counts = box_.counts();
    check::equal(box_.records(), entries_.size());
    check::equal(counts.unsaved, unsaved());
    check::equal(counts.overwritten, overwritten_);
    check::equal(counts.saved, saved_);
    check::equal(total(counts), next_id_);
    for (const CircularBufferOwner owner :
         {CircularBufferOwner::living, CircularBufferOwner::dead}) {
      const auto state = box_.read_state(committed_, owner);
      check::that(state.has_value());
      if (state) check::equal(shown(state->counts), shown(counts));
    }
  }

  temp::Folder folder_;
  CircularBuffer box_;
  std::mt19937 random_;
  std::deque<Entry> entries_;
  Entry last_gone_;
  std::uint64_t next_id_ = 0;
  std::uint64_t batch_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t saved_to_ = 0;
  std::uint64_t saved_ = 0;
  std::uint64_t overwritten_ = 0;
  std::set<std::uint64_t> told_spills_;
  std::set<std::uint64_t> gone_spills_;
};

}  // namespace

static const check::Test property{
    "a box holds the last records in order, as many as fit, whatever fails or dies meanwhile", [] {
      unsigned seed = 0;
      for (const std::size_t pages : {1u, 3u, 16u}) {
        for (const std::uint64_t most : {1u, 7u, 50u, 1'000'000u}) {
          Model model(pages * kPage, most, ++seed);
          for (int i = 0; i < 1000; ++i) model.step();
          check::that(model.box().ring().head(0) > 3 * pages * kPage || most == 1);
        }
      }
    }};

static const check::Test exact{
    "of N records that fit exactly the last N are there, after any number of batches", [] {
      for (const std::size_t batch_size : {1u, 3u, 10u, 11u, 64u}) {
        CircularBuffer box = CircularBuffer::create("", kCapacity, 10);
        std::uint64_t all = 0;
        for (std::uint64_t batch = 1; batch <= 50; ++batch) {
          add(box, batch, run_of(all, all + batch_size - 1, 3));
          all += batch_size;
          const auto found = entries(box.ring());
          check::equal(found.size(), std::min<std::size_t>(all, 10));
          check::equal(range(found), range(run_of(all - found.size(), all - 1)));
          check::equal(box.counts().overwritten, all - found.size());
        }
      }
    }};

static const check::Test switching{
    "each record keeps its thread, also where the tail passes what announced it", [] {
      CircularBuffer box = CircularBuffer::create("", kPage, 5);
      add(box, 1, {{0, 7, 8}, {1, 7, 8}, {2, 7, 8}, {3, 7, 8}});
      add(box, 2, {{4, 7, 8}, {5, 8, 8}, {6, 7, 8}, {7, 8, 8}});
      const auto found = entries(box.ring());
      check::that(found ==
                  std::vector<Entry>{{3, 7, 8}, {4, 7, 8}, {5, 8, 8}, {6, 7, 8}, {7, 8, 8}});
      const std::string long_name(500, 'n');
      for (std::uint64_t batch = 3; batch < 20; ++batch) {
        box.append(Entry{batch, 9, 8}.bytes(), {9, long_name});
        box.prepare(batch);
        box.release(batch);
      }
      // Five records of a thread whose announcement has gone, and no further one.
      check::equal(box.ring().head(0) - box.ring().tail(0), 5 * Entry{0, 9, 8}.bytes().size());
      check::equal(box.read_state(20, CircularBufferOwner::living)->thread.name,
                   std::string(RingThread::kName - 1, 'n'));
    }};

static const check::Test limits{
    "what is larger than a quarter is refused, and so is what makes a batch too large", [] {
      CircularBuffer box = CircularBuffer::create("", kCapacity, 1000);
      const auto sized = [](std::size_t size) {
        return Entry{0, 1, size - sizeof(RecordHead) - 5}.bytes();
      };
      std::string record = sized(box.record_limit() + 8);
      const auto append = [&] { box.append(record, Entry{0, 1}.owner()); };
      check::that(!box.fits(record.size()) && !temp::error_of(append).empty());
      record = sized(box.record_limit());
      check::equal(record.size(), box.record_limit());
      check::equal(temp::error_of(append), "");
      check::that(!box.fits(record.size()) && !temp::error_of(append).empty());
      record = "short";
      check::that(!temp::error_of(append).empty());
      check::equal(box.pending_records(), 1u);
      box.prepare(1);
      box.release(1);
      check::equal(entries(box.ring()).size(), 1u);
    }};

static const check::Test nothing{"a batch without records changes nothing", [] {
                                   CircularBuffer box = CircularBuffer::create("", kPage, 10);
                                   add(box, 1, run_of(0, 3));
                                   const std::string before = shown(box.counts());
                                   add(box, 2, {});
                                   check::equal(shown(box.counts()), before);
                                   check::equal(range(entries(box.ring(), 2)), "0..3");
                                 }};

static const check::Test saved{
    "what was saved and then overwritten is not lost, and all counts make the whole", [] {
      CircularBuffer box = CircularBuffer::create("", kCapacity, 10);
      add(box, 1, run_of(0, 14));
      check::equal(shown(box.counts()), "10 kept, 5 overwritten, 0 saved");
      box.mark_saved(box.ring().head(0));
      check::equal(shown(box.counts()), "0 kept, 5 overwritten, 10 saved");
      add(box, 2, run_of(15, 18));
      check::equal(shown(box.counts()), "4 kept, 5 overwritten, 10 saved");
      check::equal(box.records(), 10u);
      add(box, 3, run_of(19, 29));
      check::equal(shown(box.counts()), "10 kept, 10 overwritten, 10 saved");
      box.mark_saved(0);
      check::equal(shown(box.counts()), "10 kept, 10 overwritten, 10 saved");
      box.mark_saved(~std::uint64_t{0});
      check::equal(shown(box.counts()), "0 kept, 10 overwritten, 20 saved");
      add(box, 4, run_of(30, 30));
      check::equal(shown(box.counts()), "1 kept, 10 overwritten, 20 saved");
    }};

static const check::Test taken{
    "batches that take from the box by its ring free what they took, and the box goes on", [] {
      const temp::Folder folder;
      CircularBuffer box = CircularBuffer::create(folder / "a.box", kCapacity, 10);
      add(box, 1, run_of(0, 9, 3));
      const auto all = entries(box.ring());
      // Four of them, of which each has its announcement.
      const std::uint64_t tail = 4 * all[0].announced_size();
      const auto take = [&](std::uint64_t batch) {
        box.ring().prepare(batch, tail, all[3].owner());
      };
      take(2);
      box.ring().abandon();  // it failed
      check::equal(range(entries(box.ring(), 9)), "0..9");
      take(3);
      check::equal(range(entries(box.ring(), 2)), "0..9");
      check::equal(range(entries(box.ring(), 3)), "4..9");
      check::equal(shown(box.read_state(3, CircularBufferOwner::dead)->counts),
                   "6 kept, 0 overwritten, 4 saved");
      box.ring().release(3);
      box.mark_saved(tail);
      check::equal(shown(box.counts()), "6 kept, 0 overwritten, 4 saved");
      add(box, 4, run_of(10, 15, 3));
      check::equal(range(entries(box.ring())), "6..15");
      check::equal(shown(box.counts()), "10 kept, 2 overwritten, 4 saved");
    }};

static const check::Test hostile{
    "a file that is no box is refused by name, and damage in one ends in a loss", [] {
      const temp::Folder folder;
      const std::string path = folder / "a.box";
      const auto open = [&] { CircularBuffer::open(path, true); };
      temp::write_file(path, std::string(kPage + kCapacity, '\0'));
      check::that(temp::error_of(open).starts_with(path + ": not a ring"));
      std::filesystem::remove(path);
      {
        const Ring ring = Ring::create(path, kCapacity);
      }
      check::that(temp::error_of(open).starts_with(path + ": not a box"));
      std::filesystem::remove(path);

      CircularBuffer box = CircularBuffer::create(path, kCapacity, 10);
      add(box, 1, run_of(0, 9));
      std::memset(box.ring().data() + 300, 0xff, 40);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      box = CircularBuffer::open(path, true);
      box.settle(1);
      check::equal(shown(box.counts()), "10 kept, 0 overwritten, 0 saved");
      const auto later = [](std::uint64_t from, std::uint64_t to) {
        std::vector<Entry> run = run_of(from, to);
        for (Entry& entry : run) entry.thread = 2;
        return run;
      };
      add(box, 2, later(10, 15));
      check::equal(total(box.counts()), 16u);
      // Where the tail meets the damage, all that is behind it goes.
      add(box, 3, later(16, 18));
      check::that(entries(box.ring()) == later(16, 18));
      check::equal(shown(box.counts()), "3 kept, 16 overwritten, 0 saved");
      add(box, 4, later(19, 29));
      check::equal(range(entries(box.ring())), "20..29");

      box.ring().header().head.store(box.ring().header().head + (std::uint64_t{1} << 40));
      const auto look = [&] { box.read_state(4, CircularBufferOwner::dead); };
      const auto settle = [&] { box.settle(4); };
      check::that(temp::error_of(look).starts_with(path + ": damaged"));
      check::that(temp::error_of(settle).starts_with(path + ": damaged"));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
