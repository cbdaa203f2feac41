#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "check.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "temp.hpp"
#include "writer/drain.hpp"
#include "writer/recovery.hpp"

using namespace attolog;
using program::FileLimit;
using program::kAll;
using program::Program;
using program::row;

namespace {

// A program, its log file, and a drain from one to the other.
class Draining {
 public:
  explicit Draining(std::size_t rings = 1, Format format = Format::csv,
                    const std::string& path = "")
      : target_(program::target_of(path.empty() ? root_ / "run.csv" : path, format)),
        program_((std::filesystem::create_directory(root_ / "folder"), root_ / "folder"), target_,
                 rings) {
    restart();
  }
  // Another process goes on where this one was.
  void restart() {
    drain_.reset();
    output_ = program::output_of(target_.path, root_ / "folder");
    drain_ =
        std::make_unique<Drain>(program_.session(), output_.get(), make_sink(target_), progress_);
    for (const Ring& ring : program_.rings()) drain_->add(ring);
  }
  void write_to(const std::string& path) {
    target_.path = path;
    restart();
  }

  Program& program() { return program_; }
  Drain& drain() { return *drain_; }
  Progress& progress() { return progress_; }
  const std::string& path() const { return target_.path; }
  std::string operator/(const char* name) const { return root_ / name; }
  std::vector<std::string> rows() const { return temp::lines_of(target_.path); }

 private:
  temp::Folder root_;
  LogTarget target_;
  Program program_;
  Progress progress_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Drain> drain_;
};

std::uint64_t written_of(Draining& draining, std::uint32_t site) {
  const std::vector<std::uint64_t>& counts = draining.progress().by_site;
  return site < counts.size() ? counts[site] : 0;
}

const std::string kOneDropped = ",DROPPED,1,";  // with times that the test does not know

void expect_rows(const Draining& draining, const std::vector<std::string>& expected) {
  const auto rows = draining.rows();
  check::equal(rows.size(), expected.size());
  for (std::size_t i = 0; i < std::min(rows.size(), expected.size()); ++i) {
    if (expected[i] == kOneDropped) {
      check::that(rows[i].find(kOneDropped) != std::string::npos);
    } else {
      check::equal(rows[i], expected[i]);
    }
  }
}

std::size_t count(const std::vector<std::string>& rows, std::string_view part) {
  std::size_t found = 0;
  for (const std::string& each : rows) found += each.find(part) != std::string::npos ? 1 : 0;
  return found;
}

// Fills the program's ring with numbered sentences; the rows they become.
std::vector<std::string> fill(Program& program) {
  std::vector<std::string> rows;
  for (Ticks i = 0; program.log(i, "number " + std::to_string(i)); ++i) {
    rows.push_back(row(i, "number " + std::to_string(i)));
  }
  return rows;
}

}  // namespace

static const check::Test order{"records of several rings come in order of time", [] {
                                 Draining draining(3);
                                 std::vector<std::string> expected;
                                 for (Ticks i = 0; i < 900; ++i) {
                                   // Bursts of different lengths, so that each ring leads for a
                                   // while.
                                   const std::size_t ring = (i / 7 + i / 50) % 3;
                                   const std::string text =
                                       std::to_string(ring) + "/" + std::to_string(i);
                                   check::that(draining.program().log(i, text, ring));
                                   expected.push_back(row(i, text));
                                 }
                                 const auto outcome = draining.drain().run(kAll, true);
                                 check::equal(outcome.error, 0);
                                 check::equal(outcome.records, 900u);
                                 check::equal(draining.progress().written, 900u);
                                 expect_rows(draining, expected);
                               }};

static const check::Test until{
    "what is stamped later than the sweep's moment waits for the next sweep", [] {
      Draining draining(2);
      for (const Ticks ticks : {10u, 30u, 60u}) draining.program().log(ticks, "a", 0);
      for (const Ticks ticks : {20u, 51u}) draining.program().log(ticks, "b", 1);
      check::equal(draining.drain().run(50, true).records, 3u);
      expect_rows(draining, {row(10, "a"), row(20, "b"), row(30, "a")});
      // It may have an earlier neighbour that was not committed at the time.
      draining.program().log(55, "b", 1);
      check::equal(draining.drain().run(kAll, true).records, 3u);
      expect_rows(draining, {row(10, "a"), row(20, "b"), row(30, "a"), row(51, "b"), row(55, "b"),
                             row(60, "a")});
    }};

