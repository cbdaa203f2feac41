#include "shm/checkpoint.hpp"

#include <sys/wait.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "check.hpp"
#include "program.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

// The state as another process finds it; "-" where there is none.
std::string found(const std::string& path, std::uint64_t committed) {
  return Checkpoint(path).read(committed).value_or("-");
}

std::string state_of(std::uint64_t batch) {
  return "state " + std::to_string(batch) + std::string(batch * 37 % 500, '.');
}

}  // namespace

static const check::Test nothing{"there is no state before the first batch", [] {
                                   const temp::Folder folder;
                                   check::equal(found(folder / "s", 0), "-");
                                   check::equal(found(folder / "s", 7), "-");
                                 }};

static const check::Test committed{
    "the state of the last committed batch is read, before and after the commit of each", [] {
      const temp::Folder folder;
      Checkpoint checkpoint(folder / "s");
      for (std::uint64_t batch = 1; batch < 50; ++batch) {
        check::that(checkpoint.prepare(batch, state_of(batch)));
        check::equal(found(folder / "s", batch - 1), batch == 1 ? "-" : state_of(batch - 1));
        check::equal(found(folder / "s", batch), state_of(batch));
        checkpoint.commit();
        check::equal(found(folder / "s", batch), state_of(batch));
        // Batches without statistics come between.
        check::equal(found(folder / "s", batch + 3), state_of(batch));
      }
    }};

static const check::Test again{"what was prepared and not committed is replaced", [] {
                                 const temp::Folder folder;
                                 Checkpoint checkpoint(folder / "s");
                                 checkpoint.prepare(1, state_of(1));
                                 checkpoint.commit();
                                 for (std::uint64_t batch = 2; batch < 6; ++batch) {
                                   checkpoint.prepare(batch, state_of(batch));
                                   check::equal(found(folder / "s", 1), state_of(1));
                                   check::equal(found(folder / "s", batch), state_of(batch));
                                 }
                               }};

static const check::Test goes_on{
    "another process goes on in the file that is not that of the last committed batch", [] {
      const temp::Folder folder;
      for (std::uint64_t batch = 1; batch < 20; ++batch) {
        Checkpoint checkpoint(folder / "s");
        check::equal(checkpoint.read(batch - 1).value_or("-"),
                     batch == 1 ? "-" : state_of(batch - 1));
        check::that(checkpoint.prepare(batch, state_of(batch)));
        check::equal(found(folder / "s", batch - 1), batch == 1 ? "-" : state_of(batch - 1));
      }
    }};

static const check::Test torn{
    "a state that is torn or damaged anywhere is none, and the one before is read", [] {
      const temp::Folder folder;
      Checkpoint checkpoint(folder / "s");
      checkpoint.prepare(1, state_of(1));
      checkpoint.commit();
      checkpoint.prepare(2, state_of(2));
      const std::string path = folder / "s.b";
      const std::string whole = temp::read_file(path);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        temp::write_file(path, whole.substr(0, size));
        check::equal(found(folder / "s", 2), state_of(1));
      }
      for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        temp::write_file(path, damaged);
        const std::string seen = found(folder / "s", 2);
        // Its number alone does not come into the checksum; a larger one is that of no batch yet.
        check::that(seen == state_of(1) || (at < 8 && seen == state_of(2)));
      }
    }};

static const check::Test killed{"a kill while a state is written leaves the one before", [] {
                                  for (const rlim_t limit : {0u, 10u, 24u, 25u, 60u}) {
                                    const temp::Folder folder;
                                    {
                                      Checkpoint checkpoint(folder / "s");
                                      checkpoint.prepare(1, "short");
                                      checkpoint.commit();
                                    }
                                    const int status = temp::in_child([&] {
                                      const program::FileLimit killing(limit, true);
                                      Checkpoint checkpoint(folder / "s");
                                      checkpoint.read(1);
                                      checkpoint.prepare(2, std::string(100, 'x'));
                                    });
                                    check::that(WIFSIGNALED(status));
                                    check::equal(found(folder / "s", 2), "short");
                                    check::equal(found(folder / "s", 1), "short");
                                  }
                                }};

static const check::Test full{"where there is no room it says so, and goes on later", [] {
                                const temp::Folder folder;
                                Checkpoint checkpoint(folder / "s");
                                checkpoint.prepare(1, state_of(1));
                                checkpoint.commit();
                                {
                                  const program::FileLimit limit(30);
                                  check::that(!checkpoint.prepare(2, state_of(3)));
                                }
                                check::equal(found(folder / "s", 2), state_of(1));
                                check::that(checkpoint.prepare(2, state_of(3)));
                                check::equal(found(folder / "s", 2), state_of(3));
                              }};

static const check::Test removed{
    "nothing is left of it where it was removed, whichever is the newer", [] {
      for (const std::uint64_t last : {2u, 3u}) {
        const temp::Folder folder;
        Checkpoint checkpoint(folder / "s");
        for (std::uint64_t batch = 1; batch <= last; ++batch) {
          checkpoint.prepare(batch, state_of(batch));
          checkpoint.commit();
        }
        const std::string newest = folder / (last == 2 ? "s.b" : "s.a");
        const std::string older = folder / (last == 2 ? "s.a" : "s.b");
        check::that(std::filesystem::exists(newest) && std::filesystem::exists(older));
        Checkpoint(folder / "s").remove();
        check::that(!std::filesystem::exists(newest) && !std::filesystem::exists(older));
        check::equal(found(folder / "s", last), "-");
      }
    }};

static const check::Test nameless{"without a path nothing is kept", [] {
                                    Checkpoint checkpoint("");
                                    check::that(checkpoint.prepare(1, "state"));
                                    checkpoint.commit();
                                    checkpoint.remove();
                                    check::that(!std::filesystem::exists(".a"));
                                  }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
