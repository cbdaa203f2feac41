#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "check.hpp"
#include "journal/journal.hpp"
#include "journal/parts.hpp"
#include "journal_file.hpp"
#include "temp.hpp"
#include "writer/merge.hpp"

using namespace journal_test;
using namespace attolog;

namespace {

const auto kMe = static_cast<std::uint32_t>(::getpid());

// A block with one record, of that run and process.
std::string block(std::uint64_t run_id, std::uint32_t pid, std::int64_t n) {
  static const Site event = site(16, "E", {"n"});
  const auto sink = make_journal_sink(run_id, pid);
  const std::vector<Value> values{Value::of_int(n)};
  Buffer out;
  sink->append(Record{&event, &Journal::main_thread(), n, values}, out);
  sink->finish(out);
  return std::string(out.view());
}

void append(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::app | std::ios::binary) << bytes;
}

struct Folder {
  temp::Folder root;
  std::string path = root / "run.atto";
  std::string part = root / ("run." + std::to_string(kMe) + "-2.atto");

  Folder() {
    temp::write_file(path, block(7, 1, 1000));
    check::equal(begin_part(path, 2, 7), part);
  }
  bool merge(Merge how = Merge::first) const { return merge_part("", part, how, false); }
  // The records and the problems of the journal alone.
  std::string alone() const {
    const Contents contents = read_all({{path}});
    return std::to_string(contents.records.size()) + " " + std::to_string(contents.problems.size());
  }
};

}  // namespace

static const check::Test merged{"the blocks of a part go into its journal as they are", [] {
                                  const Folder folder;
                                  append(folder.part, block(7, kMe, 1) + block(7, kMe, 2));
                                  const std::string all =
                                      temp::read_file(folder.path) + temp::read_file(folder.part);
                                  check::equal(folder.alone(), "1 1");
                                  check::that(folder.merge());
                                  check::that(!std::filesystem::exists(folder.part));
                                  check::that(temp::read_file(folder.path) == all);
                                  check::equal(folder.alone(), "3 0");
                                  check::that(!folder.merge());
                                }};

static const check::Test copied{
    "a block that is in the journal and in the part is read once, and merged no second time", [] {
      const Folder folder;
      append(folder.part, block(7, kMe, 1) + block(7, kMe, 2));
      append(folder.path, temp::read_file(folder.part).substr(0, kBlockHeaderSize));
      append(folder.path, block(7, kMe, 3));
      const std::string before = temp::read_file(folder.path);
      append(folder.part, before.substr(before.size() - block(7, kMe, 3).size()));
      const Contents both = read_all({{folder.part}, {folder.path}});
      check::equal(both.records.size(), 4u);
      check::that(both.problems.empty());
      check::that(folder.merge(Merge::again));
      check::equal(folder.alone(), "4 0");
    }};

static const check::Test torn{
    "a block that a kill has torn in the journal is merged once more", [] {
      for (const std::size_t missing : {1U, 10U}) {
        const Folder folder;
        const std::string bytes = block(7, kMe, 1);
        append(folder.part, bytes);
        append(folder.path, temp::read_file(folder.part).substr(0, kBlockHeaderSize));
        append(folder.path, bytes.substr(0, bytes.size() - missing));
        check::that(folder.merge(Merge::again));
        check::that(temp::read_file(folder.path).ends_with(bytes));
        check::equal(folder.alone(), "2 1");
      }
    }};

static const check::Test foreign{
    "a part that names another journal, or is damaged, stays", [] {
      for (const bool is_damaged : {false, true}) {
        const Folder folder;
        std::string bytes = block(7, kMe, 1);
        if (is_damaged) {
          bytes.back() = static_cast<char>(bytes.back() ^ 1);
        } else {
          temp::write_file(folder.path, block(7, 1, 2000));
        }
        append(folder.part, bytes);
        const std::string before = temp::read_file(folder.path);
        check::that(!folder.merge());
        check::that(std::filesystem::exists(folder.part));
        check::that(temp::read_file(folder.path) == before);
      }
      // Nor is a journal a part because of its name.
      const Folder folder;
      check::that(!merge_part("", folder.path, Merge::first, false));
      std::filesystem::copy_file(folder.path, folder.root / "run.1-5.atto");
      check::that(!merge_part("", folder.root / "run.1-5.atto", Merge::first, false));
    }};

static const check::Test named{"a part is found by the journal that it names, whatever their names",
                               [] {
                                 const Folder folder;
                                 append(folder.part, block(7, kMe, 1));
                                 const std::string copy = folder.root / "copy.atto";
                                 std::filesystem::copy_file(folder.path, copy);
                                 const JournalFiles files = journal_files(copy);
                                 check::equal(files.paths.size(), 2u);
                                 // It is not the copy's to delete.
                                 check::that(files.marked.empty());
                                 const std::string other = folder.root / "other.atto";
                                 temp::write_file(other, block(7, 1, 5));
                                 check::equal(journal_files(other).paths.size(), 1u);
                               }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
