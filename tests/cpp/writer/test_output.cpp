#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>

#include "check.hpp"
#include "descriptors.hpp"
#include "program.hpp"
#include "shm/place.hpp"
#include "shm/session.hpp"
#include "temp.hpp"
#include "writer/output.hpp"

using namespace attolog;

namespace {

class Log {
 public:
  explicit Log(Format format = Format::csv)
      : session_(Session::create("", program::target_of(path(), format))) {
    std::filesystem::create_directory(folder());
  }
  std::string path() const { return root_ / "logs.csv"; }
  std::string folder() const { return root_ / "folder"; }
  std::string operator/(const char* name) const { return root_ / name; }
  std::string text() const { return temp::read_file(path()); }
  Session& session() const { return *session_; }
  // As another program does it.
  void add(std::string_view bytes) const {
    const File file(::open(path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (::write(file.fd(), bytes.data(), bytes.size()) < 0) std::abort();
  }

  Output open() const {
    Output output(path());
    output.keep_ledger(folder(), false);
    return output;
  }
  std::string refusal() const {
    return temp::error_of([&] { open(); });
  }
  // The error, 0 if none.
  int append(Output& output, std::string_view bytes) {
    return output.append(*session_, ++batch_, bytes, [] {}).error;
  }
  std::uint64_t batch() const { return batch_; }

 private:
  temp::Folder root_;
  std::unique_ptr<Session> session_;
  std::uint64_t batch_ = 0;
};

}  // namespace

static const check::Test appends{
    "bytes go behind those that are there, and their batch is committed", [] {
      Log log;
      temp::write_file(log.path(), "old\n");
      Output output = log.open();
      bool is_prepared = false;
      const auto prepare = [&] {
        is_prepared = true;
        check::equal(log.text(), "old\n");
        check::equal(log.session().committed(), 0u);
      };
      check::equal(output.append(log.session(), 4, "new\n", prepare).error, 0);
      check::that(is_prepared);
      check::equal(log.text(), "old\nnew\n");
      check::equal(log.session().committed(), 4u);
    }};

static const check::Test shared{"two outputs of one file write one behind the other", [] {
                                  Log log;
                                  Output one = log.open();
                                  Output two = log.open();
                                  log.append(one, "1\n");
                                  log.append(two, "2\n");
                                  log.append(one, "3\n");
                                  check::equal(log.text(), "1\n2\n3\n");
                                }};

static const check::Test unwritten{
    "what does not fit leaves the file as it was, and nothing committed", [] {
      Log log;
      Output output = log.open();
      const std::string old = std::string(4999, 'a') + "\n";
      log.append(output, old);
      {
        const program::FileLimit limited(6000);
        const auto result = output.append(log.session(), 9, std::string(5000, 'b'), [] {});
        check::equal(result.error, EFBIG);
        check::equal(result.written, 1000u);
        check::equal(log.text(), old);
        check::equal(log.session().committed(), 1u);
      }
      check::equal(log.append(output, "c"), 0);
      check::equal(log.text(), old + "c");
    }};

static const check::Test behind_torn{
    "no record goes behind a torn one, or another program's, on its line", [] {
      for (const Format format : {Format::csv, Format::jsonl, Format::text}) {
        Log log(format);
        temp::write_file(log.path(), "torn");
        Output output = log.open();
        check::equal(log.append(output, "one\n"), 0);
        check::equal(log.text(), "torn\none\n");
        log.add("other");
        check::equal(log.append(output, "two\n"), 0);
        check::equal(log.text(), "torn\none\nother\ntwo\n");
      }
    }};

static const check::Test in_cell{
    "a cell that a kill has left open is closed, though another program has ended its line", [] {
      Log log;
      Output output = log.open();
      check::equal(log.append(output, "one\n"), 0);
      log.add("1.0,\"torn\nother\n");
      check::equal(log.append(output, "two\n"), 0);
      check::equal(log.text(), "one\n1.0,\"torn\nother\n\"\ntwo\n");
      log.add("5\" wide, and 6\"\" long\n");
      check::equal(log.append(output, "three\n"), 0);
      check::that(log.text().ends_with("two\n5\" wide, and 6\"\" long\nthree\n"));
    }};

static const check::Test slipped_in{
    "another program's line that comes between the look and the write is no quoted cell", [] {
      Log log;
      Output output = log.open();
      const auto slip_in = [&] { log.add("other\n"); };
      check::equal(output.append(log.session(), 1, "1.0,\"abcdef\"\n", slip_in).error, 0);
      log.add("open");
      check::equal(log.append(output, "two\n"), 0);
      check::equal(log.text(), "other\n1.0,\"abcdef\"\nopen\ntwo\n");
    }};

static const check::Test links{
    "a symbolic link and a second name are refused, and named", [] {
      Log log;
      temp::write_file(log / "victim", "precious");
      std::filesystem::create_symlink(log / "victim", log.path());
      check::that(log.refusal().starts_with(log.path() + ": is a symbolic link"));
      std::filesystem::remove(log.path());
      std::filesystem::create_symlink(log / "nothing", log.path());
      check::that(log.refusal().starts_with(log.path() + ": is a symbolic link"));
      check::that(!std::filesystem::exists(log / "nothing"));
      std::filesystem::remove(log.path());
      std::filesystem::create_hard_link(log / "victim", log.path());
      check::that(log.refusal().starts_with(log.path() + ": has a second name"));
      check::equal(temp::read_file(log / "victim"), "precious");
    }};

static const check::Test folders{"a folder, and a path in none, are errors that name the path", [] {
                                   Log log;
                                   std::filesystem::create_directory(log.path());
                                   check::that(log.refusal().starts_with(log.path() + ": "));
                                   const std::string inside = log / "none/run.csv";
                                   const auto attempt = [&] { Output{inside}; };
                                   check::that(temp::error_of(attempt).starts_with(inside + ": "));
                                 }};

static const check::Test unread{"a FIFO that nobody reads is an error, and no wait", [] {
                                  Log log;
                                  ::mkfifo(log.path().c_str(), 0600);
                                  check::equal(log.refusal(),
                                               log.path() + ": is a FIFO without a reader");
                                }};

static const check::Test fifo{
    "a FIFO with a reader is written to; when the reader goes, that is an error", [] {
      Log log;
      ::mkfifo(log.path().c_str(), 0600);
      File reader(::open(log.path().c_str(), O_RDONLY | O_NONBLOCK));
      Output output = log.open();
      check::that(!output.is_regular());
      check::equal(log.append(output, "row\n"), 0);
      check::equal(log.session().committed(), 1u);
      char got[5] = {};
      check::equal(::read(reader.fd(), got, 4), 4);
      check::equal(std::string(got), "row\n");
      reader.close();
      const auto handler = std::signal(SIGPIPE, SIG_IGN);
      check::equal(log.append(output, "row\n"), EPIPE);
      check::equal(log.session().committed(), 1u);
      std::signal(SIGPIPE, handler);
    }};

static const check::Test devices{"a device is written to as it is", [] {
                                   Log log;
                                   Output output("/dev/null");
                                   check::that(!output.is_regular());
                                   check::equal(log.append(output, "row\n"), 0);
                                   Output full("/dev/full");
                                   check::equal(log.append(full, "row\n"), ENOSPC);
                                 }};

static const check::Test renamed{
    "a file that is renamed keeps what it has; a new one takes its place", [] {
      Log log;
      Output output = log.open();
      log.append(output, "1\n");
      std::filesystem::rename(log.path(), log / "rotated.csv");
      check::equal(log.append(output, "2\n"), 0);
      check::equal(temp::read_file(log / "rotated.csv"), "1\n");
      check::equal(log.text(), "2\n");
      // Also where somebody else made the new file first.
      std::filesystem::rename(log.path(), log / "rotated.csv");
      temp::write_file(log.path(), "theirs\n");
      check::equal(log.append(output, "3\n"), 0);
      check::equal(log.text(), "theirs\n3\n");
    }};

static const check::Test deleted{"a file that is deleted, with its folder too, is made again", [] {
                                   Log log;
                                   std::filesystem::create_directory(log / "sub");
                                   const std::string path = log / "sub/run.csv";
                                   Output output(path);
                                   output.keep_ledger(log.folder(), false);
                                   log.append(output, "1\n");
                                   std::filesystem::remove(path);
                                   check::equal(log.append(output, "2\n"), 0);
                                   check::equal(temp::read_file(path), "2\n");
                                   std::filesystem::remove_all(log / "sub");
                                   check::equal(log.append(output, "3\n"), 0);
                                   check::equal(temp::read_file(path), "3\n");
                                 }};

static const check::Test swapped{
    "a link that takes the file's place later is not followed either", [] {
      Log log;
      Output output = log.open();
      log.append(output, "1\n");
      temp::write_file(log / "victim", "precious");
      std::filesystem::remove(log.path());
      std::filesystem::create_symlink(log / "victim", log.path());
      const std::string said = temp::error_of([&] { check::that(log.append(output, "2\n") != 0); });
      check::equal(said, "");
      check::equal(temp::read_file(log / "victim"), "precious");
      // And the ledger is not left locked.
      std::filesystem::remove(log.path());
      check::equal(log.append(output, "3\n"), 0);
      check::equal(log.text(), "3\n");
    }};

static const check::Test cut_back{"a file that was cut from outside goes on from its new end", [] {
                                    Log log;
                                    Output output = log.open();
                                    log.append(output, "1\n2\n");
                                    std::filesystem::resize_file(log.path(), 0);
                                    log.append(output, "3\n");
                                    check::equal(log.text(), "3\n");
                                  }};

static const check::Test without_ledger{"without a folder a file is written all the same", [] {
                                          Log log;
                                          Output output(log.path());
                                          check::equal(log.append(output, "1\n"), 0);
                                          check::equal(log.text(), "1\n");
                                        }};

static const check::Test truncated{"emptying a file forgets what was remembered of it", [] {
                                     Log log;
                                     temp::write_file(log.path(), "old\n");
                                     Output output = log.open();
                                     check::that(!output.is_empty());
                                     check::that(output.add_memory("GEN a b\n"));
                                     output.truncate(std::chrono::milliseconds(0),
                                                     [] { return true; });
                                     check::that(output.is_empty());
                                     check::equal(log.open().read_memory(), "");
                                   }};

static const check::Test memory{
    "what is remembered outlives the process; whoever has not read it all may not add to it", [] {
      Log log;
      Output one = log.open();
      Output two = log.open();
      check::that(one.add_memory("GEN a b\n"));
      check::that(one.add_memory("SCHED c\n"));
      check::that(!two.add_memory("GEN b a\n"));
      check::equal(two.read_memory(), "GEN a b\nSCHED c\n");
      check::that(two.add_memory("DONE d\n"));
      check::equal(log.open().read_memory(), "GEN a b\nSCHED c\nDONE d\n");
    }};

static const check::Test no_room{
    "what the file's attribute has no room for is remembered all the same, by all who write it",
    [] {
      Log log;
      Output one = log.open();
      Output two = log.open();
      std::string all;
      for (int i = 0; i < 40'000; ++i) all += "EVENT\tcolumn " + std::to_string(i) + "\n";
      check::that(one.add_memory(all));
      check::that(one.add_memory("DONE\tlatency\n"));
      check::that(!two.add_memory("DONE\tqueue\n"));
      check::equal(two.read_memory(), all + "DONE\tlatency\n");
      check::that(two.add_memory("GEN\tmodel\n"));
      check::equal(log.open().read_memory(), all + "DONE\tlatency\nGEN\tmodel\n");
    }};

static const check::Test locked{
    "a lock that another holds is waited for, and is no failure: nothing is written or lost", [] {
      Log log;
      Output output = log.open();
      log.append(output, "1\n");
      File other = open_file(log.path(), O_RDWR);
      check::that(other.try_lock());
      const auto result = output.append(log.session(), 9, "2\n", [] {});
      check::that(result.is_busy());
      check::that(result.message.find("process " + std::to_string(::getpid())) !=
                  result.message.npos);
      check::equal(log.text(), "1\n");
      check::that(!output.close_torn_record(Format::csv, std::chrono::milliseconds(0)));
      check::that(!output.truncate(std::chrono::milliseconds(0), [] { return true; }));
      other.unlock();
      check::equal(log.append(output, "2\n"), 0);
      check::equal(log.text(), "1\n2\n");
    }};

static const check::Test torn_by_others{
    "a torn end that others have left is ended before the next row", [] {
      Log log;
      log.session().header().format = static_cast<std::uint8_t>(Format::csv);
      Output output = log.open();
      log.append(output, "1700000000.0,GEN,1\n");
      temp::write_file(log.path(), log.text() + "theirs, without an end");
      log.append(output, "1700000001.0,GEN,2\n");
      check::equal(log.text(), "1700000000.0,GEN,1\ntheirs, without an end\n1700000001.0,GEN,2\n");
      temp::write_file(log.path(), log.text() + "1700000002.0,INFO,\"two\nli");
      log.append(output, "1700000003.0,GEN,3\n");
      check::that(log.text().ends_with("\"two\nli\"\n1700000003.0,GEN,3\n"));
    }};

static const check::Test kept{
    "a batch that fails is not cut off where others have written behind it", [] {
      Log log;
      Output output = log.open();
      log.append(output, std::string(5000, 'a'));
      {
        // Its own limit tears the batch; the other's bytes come right behind.
        const program::FileLimit limited(6000);
        const auto result = output.append(log.session(), 9, std::string(5000, 'b'), [&] {
          // Within the lock, as a program without it does.
          temp::in_child([&] {
            const File file(::open(log.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
            if (::write(file.fd(), "theirs\n", 7) != 7) ::_exit(1);
          });
        });
        check::equal(result.error, EFBIG);
      }
      check::that(log.text().starts_with(std::string(5000, 'a') + "theirs\n"));
      check::equal(log.append(output, "c"), 0);
    }};

static const check::Test closed{
    "what the program closes is opened again, and its own files stay its own", [] {
      Log log;
      Output output = log.open();
      log.append(output, "1\n");
      descriptors::close_all();
      check::equal(log.append(output, "2\n"), 0);
      {
        const descriptors::TakenOver own(log / "own");
        check::equal(log.append(output, "3\n"), 0);
        check::that(output.add_memory("GEN a b\n"));
        output.sync();
        output.leave();
        check::that(own.is_open());
      }
      check::equal(log.text(), "1\n2\n3\n");
      check::equal(temp::read_file(log / "own"), "");
    }};

static const check::Test unlocked{"no lock of the program's is let go of, and none is taken", [] {
                                    Log log;
                                    Output output = log.open();
                                    log.append(output, "1\n");
                                    const descriptors::TakenOver own(log / "own");
                                    File other = open_file(log / "own", O_RDWR);
                                    check::equal(log.append(output, "2\n"), 0);
                                    check::that(other.try_lock());
                                    other.unlock();
                                    File held = open_file(log / "own", O_RDWR);
                                    check::that(held.try_lock());
                                    check::equal(log.append(output, "3\n"), 0);
                                    check::that(!other.try_lock());
                                  }};

// Closed behind the lock and before the write: by then an intent is open.
static const check::Test closed_within{
    "a batch is there once, though its file is closed, or becomes another, within it", [] {
      for (const bool is_taken_over : {false, true}) {
        for (const bool has_folder : {true, false}) {
          temp::Folder root;
          std::filesystem::create_directory(root / "folder");
          const std::string path = root / "run.csv";
          const auto session =
              Session::create(has_folder ? root / "folder" : "", program::target_of(path));
          Output output(path);
          output.keep_ledger(root / "folder", false);
          session->header().file = known_in(root / "folder", output.id());
          std::unique_ptr<descriptors::TakenOver> own;
          const auto close = [&] {
            if (is_taken_over) {
              own = std::make_unique<descriptors::TakenOver>(root / "own");
            } else {
              descriptors::close_all();
            }
          };
          const auto result = output.append(*session, 1, "1\n", close);
          check::equal(result.error, 0);
          check::equal(result.written, 2u);
          check::equal(session->committed(), 1u);
          check::equal(output.append(*session, 2, "2\n", [] {}).error, 0);
          check::equal(temp::read_file(path), "1\n2\n");
          check::that(own == nullptr || own->is_open());
          if (own) check::equal(temp::read_file(root / "own"), "");
        }
      }
    }};

static const check::Test closed_and_renamed{
    "a file that is closed and renamed is followed by a new one, as a renamed one is", [] {
      Log log;
      Output output = log.open();
      log.append(output, "1\n");
      std::filesystem::rename(log.path(), log / "rotated.csv");
      descriptors::close_all();
      check::equal(log.append(output, "2\n"), 0);
      check::equal(temp::read_file(log / "rotated.csv"), "1\n");
      check::equal(log.text(), "2\n");
    }};

static const check::Test closed_stream{
    "a closed pipe is opened again by its name; what is another by now is an error", [] {
      Log log;
      ::mkfifo(log.path().c_str(), 0600);
      Output output = [&] {
        const File reader(::open(log.path().c_str(), O_RDONLY | O_NONBLOCK));
        return log.open();
      }();
      descriptors::close_all();
      const File reader(::open(log.path().c_str(), O_RDONLY | O_NONBLOCK));
      check::equal(log.append(output, "row\n"), 0);
      char got[5] = {};
      check::equal(::read(reader.fd(), got, 4), 4);
      descriptors::close_all();
      std::filesystem::remove(log.path());
      temp::write_file(log.path(), "");
      check::equal(log.append(output, "row\n"), EBADF);
      check::equal(log.text(), "");
    }};

static const check::Test inherited{
    "a child does not take another file for the log that its parent had under the number", [] {
      Log log;
      Output output = log.open();
      const int status = temp::in_child([&] {
        output.renew_in_child();
        const descriptors::TakenOver own(log / "own");
        if (output.release_file()) ::_exit(1);
        if (!own.is_open()) ::_exit(2);
      });
      check::equal(status, 0);
      check::that(bool(output.release_file()));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
