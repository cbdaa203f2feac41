#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "check.hpp"
#include "core/arena.hpp"
#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "descriptors.hpp"
#include "shm/session.hpp"
#include "temp.hpp"

using namespace attolog;
using temp::Signal;

namespace {

using Access = Session::Access;

LogTarget target_of(std::string path = "/logs/run.csv") {
  return {std::move(path), 1, 9, 5, "{time} {message}", 0x1234, 77, 1};
}

std::string file_of(const Session& session) {
  return session.name() + std::string(kSessionSuffix);
}

}  // namespace

static const check::Test target{
    "a session's file says all of its target", [] {
      const temp::Folder folder;
      const auto session = Session::create(folder.path(), target_of());
      const auto seen = Session::open(folder.path(), file_of(*session), Access::read);
      check::that(seen != nullptr);
      const LogTarget found = seen->target();
      check::equal(found.path, "/logs/run.csv");
      check::equal(+found.format, 1);
      check::equal(+found.digits, 9);
      check::equal(found.columns, 5);
      check::equal(+found.weight, 1);
      check::equal(found.pattern, "{time} {message}");
      check::equal(found.run_id, 0x1234u);
      check::equal(seen->header().pid, static_cast<std::uint32_t>(::getpid()));
    }};

static const check::Test too_long{"a path that does not fit is refused", [] {
                                    const temp::Folder folder;
                                    const auto attempt = [&] {
                                      Session::create(folder.path(),
                                                      target_of("/" + std::string(5000, 'x')));
                                    };
                                    check::that(temp::error_of(attempt).ends_with(": too long"));
                                  }};

static const check::Test alive{
    "a session is alive as long as its owner is, and is claimed by one only afterwards", [] {
      const temp::Folder folder;
      auto session = Session::create(folder.path(), target_of());
      const std::string name = file_of(*session);
      const auto seen = Session::open(folder.path(), name, Access::read);
      check::that(seen->is_alive());
      check::that(Session::open(folder.path(), name, Access::claim) == nullptr);
      session.reset();
      check::that(!seen->is_alive());
      const auto claimed = Session::open(folder.path(), name, Access::claim);
      check::that(claimed != nullptr);
      check::that(Session::open(folder.path(), name, Access::claim) == nullptr);
    }};

static const check::Test dead{
    "a process that dies leaves a dead session with all it had", [] {
      const temp::Folder folder;
      const int status =
          temp::in_child([&] { Session::create(folder.path(), target_of()).release()->commit(3); });
      check::equal(status, 0);
      const auto names = list_files(folder.path(), kSessionSuffix);
      check::equal(names.size(), 1u);
      const auto claimed = Session::open(folder.path(), names[0], Access::claim);
      check::that(claimed != nullptr);
      check::equal(claimed->committed(), 3u);
    }};

static const check::Test forked{
    "a forked child that lets go of the lock does not keep its parent's session alive", [] {
      const temp::Folder folder;
      auto session = Session::create(folder.path(), target_of());
      const std::string name = file_of(*session);
      const Signal let_go;
      const Signal end;
      const pid_t child = temp::start_child([&] {
        session->close_in_child();
        let_go.send();
        end.wait();
      });
      let_go.wait();
      check::that(Session::open(folder.path(), name, Access::claim) ==
                  nullptr);  // the parent lives
      session.reset();
      check::that(Session::open(folder.path(), name, Access::claim) != nullptr);
      end.send();
      check::equal(temp::wait_for(child), 0);
    }};

static const check::Test executed{
    "another program in the same process does not keep the session alive", [] {
      const temp::Folder folder;
      const Signal started;
      const Signal end;
      const pid_t child = temp::start_child([&] {
        Session::create(folder.path(), target_of()).release();
        ::dup2(end.ends[0], STDIN_FILENO);
        ::dup2(started.ends[1], STDOUT_FILENO);
        // Says that it runs, and then waits for us.
        ::execl("/bin/sh", "sh", "-c", "printf x; read -r line", nullptr);
      });
      started.wait();
      const auto names = list_files(folder.path(), kSessionSuffix);
      check::equal(names.size(), 1u);
      check::that(Session::open(folder.path(), names.at(0), Access::claim) != nullptr);
      if (::write(end.ends[1], "\n", 1) != 1) std::abort();
      check::equal(temp::wait_for(child), 0);
    }};

static const check::Test own_names{
    "only names that a session would have are opened", [] {
      const temp::Folder folder;
      std::filesystem::create_directory(folder / "sub");
      const auto session = Session::create(folder / "sub", target_of());
      const std::string name = file_of(*session);
      check::that(Session::open(folder / "sub", name, Access::read) != nullptr);
      for (const std::string& bad :
           {"sub/" + name, "../" + name, std::string(".") + name, name + "x",
            std::string(kSessionSuffix), std::string(), "none" + name}) {
        check::that(Session::open(folder.path(), bad, Access::read) == nullptr);
      }
    }};

static const check::Test damaged{
    "a file that is no session is passed over, one whose table lies about its size is cut", [] {
      const temp::Folder folder;
      std::string name;
      {
        const auto session = Session::create(folder.path(), target_of());
        name = file_of(*session);
        session->append_sites("abc");
        session->header().site_bytes = ~std::uint64_t{0};
      }
      const auto open = [&] { return Session::open(folder.path(), name, Access::claim); };
      check::equal(open()->sites().size() + Session::kHeader,
                   std::filesystem::file_size(folder / name));
      const std::string whole = temp::read_file(folder / name);
      for (const std::string& bad :
           {"?" + whole.substr(1), whole.substr(0, Session::kHeader - 1), std::string()}) {
        temp::write_file(folder / name, bad);
        check::that(temp::error_of(open).starts_with(folder / name));
        check::that(Session::open(folder.path(), name, Access::read) == nullptr);
      }
    }};

