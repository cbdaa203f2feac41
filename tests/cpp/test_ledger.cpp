#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "check.hpp"
#include "core/folder.hpp"
#include "core/ledger.hpp"
#include "core/session.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

constexpr std::uint64_t kBatch = 7;

// A log file with its folder, and a process that dies while it adds "new row\n" to it.
class Log {
 public:
  Log() {
    temp::write_file(path(), kOld);
    std::filesystem::create_directory(folder());
  }
  std::string path() const { return root_ / "run.csv"; }
  std::string folder() const { return root_ / "folder"; }
  std::string ledger_path() const { return folder() + "/run.csv" + std::string(kLedgerSuffix); }
  std::string text() const { return temp::read_file(path()); }

  // The process gets as far as writing `written`, and further if `closes`.
  void die_writing(std::string_view written, bool closes = false) const {
    const int status = temp::in_child([&] {
      auto* session = Session::create(folder(), {path(), 1, 6, 0, "", 1, 77}).release();
      Ledger ledger(folder(), path());
      ledger.acquire();
      const File file(::open(path().c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
      ledger.intend(*session, kBatch, file.fd(), kOld.size(), kNew);
      if (::write(file.fd(), written.data(), written.size()) < 0) std::abort();
      if (closes) {
        session->commit(kBatch);
        ledger.close_intent();
      }
      ::_exit(0);
    });
    check::equal(status, 0);
  }
  // What the next holder of the ledger says.
  std::string settle() const {
    Ledger ledger(folder(), path());
    std::string said = ledger.acquire();
    ledger.release();
    return said;
  }
  std::uint64_t committed() const {
    const auto names = list_files(folder(), kSessionSuffix);
    check::equal(names.size(), 1u);
    return Session::open(folder(), names.at(0), Session::Access::read)->committed();
  }

  static constexpr std::string_view kOld = "old row\n";
  static constexpr std::string_view kNew = "new row\n";

 private:
  temp::Folder root_;
};

const std::string kBoth = std::string(Log::kOld) + std::string(Log::kNew);

}  // namespace

static const check::Test complete{"a batch that is all there is committed", [] {
                                    const Log log;
                                    log.die_writing(Log::kNew);
                                    check::equal(log.committed(), 0u);
                                    check::equal(log.settle(), "");
                                    check::equal(log.committed(), kBatch);
                                    check::equal(log.text(), kBoth);
                                  }};

static const check::Test torn{
    "a batch that is torn, wherever, is cut off again and stays uncommitted", [] {
      for (std::size_t length = 0; length < Log::kNew.size(); ++length) {
        const Log log;
        log.die_writing(Log::kNew.substr(0, length));
        check::equal(log.settle(), "");
        check::equal(log.committed(), 0u);
        check::equal(log.text(), Log::kOld);
      }
    }};

static const check::Test garbled{"bytes of the right number that are not the batch's are cut off",
                                 [] {
                                   const Log log;
                                   log.die_writing("nEw row\n");
                                   check::equal(log.settle(), "");
                                   check::equal(log.committed(), 0u);
                                   check::equal(log.text(), Log::kOld);
                                 }};

static const check::Test foreign{
    "what another program wrote is kept, and it is said", [] {
      const Log log;
      log.die_writing("new another program's row\n");
      check::that(log.settle().find(log.path()) != std::string::npos);
      check::equal(log.committed(), 0u);
      check::equal(log.text(), std::string(Log::kOld) + "new another program's row\n");
      check::equal(log.settle(), "");  // and it is said once
    }};

static const check::Test followed{
    "a batch that is all there is committed, whoever wrote behind it", [] {
      const Log log;
      log.die_writing(kBoth.substr(Log::kOld.size()) + "another program's row\n");
      check::equal(log.settle(), "");
      check::equal(log.committed(), kBatch);
      check::equal(log.text(), kBoth + "another program's row\n");
    }};

static const check::Test closed{"a closed intent is nobody's business any more", [] {
                                  const Log log;
                                  log.die_writing(Log::kNew, true);
                                  std::filesystem::resize_file(log.path(), 3);
                                  check::equal(log.settle(), "");
                                  check::equal(log.text(), Log::kOld.substr(0, 3));
                                  check::equal(log.committed(), kBatch);
                                }};

static const check::Test replaced{"another file under the log file's name is left alone", [] {
                                    const Log log;
                                    log.die_writing("new");
                                    std::filesystem::remove(log.path());
                                    temp::write_file(log.path(), "old row\nnew");
                                    check::equal(log.settle(), "");
                                    check::equal(log.text(), "old row\nnew");
                                    check::equal(log.committed(), 0u);
                                  }};

static const check::Test gone{
    "a log file or a session that is gone is no obstacle", [] {
      const Log log;
      log.die_writing("new");
      std::filesystem::remove(log.path());
      check::equal(log.settle(), "");
      const Log other;
      other.die_writing(Log::kNew);
      for (const std::string& name : list_files(other.folder(), kSessionSuffix)) {
        std::filesystem::remove(other.folder() + "/" + name);
      }
      check::equal(other.settle(), "");
      check::equal(other.text(), kBoth);
    }};

static const check::Test looking{
    "looking says what settling would come to, and changes nothing", [] {
      const Log log;
      check::that(!Ledger::look(log.folder(), log.path()).has_value());
      log.die_writing("new");
      const auto intent = Ledger::look(log.folder(), log.path());
      check::that(intent.has_value() && !intent->is_complete);
      check::equal(intent->offset, Log::kOld.size());
      check::equal(log.text(), "old row\nnew");
      log.settle();
      check::that(!Ledger::look(log.folder(), log.path()).has_value());

      const Log whole;
      whole.die_writing(Log::kNew);
      const auto all = Ledger::look(whole.folder(), whole.path());
      check::that(all.has_value() && all->is_complete);
      check::equal(all->batch, kBatch);
      check::equal(all->session, list_files(whole.folder(), kSessionSuffix).at(0));
      check::equal(whole.committed(), 0u);
    }};

static const check::Test excludes{"one holder at a time", [] {
                                    const Log log;
                                    Ledger ledger(log.folder(), log.path());
                                    const File other = open_file(log.ledger_path(), O_RDWR);
                                    ledger.acquire();
                                    check::that(!try_lock(other.fd()));
                                    ledger.release();
                                    check::that(try_lock(other.fd()));
                                  }};

static const check::Test renewed{
    "a ledger that was removed meanwhile is made anew, and all hold the same one", [] {
      const Log log;
      Ledger ledger(log.folder(), log.path());
      std::filesystem::remove(log.ledger_path());
      ledger.acquire();
      const File named = open_file(log.ledger_path(), O_RDWR);
      check::that(!try_lock(named.fd()));
      ledger.release();
      check::that(try_lock(named.fd()));
    }};

static const check::Test forked{"a forked child that lets go does not keep the ledger locked", [] {
                                  const Log log;
                                  Ledger ledger(log.folder(), log.path());
                                  ledger.acquire();
                                  check::equal(temp::in_child([&] { ledger.close_lock(); }), 0);
                                  const File other = open_file(log.ledger_path(), O_RDWR);
                                  check::that(!try_lock(other.fd()));  // it is ours still
                                  ledger.release();
                                  check::that(try_lock(other.fd()));
                                }};

static const check::Test hostile{"a ledger full of nonsense does no harm", [] {
                                   const Log log;
                                   temp::write_file(log.ledger_path(), std::string(4096, '\xff'));
                                   check::equal(log.settle(), "");
                                   check::equal(log.text(), Log::kOld);
                                   temp::write_file(log.ledger_path(), "short");
                                   check::equal(log.settle(), "");
                                   check::equal(log.text(), Log::kOld);
                                 }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
