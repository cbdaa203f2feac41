#include "console/console_writer.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "console/fork_pause.hpp"
#include "streams.hpp"
#include "temp.hpp"

using namespace attolog;
using streams::patience;
using streams::Pipe;

namespace {

constexpr std::size_t kLarge = 1'000'000;  // more than a pipe holds

std::string numbered(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

const check::Test shown{"what is shown is in the stream once it was waited for", [] {
                          const Pipe out, err;
                          ConsoleWriter screen({out.writer(), err.writer()});
                          check::that(screen.wait(patience()));
                          screen.enqueue(1, "one ");
                          screen.enqueue(2, "error");
                          screen.enqueue(1, "two");
                          check::that(screen.wait(patience()));
                          check::equal(out.read(7), "one two");
                          check::equal(err.read(5), "error");
                          check::equal(screen.error(1), 0);
                          check::equal(screen.error(2), 0);
                        }};

const check::Test both{"two streams that are one file keep their order", [] {
                         const Pipe out;
                         ConsoleWriter screen({out.writer(), out.writer()});
                         std::string expected;
                         for (int i = 0; i < 1000; ++i) {
                           const std::string text = std::to_string(i) + "\n";
                           screen.enqueue(1 + i % 2, text);
                           expected += text;
                         }
                         check::that(screen.wait(patience()));
                         check::that(out.read(expected.size()) == expected);
                       }};

const check::Test slow{"who reads nothing holds nobody up; who reads later gets all of it", [] {
                         for (const bool is_non_blocking : {false, true}) {
                           const Pipe out;
                           if (is_non_blocking) out.make_non_blocking();
                           ConsoleWriter screen({out.writer(), out.writer()});
                           const std::string text = numbered(200'000);
                           for (std::size_t at = 0; at < text.size(); at += 1000)
                             screen.enqueue(1, text.substr(at, 1000));
                           check::that(!screen.wait(std::chrono::steady_clock::now()));
                           check::that(out.read(text.size()) == text);
                           check::that(screen.wait(patience()));
                         }
                       }};

const check::Test turn{"whoever has a turn writes at once, and only he does", [] {
                         const Pipe out;
                         out.make_non_blocking();
                         ConsoleWriter screen({out.writer(), out.writer()});
                         ConsoleWriter::Turn mine(screen);
                         screen.enqueue(1, "one ");
                         screen.enqueue(2, "two");
                         {
                           ConsoleWriter::Turn none(screen);
                           none.write();
                         }
                         check::that(screen.is_behind());
                         mine.write();
                         check::that(!screen.is_behind());
                         check::equal(screen.progress(), screen.position());
                         check::equal(out.read(7), "one two");
                       }};

const check::Test slow_turn{"a turn waits for no reader; the thread goes on where it ended", [] {
                              const Pipe out;
                              ConsoleWriter screen({out.writer(), out.writer()});
                              const std::string text = numbered(200'000);
                              {
                                ConsoleWriter::Turn mine(screen);
                                screen.enqueue(1, text);
                                for (int i = 0; i < 100; ++i) mine.write();
                                check::that(screen.is_behind());
                                check::that(screen.progress() != 0);
                              }
                              screen.enqueue(1, "end");
                              check::that(out.read(text.size() + 3) == text + "end");
                              check::that(screen.wait(patience()));
                            }};

const check::Test broken{
    "a stream that nobody reads any more fails once, and holds up neither the other nor those who "
    "wait",
    [] {
      Pipe out;
      const Pipe err;
      ConsoleWriter screen({out.writer(), err.writer()});
      out.close_reader();
      screen.enqueue(1, "lost");
      screen.enqueue(2, "kept");
      screen.enqueue(1, std::string(kLarge, 'x'));
      check::that(screen.wait(patience()));
      check::equal(err.read(4), "kept");
      check::equal(screen.error(1), EPIPE);
      check::equal(screen.error(2), 0);
    }};

std::atomic<int> n_signals{0};

const check::Test signalled{"who does not ignore SIGPIPE gets it from a write of the thread, too",
                            [] {
                              Pipe out;
                              ConsoleWriter screen({out.writer(), out.writer()});
                              out.close_reader();
                              hands_on_broken_pipes = true;
                              std::signal(SIGPIPE, [](int) { ++n_signals; });
                              screen.enqueue(1, "lost");
                              check::that(screen.wait(patience()));
                              std::signal(SIGPIPE, SIG_IGN);
                              hands_on_broken_pipes = false;
                              check::equal(n_signals.load(), 1);
                            }};

const check::Test broken_late{"a stream that breaks while it is written to", [] {
                                Pipe out;
                                ConsoleWriter screen({out.writer(), out.writer()});
                                screen.enqueue(1, std::string(kLarge, 'x'));
                                out.read(1);
                                out.close_reader();
                                check::that(screen.wait(patience()));
                                check::equal(screen.error(1), EPIPE);
                              }};

const check::Test missing{"a stream that is closed has an error, too", [] {
                            Pipe out;
                            const int fd = out.writer();
                            out.close_writer();
                            ConsoleWriter screen({fd, fd});
                            screen.enqueue(2, "lost");
                            check::that(screen.wait(patience()));
                            check::equal(screen.error(2), EBADF);
                            check::equal(screen.error(1), 0);
                          }};

const check::Test left{"what is left at its end is shown all the same", [] {
                         const Pipe out;
                         const std::string text = numbered(100'000);
                         {
                           ConsoleWriter({out.writer(), out.writer()}).enqueue(1, text);
                         }
                         check::that(out.read(text.size()) == text);
                       }};

const check::Test threads{"many threads: each text whole, in its thread's order", [] {
                            const Pipe out;
                            ConsoleWriter screen({out.writer(), out.writer()});
                            constexpr int kThreads = 4;
                            constexpr int kEach = 5000;
                            std::string text;
                            {
                              std::vector<std::jthread> running;
                              for (int t = 0; t < kThreads; ++t) {
                                running.emplace_back([&screen, t] {
                                  for (int i = 0; i < kEach; ++i) {
                                    std::string line = std::to_string(10'000 + i);
                                    line += static_cast<char>('a' + t);
                                    screen.enqueue(1, line);
                                    if (i % 1000 == 0) screen.wait(patience());
                                  }
                                });
                              }
                              text = out.read(std::size_t{6} * kThreads * kEach);
                            }
                            int next[kThreads] = {};
                            for (std::size_t at = 0; at < text.size(); at += 6) {
                              const int thread = text[at + 5] - 'a';
                              check::equal(std::stoi(text.substr(at, 5)), 10'000 + next[thread]++);
                            }
                            for (const int each : next) check::equal(each, kEach);
                          }};

const check::Test forked{"the child of a fork has nothing to wait for and nothing to show", [] {
                           const Pipe out;
                           auto screen = std::make_unique<ConsoleWriter>(
                               ConsoleWriter::Streams{out.writer(), out.writer()});
                           screen->enqueue(1, std::string(kLarge, 'x'));
                           check::equal(temp::in_child([&] {
                                          if (!screen->wait(std::nullopt)) ::_exit(1);
                                          screen.reset();
                                        }),
                                        0);
                           check::equal(out.read(kLarge).size(), kLarge);
                           check::that(screen->wait(patience()));
                         }};

int threads_of_this_process() {
  int n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ++n;
  return n;
}

const check::Test rested{"while a process forks its screens have no threads, and lose no text", [] {
                           if (!std::filesystem::exists("/proc/self/task")) return;
                           const Pipe out;
                           const int failed =
                               temp::in_child([&] {  // which has no thread of another test
                                 int step = 0;
                                 const auto require = [&](bool holds) {
                                   ++step;
                                   if (!holds) ::_exit(step);
                                 };
                                 ConsoleWriter screen({out.writer(), out.writer()});
                                 screen.enqueue(1, "one ");
                                 require(screen.wait(patience()));
                                 require(threads_of_this_process() == 2);
                                 ForkPause::begin();
                                 screen.pause(patience());
                                 require(threads_of_this_process() == 1);
                                 screen.enqueue(1, "two ");
                                 require(screen.is_behind());
                                 require(screen.wait(patience()));  // whoever waits writes
                                 screen.enqueue(1, "three ");
                                 require(threads_of_this_process() == 1);
                                 ForkPause::end();
                                 screen.resume();
                                 require(screen.wait(patience()));
                                 require(threads_of_this_process() == 2);
                               });
                           check::equal(failed, 0);
                           check::equal(out.read(14), "one two three ");
                         }};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // as Python does
  return check::run(argc, argv);
}
