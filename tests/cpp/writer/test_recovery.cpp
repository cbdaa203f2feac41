#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "shm/ledger.hpp"
#include "temp.hpp"
#include "writer/drain.hpp"
#include "writer/output.hpp"
#include "writer/recovery.hpp"

using namespace attolog;
using program::FileLimit;
using program::kAll;
using program::Program;
using program::row;

namespace {

constexpr Ticks kRecords = 300;

std::string text_of(Ticks i) {
  return "number " + std::to_string(i);
}

// What the file begins with: more bytes than any of the small files beside it has, so that a limit
// on the size of files concerns it alone.
const std::string kOld(128 * 1024, 'o');

// A log file, and programs that died without having written a byte of what they logged.
class Log {
 public:
  Log() {
    std::filesystem::create_directory(folder());
    temp::write_file(path(), kOld + "\n");
  }
  std::string path() const { return root_ / "run.csv"; }
  std::string folder() const { return root_ / "folder"; }
  std::string operator/(const char* name) const { return root_ / name; }

  void die_logging(std::size_t rings = 2, const std::string& path_inside = "") const {
    const int status = temp::in_child([&] {
      auto target = program::target_of(path_inside.empty() ? path() : path_inside);
      auto* program = std::make_unique<Program>(folder(), target, rings).release();
      for (Ticks i = 0; i < kRecords; ++i) program->log(i, text_of(i), i % rings);
    });
    check::equal(status, 0);
  }
  std::vector<std::string> rows() const {
    auto lines = temp::lines_of(path());
    check::equal(lines.at(0), kOld);
    lines.erase(lines.begin());
    return lines;
  }
  void expect_all() const {
    const auto found = rows();
    check::equal(found.size(), std::size_t{kRecords});
    for (Ticks i = 0; i < found.size(); ++i) check::equal(found[i], row(i, text_of(i)));
  }
  std::size_t files_left() const { return list_files(folder(), "").size(); }

 private:
  temp::Folder root_;
};

}  // namespace

static const check::Test weights{
    "a sample is recovered as its program would have written it, with its weight or without", [] {
      for (const bool shows_weight : {false, true}) {
        const Log log;
        const int status = temp::in_child([&] {
          auto target = program::target_of(log.path());
          target.weight = shows_weight ? 1 : 0;
          auto* program = std::make_unique<Program>(log.folder(), target).release();
          Site site;
          site.id = kFirstSite;
          site.name = "GEN";
          site.fields = {"task_id", "weight"};
          site.is_weighted = true;
          Buffer sites, values;
          encode_site(sites, site);
          program->session().append_sites(sites.view());
          encode_int(values, 7);
          const double weight = 100;
          values.push(static_cast<char>(Tag::float64));
          values.append({reinterpret_cast<const char*>(&weight), sizeof weight});
          program->put(kFirstSite, 1, values.view());
        });
        check::equal(status, 0);
        check::equal(recover(log.folder(), log.path()).records, 1u);
        check::equal(log.rows().at(0),
                     shows_weight ? "0.000000001,GEN,7,100.0" : "0.000000001,GEN,7");
      }
    }};

static const check::Test all{
    "all that a dead process logged comes into its file, once and in order", [] {
      const Log log;
      log.die_logging();
      const Recovery found = recover(log.folder(), log.path());
      check::equal(found.records, kRecords);
      check::equal(found.sessions, 1u);
      check::equal(found.messages.size(), 0u);
      log.expect_all();
      check::equal(recover(log.folder(), log.path()).records, 0u);
      log.expect_all();
    }};

static const check::Test inspected{"inspecting says what recovery would do, and does nothing", [] {
                                     const Log log;
                                     log.die_logging();
                                     const Recovery found = inspect(log.folder(), log.path());
                                     check::equal(found.records, kRecords);
                                     check::equal(found.sessions, 1u);
                                     check::that(log.rows().empty());
                                     check::equal(recover(log.folder(), log.path()).records,
                                                  kRecords);
                                   }};