static const check::Test sites{
    "the site table grows as it must, is seen by others, and ends somewhere", [] {
      const temp::Folder folder;
      const auto session = Session::create(folder.path(), target_of());
      const std::string piece(1000, 'x');
      std::string all;
      for (int i = 0; i < 300; ++i) {
        all += piece;
        check::that(session->append_sites(piece));
      }
      check::that(session->sites() == all);
      const auto seen = Session::open(folder.path(), file_of(*session), Access::read);
      check::that(seen->sites() == all);
      check::that(!session->append_sites(std::string(Session::kSiteRoom, 'x')));
      check::that(session->sites() == all);
    }};

static const check::Test closed{
    "a session whose files the program has closed lives, grows, and takes no other's", [] {
      const temp::Folder folder;
      const auto session = Session::create(folder.path(), target_of());
      check::that(session->stage("batch"));
      const std::string piece(200'000, 'x');
      const descriptors::TakenOver own(folder / "own");
      check::that(!session->is_removed());
      check::that(session->append_sites(piece));
      check::that(session->stage(piece));
      check::that(session->staged(piece.size(), crc32c(piece)) == piece);
      check::that(Session::open(folder.path(), file_of(*session), Access::claim) == nullptr);
      check::that(session->is_alive());
      check::that(own.is_open());
      check::equal(std::filesystem::file_size(folder / "own"), 0u);
    }};

static const check::Test spills{
    "large values without a folder are kept without a descriptor, until they are removed", [] {
      const auto session = Session::create("", target_of());
      const std::size_t before = descriptors::all().size();
      const std::uint64_t first = session->spill("first");
      const std::uint64_t second = session->spill("second");
      check::equal(descriptors::all().size(), before);
      Arena arena;
      check::equal(session->read_spill(second, 6, arena).value_or(""), "second");
      check::equal(session->read_spill(first, 5, arena).value_or(""), "first");
      check::that(!session->read_spill(first, 6, arena));
      session->remove_spill(first);
      check::that(!session->read_spill(first, 5, arena));
    }};

static const check::Test short_of_descriptors{
    "large values that cannot be opened for lack of descriptors are not taken for missing", [] {
      const temp::Folder folder;
      const auto session = Session::create(folder.path(), target_of());
      const std::uint64_t number = session->spill("large");
      Arena arena;
      {
        descriptors::Limit limit(100);
        limit.use_up();
        check::that(!temp::error_of([&] { session->read_spill(number, 5, arena); }).empty());
      }
      check::equal(session->read_spill(number, 5, arena).value_or(""), "large");
      ::unlink(session->spill_path(number).c_str());
      check::that(!session->read_spill(number, 5, arena));
    }};

static const check::Test files{
    "removing a session takes its own rings and spill files with it, and no others", [] {
      const temp::Folder folder;
      const auto session = Session::create(folder.path(), target_of());
      const auto other = Session::create(folder.path(), target_of());
      check::that(session->name() != other->name());
      for (const auto& each : {session.get(), other.get()}) {
        temp::write_file(each->ring_path(0), "");
        temp::write_file(each->ring_path(1), "");
        temp::write_file(each->spill_path(0), "");
      }
      check::equal(session->ring_paths().size(), 2u);
      check::equal(session->ring_paths().at(1), session->ring_path(1));
      session->remove();
      check::that(session->ring_paths().empty());
      check::that(!std::filesystem::exists(session->spill_path(0)));
      check::that(Session::open(folder.path(), file_of(*session), Access::read) == nullptr);
      check::equal(other->ring_paths().size(), 2u);
      check::that(std::filesystem::exists(other->spill_path(0)));
    }};

static const check::Test removed{
    "a session that somebody removes while it is opened is none", [] {
      const temp::Folder folder;
      auto session = Session::create(folder.path(), target_of());
      const std::string name = file_of(*session);
      session->remove();
      check::that(Session::open(folder.path(), name, Access::claim) == nullptr);
    }};

static const check::Test anonymous{"a session in memory has no files and no name", [] {
                                     const auto session = Session::create("", target_of());
                                     check::equal(session->name(), "");
                                     check::equal(session->ring_path(0), "");
                                     check::that(session->append_sites("abc"));
                                     check::equal(session->sites(), "abc");
                                     session->remove();
                                   }};

static const check::Test drops{
    "drops are told of once: with the batch that tells of them, and not without", [] {
      const auto session = Session::create("", target_of());
      session->drop(2);
      const Ticks since = session->header().dropped_since;
      session->drop(1);
      check::equal(session->header().dropped.load(), 3u);
      check::that(since != 0);
      check::equal(session->header().dropped_since.load(), since);

      session->prepare_batch(1, 0, 3);
      check::equal(session->reported(), 0u);  // killed before the commit
      session->commit(1);
      check::equal(session->reported(), 3u);  // killed behind it
      session->prepare_batch(2, 0, 5);        // this one fails
      check::equal(session->reported(), 3u);
      session->prepare_batch(3, 0, 6);
      session->commit(3);
      check::equal(session->reported(), 6u);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
