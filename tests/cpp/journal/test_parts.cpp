#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "core/folder.hpp"
#include "journal/journal.hpp"
#include "journal/parts.hpp"
#include "journal_file.hpp"
#include "program.hpp"
#include "temp.hpp"
#include "writer/channel.hpp"

using namespace journal_test;
using namespace attolog;

namespace {

// A block with one record, of that run and process.
std::string block(std::uint64_t run_id, std::uint32_t pid, std::int64_t time_ns = 1000) {
  static const Site event = site(16, "E", {"n"});
  const auto sink = make_journal_sink(run_id, pid);
  const std::vector<Value> values{Value::of_int(1)};
  Buffer out;
  sink->append(Record{&event, &Journal::main_thread(), time_ns, values}, out);
  sink->finish(out);
  return std::string(out.view());
}

BlockHeader first_header(const std::string& path) {
  const std::string bytes = temp::read_file(path);
  return BlockHeader::read(bytes.data()).value();
}

struct Folder {
  temp::Folder root;
  std::string path = root / "run.atto";
  std::string part(const char* name) const { return root / name; }

  // The names of the journal's files, those that name the journal behind a bar.
  std::string names() const {
    const JournalFiles files = journal_files(path);
    std::string all;
    for (const std::string& each : files.paths) all += each.substr(root.path().size() + 1) + " ";
    all += "|";
    for (const std::string& each : files.marked) all += " " + each.substr(root.path().size() + 1);
    return all + (files.is_final ? "" : " ...");
  }
  std::string begin(std::uint64_t number, std::uint64_t run_id) const {
    const std::string chosen = begin_part(path, number, run_id);
    return chosen.substr(root.path().size() + 1);
  }
};

const auto kMe = static_cast<std::uint32_t>(::getpid());
const std::string kMyPart = "run." + std::to_string(kMe) + "-2.atto";

}  // namespace

static const check::Test names{
    "only a file with a part's name is a part, whatever it begins with", [] {
      const Folder folder;
      const std::string part = folder.part(folder.begin(2, 7).c_str());
      const std::string bytes = temp::read_file(part);
      for (const char* other :
           {"run.%x-2.atto", "run..atto", "run.%-2.csv", "run.atto.atto", "run.%-.atto", "run.%"}) {
        std::string name = other;
        if (const std::size_t at = name.find('%'); at != name.npos)
          name.replace(at, 1, std::to_string(::getpid()));
        temp::write_file(folder.part(name.c_str()), bytes);
      }
      check::equal(folder.names(), kMyPart + " run.atto | " + kMyPart);
    }};

static const check::Test begun{
    "a part begins with an empty block that names the journal, which gets one if it is empty", [] {
      const Folder folder;
      check::equal(folder.begin(2, 7), kMyPart);
      const BlockHeader main = first_header(folder.path);
      const BlockHeader part = first_header(folder.part(kMyPart.c_str()));
      check::equal(main.run_id, 7u);
      check::equal(part.run_id, 7u);
      check::equal(part.pid, kMe);
      check::that(main.records == 0 && main.payload_size == 0 && main.first_ns > 0);
      check::that(part.records == 0 && part.payload_size == 0);
      check::that(part.first_ns == main.first_ns && part.sequence == main.sequence);
      check::equal(folder.names(), kMyPart + " run.atto | " + kMyPart);
      // Both are journals without records.
      const Contents contents = read_all({{folder.path}, {folder.part(kMyPart.c_str())}});
      check::that(contents.records.empty() && contents.problems.empty());
      // A later process of another run names the same journal, which announces both.
      const std::string other = folder.begin(3, 8);
      check::equal(other, "run." + std::to_string(kMe) + "-3.atto");
      check::equal(first_header(folder.part(other.c_str())).run_id, 7u);
      check::that(read_all({{folder.part(kMyPart.c_str())}, {folder.part(other.c_str())}})
                      .problems.empty());
      const std::string bytes = temp::read_file(folder.path);
      check::equal(bytes.size(), 3 * kBlockHeaderSize);
      const auto announced = BlockHeader::read(bytes.data() + kBlockHeaderSize).value();
      check::equal(announced_part(folder.path, announced), kMyPart);
      check::equal(announced.last_ns, part.last_ns);
      // Without one of the parts it is missed, also by a copy of another name.
      const Contents alone = read_all({{folder.path}, {folder.part(kMyPart.c_str())}});
      check::equal(alone.problems.size(), 1u);
      check::that(alone.problems.at(0).find("its part " + other + " is not") != std::string::npos);
    }};

