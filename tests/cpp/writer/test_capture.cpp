#include "writer/capture.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "check.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "temp.hpp"
#include "writer/drain.hpp"

using namespace attolog;
using program::FileLimit;
using program::kAll;
using program::Program;
using program::row;

namespace {

using Rows = std::vector<std::string>;

std::string text_of(std::uint64_t i) {
  return "number " + std::to_string(i);
}

Rows numbered(std::uint64_t from, std::uint64_t to) {
  Rows rows;
  for (std::uint64_t i = from; i < to; ++i) {
    std::string& text = rows.emplace_back(row(i, text_of(i)));
    text.replace(text.find("LOG"), 3, "KEPT");
  }
  return rows;
}

// A process with a circular log of the last so many records.
class Circular {
 public:
  Circular(const std::string& folder, std::uint64_t last)
      : program_(folder, program::target_of("circular-x", Format::none)),
        drain_(program_.session(), nullptr, nullptr, progress_, {last, 0}) {
    Site site;
    site.id = kFirstSite;
    site.name = "KEPT";
    site.fields = {"text"};
    site.destination = Destination::buffer;
    site.policy = "last:" + std::to_string(last);
    Buffer sites;
    encode_site(sites, site);
    program_.session().append_sites(sites.view());
    drain_.add(program_.ring());
  }
  void log(std::uint64_t i) {
    Buffer values;
    encode_str(values, text_of(i));
    if (!program_.put(kFirstSite, i, values.view())) ::_exit(98);
  }
  Program& program() { return program_; }
  Drain& drain() { return drain_; }

 private:
  Program program_;
  Progress progress_;
  Drain drain_;
};

// Where the circular logs of killed processes are, and where they are saved.
class Root {
 public:
  std::string folder(const std::string& name) const {
    return log_folder(place(), "circular-" + name, {0, std::hash<std::string>{}(name), 1}, true);
  }
  // A process that logged `n` sentences and was killed, with so many of them drained into its box.
  std::uint32_t die(std::uint64_t n, std::uint64_t drained, std::uint64_t max_records,
                    Ticks start = 0) const {
    const std::string at = folder(std::to_string(++processes_));
    const pid_t pid = temp::start_child([&] {
      Circular& log = *std::make_unique<Circular>(at, max_records).release();
      for (std::uint64_t i = 0; i < n; ++i) {
        if (i == drained) log.drain().run(kAll - 1, false);
        log.log(start + i);
      }
      if (drained >= n) log.drain().run(kAll - 1, false);
      ::kill(::getpid(), SIGKILL);
    });
    check::that(WIFSIGNALED(temp::wait_for(pid)));
    return static_cast<std::uint32_t>(pid);
  }
  Rescue save(std::uint32_t pid, bool check = false) const {
    return rescue(place(), pid, program::target_of(path()), check);
  }
  RingPlace place() const { return {user_folder(root_.path())}; }
  std::string path() const { return root_ / "saved.csv"; }
  Rows rows() const { return temp::lines_of(path()); }
  std::size_t folders() const {
    std::size_t n = 0;
    const std::string ours = root_ / ("attolog-" + std::to_string(::geteuid()));
    for (const auto& each : std::filesystem::directory_iterator(ours)) {
      n += each.path().filename().string().starts_with("circular_") ? 1 : 0;
    }
    return n;
  }

 private:
  temp::Folder root_;
  mutable int processes_ = 0;
};

void expect(const Rows& found, const Rows& expected) {
  check::equal(found.size(), expected.size());
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    check::equal(found[i], expected[i]);
  }
}

}  // namespace

static const check::Test killed{
    "the last records of a killed process are saved, whether in its box or in its rings yet", [] {
      for (const std::uint64_t drained : {0u, 1u, 40u, 99u, 100u}) {
        const Root root;
        const std::uint32_t pid = root.die(100, drained, 10);
        const Rescue rescue = root.save(pid);
        check::equal(rescue.messages.size(), 0u);
        check::equal(rescue.sessions, 1u);
        check::equal(rescue.records, 10u);
        check::that(!rescue.is_alive);
        expect(root.rows(), numbered(90, 100));
        check::equal(root.folders(), 0u);
        check::equal(root.save(pid).sessions, 0u);
        expect(root.rows(), numbered(90, 100));  // it is left as it was
      }
    }};

static const check::Test others{"only the process that is asked for is saved", [] {
                                  const Root root;
                                  const std::uint32_t one = root.die(20, 20, 5);
                                  const std::uint32_t two = root.die(20, 20, 5, 1000);
                                  check::equal(root.save(one).records, 5u);
                                  expect(root.rows(), numbered(15, 20));
                                  check::equal(root.save(two).records, 5u);
                                  expect(root.rows(), numbered(1015, 1020));
                                  check::equal(root.save(one + two).sessions, 0u);
                                }};

static const check::Test counted{"counting changes nothing", [] {
                                   const Root root;
                                   const std::uint32_t pid = root.die(20, 10, 50);
                                   for (int i = 0; i < 3; ++i) {
                                     const Rescue rescue = root.save(pid, true);
                                     check::equal(rescue.sessions, 1u);
                                     check::equal(rescue.records, 20u);
                                     check::that(!std::filesystem::exists(root.path()));
                                   }
                                   check::equal(root.save(pid).records, 20u);
                                 }};

