#include "writer/file_memory.hpp"

#include <fcntl.h>

#include <filesystem>
#include <string>

#include "check.hpp"
#include "core/file.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

// More than any attribute has room for.
const std::string kLarge(200'000, 'x');

// A log file, and a path beside its ledger.
class Log {
 public:
  Log() : file_(::open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  std::string path() const { return root_ / "run.csv"; }
  FileMemory::Location place() const { return {file_.fd(), path(), root_ / "beside"}; }
  FileMemory::Location nowhere() const { return {file_.fd(), path(), ""}; }
  bool has_beside() const { return std::filesystem::exists(root_ / "beside"); }

 private:
  temp::Folder root_;
  File file_;
};

}  // namespace

static const check::Test kept{
    "what one process adds another one reads; a process that has not may not add", [] {
      const Log log;
      FileMemory one;
      FileMemory two;
      check::equal(one.read(log.place()), "");
      check::that(one.add(log.place(), "GEN a\n"));
      check::that(!two.add(log.place(), "GEN b\n"));
      check::equal(two.read(log.place()), "GEN a\n");
      check::that(two.add(log.place(), "DONE b\n"));
      check::equal(FileMemory().read(log.place()), "GEN a\nDONE b\n");
    }};

static const check::Test beside{
    "what the attribute has no room for lies beside the ledger, with all that came before", [] {
      const Log log;
      FileMemory one;
      check::that(one.add(log.place(), "GEN a\n"));
      check::that(one.add(log.place(), kLarge));
      check::that(log.has_beside());
      check::equal(FileMemory().read(log.place()), "GEN a\n" + kLarge);
    }};

static const check::Test nowhere{
    "where there is no place the process alone knows it, and may go on adding", [] {
      const Log log;
      FileMemory one;
      check::that(one.add(log.nowhere(), "GEN a\n"));
      const bool has_attribute = FileMemory().read(log.nowhere()) == "GEN a\n";
      check::that(one.add(log.nowhere(), kLarge));
      check::that(one.add(log.nowhere(), "more"));
      check::equal(one.read(log.nowhere()), "GEN a\n" + kLarge + "more");
      check::equal(FileMemory().read(log.nowhere()), has_attribute ? "GEN a\n" : "");
    }};

static const check::Test cleared{
    "a memory that is cleared is empty for all, and nothing is left beside the ledger", [] {
      const Log log;
      FileMemory one;
      check::that(one.add(log.place(), kLarge));
      one.clear(log.place());
      check::that(!log.has_beside());
      check::equal(one.read(log.place()), "");
      check::equal(FileMemory().read(log.place()), "");
      check::that(one.add(log.place(), "GEN a\n"));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
