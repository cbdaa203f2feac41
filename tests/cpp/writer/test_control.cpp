#include "writer/control.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "check.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

constexpr int kLong = 600'000;  // ms; no test waits for its end

std::uint32_t own_pid() {
  return static_cast<std::uint32_t>(::getpid());
}

std::string program_name;

// The answer, if there is one.
std::optional<std::string> answer_to(const std::string& root, std::uint32_t pid,
                                     std::string_view request, int timeout_ms) {
  const Reply reply = ask(root, pid, request, timeout_ms);
  return reply.state == Reply::State::answered ? std::optional(reply.text) : std::nullopt;
}

// Where the only page of a root lies.
std::string page_path(const temp::Folder& root) {
  const std::string folder = control_folder(root.path(), false);
  const auto files = list_files(folder, ".ctl");
  check::equal(files.size(), 1u);
  return files.empty() ? "" : folder + "/" + files[0];
}
std::string ask_path(const temp::Folder& root) {
  const std::string path = page_path(root);
  return path.substr(0, path.size() - 4) + ".ask";
}

// The header as anybody can write to it.
class Opened {
 public:
  explicit Opened(const temp::Folder& root)
      : file_(open_file(page_path(root), O_RDWR)),
        mapping_(Mapping::of(file_.fd(), ControlPage::kAnswerAt, true)) {}
  ControlHeader& header() const { return *reinterpret_cast<ControlHeader*>(mapping_.data()); }
  int fd() const { return file_.fd(); }

 private:
  File file_;
  Mapping mapping_;
};

// The next request, as the writer's rounds come upon it.
std::string next_request(ControlPage& page) {
  for (;;) {
    if (auto request = page.request()) return *request;
    std::this_thread::yield();
  }
}

// What a client gets while the page answers its one request.
std::optional<std::string> asked(const temp::Folder& root, ControlPage& page,
                                 const std::string& request, const std::string& answer) {
  std::optional<std::string> got;
  std::thread client([&] { got = answer_to(root.path(), own_pid(), request, kLong); });
  check::equal(next_request(page), request);
  page.answer(answer);
  client.join();
  return got;
}

std::string lines(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "line " + std::to_string(text.size()) + "\n";
  text.resize(size - 1);
  return text + "\n";
}

const check::Test answered{"a request reaches the process once, and its answer the client", [] {
                             const temp::Folder root;
                             const auto page = ControlPage::create(root.path());
                             check::that(!page->request().has_value());
                             check::equal(
                                 asked(root, *page, "list", "GEN 12\nSCHED 3\n").value_or(""),
                                 "GEN 12\nSCHED 3\n");
                             check::that(!page->request().has_value());
                             check::equal(asked(root, *page, "", "").value_or("none"), "");
                             const std::string longest(ControlHeader::kMostRequest, 'x');
                             check::equal(asked(root, *page, longest, "x").value_or(""), "x");
                           }};

const check::Test too_long{
    "a request that does not fit is refused", [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      const std::string request(ControlHeader::kMostRequest + 1, 'x');
      check::equal(temp::error_of([&] { answer_to(root.path(), own_pid(), request, 0); }),
                   "a request has 4096 bytes at most");
      check::that(!page->request().has_value());
    }};

const check::Test nobody{
    "where there is no such process nobody answers", [] {
      const temp::Folder root;
      check::that(!answer_to(root.path(), own_pid(), "list", kLong).has_value());
      check::equal(list_processes(root.path()).size(), 0u);
      const auto page = ControlPage::create(root.path());
      check::that(!answer_to(root.path(), own_pid() + 1, "list", kLong).has_value());
    }};

const check::Test withdrawn{
    "a request that is not taken in time is withdrawn, and never done", [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      check::that(ask(root.path(), own_pid(), "first", 0).state == Reply::State::not_accepted);
      check::that(!page->request().has_value());
      check::equal(asked(root, *page, "second", "x").value_or(""), "x");
    }};