static const check::Test watched{
    "who watches the rings sees all that a run takes: what comes in later waits for the next", [] {
      Draining draining;
      std::size_t looks = 0;
      draining.drain().call_before_runs([&](Ticks until) {
        check::equal(until, 50u);
        check::equal(draining.rows().size(), looks);  // nothing was taken yet
        ++looks;
        draining.program().log(20, "meanwhile");
      });
      draining.program().log(10, "before");
      check::equal(draining.drain().run(50, true).records, 1u);
      expect_rows(draining, {row(10, "before")});
      check::equal(draining.drain().run(50, true).records, 1u);
      expect_rows(draining, {row(10, "before"), row(20, "meanwhile")});
    }};

static const check::Test wraps{"a ring is filled and drained many times over, all in order", [] {
                                 Draining draining;
                                 std::vector<std::string> expected;
                                 Ticks ticks = 0;
                                 while (draining.program().ring().header().head < 5 * kMinRing) {
                                   for (std::size_t i = 0; i < 500; ++i, ++ticks) {
                                     const std::string text(ticks % 90, 'x');
                                     check::that(draining.program().log(ticks, text));
                                     expected.push_back(row(ticks, text));
                                   }
                                   draining.drain().run(kAll, true);
                                 }
                                 expect_rows(draining, expected);
                               }};

