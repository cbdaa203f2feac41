#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "check.hpp"
#include "journal/parts.hpp"
#include "journal_file.hpp"
#include "reader/file_pool.hpp"
#include "reader/follower.hpp"
#include "reader/journal_reader.hpp"
#include "temp.hpp"

using namespace journal_test;
using attolog::FilePool;
using attolog::JournalFollower;
using attolog::JournalPath;
using attolog::JournalReader;
using attolog::PooledFile;

namespace {

constexpr int kFiles = 60;

// While it lives the process gets no descriptor above the lowest free ones.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::fcntl(0, F_DUPFD, 0);
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next) + more, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::string block(std::int64_t time_ns, std::uint32_t pid) {
  static const Site event = site(16, "E", {"n"});
  Journal journal(pid);
  journal.add(event, time_ns, {Value::of_int(time_ns)});
  return journal.text();
}

void append(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// A journal and its parts: each has records of the times i and 1000 + i.
struct Parts {
  Parts() {
    append(path, block(1, 1) + block(1001, 1));
    for (std::uint32_t i = 2; i <= kFiles; ++i) append(part(i), block(i, i) + block(1000 + i, i));
  }
  std::string part(std::uint32_t i) const {
    return i == 1 ? path : root / ("run." + std::to_string(i) + "-1.atto");
  }
  std::vector<JournalPath> paths() const {
    std::vector<JournalPath> all;
    for (std::string& each : attolog::journal_files(path).paths) all.push_back({std::move(each)});
    return all;
  }

  temp::Folder root;
  std::string path = root / "run.atto";
};

std::string times(const JournalReader& reader) {
  std::string all;
  const auto records = reader.records();
  while (const attolog::SourcedRecord* const next = records->next()) {
    all += std::to_string(next->record.time_ns) + " ";
  }
  return all;
}

std::string expected() {
  std::string all;
  for (int i = 1; i <= kFiles; ++i) all += std::to_string(i) + " ";
  for (int i = 1; i <= kFiles; ++i) all += std::to_string(1000 + i) + " ";
  return all;
}

}  // namespace

static const check::Test few{"many parts are read with few descriptors, also by several threads",
                             [] {
                               const Parts parts;
                               const FewDescriptors limit(12);
                               const auto reader = JournalReader::open(parts.paths());
                               check::equal(times(*reader), expected());
                               std::vector<std::string> all(3);
                               std::vector<std::thread> threads;
                               for (std::string& each : all) {
                                 threads.emplace_back([&] { each = times(*reader); });
                               }
                               for (std::thread& each : threads) each.join();
                               for (const std::string& each : all) check::equal(each, expected());
                               check::that(reader->problems().empty());
                             }};

static const check::Test shared{"a reader makes room where others have the descriptors", [] {
                                  const Parts parts;
                                  const auto reader = JournalReader::open(parts.paths());
                                  const FewDescriptors limit(1);
                                  check::equal(times(*reader), expected());
                                }};

static const check::Test followed{"many parts are followed with few descriptors", [] {
                                    const Parts parts;
                                    const FewDescriptors limit(12);
                                    JournalFollower follower(parts.root.path(), parts.path);
                                    check::equal(times(*follower.poll()), expected());
                                    check::that(follower.poll() == nullptr);
                                    for (const std::uint32_t i : {1U, 2U, 30U, 60U}) {
                                      append(parts.part(i), block(2000 + i, i));
                                    }
                                    check::equal(times(*follower.poll()), "2001 2002 2030 2060 ");
                                    std::filesystem::remove(parts.part(2));
                                    append(parts.part(3), block(3003, 3));
                                    check::equal(times(*follower.poll()), "3003 ");
                                  }};

static const check::Test gone{
    "a closed file that is replaced is never read in place of the one that was", [] {
      const temp::Folder root;
      const auto pool = std::make_shared<FilePool>();
      temp::write_file(root / "a", "first");
      const PooledFile a(pool, root / "a");
      std::vector<std::unique_ptr<PooledFile>> others;
      const auto close_a = [&] {
        others.clear();
        for (int i = 0; i < 64; ++i) {
          temp::write_file(root / std::to_string(i), "other");
          others.push_back(std::make_unique<PooledFile>(pool, root / std::to_string(i)));
        }
      };
      char got[8];
      close_a();
      check::equal(a.read(1, got, sizeof got), 4u);  // opened again
      check::equal(a.size().value_or(0), 5u);
      std::filesystem::rename(root / "a", root / "b");
      check::equal(a.read(0, got, sizeof got), 5u);  // still open
      close_a();
      temp::write_file(root / "a", "another");
      check::equal(a.read(0, got, sizeof got), 0u);
      check::that(!a.size());
      for (const char* none : {"missing", "."}) {
        check::that(!temp::error_of([&] { PooledFile(pool, root / none); }).empty());
      }
    }};

static const check::Test removed{"records of a part that is removed meanwhile are missed", [] {
                                   const Parts parts;
                                   const FewDescriptors limit(12);
                                   const auto reader = JournalReader::open(parts.paths());
                                   std::filesystem::remove(parts.part(10));  // is not open
                                   const std::string left = times(*reader);
                                   check::that(left.size() < expected().size());
                                   check::equal(reader->problems().size(), 2u);
                                 }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