const check::Test either{"a request is done and answered, or neither", [] {
                           const temp::Folder root;
                           const auto page = ControlPage::create(root.path());
                           std::atomic<bool> is_over{false};
                           std::uint64_t done = 0;
                           std::thread process([&] {
                             while (!is_over) {
                               if (!page->request()) continue;
                               ++done;
                               page->answer("done");
                             }
                           });
                           std::uint64_t answered = 0;
                           for (int i = 0; i < 2000; ++i) {
                             const Reply reply = ask(root.path(), own_pid(), "x", 0);
                             check::that(reply.state != Reply::State::accepted);
                             if (reply.state == Reply::State::answered) ++answered;
                           }
                           is_over = true;
                           process.join();
                           check::equal(answered, done);
                         }};

const check::Test late{
    "a request that is taken and not answered in time is said to be, and no other gets its answer",
    [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      Reply first;
      std::thread client([&] {
        do first = ask(root.path(), own_pid(), "first", 100);
        while (first.state == Reply::State::not_accepted);
      });
      check::equal(next_request(*page), "first");
      client.join();
      check::that(first.state == Reply::State::accepted);
      check::that(!page->request().has_value());
      std::optional<std::string> second;
      std::thread other([&] { second = answer_to(root.path(), own_pid(), "second", kLong); });
      const Opened opened(root);
      while (opened.header().asked == 0) std::this_thread::yield();
      page->answer("to the first");
      check::equal(next_request(*page), "second");
      page->answer("to the second");
      other.join();
      check::equal(second.value_or(""), "to the second");
    }};

const check::Test in_turn{"one client asks at a time", [] {
                            const temp::Folder root;
                            const auto page = ControlPage::create(root.path());
                            File other = open_file(ask_path(root), O_RDWR);
                            check::that(other.try_lock());
                            check::that(!answer_to(root.path(), own_pid(), "list", 0).has_value());
                            check::that(!page->request().has_value());
                            other.close();
                            check::equal(asked(root, *page, "list", "x").value_or(""), "x");
                          }};

// A client that is killed before the process has taken its request, "first".
void leave_request(const temp::Folder& root, const Opened& opened) {
  const std::uint32_t pid = own_pid();
  const pid_t client = temp::start_child([&] { ask(root.path(), pid, "first", kLong); });
  while (opened.header().asked == 0) std::this_thread::yield();
  ::kill(client, SIGKILL);
  temp::wait_for(client);
}

const check::Test torn{
    "a request over which the next one is being written is not taken", [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      const Opened opened(root);
      leave_request(root, opened);
      opened.header().request[0] = 'w';
      check::that(!page->request().has_value());
      check::equal(opened.header().asked.load(), 0u);
      leave_request(root, opened);
      opened.header().asked += 1;  // all of it is there, but for its number
      check::that(!page->request().has_value());
      leave_request(root, opened);
      const std::uint64_t next = opened.header().counted + 1;
      std::optional<std::string> got;
      std::thread client([&] { got = answer_to(root.path(), own_pid(), "second", kLong); });
      while (opened.header().asked != next) std::this_thread::yield();
      check::equal(next_request(*page), "second");
      page->answer("x");
      client.join();
      check::equal(got.value_or(""), "x");
    }};

