#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "check.hpp"
#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "journal_file.hpp"
#include "reader/follower.hpp"
#include "shm/ledger.hpp"
#include "shm/place.hpp"
#include "shm/session.hpp"
#include "temp.hpp"

using namespace journal_test;
using attolog::JournalFollower;

namespace {

// A block with one record of that time; no two are of the same size up to 64.
std::string block(std::int64_t time_ns) {
  static const Site event = site(16, "E", {"padding"});
  Journal journal;
  journal.add(event, time_ns, {Value::of_str(std::string(static_cast<std::size_t>(time_ns), '.'))});
  return journal.text();
}

void append(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// A journal that is followed.
struct Followed {
  explicit Followed(std::string_view bytes) { temp::write_file(path, bytes); }

  // The times of the records that came since the last call; "-" if no file has changed.
  std::string poll() {
    if (!follower) follower.emplace(root.path(), path);
    const auto reader = follower->poll();
    if (reader == nullptr) return "-";
    std::string times;
    const auto records = reader->records();
    while (const attolog::SourcedRecord* const next = records->next()) {
      times += (times.empty() ? "" : " ") + std::to_string(next->record.time_ns);
    }
    for (const std::string& problem : reader->problems()) problems += problem + "\n";
    return times;
  }

  temp::Folder root;
  std::string path = root / "run.atto";
  std::string problems;
  std::optional<JournalFollower> follower;
};

}  // namespace

static const check::Test grows{
    "what is appended comes once, whatever its time; a block that is not whole is awaited", [] {
      Followed followed(block(20) + block(21));
      check::equal(followed.poll(), "20 21");
      check::equal(followed.poll(), "-");
      append(followed.path, block(3) + block(2));  // the time went back
      check::equal(followed.poll(), "2 3");
      const std::string next = block(4);
      for (const char c : next.substr(0, next.size() - 1)) {
        append(followed.path, {&c, 1});
        check::equal(followed.poll(), "");
      }
      append(followed.path, next.substr(next.size() - 1) + block(5));
      check::equal(followed.poll(), "4 5");
      check::equal(followed.poll(), "-");
      check::equal(followed.problems, "");
    }};

static const check::Test empty{
    "an empty file is followed, another one than a journal is refused", [] {
      Followed followed("");
      check::equal(followed.poll(), "-");
      append(followed.path, "\x89");  // a magic begins
      check::equal(followed.poll(), "");
      Followed text("a sentence\n");
      check::that(temp::error_of([&] { text.poll(); })
                      .ends_with("run.atto is no journal: no block of "
                                 "one is in it"));
      Followed missing("");
      std::filesystem::remove(missing.path);
      check::that(temp::error_of([&] { missing.poll(); }).ends_with("No such file or directory"));
    }};

static const check::Test parts{
    "parts that appear are read from their start, all of them in order of time", [] {
      Followed followed(block(1));
      check::equal(followed.poll(), "1");
      append(followed.root / "run.100-0.atto", block(4) + block(6));
      append(followed.root / "run.old.atto", block(9));  // no part
      append(followed.path, block(5));
      check::equal(followed.poll(), "4 5 6");
      // Also where the folder has been at rest for long.
      const auto past =
          std::filesystem::last_write_time(followed.root.path()) - std::chrono::hours(1);
      std::filesystem::last_write_time(followed.root.path(), past);
      check::equal(followed.poll(), "-");
      append(followed.root / "run.100-1.atto", "");
      check::equal(followed.poll(), "-");
      std::filesystem::last_write_time(followed.root.path(), past);
      check::equal(followed.poll(), "-");
      append(followed.root / "run.100-1.atto", block(8));  // which the folder does not tell
      check::equal(followed.poll(), "8");
    }};

static const check::Test rotated{
    "a file that was renamed or removed is read to its end, another under its name from its start",
    [] {
      Followed followed(block(1));
      check::equal(followed.poll(), "1");
      std::ofstream writer(followed.path, std::ios::binary | std::ios::app);
      writer << block(2) << std::flush;
      std::filesystem::rename(followed.path, followed.root / "run.atto.1");
      append(followed.path, block(3));
      check::equal(followed.poll(), "2 3");
      writer << block(4) << std::flush;  // it does not know yet
      check::equal(followed.poll(), "4");
      std::filesystem::remove(followed.root / "run.atto.1");
      std::filesystem::remove(followed.path);
      writer << block(5) << std::flush;
      check::equal(followed.poll(), "5");
      check::equal(followed.poll(), "-");
      append(followed.path, block(6));
      check::equal(followed.poll(), "6");
      // A part that becomes another one stays the same file.
      append(followed.root / "run.100-0.atto", block(7));
      check::equal(followed.poll(), "7");
      std::filesystem::rename(followed.root / "run.100-0.atto", followed.root / "run.100-5.atto");
      append(followed.root / "run.100-5.atto", block(8));
      check::equal(followed.poll(), "8");
      check::equal(followed.problems, "");
    }};

static const check::Test let_go{"a file without a name that rests is let go of", [] {
                                  Followed followed(block(1));
                                  check::equal(followed.poll(), "1");
                                  std::ofstream writer(followed.path,
                                                       std::ios::binary | std::ios::app);
                                  std::filesystem::remove(followed.path);
                                  for (int i = 0; i < 10; ++i) check::equal(followed.poll(), "-");
                                  writer << block(2) << std::flush;
                                  check::equal(followed.poll(), "-");
                                }};

static const check::Test shortened{"of a file that was shortened, only what is new is given", [] {
                                     const std::string one = block(1);
                                     const std::string two = block(2);
                                     Followed followed(one + two);
                                     check::equal(followed.poll(), "1 2");
                                     temp::write_file(followed.path, one);
                                     check::equal(followed.poll(), "");
                                     append(followed.path, block(3));
                                     check::equal(followed.poll(), "3");
                                     // Shortened and grown again, with a block beginning where one
                                     // was awaited.
                                     temp::write_file(followed.path,
                                                      block(3) + block(1) + block(5));
                                     check::equal(followed.poll(), "1 3 5");
                                     temp::write_file(followed.path, block(40));
                                     check::equal(followed.poll(), "40");
                                     check::equal(followed.problems, "");
                                   }};

static const check::Test damaged{
    "damage is said once, when a block follows it", [] {
      Followed followed(block(1));
      check::equal(followed.poll(), "1");
      const std::size_t at = std::filesystem::file_size(followed.path);
      append(followed.path,
             "rubbish and the begin of a magic: \x89"
             "AT");
      check::equal(followed.poll(), "");
      append(followed.path, block(2));
      check::equal(followed.poll(), "2");
      append(followed.path, block(3));
      check::equal(followed.poll(), "3");
      check::equal(followed.problems, followed.path + ": block at byte " + std::to_string(at) +
                                          ": here is none, 37 bytes skipped\n");
    }};

static const check::Test not_committed{
    "a batch that is being written is shown up to its last whole block", [] {
      Followed followed(block(1));
      check::equal(followed.poll(), "1");
      const attolog::FileId id = *attolog::file_id(followed.path);
      const attolog::RingPlace place{attolog::user_folder(followed.root.path())};
      const std::string folder = attolog::log_folder(place, "run.atto", id, true);
      attolog::LogTarget target{followed.path, 4, 6, 0, "", 1, 77};
      target.file = id;
      const auto session = attolog::Session::create(folder, target);
      attolog::Ledger ledger(folder, followed.path);
      const std::string batch = block(2) + block(3);
      session->stage(batch);
      ledger.open({session->file_name(), 1, id, std::filesystem::file_size(followed.path),
                   batch.size(), attolog::crc32c(batch)});
      append(followed.path, batch.substr(0, batch.size() - 1));  // block 2 is whole
      check::equal(followed.poll(), "2");
      check::equal(followed.poll(), "-");
      append(followed.path, batch.substr(batch.size() - 1));
      check::equal(followed.poll(), "3");
      session->remove();
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
