#include "core/file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "descriptors.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

// A file of the program's under a number that it chooses.
class Own {
 public:
  Own(const std::string& path, int number) : fd_(number) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(fd, number);
    ::close(fd);
  }
  Own(const Own&) = delete;
  Own& operator=(const Own&) = delete;
  ~Own() { ::close(fd_); }
  bool is_open() const { return ::fcntl(fd_, F_GETFD) >= 0; }

 private:
  int fd_;
};

File file_in(const temp::Folder& folder) {
  return File::open(folder / "ours", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

const check::Test high{"numbers are high ones, as far as the limit allows", [] {
                         const temp::Folder folder;
                         check::that(file_in(folder).fd() >= 200);
                         check::that((::fcntl(file_in(folder).fd(), F_GETFD) & FD_CLOEXEC) != 0);
                         const descriptors::Limit limit(100);
                         check::that(file_in(folder).fd() >= 64);
                       }};

const check::Test closed{"what the program has closed is not intact, and closed no more", [] {
                           const temp::Folder folder;
                           File file = file_in(folder);
                           check::that(file.is_intact());
                           ::close(file.fd());
                           check::that(!file.is_intact());
                         }};

const check::Test foreign{"a number that is another file's by now is left to it", [] {
                            const temp::Folder folder;
                            File file = file_in(folder);
                            const Own own(folder / "own", file.fd());
                            check::that(!file.is_intact());
                            file.close();
                            check::that(own.is_open());
                            check::that(!file);
                          }};

const check::Test moved{"a file that another takes the place of is known as itself", [] {
                          const temp::Folder folder;
                          File file = file_in(folder);
                          const Own own(folder / "own", file.fd());
                          file = File::open(folder / "other", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                          check::that(own.is_open());
                          check::that(file.is_intact());
                        }};

const check::Test same_number{"a file that is opened again under its own number stays open", [] {
                                const temp::Folder folder;
                                File file = file_in(folder);
                                ::close(file.fd());
                                file = file_in(folder);
                                check::that(file.is_intact());
                              }};

const check::Test restored{"it is opened again by its path, if that has it", [] {
                             const temp::Folder folder;
                             File file = file_in(folder);
                             const Own own(folder / "own", file.fd());
                             check::that(file.restore(folder / "ours", O_RDWR | O_CLOEXEC));
                             check::that(file.is_intact());
                             check::that(own.is_open());
                             ::close(file.fd());
                             check::that(!file.restore(folder / "own", O_RDWR | O_CLOEXEC));
                             check::that(!file);
                             check::that(file.restore(folder / "ours", O_RDWR | O_CLOEXEC));
                           }};

const check::Test owned{"a number is ours from its opening until it is closed, or taken", [] {
                          const temp::Folder folder;
                          File file = file_in(folder);
                          const int fd = file.fd();
                          check::that(File::owns(fd));
                          const File moved = std::move(file);
                          check::that(File::owns(fd));
                          {
                            const Own own(folder / "own", fd);
                            check::that(!File::owns(fd));
                          }
                          check::that(!File::owns(fd));
                          check::that(!File::owns(-1) && !File::owns(0) && !File::owns(1 << 30));
                          File other = file_in(folder);
                          const int again = other.fd();
                          other.close();
                          check::that(!File::owns(again));
                          const Own own(folder / "ours", again);  // one file, but not our number
                          check::that(!File::owns(again));
                        }};

const check::Test others{"numbers up to the last of ours are closed, but not ours", [] {
                           const temp::Folder folder;
                           const File file = file_in(folder);
                           const File second = file_in(folder);
                           const Own before(folder / "own", 190);
                           const Own between(folder / "own", second.fd() + 1);
                           const Own behind(folder / "own", second.fd() + 2);
                           check::equal(close_others(100, second.fd()), file.fd() + 1);
                           check::that(!before.is_open() && between.is_open());
                           check::equal(close_others(100, 1 << 30), second.fd() + 1);
                           check::that(file.is_intact() && second.is_intact());
                           check::that(between.is_open() && behind.is_open());
                           check::equal(close_others(second.fd() + 1, 1 << 30), second.fd() + 1);
                           check::equal(close_others(100, 50), 100);
                         }};

const check::Test taking{"a number is taken when nobody works on files, and while nobody does", [] {
                           const temp::Folder folder;
                           const File file = file_in(folder);
                           std::atomic<int> stage{0};
                           int seen = 0;
                           std::thread user([&] {
                             std::optional<ScopedFileUse> section;
                             section.emplace();
                             stage = 1;
                             section.reset();
                             while (stage < 2) std::this_thread::yield();
                             section.emplace();
                             seen = stage;
                           });
                           while (stage != 1) std::this_thread::yield();
                           {
                             const ScopedNumberTransfer taken(file.fd());
                             stage = 2;
                             std::this_thread::yield();
                             stage = 3;
                           }
                           user.join();
                           check::equal(seen, 3);
                           const ScopedFileUse stuck;
                           const ScopedNumberTransfer taken(file.fd());  // does not wait for good
                         }};

const check::Test forked{"a child forked while a file is opened has its turn at once", [] {
                           const Opening section;
                           check::that(section.has_turn());
                           check::equal(temp::in_child([] {
                                          if (!Opening().has_turn()) ::_exit(1);
                                        }),
                                        0);
                           check::that(!Opening().has_turn());
                         }};

const check::Test lock_and_fork{
    "a lock ends with its file, though a child has it, and a child's end leaves it", [] {
      const temp::Folder folder;
      File other = file_in(folder);
      temp::Signal closed;
      temp::Signal ended;
      pid_t child = 0;
      {
        File file = file_in(folder);
        check::that(file.try_lock());
        child = temp::start_child([&] {
          ::dup(file.fd());
          file.close();
          closed.send();
          ended.wait();
        });
        closed.wait();
        check::that(!other.try_lock());
      }
      check::that(other.try_lock());
      ended.send();
      check::equal(temp::wait_for(child), 0);
    }};

const check::Test standard{
    "no file of ours has the number of a closed stream, not for a moment", [] {
      const temp::Folder folder;
      const auto opens = [&](std::initializer_list<int> closed) {
        return temp::in_child([&] {
          for (const int fd : closed) ::close(fd);
          const File file = File::open_by([&] {
            const int fd = ::open((folder / "ours").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            const bool fails = ::write(1, "x", 1) < 0 && errno == EBADF;
            if (fd <= STDERR_FILENO || !fails) ::_exit(1);
            return fd;
          });
          for (const int fd : closed)
            if (::fcntl(fd, F_GETFD) >= 0) ::_exit(2);
          if (!file.is_intact() || file.fd() < 200) ::_exit(3);
        });
      };
      check::equal(opens({1}), 0);
      check::equal(opens({0, 1}), 0);
      check::equal(opens({0, 1, 2}), 0);
    }};

const check::Test reserve{"the last descriptors are lent, and taken back", [] {
                            const temp::Folder folder;
                            descriptors::Limit limit(100);
                            hold_reserve();
                            limit.use_up();
                            check::that(::open("/dev/null", O_RDONLY) < 0);
                            for (int round = 0; round < 3; ++round) {
                              std::vector<File> files;
                              while (File file = file_in(folder)) files.push_back(std::move(file));
                              check::that(files.size() > 3 && files.size() < 10);
                            }
                            check::that(::open("/dev/null", O_RDONLY) < 0);
                            const ScopedNoReserve section;
                            check::that(!file_in(folder));
                          }};

const check::Test foreign_reserve{
    "those in reserve are the program's own where that has their numbers", [] {
      const temp::Folder folder;
      descriptors::Limit limit(100);
      hold_reserve();
      for (int fd = 3; fd < 100; ++fd) ::close(fd);
      limit.use_up();
      check::that(!file_in(folder));
      check::that(::open("/dev/null", O_RDONLY) < 0);  // none was closed
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
