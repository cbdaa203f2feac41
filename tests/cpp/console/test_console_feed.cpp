#include "console/console_feed.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include "check.hpp"
#include "program.hpp"
#include "streams.hpp"
#include "temp.hpp"
#include "writer/drain.hpp"
#include "writer/recovery.hpp"

using namespace attolog;
using program::kAll;
using program::Program;
using streams::Pipe;

namespace {

// A program, its log file, and what its prints were shown by: everything is read at once, so that
// nothing but the echo decides what comes when.
class Showing {
 public:
  explicit Showing(std::size_t rings = 1)
      : target_(program::target_of(root_ / "run.csv")),
        program_((std::filesystem::create_directory(root_ / "folder"), root_ / "folder"), target_,
                 rings),
        echo_(std::make_unique<ConsoleFeed>(program_.session(),
                                            ConsoleWriter::Streams{out_.writer(), out_.writer()})) {
    output_ = program::output_of(target_.path, root_ / "folder");
    drain_ =
        std::make_unique<Drain>(program_.session(), output_.get(), make_sink(target_), progress_);
    for (const Ring& ring : program_.rings()) {
      drain_->add(ring);
      echo_->add(ring);
    }
    drain_->call_before_runs([this](Ticks until) { echo_->feed(until); });
  }

  Program& program() { return program_; }
  Drain& drain() { return *drain_; }
  ConsoleFeed& echo() { return *echo_; }
  const std::string& path() const { return target_.path; }
  std::string folder() const { return root_ / "folder"; }

  // All there is on the screen since it was last asked.
  std::string shown() {
    echo_->screen().enqueue(1, "#");
    std::string text;
    while (!text.ends_with('#')) text += out_.read(1);
    text.pop_back();
    return text;
  }
  std::string look(Ticks until = kAll) {
    echo_->feed(until);
    return shown();
  }