static const check::Test limited{
    "a file that cannot grow ends with a whole record; later the rest follows, nothing lost or "
    "doubled",
    [] {
      Draining draining;
      const auto expected = fill(draining.program());
      for (const rlim_t limit : {rlim_t{1}, rlim_t{1000}, rlim_t{4567}, rlim_t{30'000}}) {
        const FileLimit limited(limit);
        const auto outcome = draining.drain().run(kAll, true);
        check::equal(outcome.error, EFBIG);
        const std::string text = temp::read_file(draining.path());
        check::that(text.size() <= limit);
        check::that(text.empty() || text.back() == '\n');
        const auto rows = draining.rows();
        expect_rows(draining, {expected.begin(),
                               expected.begin() + static_cast<std::ptrdiff_t>(rows.size())});
        check::equal(draining.progress().written, rows.size());
        check::equal(written_of(draining, kTextSite), rows.size());
        check::that(limit < 1000 || !rows.empty());
      }
      check::equal(draining.drain().run(kAll, true).error, 0);
      expect_rows(draining, expected);
    }};

static const check::Test resumed{
    "after a failure another process goes on, and nothing is lost or doubled", [] {
      Draining draining;
      const auto expected = fill(draining.program());
      {
        const FileLimit limited(10'000);
        check::equal(draining.drain().run(kAll, true).error, EFBIG);
      }
      draining.restart();
      check::equal(draining.drain().run(kAll, true).error, 0);
      expect_rows(draining, expected);
    }};

static const check::Test by_site{
    "records are counted by their sites, those of attolog's own not at all", [] {
      Draining draining(2);
      Buffer values;
      encode_str(values, "printed");
      check::that(draining.program().put(kPrintSite, 1, values.view()));
      check::that(draining.program().put(kSkippedSite, 2, values.view()));
      check::that(draining.program().log(3, "one", 1));
      draining.drain().run(kAll, true);
      check::that(draining.program().log(4, "two"));
      draining.drain().run(kAll, true);
      check::equal(written_of(draining, kTextSite), 2u);
      check::equal(written_of(draining, kPrintSite), 1u);
      check::equal(written_of(draining, kSkippedSite), 0u);
      check::equal(draining.progress().written, 3u);
    }};

static const check::Test full_disk{
    "a full disk keeps the records in their rings until there is one with room", [] {
      Draining draining(1, Format::csv, "/dev/full");
      const auto expected = fill(draining.program());
      for (int i = 0; i < 3; ++i) {
        const auto outcome = draining.drain().run(kAll, true);
        check::equal(outcome.error, ENOSPC);
        check::equal(outcome.records, 0u);
      }
      check::equal(draining.program().ring().header().tail.load(), 0u);
      draining.write_to(draining / "run.csv");
      check::equal(draining.drain().run(kAll, true).records, expected.size());
      expect_rows(draining, expected);
    }};

static const check::Test no_folder{
    "where the folder of ring and ledger is gone, what is mapped is written all the same", [] {
      Draining draining;
      const auto expected = fill(draining.program());
      std::filesystem::remove_all(draining / "folder");
      check::equal(draining.drain().run(kAll, true).error, 0);
      expect_rows(draining, expected);
    }};

static const check::Test drops{"each drop is told of once, and only when asked", [] {
                                 Draining draining;
                                 draining.program().session().drop(5);
                                 draining.drain().run(kAll, false);
                                 check::equal(draining.rows().size(), 0u);
                                 draining.drain().run(kAll, true);
                                 draining.drain().run(kAll, true);
                                 check::equal(draining.rows().size(), 1u);
                                 check::equal(count(draining.rows(), ",DROPPED,5,"), 1u);
                                 draining.program().session().drop(2);
                                 draining.restart();
                                 draining.drain().run(kAll, true);
                                 check::equal(draining.rows().size(), 2u);
                                 check::equal(count(draining.rows(), ",DROPPED,2,"), 1u);
                                 check::equal(draining.progress().written,
                                              0u);  // it is not a record
                               }};

static const check::Test drops_later{
    "drops that a failing file could not be told of are told once it works", [] {
      Draining draining;
      draining.program().session().drop(5);
      {
        const FileLimit limited(3);
        check::equal(draining.drain().run(kAll, true).error, EFBIG);
        check::equal(draining.drain().run(kAll, true).error, EFBIG);
      }
      draining.program().session().drop(1);
      draining.drain().run(kAll, true);
      check::equal(draining.rows().size(), 1u);
      check::equal(count(draining.rows(), ",DROPPED,6,"), 1u);
    }};

static const check::Test drops_since{
    "since when records were dropped is known as long as the file does not tell of it", [] {
      Draining draining;
      draining.program().session().drop(5);
      const auto since = [&] { return draining.program().session().header().dropped_since.load(); };
      const Ticks first = since();
      {
        const FileLimit limited(3);
        check::equal(draining.drain().run(kAll, true).error, EFBIG);
      }
      check::equal(since(), first);
      draining.restart();  // a kill, and recovery
      check::equal(draining.drain().run(kAll, true).error, 0);
      const std::string time = program::row(first, "");
      check::equal(count(draining.rows(), ",DROPPED,5," + time.substr(0, time.find(','))), 1u);
      check::equal(since(), 0u);
      draining.program().session().drop(1);
      check::that(since() > first);
    }};

static const check::Test own_only{"a jump of the clock is told of once", [] {
                                    Draining draining;
                                    draining.drain().note_jump(5'000'000'000);
                                    draining.drain().run(kAll, true);
                                    draining.drain().run(kAll, true);
                                    check::equal(draining.rows().size(), 1u);
                                    check::equal(count(draining.rows(), ",CLOCK,5.000000000"), 1u);
                                  }};

static const check::Test damaged{
    "a ring whose bytes make no sense is given up; all others go on", [] {
      Draining draining(2);
      draining.program().log(1, "before", 0);
      draining.program().put_bytes(std::string(64, '\xff'), 0);
      draining.program().log(2, "behind", 0);
      draining.program().log(3, "beside", 1);
      const Drain::Outcome outcome = draining.drain().run(kAll, true);
      check::that(outcome.message.find("damaged in 1 place;") != std::string::npos);
      draining.program().log(4, "later", 0);
      draining.drain().run(kAll, true);
      expect_rows(draining, {row(1, "before"), row(3, "beside"), kOneDropped, row(4, "later")});
      check::equal(draining.program().session().header().dropped.load(), 1u);
    }};

static const check::Test nothing_else{
    "a ring that holds nothing but damage is freed, and the file tells of it", [] {
      Draining draining;
      draining.program().put_bytes(std::string(64, '\xff'), 0);
      check::that(!draining.drain().run(kAll, false).message.empty());
      check::that(draining.drain().run(kAll, false).message.empty());  // said once
      check::that(draining.rows().empty());
      draining.drain().run(kAll, true);
      check::equal(count(draining.rows(), ",DROPPED,1,"), 1u);
      const RingHeader& header = draining.program().ring().header();
      check::equal(header.tail.load(), header.head.load());
    }};

static const check::Test impossible{
    "a head that is further ahead than the ring is long is not believed", [] {
      Draining draining(2);
      draining.program().ring(0).header().head = kMinRing + 8;
      draining.program().log(3, "beside", 1);
      draining.drain().run(kAll, true);
      expect_rows(draining, {row(3, "beside"), kOneDropped});
    }};

static const check::Test strangers{"a record of a site that is not in the table is lost", [] {
                                     Draining draining;
                                     draining.program().log(1, "before");
                                     draining.program().put(kFirstSite + 5, 2, "");
                                     draining.program().log(3, "behind");
                                     draining.drain().run(kAll, true);
                                     expect_rows(draining,
                                                 {row(1, "before"), row(3, "behind"), kOneDropped});
                                   }};

static const check::Test own_time{
    "a record with a time of its own shows it, in the order of the calls", [] {
      Draining draining;
      Buffer values;
      encode_str(values, "simulated");
      const std::int64_t stamp = 9'000'000'000;
      const std::string stamped(reinterpret_cast<const char*>(&stamp), 8);
      draining.program().put(kTextSite | kStamped, 1, stamped + std::string(values.view()));
      draining.program().log(2, "real");
      draining.drain().run(kAll, true);
      expect_rows(draining, {row(9'000'000'000, "simulated"), row(2, "real")});
    }};

static const check::Test threads{
    "a ring's owner names what follows, also after a hand-over, a batch, and a restart", [] {
      Draining draining(1, Format::text);
      SiteRegistry registry;
      registry.attach(draining.program().session());
      Site step;
      step.name = "STEP";
      step.fields = {"n"};
      const std::uint32_t site = registry.add(step).value();
      const auto announce = [&](Ticks ticks, const char* name) {
        Buffer values;
        encode_int(values, 1);
        encode_str(values, name);
        draining.program().put(kThreadSite, ticks, values.view());
      };
      const auto log = [&](Ticks ticks) {
        Buffer values;
        encode_int(values, static_cast<std::int64_t>(ticks));
        draining.program().put(site, ticks, values.view());
      };
      announce(1, "first");
      log(2);
      log(3);
      check::equal(draining.drain().run(2, true).records, 1u);
      draining.restart();
      announce(4, "second");
      log(5);
      check::equal(draining.drain().run(kAll, true).records, 2u);
      check::equal(draining.progress().written, 3u);  // an announcement is not a record
      expect_rows(draining, {"first: STEP n=2", "first: STEP n=3", "second: STEP n=5"});
    }};

static const check::Test spills{
    "a record beside the ring is read from its file, which goes when the record is in the log", [] {
      Draining draining;
      const std::string text(3 * kMinRing, 's');
      Buffer values;
      encode_str(values, text);
      const std::string file = draining.program().session().spill_path(4);
      temp::write_file(file, values.view());
      const std::uint64_t reference[2] = {4, values.size()};
      draining.program().put(kTextSite | kSpilled, 1,
                             {reinterpret_cast<const char*>(reference), 16});
      draining.program().log(2, "behind");
      {
        const FileLimit limited(1000);
        check::equal(draining.drain().run(kAll, true).error, EFBIG);
        check::that(std::filesystem::exists(file));
      }
      check::equal(draining.drain().run(kAll, true).error, 0);
      expect_rows(draining, {row(1, text), row(2, "behind")});
      check::that(!std::filesystem::exists(file));
    }};

static const check::Test lost_spill{
    "a spill file that is gone or short costs its own record only", [] {
      Draining draining;
      const std::uint64_t gone[2] = {1, 1000};
      const std::uint64_t cut[2] = {2, ~std::uint64_t{0}};
      temp::write_file(draining.program().session().spill_path(2), "short");
      for (const auto* each : {gone, cut}) {
        draining.program().put(kTextSite | kSpilled, 1, {reinterpret_cast<const char*>(each), 16});
      }
      draining.program().log(2, "behind");
      draining.drain().run(kAll, true);
      check::equal(draining.rows().at(0), row(2, "behind"));
      check::equal(count(draining.rows(), ",DROPPED,2,"), 1u);
      check::equal(draining.rows().size(), 2u);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