const check::Test long_answers{
    "an answer may be long, and one beyond all room is cut after a line", [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      for (const std::size_t size : {ControlPage::kAnswerStep, ControlPage::kAnswerStep + 1,
                                     std::size_t{300'000}, ControlPage::kMostAnswer}) {
        const std::string answer = lines(size);
        check::that(asked(root, *page, "list", answer) == answer);
      }
      const std::string answer = lines(ControlPage::kMostAnswer + 1);
      const std::string got = asked(root, *page, "list", answer).value_or("");
      const std::string_view end = "\n... [cut]\n";
      check::that(got.ends_with(end));
      check::that(answer.starts_with(got.substr(0, got.size() - end.size() + 1)));
      check::that(got.size() <= ControlPage::kMostAnswer &&
                  got.size() > ControlPage::kMostAnswer - 30);
      const std::string one_line(ControlPage::kMostAnswer + 1, 'x');
      check::equal(asked(root, *page, "list", one_line).value_or(""), "... [cut]\n");
    }};

const check::Test full{
    "where the page cannot grow, the answer is cut to what there is", [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      const std::string answer = lines(2 * ControlPage::kAnswerStep);
      {
        const program::FileLimit limit(ControlPage::kAnswerAt + ControlPage::kAnswerStep);
        const std::string got = asked(root, *page, "list", answer).value_or("");
        check::that(got.ends_with("\n... [cut]\n") && got.size() <= ControlPage::kAnswerStep);
      }
      check::that(asked(root, *page, "list", answer) == answer);
    }};

const check::Test listed{"processes are listed with what they were started as", [] {
                           const temp::Folder root;
                           const auto page = ControlPage::create(root.path());
                           const Opened opened(root);
                           auto entries = list_processes(root.path());
                           check::equal(entries.size(), 1u);
                           check::equal(entries.at(0).pid, own_pid());
                           check::that(entries.at(0).is_alive);
                           check::equal(entries.at(0).started_ns, opened.header().started_ns);
                           check::that(entries.at(0).command.starts_with(program_name));
                           opened.header().command[0] = '\x1b';
                           check::that(list_processes(root.path()).at(0).command.starts_with('?'));
                         }};

const check::Test several{"each process has a page of its own, the oldest comes first", [] {
                            const temp::Folder root;
                            const auto first = ControlPage::create(root.path());
                            const Opened opened(root);
                            opened.header().started_ns += 1'000'000'000'000;
                            const auto second = ControlPage::create(root.path());
                            const auto entries = list_processes(root.path());
                            check::equal(entries.size(), 2u);
                            check::that(entries.at(0).started_ns < entries.at(1).started_ns);
                          }};

const check::Test ended{"a page goes with its owner, and the folder with the last page", [] {
                          const temp::Folder root;
                          auto page = ControlPage::create(root.path());
                          auto other = ControlPage::create(root.path());
                          const std::string folder = control_folder(root.path(), false);
                          page.reset();
                          check::equal(list_files(folder, "").size(), 4u);  // . and .. too
                          other.reset();
                          check::that(!std::filesystem::exists(folder));
                        }};

const check::Test killed{
    "a process that died is listed once more, and what it left is removed", [] {
      const temp::Folder root;
      const pid_t child = temp::start_child([&] { ControlPage::create(root.path()).release(); });
      check::equal(temp::wait_for(child), 0);
      check::that(std::filesystem::exists(page_path(root)));
      const auto entries = list_processes(root.path());
      check::equal(entries.size(), 1u);
      check::equal(entries.at(0).pid, static_cast<std::uint32_t>(child));
      check::that(!entries.at(0).is_alive);
      check::equal(list_processes(root.path()).size(), 0u);
      check::equal(control_folder(root.path(), false), "");
    }};

const check::Test killed_early{"what a process left that was killed in making its page is removed",
                               [] {
                                 const temp::Folder root;
                                 const std::string folder = control_folder(root.path(), true);
                                 create_file(folder + "/.7-0123.ctl", 100);
                                 create_file(folder + "/7-0123.ask", 0);
                                 check::equal(list_processes(root.path()).size(), 0u);
                                 check::that(!std::filesystem::exists(folder));
                               }};

const check::Test no_wait{
    "a process that is dead is not waited for", [] {
      const temp::Folder root;
      const pid_t child = temp::start_child([&] { ControlPage::create(root.path()).release(); });
      temp::wait_for(child);
      check::that(
          !answer_to(root.path(), static_cast<std::uint32_t>(child), "list", kLong).has_value());
    }};

const check::Test dies_asked{
    "a client does not wait for a process that dies instead of answering", [] {
      const temp::Folder root;
      const pid_t child = temp::start_child([&] {
        auto page = ControlPage::create(root.path());
        next_request(*page);
        ::_exit(0);
      });
      while (list_processes(root.path()).empty()) std::this_thread::yield();
      check::that(
          !answer_to(root.path(), static_cast<std::uint32_t>(child), "list", kLong).has_value());
      check::equal(temp::wait_for(child), 0);
    }};

const check::Test other_process{"processes ask each other", [] {
                                  const temp::Folder root;
                                  const auto page = ControlPage::create(root.path());
                                  const std::uint32_t pid = own_pid();
                                  const pid_t client = temp::start_child([&] {
                                    const auto got =
                                        answer_to(root.path(), pid, "set CAND=off", kLong);
                                    ::_exit(got == "done" ? 0 : 1);
                                  });
                                  check::equal(next_request(*page), "set CAND=off");
                                  page->answer("done");
                                  check::equal(temp::wait_for(client), 0);
                                }};

const check::Test forked{"a forked child neither keeps its parent's page alive nor removes it", [] {
                           const temp::Folder root;
                           auto page = ControlPage::create(root.path());
                           check::equal(temp::in_child([&] {
                                          page->close_in_child();
                                          page.reset();
                                          const auto own = ControlPage::create(root.path());
                                        }),
                                        0);
                           check::that(list_processes(root.path()).at(0).is_alive);
                           check::equal(asked(root, *page, "list", "x").value_or(""), "x");
                           // Nor where it outlives its parent.
                           const temp::Signal let_go;
                           const temp::Signal end;
                           const pid_t parent = temp::start_child([&] {
                             page->close_in_child();
                             const auto own = ControlPage::create(root.path());
                             temp::start_child([&] {
                               own->close_in_child();
                               let_go.send();
                               end.wait();
                               ::_exit(0);
                             });
                             let_go.wait();
                             ::_exit(0);
                           });
                           check::equal(temp::wait_for(parent), 0);
                           const auto entries = list_processes(root.path());
                           check::equal(entries.size(), 2u);
                           for (const ControlEntry& entry : entries) {
                             check::equal(entry.is_alive, entry.pid == own_pid());
                           }
                           end.send();
                         }};

const check::Test damaged{
    "a damaged page is not believed", [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      const Opened opened(root);
      ControlHeader& header = opened.header();
      header.request_size = ~std::uint32_t{0};
      header.asked = 2;
      check::that(!page->request().has_value());
      header.asked = 7;
      header.request_size = 1;
      check::that(!page->request().has_value());
      check::equal(asked(root, *page, "list", "x").value_or(""), "x");

      std::fill_n(header.command, sizeof header.command, 'x');
      check::equal(list_processes(root.path()).at(0).command, std::string(256, 'x'));
      header.magic = 0;
      check::equal(list_processes(root.path()).size(), 0u);
      header.magic = ControlHeader::kMagic;
      header.pid += 1;
      check::equal(list_processes(root.path()).size(), 0u);
      check::that(!answer_to(root.path(), own_pid() + 1, "list", kLong).has_value());
      header.pid -= 1;
      check::equal(list_processes(root.path()).size(), 1u);
    }};

const check::Test damaged_answer{
    "an answer that is not all there is none", [] {
      const temp::Folder root;
      const auto page = ControlPage::create(root.path());
      const Opened opened(root);
      for (const std::uint64_t size : {ControlPage::kMostAnswer + 1, ControlPage::kMostAnswer}) {
        // As if the client's next request were answered already.
        opened.header().answer_size = size;
        opened.header().answered = opened.header().asked + 1;
        check::that(!answer_to(root.path(), own_pid(), "list", kLong).has_value());
      }
      check::equal(::ftruncate(opened.fd(), 100), 0);
      check::equal(list_processes(root.path()).size(), 0u);
      check::equal(::ftruncate(opened.fd(), ControlPage::kAnswerAt), 0);
    }};

const check::Test private_only{
    "pages lie where only their user gets to, and a folder that is open to others is refused", [] {
      const temp::Folder root;
      auto page = ControlPage::create(root.path());
      const std::string folder = control_folder(root.path(), false);
      using std::filesystem::perms;
      check::that(std::filesystem::status(folder).permissions() == perms::owner_all);
      check::that(std::filesystem::status(page_path(root)).permissions() ==
                  (perms::owner_read | perms::owner_write));
      std::filesystem::permissions(folder, perms::owner_all | perms::group_read);
      const std::string expected = folder + " is open to other users";
      check::equal(temp::error_of([&] { ControlPage::create(root.path()); }), expected);
      check::equal(temp::error_of([&] { list_processes(root.path()); }), expected);
      check::equal(temp::error_of([&] { answer_to(root.path(), own_pid(), "list", 0); }), expected);
    }};

const check::Test links{"a symbolic link is no page", [] {
                          const temp::Folder root;
                          const auto page = ControlPage::create(root.path());
                          const std::string path = page_path(root);
                          const temp::Folder elsewhere;
                          std::filesystem::rename(path, elsewhere / "page");
                          std::filesystem::create_symlink(elsewhere / "page", path);
                          check::equal(list_processes(root.path()).size(), 0u);
                        }};

}  // namespace

int main(int argc, char** argv) {
  program_name = argv[0];
  return check::run(argc, argv);
}
