#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "check.hpp"
#include "core/folder.hpp"
#include "journal_file.hpp"
#include "program.hpp"
#include "reader/pending.hpp"
#include "shm/place.hpp"
#include "temp.hpp"
#include "writer/recovery.hpp"

using namespace attolog;
using program::Program;

namespace {

// A journal, empty at first, and programs that died without having written what they logged.
struct Log {
  Log() {
    temp::write_file(path, "");
    folder = log_folder({user_folder(root.path())}, "run.atto", *file_id(path), true);
  }

  void die_logging(int records, const std::string& path_inside) const {
    const int status = temp::in_child([&] {
      auto* program =
          std::make_unique<Program>(folder, program::target_of(path_inside, Format::journal))
              .release();
      for (int i = 0; i < records; ++i) {
        program->log(static_cast<Ticks>(i), std::to_string(i));
      }
    });
    check::equal(status, 0);
  }
  Pending pending() const { return find_pending(root.path(), path, {path}); }

  temp::Folder root;
  std::string path = root / "run.atto";
  std::string folder;
};

std::size_t records_in(const std::vector<JournalPath>& files) {
  return journal_test::read_all(files).records.size();
}

}  // namespace

static const check::Test shown{"the records in the rings is a journal, until it is recovered", [] {
                                 const Log log;
                                 log.die_logging(300, log.path);
                                 const Pending before = log.pending();
                                 check::equal(records_in(before.files), 0u);
                                 check::equal(records_in(before.rings), 300u);
                                 check::that(is_current(before));
                                 check::equal(recover(log.folder, log.path).records, 300u);
                                 check::that(!is_current(before));
                                 const Pending after = log.pending();
                                 check::equal(records_in(after.files), 300u);
                                 check::equal(after.rings.size(), 0u);
                                 check::that(is_current(after));
                               }};

static const check::Test being_recovered{
    "what somebody recovers just now is shown, and looked at again once some of it is in the file",
    [] {
      const Log log;
      log.die_logging(3, log.path);
      const Pending before = log.pending();
      const auto name = list_files(log.folder, kSessionSuffix).at(0);
      const auto session = Session::open(log.folder, name, Session::Access::claim);
      check::that(is_current(before));
      const Pending meanwhile = log.pending();
      check::equal(records_in(meanwhile.rings), 3u);
      session->commit(1);
      check::that(!is_current(meanwhile));
    }};

static const check::Test foreign{"a session that names another file is not shown", [] {
                                   const Log log;
                                   log.die_logging(3, log.root / "elsewhere.atto");
                                   check::equal(log.pending().rings.size(), 0u);
                                   const std::string part = log.root / "run.77-0.atto";
                                   log.die_logging(2, part);
                                   check::equal(log.pending().rings.size(), 0u);
                                   const Pending both =
                                       find_pending(log.root.path(), log.path, {log.path, part});
                                   check::equal(records_in(both.rings), 2u);
                                 }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