static const check::Test listed{
    "killed processes that hold records are listed, with their numbers, and nothing changes", [] {
      const Root root;
      const std::uint32_t few = root.die(20, 10, 5);
      const std::uint32_t many = root.die(20, 0, 50);
      root.die(0, 0, 50);
      int ready[2];
      check::equal(::pipe(ready), 0);
      const pid_t living = temp::start_child([&] {
        Circular log(root.folder("living"), 5);
        log.log(1);
        if (::write(ready[1], "x", 1) != 1) ::_exit(1);
        ::pause();
      });
      char byte = 0;
      check::equal(::read(ready[0], &byte, 1), 1);
      std::vector<std::string> messages;
      for (int i = 0; i < 2; ++i) {
        const auto found = list_circular_leftovers(root.place(), messages);
        check::equal(found.size(), 2u);
        for (const CircularLeftover& each : found) {
          check::that(each.pid == few || each.pid == many);
          check::equal(each.records, each.pid == few ? 5u : 20u);
        }
      }
      check::equal(messages.size(), 0u);
      ::kill(living, SIGKILL);
      temp::wait_for(living);
      check::equal(root.save(few).records, 5u);
      check::equal(root.save(many).records, 20u);
    }};

static const check::Test nothing{"a process that logged nothing has nothing to save", [] {
                                   const Root root;
                                   const std::uint32_t pid = root.die(0, 0, 50);
                                   temp::write_file(root.path(), "before\n");
                                   check::equal(root.save(pid).sessions, 0u);
                                   expect(root.rows(), {"before"});
                                   check::equal(root.folders(), 0u);
                                 }};

static const check::Test no_room{
    "where it cannot be written what the process left stays, and what was at the path", [] {
      const Root root;
      const std::uint32_t pid = root.die(1000, 500, 800);
      temp::write_file(root.path(), "before\n");
      const std::string part = root.path() + "." + std::to_string(::getpid()) + ".part";
      std::filesystem::create_directory(part);
      check::equal(temp::error_of([&] { root.save(pid); }), root.path() + ": Is a directory");
      std::filesystem::remove(part);
      check::that(!temp::error_of([&] {
                     rescue(root.place(), pid, program::target_of("/dev/full"), false);
                   }).empty());
      expect(root.rows(), {"before"});
      check::equal(root.save(pid).records, 800u);
      expect(root.rows(), numbered(200, 1000));
    }};

static const check::Test killed_saving{"whoever is killed saving it leaves it to the next", [] {
                                         const Root root;
                                         const std::uint32_t pid = root.die(1000, 500, 800);
                                         for (const rlim_t limit : {0u, 10u, 5000u, 20'000u}) {
                                           const int status = temp::in_child([&] {
                                             const FileLimit killing(limit, true);
                                             root.save(pid);
                                           });
                                           check::that(WIFSIGNALED(status));
                                           check::that(!std::filesystem::exists(root.path()));
                                         }
                                         check::equal(root.save(pid).records, 800u);
                                         expect(root.rows(), numbered(200, 1000));
                                       }};

static const check::Test removing{
    "whoever is killed while removing it has nobody save it again as empty", [] {
      const Root root;
      const std::uint32_t pid = root.die(100, 100, 10);
      const std::string folder = root.folder("1");
      for (const std::string& name : list_files(folder, kCircularBufferSuffix)) {
        std::filesystem::remove(folder + "/" + name);
      }
      temp::write_file(root.path(), "saved before\n");
      check::equal(root.save(pid).sessions, 0u);
      expect(root.rows(), {"saved before"});
      check::equal(root.folders(), 0u);
    }};

static const check::Test living{"a living process is looked at, and goes on", [] {
                                  const Root root;
                                  temp::Signal ready;
                                  temp::Signal go_on;
                                  const pid_t pid = temp::start_child([&] {
                                    Circular log(root.folder("living"), 10);
                                    for (std::uint64_t i = 0; i < 50; ++i) {
                                      if (i == 45) log.drain().run(kAll - 1, false);
                                      log.log(i);
                                    }
                                    ready.send();
                                    go_on.wait();
                                    log.drain().run(kAll - 1, false);
                                    if (log.drain().buffers().records() != 10) ::_exit(1);
                                  });
                                  ready.wait();
                                  const Rescue rescue = root.save(static_cast<std::uint32_t>(pid));
                                  check::that(rescue.is_alive);
                                  check::equal(rescue.sessions, 1u);
                                  // The last ones of the box and of the ring.
                                  expect(root.rows(), numbered(40, 50));
                                  go_on.send();
                                  check::equal(temp::wait_for(pid), 0);
                                }};

static const check::Test old{"of killed processes the last eight are kept", [] {
                               const Root root;
                               std::vector<std::uint32_t> pids;
                               for (int i = 0; i < 12; ++i) pids.push_back(root.die(5, 5, 10));
                               check::equal(root.folders(), 12u);
                               remove_old_circular_buffers(root.place());
                               check::equal(root.folders(), 8u);
                               for (std::size_t i = 0; i < pids.size(); ++i) {
                                 check::equal(root.save(pids[i], true).sessions, i < 4 ? 0u : 1u);
                               }
                             }};

static const check::Test range{
    "a capture has the records of its range, and its triggers among them", [] {
      const temp::Folder folder;
      std::filesystem::create_directory(folder / "folder");
      const auto target = program::target_of(folder / "saved.csv");
      Circular log(folder / "folder", 1000);
      for (Ticks i = 0; i < 100; ++i) log.log(i);
      const Ring* const rings[] = {&log.program().ring()};
      const Capture capture{target.path, 20, 29, {{22, "first"}, {28, "second"}}};
      check::equal(write_capture(log.program().session(), rings, target, capture), 10u);
      Rows expected = numbered(20, 30);
      expected.insert(expected.begin() + 9, "0.000000028,TRIGGER,second");
      expected.insert(expected.begin() + 3, "0.000000022,TRIGGER,first");
      const Rows found = temp::lines_of(target.path);
      expect(found, expected);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