static const check::Test appended{
    "the id of a journal of several runs is that of its first block, for parts of any of them", [] {
      const Folder folder;
      temp::write_file(folder.path, block(7, 1) + block(8, 2));
      const std::string before = temp::read_file(folder.path);
      folder.begin(2, 8);
      check::that(temp::read_file(folder.path).starts_with(before));
      check::equal(first_header(folder.part(kMyPart.c_str())).run_id, 7u);
    }};

static const check::Test strangers{
    "a part is one process's own, also where others have begun the journal", [] {
      const Folder folder;
      temp::write_file(folder.path, "a line of another program\n");
      const std::string first = folder.begin(2, 7);
      check::that(first != folder.begin(2, 7));  // as of a process with that number elsewhere
      const BlockHeader mark = first_header(folder.part(first.c_str()));
      check::equal(mark.run_id, std::uint64_t{7});
      check::equal(mark.records, 0U);
    }};

static const check::Test others{
    "a journal of another run, process or kind is no part, whatever its name", [] {
      const Folder folder;
      temp::write_file(folder.path, block(7, 1));
      check::equal(folder.names(), "run.atto |");
      temp::write_file(folder.part("run.2026-10.atto"), block(6, 2026));  // another run
      temp::write_file(folder.part("run.2026-11.atto"), block(7, 1));     // renamed within the run
      temp::write_file(folder.part("run.2026-12.atto"),
                       "a text that is longer than any header is, "
                       "and no journal at all, and never will be");
      std::filesystem::create_directory(folder.part("run.1-1.atto"));
      check::equal(::mkfifo(folder.part("run.1-2.atto").c_str(), 0600), 0);
      check::equal(folder.names(), "run.atto |");
      // A copy, under the name of a part of its own process.
      Folder copied;
      copied.begin(2, 7);
      std::filesystem::copy_file(copied.path,
                                 copied.part(("run." + std::to_string(kMe) + "-9.atto").c_str()));
      check::equal(copied.names(), kMyPart + " run.atto | " + kMyPart);
      // The journal itself begins with an empty block and is renamed.
      const Folder renamed;
      renamed.begin(2, 7);
      std::filesystem::rename(renamed.path, renamed.part("run.2026-10.atto"));
      renamed.begin(3, 7);
      check::that(renamed.names().find("run.2026-10") == std::string::npos);
    }};

static const check::Test removed{
    "the parts of a journal that was removed are none of the next one's, not even within a run",
    [] {
      for (const std::uint64_t next_run : {7U, 8U}) {
        const Folder folder;
        folder.begin(2, 7);
        std::ofstream(folder.part(kMyPart.c_str()), std::ios::app) << block(7, kMe, 2000);
        std::filesystem::remove(folder.path);
        check::equal(folder.names(), "| ...");
        temp::write_file(folder.path, block(next_run, 1, 3000));
        check::that(folder.names().starts_with("run.atto |"));
        // Nor does a process of the same number write into them.
        check::equal(folder.begin(2, next_run), "run." + std::to_string(kMe) + "-3.atto");
      }
    }};

