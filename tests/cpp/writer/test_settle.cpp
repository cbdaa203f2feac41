#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "check.hpp"
#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "shm/ledger.hpp"
#include "shm/session.hpp"
#include "temp.hpp"
#include "writer/settle.hpp"

using namespace attolog;

namespace {

constexpr std::uint64_t kBatch = 7;

// A log file with its folder, and a process that dies while it adds rows to it.
class Log {
 public:
  explicit Log(Format format = Format::csv) : format_(format) {
    temp::write_file(path(), kOld);
    std::filesystem::create_directory(folder());
  }
  std::string path() const { return root_ / "run.csv"; }
  std::string folder() const { return root_ / "folder"; }
  std::string text() const { return temp::read_file(path()); }

  // It gets as far as writing `written` where the batch was to become `batch`.
  void die_writing(std::string_view written, std::string_view batch = kNew,
                   bool has_copy = true) const {
    const int status = temp::in_child([&] {
      auto* session = Session::create(folder(), program::target_of(path(), format_)).release();
      Ledger ledger(folder(), path());
      const File file(::open(path().c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
      if (has_copy) session->stage(batch);
      ledger.open({session->file_name(), kBatch, file_id(file.fd()), kOld.size(), batch.size(),
                   crc32c(batch)});
      if (::write(file.fd(), written.data(), written.size()) < 0) std::abort();
      ::_exit(0);
    });
    check::equal(status, 0);
  }
  void append(std::string_view bytes) const {
    const File file(::open(path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (::write(file.fd(), bytes.data(), bytes.size()) < 0) std::abort();
  }
  std::string settle() const {
    const File file(::open(path().c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
    Ledger ledger(folder(), path());
    return attolog::settle(folder(), path(), ledger, file.fd()).message;
  }
  std::uint64_t committed() const {
    const auto names = list_files(folder(), kSessionSuffix);
    check::equal(names.size(), 1u);
    return Session::open(folder(), names.at(0), Session::Access::read)->committed();
  }
  // All of the batch is there once, behind what was there, and it is known.
  void expect(const std::string& behind_old) const {
    check::equal(text(), std::string(kOld) + behind_old);
    check::equal(committed(), kBatch);
    check::equal(settle(), "");  // there is nothing more to be done
    check::equal(text(), std::string(kOld) + behind_old);
  }

  static constexpr std::string_view kOld = "old row\n";
  static constexpr std::string_view kNew = "1700000000.0,first\n1700000000.1,\"se\ncond\"\n";

 private:
  Format format_;
  temp::Folder root_;
};

const std::string kAll(Log::kNew);
const std::string kFirst = kAll.substr(0, kAll.find('\n') + 1);
const std::string kSecond = kAll.substr(kFirst.size());

// So many bytes of a batch are known for what they are.
constexpr std::size_t kTelling = 32;

std::string torn_end(std::string_view text, Format format = Format::csv) {
  const temp::Folder folder;
  temp::write_file(folder / "run", text);
  const File file = open_file(folder / "run", O_RDONLY);
  return torn_record_end(format, file.fd(), 0, text.size());
}

}  // namespace

static const check::Test torn{"a batch that is torn, wherever, is finished, and committed", [] {
                                for (std::size_t length = 0; length <= kAll.size(); ++length) {
                                  const Log log;
                                  log.die_writing(Log::kNew.substr(0, length));
                                  check::equal(log.settle(), "");
                                  log.expect(kAll);
                                }
                              }};

static const check::Test followed{
    "what others wrote behind a torn batch stays, and the batch is there from its torn row on", [] {
      const std::string theirs = "note,1,of another program\n";
      for (std::size_t length = 0; length <= kAll.size(); ++length) {
        const Log log;
        log.die_writing(Log::kNew.substr(0, length));
        log.append(theirs);
        const std::string said = log.settle();
        const bool is_torn = length != 0 && length != kFirst.size() && length != kAll.size();
        check::equal(said.find("another program wrote into " + log.path()) == 0, is_torn);
        const std::string before = kAll.substr(0, length) + theirs;
        if (length == kAll.size()) {
          log.expect(before);
          continue;
        }
        // Within a quoted cell their line belongs to it, and the cell is closed.
        const bool is_in_cell = length > kAll.find('"');
        log.expect(before + (is_in_cell && length < kAll.size() - 1 ? "\"\n" : "") +
                   (length < kFirst.size() ? kAll : kSecond));
      }
    }};

static const check::Test settled_half{
    "whoever finishes a batch may die in it as well, and others may write behind that again", [] {
      const std::string theirs = "note,1,of another program\n";
      for (std::size_t length = kTelling; length <= kAll.size(); ++length) {
        for (const bool is_followed : {false, true}) {
          const Log log;
          log.die_writing("1700");
          log.append(theirs + kAll.substr(0, length) + (is_followed ? theirs : ""));
          log.settle();
          const bool is_in_cell = length > kAll.find('"') && length < kAll.size() - 1;
          const std::string again =
              length == kAll.size() ? "" : (is_in_cell ? "\"\n" : "") + kSecond;
          log.expect("1700" + theirs +
                     (is_followed ? kAll.substr(0, length) + theirs + again : kAll));
        }
      }
    }};

static const check::Test preceded{
    "what others wrote between the look at the end and the write stays, and nothing is doubled",
    [] {
      const std::string theirs(100'000, 'x');
      for (const std::size_t length : {kAll.size(), std::size_t{35}}) {
        const Log log;
        log.die_writing(theirs + "\n" + kAll.substr(0, length));
        check::equal(log.settle(), "");
        log.expect(theirs + "\n" + kAll);
      }
    }};

static const check::Test others_only{"of a batch that is not there yet all is written", [] {
                                       const Log log;
                                       log.die_writing("");
                                       log.append("theirs, without an end");
                                       check::equal(log.settle(), "");
                                       log.expect("theirs, without an end\n" + kAll);
                                     }};

static const check::Test lines{"in other formats a torn line is there once more", [] {
                                 for (const Format format : {Format::jsonl, Format::text}) {
                                   const Log log(format);
                                   log.die_writing("first\nsec", "first\nsecond\nthird\n");
                                   log.append("theirs\n");
                                   check::that(!log.settle().empty());
                                   log.expect("first\nsectheirs\nsecond\nthird\n");
                                 }
                               }};

static const check::Test emptied{"a file that was emptied meanwhile gets the batch", [] {
                                   const Log log;
                                   log.die_writing("1700");
                                   std::filesystem::resize_file(log.path(), 0);
                                   check::equal(log.settle(), "");
                                   check::equal(log.text(), kAll);
                                   check::equal(log.committed(), kBatch);
                                 }};

static const check::Test replaced{"another file under the log file's name is left alone", [] {
                                    const Log log;
                                    log.die_writing("1700");
                                    std::filesystem::rename(log.path(), log.folder() + "/old");
                                    temp::write_file(log.path(), "old row\n1700");
                                    check::equal(log.settle(), "");
                                    check::equal(log.text(), "old row\n1700");
                                    check::equal(log.committed(), 0u);
                                  }};

static const check::Test uncopied{
    "without a copy nothing is cut; what is all there is committed", [] {
      const Log log;
      log.die_writing(kAll, Log::kNew, false);
      check::equal(log.settle(), "");
      log.expect(kAll);
      const Log other;
      other.die_writing("1700", Log::kNew, false);
      check::that(other.settle().find("may be torn") != std::string::npos);
      check::equal(other.text(), std::string(Log::kOld) + "1700");
      check::equal(other.committed(), 0u);
    }};

static const check::Test damaged_copy{"a damaged copy is not believed", [] {
                                        const Log log;
                                        log.die_writing("1700");
                                        const auto names = list_files(log.folder(), ".batch");
                                        const std::string path = log.folder() + "/" + names.at(0);
                                        std::string bytes = temp::read_file(path);
                                        bytes[20] ^= 1;
                                        temp::write_file(path, bytes);
                                        check::that(!log.settle().empty());
                                        check::equal(log.text(), std::string(Log::kOld) + "1700");
                                        check::equal(log.committed(), 0u);
                                      }};

static const check::Test gone{"a session that is gone is no obstacle", [] {
                                const Log log;
                                log.die_writing("1700");
                                for (const auto& name : list_files(log.folder(), kSessionSuffix))
                                  std::filesystem::remove(log.folder() + "/" + name);
                                check::equal(log.settle(), "");
                                check::equal(log.text(), std::string(Log::kOld) + "1700");
                              }};

static const check::Test unwritable{"what cannot be finished now is finished later", [] {
                                      const Log log;
                                      log.die_writing("1700");
                                      {
                                        const program::FileLimit limited(Log::kOld.size() + 9);
                                        check::that(!temp::error_of([&] { log.settle(); }).empty());
                                      }
                                      check::equal(log.settle(), "");
                                      log.expect(kAll);
                                    }};

static const check::Test looking{
    "looking says what the file lacks, and writes nothing", [] {
      const Log log;
      log.die_writing(kAll.substr(0, kFirst.size() + 5));
      const File file = open_file(log.path(), O_RDONLY);
      const auto found = inspect_intent(log.folder(), log.path(),
                                        Ledger::open_intents(log.folder()).at(0), file.fd());
      check::that(found.has_value());
      check::equal(found->end, Log::kOld.size() + kFirst.size());
      check::equal(found->bytes.substr(found->whole), kSecond);
      check::equal(log.text(), std::string(Log::kOld) + kAll.substr(0, kFirst.size() + 5));
      check::equal(log.committed(), 0u);
    }};

static const check::Test ends{
    "a torn end is ended: a line by a new one, a quoted cell by its quote", [] {
      const std::string row = "1700000000.0,GEN,1\n";
      check::equal(torn_end(""), "");
      check::equal(torn_end(row), "");
      check::equal(torn_end(row + "1700000001.0,GE"), "\n");
      check::equal(torn_end(row + "1700000001.0,INFO,\"two lines:\nsecond li"), "\"\n");
      check::equal(torn_end(row + "1700000001.0,INFO,\"two lines:\n"), "\"\n");
      check::equal(torn_end(row + "1700000001.0,INFO,\"a \"\"quote\"\" and"), "\"\n");
      check::equal(torn_end(row + "1700000001.0,INFO,\"whole\"\n"), "");
      check::equal(torn_end(row + "torn", Format::text), "\n");
      check::equal(torn_end(row + "{\"a\":", Format::jsonl), "\n");
      check::equal(torn_end(row + "torn", Format::journal), "");
    }};

static const check::Test long_ends{
    "in a long file too, though only its end is read", [] {
      std::string rows;
      while (rows.size() < 3'000'000) rows += "1700000000.0,INFO,\"a, quoted\ncell\",7,plain\n";
      check::equal(torn_end(rows), "");
      check::equal(torn_end(rows + "1700000000.0,INFO,\"torn"), "\"\n");
      check::equal(torn_end(rows + "1700000000.0,INFO,\"" + std::string(200'000, 'x')), "\"\n");
      std::string plain;
      while (plain.size() < 3'000'000) plain += "1700000000.0,INFO,7,plain\n";
      check::equal(torn_end(plain), "");
      check::equal(torn_end(plain + "17000"), "\n");
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
