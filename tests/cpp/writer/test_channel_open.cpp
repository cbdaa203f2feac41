#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "channels.hpp"
#include "check.hpp"
#include "core/codec.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "temp.hpp"

using namespace channels;

static const check::Test appended{
    "a file is appended to, or replaced where that is asked for", [] {
      const Log log;
      temp::write_file(log.path(), "0,LOG,old\n");
      auto options = log.options();
      auto channel = WriterThread::get().open(options);
      channels::log(*channel, "new");
      check::that(channel->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"old", "new"});
      options.append = false;
      channel = WriterThread::get().open(options);
      channels::log(*channel, "only");
      check::that(channel->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"only"});
    }};

static const check::Test parents{
    "missing folders are made; a path that cannot be is an error that names it", [] {
      const Log log("a/b/run.csv");
      const auto channel = log.open();
      channels::log(*channel, "there");
      check::that(channel->close(patience()));
      check::equal(log.texts().size(), 1u);
      std::filesystem::create_directory(log / "folder.csv");
      auto options = log.options();
      options.path = log / "folder.csv";
      const std::string said = temp::error_of([&] { WriterThread::get().open(options); });
      check::that(said.find("folder.csv") != std::string::npos);
      check::equal(log.files(kSessionSuffix), 0u);
    }};

static const check::Test recovers{
    "a channel takes in what a dead process left for its file", [] {
      const Log log;
      // Killed right behind the call.
      const int status = temp::in_child([&] {
        const auto channel = log.open();
        channels::log(*channel, "left");
        ::_exit(0);
      });
      check::equal(status, 0);
      const auto channel = log.open();
      channels::log(*channel, "mine");
      check::that(channel->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"left", "mine"});
    }};

static const check::Test forked{
    "a forked child has a channel of its own, and what the parent logged is the parent's", [] {
      const Log log;
      const auto channel = log.open();
      channels::log(*channel, "parent");
      const int status = temp::in_child([&] {
        check::that(channel->is_forked());
        check::that(channel->attach(1, "child") == nullptr);
        const auto own = WriterThread::get().reopen(*channel);
        channels::log(*own, "child");
        ::_exit(own->close(patience()) ? 0 : 1);
      });
      check::equal(status, 0);
      check::that(channel->producer() != nullptr);
      channels::log(*channel, "parent");
      check::that(channel->close(patience()));
      const auto texts = log.texts();
      check::equal(std::count(texts.begin(), texts.end(), "parent"), 2);
      check::equal(std::count(texts.begin(), texts.end(), "child"), 1);
    }};

static const check::Test successor{
    "a successor takes no records of its own, and opens the file for the next call", [] {
      const Log log;
      const auto channel = log.open();
      const auto next = channel->successor();
      check::that(next->is_forked());
      check::that(next->attach(1, "thread") == nullptr);
      next->add_internal_record(kSkippedSite, "", std::nullopt);
      check::that(channel->close(patience()));
      const auto reopened = WriterThread::get().reopen(*next);
      channels::log(*reopened, "again");
      check::that(reopened->close(patience()));
      check::that(log.texts() == std::vector<std::string>{"again"});
    }};

static const check::Test no_folder{
    "where no private folder can be had rings are in memory, and all works", [] {
      const Log log;
      auto options = log.options();
      options.ring_dir = log / "none";
      std::ofstream(options.ring_dir) << "no folder";
      const auto channel = WriterThread::get().open(options);
      channels::log(*channel, "there");
      Buffer values;
      encode_str(values, std::string(500'000, 'x'));
      const std::uint64_t reference[2] = {channel->spill(values.view()).value(), values.size()};
      check::that(
          try_log(*channel, {reinterpret_cast<const char*>(reference), 16}, kTextSite | kSpilled));
      check::that(channel->close(patience()));
      check::equal(log.texts().size(), 2u);
    }};

static const check::Test small_rings{
    "where there is no room for a ring as large as asked for a smaller one is made", [] {
      const Log log;
      auto options = log.options();
      options.ring_bytes = std::size_t{1} << 20;
      std::shared_ptr<Channel> channel;
      {
        const program::FileLimit limited(200'000);
        channel = WriterThread::get().open(options);
      }
      check::equal(log.files(".ring"), 1u);
      for (int i = 0; i < 10'000; ++i) channels::log(*channel, numbered(0, i));
      check::that(channel->close(patience()));
      expect_counts(*channel, 10'000, 0, 0);
    }};

static const check::Test unopened{
    "a file that cannot be opened leaves no folder for rings", [] {
      const Log log;
      std::filesystem::create_directory(log.path());
      const auto attempt = [&] { log.open(); };
      check::that(temp::error_of(attempt).starts_with(log.path()));
      check::equal(log.files("") - log.files("attolog-" + std::to_string(::geteuid())), 1u);
    }};

static const check::Test events{
    "sites registered before and after a channel opens are known to it", [] {
      const Log log;
      Site site;
      site.name = "EARLY";
      const std::uint32_t early = site_registry().add(site).value();
      const auto channel = log.open();
      site.name = "LATE";
      const std::uint32_t late = site_registry().add(site).value();
      check::that(try_log(*channel, "", early) && try_log(*channel, "", late));
      check::that(channel->close(patience()));
      const std::string text = temp::read_file(log.path());
      check::that(text.find(",EARLY\n") != std::string::npos);
      check::that(text.find(",LATE\n") != std::string::npos);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