static const check::Test rotated{
    "a part goes on with the next journal once its process has logged since the journal was "
    "renamed",
    [] {
      const Folder folder;
      folder.begin(2, 7);
      const std::string part = folder.part(kMyPart.c_str());
      std::ofstream(part, std::ios::app) << block(7, kMe, 2000);
      std::filesystem::rename(folder.path, folder.part("run.old.atto"));
      temp::write_file(folder.path, block(7, 1, 3000));
      check::equal(folder.names(), "run.atto | ...");
      std::ofstream(part, std::ios::app) << block(7, kMe, 3001);
      check::equal(folder.names(), kMyPart + " run.atto |");
      temp::write_file(folder.path, block(8, 1, 3000));  // of another run
      check::equal(folder.names(), "run.atto |");
    }};

static const check::Test awaited{"a file without a block is no part yet, and may become one", [] {
                                   const Folder folder;
                                   temp::write_file(folder.path, "");
                                   check::equal(folder.names(), "run.atto | ...");
                                   temp::write_file(folder.path, block(7, 1));
                                   temp::write_file(folder.part("run.5-1.atto"), "");
                                   check::equal(folder.names(), "run.atto | ...");
                                   temp::write_file(folder.part("run.5-1.atto"), block(7, 5));
                                   check::equal(folder.names(), "run.5-1.atto run.atto |");
                                 }};

static const check::Test old{
    "parts that begin with records of any run of the journal are read; damage hides none", [] {
      const Folder folder;
      const std::string first = block(7, 1);
      temp::write_file(folder.path, first + block(8, 2));
      temp::write_file(folder.part("run.5-1.atto"), block(7, 5));
      temp::write_file(folder.part("run.6-1.atto"), block(8, 6));
      temp::write_file(folder.part("run.7-1.atto"), block(9, 7));
      check::equal(folder.names(), "run.5-1.atto run.6-1.atto run.atto |");
      // The journal's first block and the part's are damaged.
      temp::write_file(folder.path, std::string(100'000, 'x') + first + block(8, 2));
      temp::write_file(folder.part("run.6-1.atto"), first.substr(0, 70) + block(8, 6));
      check::that(folder.names().find("run.6-1") == std::string::npos);  // of process 1
      temp::write_file(folder.part("run.6-1.atto"), "??" + first.substr(2, 62) + block(8, 6));
      check::equal(folder.names(), "run.5-1.atto run.6-1.atto run.atto |");
    }};

static const check::Test killed{
    "a process that is killed while it begins a part leaves nothing that is in the way", [] {
      const Folder folder;
      // The journal has its block, and the part is made but has none.
      folder.begin(9, 7);
      std::filesystem::remove(folder.part(("run." + std::to_string(kMe) + "-9.atto").c_str()));
      temp::write_file(folder.part(kMyPart.c_str()), "");
      check::equal(folder.begin(2, 7), kMyPart);
      check::equal(read_all({{folder.path}, {folder.part(kMyPart.c_str())}}).problems.size(), 1u);
      check::equal(folder.names(), kMyPart + " run.atto | " + kMyPart);
    }};

static const check::Test alone{
    "a part is of one process: what is there already is left to whoever has begun it", [] {
      const Folder folder;
      const std::string me = "run." + std::to_string(kMe);
      check::equal(folder.begin(2, 7), kMyPart);
      // As a process does that has this one's number in another container.
      check::equal(folder.begin(2, 7), me + "-3.atto");
      temp::write_file(folder.part((me + "-4.atto").c_str()), block(7, kMe));
      std::filesystem::create_directory(folder.part((me + "-5.atto").c_str()));
      std::filesystem::create_symlink("nowhere", folder.part((me + "-6.atto").c_str()));
      check::equal(folder.begin(2, 7), me + "-7.atto");
      check::that(!std::filesystem::exists(folder.part("nowhere")));
    }};

static const check::Test together{
    "of many processes that begin parts one begins the journal", [] {
      const Folder folder;
      std::vector<pid_t> children;
      for (int i = 0; i < 8; ++i) {
        children.push_back(temp::start_child([&] { folder.begin(1, 7); }));
      }
      for (const pid_t each : children) {
        check::equal(temp::wait_for(each), 0);
      }
      check::equal(std::filesystem::file_size(folder.path), 9 * kBlockHeaderSize);
      check::equal(journal_files(folder.path).marked.size(), 8u);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