static const check::Test killed{
    "a recovery that is killed anywhere in its writing is finished by the next", [] {
      std::size_t whole = 0;
      {
        const Log log;
        log.die_logging();
        recover(log.folder(), log.path());
        whole = std::filesystem::file_size(log.path());
      }
      for (rlim_t limit = kOld.size() + 1; limit < whole; limit += (whole - kOld.size()) / 40) {
        const Log log;
        log.die_logging();
        // At the limit the kernel writes what fits; writing on kills.
        const int status = temp::in_child([&] {
          const FileLimit killing(limit, true);
          recover(log.folder(), log.path());
        });
        check::that(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
        check::equal(std::filesystem::file_size(log.path()), limit);
        recover(log.folder(), log.path());
        log.expect_all();
      }
    }};

static const check::Test killed_often{"recoveries may be killed one after the other", [] {
                                        const Log log;
                                        log.die_logging();
                                        for (const rlim_t more : {100u, 100u, 3000u, 20u}) {
                                          temp::in_child([&] {
                                            const FileLimit killing(kOld.size() + more, true);
                                            recover(log.folder(), log.path());
                                          });
                                        }
                                        recover(log.folder(), log.path());
                                        log.expect_all();
                                      }};

static const check::Test killed_within{
    "a batch that its writer died in is there once, also where the file was renamed since", [] {
      for (const std::size_t part : {0u, 1u, 2u}) {
        for (const bool is_renamed : {false, true}) {
          const Log log;
          const int status = temp::in_child([&] {
            auto* program =
                std::make_unique<Program>(log.folder(), program::target_of(log.path())).release();
            for (Ticks i = 0; i < kRecords; ++i) program->log(i, text_of(i));
            std::string bytes;
            for (Ticks i = 0; i < 100; ++i) bytes += row(i, text_of(i)) + "\n";
            RingMerge merge(program->session());
            merge.add(program->ring());
            merge.sweep(kAll);
            for (Ticks i = 0; i < 100; ++i) merge.next();
            Ledger ledger(log.folder(), log.path());
            const File file = open_file(log.path(), O_RDWR | O_APPEND);
            program->ring().prepare(1, merge.sources().at(0).position, Thread{});
            program->session().stage(bytes);
            ledger.open({program->session().file_name(), 1, file_id(file.fd()), kOld.size() + 1,
                         bytes.size(), crc32c(bytes)});
            bytes.resize(bytes.size() * part / 2);
            if (::write(file.fd(), bytes.data(), bytes.size()) < 0) std::abort();
            ::_exit(0);
          });
          check::equal(status, 0);
          const std::string old = log / "run.old.csv";
          if (is_renamed) {
            std::filesystem::rename(log.path(), old);
            temp::write_file(log.path(), "new\n");
          }
          check::equal(recover(log.folder(), log.path()).records, kRecords - 100);
          if (is_renamed) {
            check::equal(temp::read_file(log.path()), "new\n");
            std::filesystem::rename(old, log.path());
          }
          log.expect_all();
        }
      }
    }};

static const check::Test two{
    "of two recoveries at once one does the work, and all is there once", [] {
      for (int round = 0; round < 10; ++round) {
        const Log log;
        log.die_logging();
        const pid_t child = temp::start_child([&] { recover(log.folder(), log.path()); });
        recover(log.folder(), log.path());
        check::equal(temp::wait_for(child), 0);
        log.expect_all();
      }
    }};

static const check::Test several{"several dead processes are all recovered", [] {
                                   const Log log;
                                   for (int i = 0; i < 3; ++i) log.die_logging(1);
                                   const Recovery found = recover(log.folder(), log.path());
                                   check::equal(found.sessions, 3u);
                                   check::equal(found.records, 3 * kRecords);
                                   check::equal(log.rows().size(), std::size_t{3 * kRecords});
                                 }};

static const check::Test living{"a living process is left alone", [] {
                                  const Log log;
                                  Program program(log.folder(), program::target_of(log.path()));
                                  program.log(1, "mine");
                                  const Recovery found = recover(log.folder(), log.path());
                                  check::equal(found.living, 1u);
                                  check::equal(found.records, 0u);
                                  check::that(log.rows().empty());
                                  check::equal(inspect(log.folder(), log.path()).living, 1u);
                                  check::equal(program.session().ring_paths().size(), 1u);
                                }};

static const check::Test hostile{
    "E6: a session that names another file is not followed there: a name proves nothing", [] {
      const Log log;
      temp::write_file(log / "precious", "mine\n");
      for (const std::string& name : {log / "elsewhere.csv", log / "precious", log / "../../x"}) {
        log.die_logging(1, name);
        auto session = Session::open(log.folder(), list_files(log.folder(), kSessionSuffix).at(0),
                                     Session::Access::settle);
        session->header().file = {1, 2, 3};
        session.reset();
        const Recovery found = recover(log.folder(), log.path());
        check::equal(found.records, 0u);
        check::equal(found.gone, 1u);
        check::equal(temp::read_file(log / "precious"), "mine\n");
        if (name != log / "precious") check::equal(temp::read_file(name), "");
        for (const std::string& left : list_files(log.folder(), kSessionSuffix))
          std::filesystem::remove(log.folder() + "/" + left);
      }
    }};

static const check::Test renamed{
    "a file that was renamed gets what is its own, and a new one under its name does not", [] {
      const Log log;
      log.die_logging();
      std::filesystem::rename(log.path(), log / "run.old");
      temp::write_file(log.path(), "new\n");
      check::equal(recover(log.folder(), log.path()).records, kRecords);
      check::equal(temp::read_file(log.path()), "new\n");
      check::equal(temp::lines_of(log / "run.old").size(), std::size_t{kRecords + 1});
    }};

static const check::Test removed{
    "what belongs to a file that is gone goes nowhere, and the last of it is kept for a while", [] {
      const temp::Folder root;
      const RingPlace place{root / "home"};
      std::filesystem::create_directory(place.home);
      std::filesystem::permissions(place.home, std::filesystem::perms::owner_all);
      temp::write_file(root / "run.csv", "");
      const auto target = program::target_of(root / "run.csv");
      const std::string folder = log_folder(place, "run.csv", target.file, true);
      for (int i = 0; i < 3; ++i) {
        temp::in_child([&] {
          auto* program = std::make_unique<Program>(folder, target).release();
          program->log(1, "of the file that is removed");
        });
      }
      std::filesystem::create_directory(root / "elsewhere");
      std::filesystem::rename(root / "run.csv", root / "elsewhere/run.csv");
      temp::write_file(root / "run.csv", "");
      check::equal(recover_all(place).gone, 3u);
      check::equal(temp::read_file(root / "run.csv"), "");
      check::equal(forget_gone(place, 2), 0u);  // it may have been moved for a while only
      for (const std::string& mark : list_files(folder, ".gone")) {
        const std::string path = folder + "/" + mark;
        std::filesystem::last_write_time(
            path, std::filesystem::last_write_time(path) - std::chrono::hours(25));
      }
      check::equal(forget_gone(place, 2), 1u);
      check::equal(forget_gone(place, 0), 2u);
      check::that(!std::filesystem::exists(folder));
    }};

static const check::Test merged{
    "of a part that was merged a session with nothing in it is no more of use, one with records is",
    [] {
      for (const bool has_records : {false, true}) {
        const Log log;
        const std::string part = log / "run.77-1.atto";
        temp::in_child([&] {
          const auto target = program::target_of(part, Format::journal);
          auto* program = std::make_unique<Program>(log.folder(), target).release();
          if (has_records) program->log(1, "in the part, or lost");
        });
        std::filesystem::remove(part);
        check::equal(recover(log.folder(), log.path()).gone, has_records ? 1u : 0u);
        check::equal(list_files(log.folder(), kSessionSuffix).size(), has_records ? 1u : 0u);
      }
    }};

static const check::Test in_and_out{
    "a folder that its last user removes is made again by whoever comes meanwhile", [] {
      const temp::Folder root;
      const RingPlace place{root / ".attolog-1", true};
      const auto come_and_go = [&] {
        for (int i = 0; i < 2'000; ++i) {
          std::string folder;
          {
            const LockedFolder held = lock_log_folder(place, "run.csv", {1, 2, 3});
            folder = held.path;
            check::that(std::filesystem::exists(folder));
          }
          tidy(folder);
        }
      };
      const pid_t child = temp::start_child(come_and_go);
      come_and_go();
      check::equal(temp::wait_for(child), 0);
    }};

static const check::Test at_once{
    "of two that leave a folder in one instant one removes it", [] {
      const temp::Folder root;
      const RingPlace place{root / ".attolog-1", true};
      void* const page =
          ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      auto& ready = *new (page) std::atomic<int>(0);
      const auto come_and_go = [&](int round) {
        LockedFolder held = lock_log_folder(place, "run.csv", {1, 2, 3});
        const auto session = Session::create(held.path, {});
        held.lock.close();
        ready.fetch_add(1);
        while (ready.load() < 2 * round) std::this_thread::yield();
        session->remove();
        tidy(held.path);
      };
      for (int round = 1; round <= 500; ++round) {
        const pid_t child = temp::start_child([&] { come_and_go(round); });
        come_and_go(round);
        check::equal(temp::wait_for(child), 0);
        check::that(!std::filesystem::exists(place.home));
      }
      ::munmap(page, 4096);
    }};

static const check::Test unborn{"a folder beside a log that a kill has left empty goes", [] {
                                  const temp::Folder root;
                                  const RingPlace place{root / ".attolog-1", true};
                                  std::filesystem::create_directory(place.home);
                                  check::equal(recover_all(place).sessions, 0u);
                                  check::that(!std::filesystem::exists(place.home));
                                }};

static const check::Test outdated{
    "what another start of the machine has left is not believed, and it is said", [] {
      const Log log;
      log.die_logging();
      auto session = Session::open(log.folder(), list_files(log.folder(), kSessionSuffix).at(0),
                                   Session::Access::settle);
      session->header().boot_id[0] ^= 1;
      session.reset();
      check::equal(inspect(log.folder(), log.path()).records, 0u);
      const Recovery found = recover(log.folder(), log.path());
      check::equal(found.records, 0u);
      check::equal(found.messages.size(), 1u);
      check::that(log.rows().empty());
      check::equal(recover(log.folder(), log.path()).messages.size(), 0u);
    }};

static const check::Test stuck{
    "where somebody holds the file's lock, what is left waits, and it is said who", [] {
      const Log log;
      log.die_logging();
      File other = open_file(log.path(), O_RDWR);
      check::that(other.try_lock());
      RecoveryOptions options{.patience = std::chrono::milliseconds(1)};
      const Recovery found = recover(log.folder(), log.path(), options);
      check::equal(found.sessions, 0u);
      check::equal(found.messages.size(), 1u);
      check::that(found.messages.at(0).find("process " + std::to_string(::getpid())) !=
                  std::string::npos);
      options.tells_of_holder = false;
      check::equal(recover(log.folder(), log.path(), options).messages.size(), 0u);
      other.unlock();
      check::equal(recover(log.folder(), log.path()).records, kRecords);
      log.expect_all();
    }};

static const check::Test damaged{
    "a damaged ring costs its own records only, and is named", [] {
      const Log log;
      log.die_logging(2);
      const auto rings = list_files(log.folder(), kRingSuffix);
      std::filesystem::resize_file(log.folder() + "/" + rings.at(1), 1000);
      const Recovery found = recover(log.folder(), log.path());
      check::equal(found.records, kRecords / 2);
      check::equal(found.messages.size(), 1u);
      check::that(found.messages.at(0).find(rings.at(1)) != std::string::npos);
    }};

static const check::Test unwritable{"what cannot be written stays, for a time when it can", [] {
                                      const Log log;
                                      log.die_logging();
                                      {
                                        const FileLimit limited(kOld.size() + 1000);
                                        const Recovery found = recover(log.folder(), log.path());
                                        check::equal(found.sessions, 0u);
                                        check::equal(found.messages.size(), 1u);
                                        check::that(found.messages.at(0).starts_with(log.path()));
                                      }
                                      check::equal(recover(log.folder(), log.path()).sessions, 1u);
                                      log.expect_all();
                                    }};

static const check::Test tidied{"a folder goes with its last session, and not before", [] {
                                  const Log log;
                                  log.die_logging();
                                  tidy(log.folder());
                                  check::that(log.files_left() > 0);
                                  recover(log.folder(), log.path());
                                  tidy(log.folder());
                                  check::that(!std::filesystem::exists(log.folder()));
                                  tidy(log.folder());  // and nothing is no obstacle
                                }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