 private:
  temp::Folder root_;
  LogTarget target_;
  Program program_;
  Progress progress_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<Drain> drain_;
  Pipe out_;
  std::unique_ptr<ConsoleFeed> echo_;
};

// A site of the program's own, in the session's table.
std::uint32_t add_site(Showing& showing, SiteKind kind, const char* name, Destination destination,
                       std::uint8_t level = kNone) {
  static std::uint32_t next = kFirstSite;
  Site site;
  site.id = next++;
  site.kind = kind;
  site.name = name;
  site.fields = {"x"};
  site.destination = destination;
  if (destination == Destination::stats) site.policy = "stats:1s";
  site.level = level;
  Buffer encoded;
  encode_site(encoded, site);
  check::that(showing.program().session().append_sites(encoded.view()));
  return site.id;
}

std::string encoded(std::string_view text) {
  Buffer values;
  encode_str(values, text);
  return std::string(values.view());
}

const check::Test ahead{"it shows what is in the rings ahead of the drain, once", [] {
                          Showing showing;
                          showing.program().log(1, "one");
                          showing.program().log(2, "two");
                          check::equal(showing.look(), "one\ntwo\n");
                          check::equal(showing.look(), "");
                          showing.program().log(3, "three");
                          showing.drain().run(kAll, true);
                          check::equal(showing.shown(), "three\n");
                          check::equal(showing.look(), "");
                          check::equal(temp::lines_of(showing.path()).size(), 3u);
                        }};

const check::Test order{"two rings are shown in order of time, up to the moment asked for", [] {
                          Showing showing(2);
                          for (const Ticks ticks : {10u, 30u, 60u})
                            showing.program().log(ticks, "a" + std::to_string(ticks), 0);
                          for (const Ticks ticks : {20u, 51u})
                            showing.program().log(ticks, "b" + std::to_string(ticks), 1);
                          check::equal(showing.look(50), "a10\nb20\na30\n");
                          // It may have an earlier neighbour that was not committed at the time.
                          showing.program().log(55, "b55", 1);
                          check::equal(showing.look(), "b51\nb55\na60\n");
                        }};

const check::Test wraps{"a ring is filled and drained many times over, all is shown in order", [] {
                          Showing showing;
                          Ticks ticks = 0;
                          while (showing.program().ring().header().head < 5 * kMinRing) {
                            std::string expected;
                            for (int i = 0; i < 500; ++i, ++ticks) {
                              const std::string text(ticks % 90, 'x');
                              check::that(showing.program().log(ticks, text));
                              expected += text + "\n";
                              if (i == 250) showing.echo().feed(kAll);
                            }
                            showing.drain().run(kAll, true);
                            check::that(showing.shown() == expected);
                          }
                        }};

const check::Test streams_in_turn{
    "prints to both streams keep their order, and are their bytes", [] {
      Showing showing;
      std::string expected;
      for (Ticks i = 0; i < 300; ++i) {
        const std::string text = std::to_string(i) + ";";
        const std::uint32_t site = i % 3 == 0 ? kErrorPrintSite : kPrintSite;
        showing.program().put(site, i, encoded(text));
        expected += text;
      }
      check::that(showing.look() == expected);
    }};

const check::Test failing{"a file that takes nothing does not stop it, and nothing is shown twice",
                          [] {
                            Showing showing;
                            std::string expected;
                            Ticks ticks = 0;
                            const auto log = [&] {
                              for (int i = 0; i < 50; ++i, ++ticks) {
                                showing.program().log(ticks, std::to_string(ticks));
                                expected += std::to_string(ticks) + "\n";
                              }
                            };
                            std::string shown;
                            {
                              const program::FileLimit full(100);
                              for (int round = 0; round < 3; ++round) {
                                log();
                                check::that(showing.drain().run(kAll, true).error != 0);
                                shown += showing.shown();
                              }
                            }
                            log();
                            check::equal(showing.drain().run(kAll, true).error, 0);
                            shown += showing.shown();
                            check::that(shown == expected);
                            check::equal(temp::lines_of(showing.path()).size(), 200u);
                          }};

const check::Test handed_over{"a ring's new owner is not shown", [] {
                                Showing showing;
                                Buffer announcement;
                                encode_thread(announcement, 2, 99, "worker");
                                showing.program().log(1, "one");
                                showing.program().put_bytes(announcement.view());
                                showing.program().log(3, "two");
                                check::equal(showing.look(), "one\ntwo\n");
                              }};

const check::Test handled{
    "what is counted or kept is not shown", [] {
      Showing showing;
      const auto counted = add_site(showing, SiteKind::event, "STATE", Destination::stats);
      const auto kept = add_site(showing, SiteKind::event, "LAST", Destination::buffer);
      const auto written = add_site(showing, SiteKind::event, "GEN", Destination::file);
      const auto warning =
          add_site(showing, SiteKind::message, "full {}", Destination::file, kWarning);
      Ticks ticks = 0;
      for (const auto site : {counted, kept, written, warning}) {
        showing.program().put(site, ++ticks, encoded("x"));
      }
      check::equal(showing.look(), "GEN x\nfull x\n");
      showing.drain().run(kAll, true, Drain::Extent::end);
      check::equal(showing.shown(), "");
      check::equal(temp::lines_of(showing.path()).size(), 4u);
    }};

const check::Test spilled{
    "a value in a file of its own is shown before the drain removes it", [] {
      Showing showing;
      const std::string text(100'000, 'x');
      const std::string values = encoded(text);
      const std::uint64_t reference[] = {showing.program().session().spill(values), values.size()};
      showing.program().log(1, "before");
      showing.program().put(kTextSite | kSpilled, 2,
                            {reinterpret_cast<const char*>(reference), sizeof reference});
      showing.program().log(3, "behind");
      showing.drain().run(kAll, true);
      check::that(!std::filesystem::exists(showing.program().session().spill_path(reference[0])));
      check::that(showing.shown() == "before\n" + text + "\nbehind\n");
    }};

const check::Test damaged{"what cannot be read is left out, and counted once", [] {
                            Showing showing;
                            showing.program().log(1, "one");
                            showing.program().put(12345, 2, encoded("of no site"));
                            showing.program().log(3, "two");
                            check::equal(showing.look(), "one\ntwo\n");
                            check::equal(showing.program().session().header().dropped.load(), 0u);
                            showing.drain().run(kAll, true);
                            check::equal(showing.program().session().header().dropped.load(), 1u);
                            check::equal(showing.shown(), "");
                          }};

const check::Test lost{"what got into no ring is shown behind what was logged before", [] {
                         Showing showing;
                         while (showing.program().log(1, "in the ring")) {
                         }
                         showing.echo().feed(kAll);
                         showing.echo().show_dropped(kTextSite, encoded("not in the ring"));
                         showing.echo().show_dropped(12345, encoded("of no site"));
                         const std::string shown = showing.shown();
                         check::that(shown.starts_with("in the ring\n"));
                         check::that(shown.ends_with("in the ring\nnot in the ring\n"));
                       }};

const check::Test shown_already{
    "what is on the screen already is logged, and not shown again", [] {
      Showing showing;
      showing.program().log(1, "one");
      showing.program().put(kTextSite | kShown, 2, encoded("on the screen"));
      showing.program().log(3, "two");
      check::equal(showing.look(), "one\ntwo\n");
      showing.echo().show_dropped(kTextSite | kShown, encoded("lost, but on the screen"));
      check::equal(showing.shown(), "");
      showing.drain().run(kAll, true);
      check::equal(temp::lines_of(showing.path()).size(), 3u);
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
