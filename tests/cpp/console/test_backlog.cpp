#include "console/backlog.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "descriptors.hpp"
#include "program.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

constexpr std::size_t kSmall = 1000;  // bytes in memory

// Everything in it, text of one stream in a row taken together.
std::vector<std::pair<int, std::string>> take_all(Backlog& backlog) {
  std::vector<std::pair<int, std::string>> all;
  while (auto piece = backlog.pop()) {
    if (all.empty() || all.back().first != piece->stream) all.push_back({piece->stream, ""});
    all.back().second += piece->text;
  }
  check::that(backlog.is_empty());
  return all;
}

// TMPDIR, which is where the file is looked for first.
class Folder {
 public:
  explicit Folder(const std::string& path) {
    if (const char* const before = std::getenv("TMPDIR")) before_ = before;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { before_.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", before_.c_str(), 1); }

 private:
  std::string before_;
};

std::string line(int number) {
  return "line " + std::to_string(number) + "\n";
}

const check::Test in_order{
    "first in, first out, whether in memory or in the file, and again once that is empty", [] {
      Backlog backlog(kSmall);
      for (int round = 0; round < 3; ++round) {
        std::string expected;
        for (int i = 0; i < 5000; ++i) {
          backlog.push(1, line(i));
          expected += line(i);
        }
        const auto all = take_all(backlog);
        check::equal(all.size(), 1u);
        check::that(!all.empty() && all[0].second == expected);
      }
    }};

const check::Test streams{
    "text of one stream comes together, of two in turn", [] {
      Backlog backlog(10);
      for (const int stream : {1, 1, 2, 2, 1, 2, 1, 1}) {
        backlog.push(stream, std::to_string(stream) + "abc");
      }
      const auto all = take_all(backlog);
      const std::vector<std::pair<int, std::string>> expected = {
          {1, "1abc1abc"}, {2, "2abc2abc"}, {1, "1abc"}, {2, "2abc"}, {1, "1abc1abc"}};
      check::that(all == expected);
    }};

const check::Test between{"what is pushed while the file is read comes behind it", [] {
                            Backlog backlog(kSmall);
                            std::string expected;
                            std::string taken;
                            int pushed = 0;
                            // Three in, one piece out, then the rest.
                            for (int i = 0; i < 3000; ++i) {
                              for (int n = 0; n < 3; ++n) {
                                expected += line(pushed);
                                backlog.push(1, line(pushed++));
                              }
                              if (i % 100 == 0) taken += backlog.pop()->text;
                            }
                            while (const auto piece = backlog.pop()) taken += piece->text;
                            check::that(taken == expected);
                          }};

const check::Test large{"a text larger than memory takes is one text", [] {
                          Backlog backlog(kSmall);
                          const std::string text(3'000'000, 'x');
                          backlog.push(2, text);
                          backlog.push(1, "end");
                          const auto piece = backlog.pop();
                          check::that(piece && piece->stream == 2 && piece->text == text);
                          check::equal(backlog.pop()->text, "end");
                          check::that(!backlog.pop());
                        }};

const check::Test undisturbed{
    "what the program does with descriptors touches nothing that waits", [] {
      const temp::Folder folder;
      Backlog backlog(kSmall);
      std::string expected;
      const auto push = [&](int n) {
        for (int i = 0; i < n; ++i) {
          expected += line(i);
          backlog.push(1, line(i));
        }
      };
      push(1000);
      const std::size_t before = descriptors::all().size();
      push(1000);
      check::equal(descriptors::all().size(), before);
      descriptors::close_all();
      push(1000);
      const File mark(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC));
      const descriptors::TakenOver own(folder / "own");
      push(1000);
      const auto taken = take_all(backlog);
      check::that(taken.size() == 1 && taken[0].second == expected);
      check::that(own.is_open());
      check::equal(std::filesystem::file_size(folder / "own"), 0u);
    }};

const check::Test long_one{
    "more than one file takes waits in its turn", [] {
      Backlog backlog(kSmall);
      const std::string text(1'000'000, 'x');
      for (int i = 0; i < 40; ++i) backlog.push(1 + i % 2, line(i) + text);
      for (int i = 0; i < 40; ++i) {
        const auto piece = backlog.pop();
        check::that(piece && piece->stream == 1 + i % 2 && piece->text == line(i) + text);
      }
      check::that(backlog.is_empty());
    }};

const check::Test unnamed{"the file has no name", [] {
                            const temp::Folder root;
                            const Folder folder(root.path());
                            Backlog backlog(kSmall);
                            backlog.push(1, std::string(2 * kSmall, 'x'));
                            check::that(std::filesystem::is_empty(root.path()));
                            check::equal(take_all(backlog).at(0).second.size(), 2 * kSmall);
                          }};

const check::Test nowhere{"a folder that is not there: another one does", [] {
                            const Folder folder("/nonexistent");
                            Backlog backlog(kSmall);
                            backlog.push(1, std::string(2 * kSmall, 'x'));
                            check::equal(take_all(backlog).at(0).second.size(), 2 * kSmall);
                          }};

const check::Test full{
    "where the file takes no more the rest waits in memory, in its turn", [] {
      for (const rlim_t limit : {rlim_t{0}, rlim_t{8}, rlim_t{500}, rlim_t{20'000}}) {
        Backlog backlog(kSmall);
        std::string expected;
        std::string taken;
        const auto push = [&](int from, int to) {
          for (int i = from; i < to; ++i) {
            backlog.push(1, line(i));
            expected += line(i);
          }
        };
        {
          const program::FileLimit small(limit);
          push(0, 3000);
        }
        push(3000, 4000);  // there would be room again, but not before what waits
        while (const auto piece = backlog.pop()) taken += piece->text;
        check::that(taken == expected);
        push(4000, 5000);
        while (const auto piece = backlog.pop()) taken += piece->text;
        check::that(taken == expected);
      }
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
