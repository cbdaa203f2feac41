#include "writer/flight_recorder.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "check.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "steps.hpp"
#include "temp.hpp"

using namespace attolog;
using program::kAll;
using program::Program;

namespace {

constexpr Ticks kSecond = 1'000'000'000;

// A program without a log file, whose buffer has room for `room` records.
class Recorded {
 public:
  explicit Recorded(SaveTriggerOptions options = {}, std::uint64_t room = 100)
      : program_((std::filesystem::create_directory(root_ / "folder"), root_ / "folder"),
                 program::target_of(root_ / "circular", Format::none)),
        drain_(program_.session(), nullptr, nullptr, progress_, {room, 0}) {
    for (const Ring& ring : program_.rings()) drain_.add(ring);
    options.path = root_ / "saved-{n}.csv";
    recorder_ = std::make_unique<FlightRecorder>(
        options, program::target_of(root_ / "circular", Format::none), program_.session(), drain_,
        mutex_, [this] { drain(); });
  }
  FlightRecorder* operator->() const { return recorder_.get(); }
  std::string operator/(const char* name) const { return root_ / name; }

  void log(int second, std::string_view text) {
    check::that(program_.log(static_cast<Ticks>(second) * kSecond, text));
  }
  void drain() {
    const std::lock_guard lock(mutex_);
    drain_.run(kAll, false);
  }
  std::uint64_t n_saved() const { return drain_.buffers().counts().saved; }
  std::vector<std::string> texts(const char* name) const {
    return temp::sentences_of(root_ / name);
  }

 private:
  temp::Folder root_;
  Program program_;
  Progress progress_;
  Drain drain_;
  last_signal::Mutex mutex_;
  std::unique_ptr<FlightRecorder> recorder_;
};

using Texts = std::vector<std::string>;

}  // namespace

static const check::Test saved{
    "save writes all that the buffer has, which counts as saved and stays", [] {
      Recorded recorded({}, 2);
      for (int i = 1; i <= 3; ++i) recorded.log(i, std::to_string(i));
      recorded.drain();
      const LogTarget target = program::target_of(recorded / "copy.csv");
      check::equal(recorded->save(target), 2u);
      check::that(recorded.texts("copy.csv") == Texts{"2", "3"});
      check::equal(recorded.n_saved(), 2u);
      check::equal(recorded->save(target), 2u);
      check::equal(recorded.n_saved(), 2u);
    }};

static const check::Test failed{"where the copy cannot be written nothing counts as saved", [] {
                                  Recorded recorded;
                                  recorded.log(1, "one");
                                  recorded.drain();
                                  const std::string path = recorded / "copy.csv";
                                  std::filesystem::create_directory(path);
                                  const auto attempt = [&] {
                                    recorded->save(program::target_of(path));
                                  };
                                  check::that(temp::error_of(attempt).find(path) == 0);
                                  check::equal(recorded.n_saved(), 0u);
                                }};

static const check::Test triggered{
    "a trigger saves what is in the rings, too, with its reason", [] {
      Recorded recorded;
      recorded.log(1, "one");
      const std::string path = recorded->trigger(2 * kSecond, false, "asked for");
      check::that(!std::filesystem::exists(path));
      recorded->save_triggered(false);
      check::that(temp::sentences_of(path) == Texts{"one"});
      check::that(temp::read_file(path).find("TRIGGER,asked for") != std::string::npos);
      std::filesystem::remove(path);
      recorded->save_triggered(true);
      check::that(!std::filesystem::exists(path));  // once
    }};

static const check::Test later{
    "a trigger with time after it is saved once that has passed, or at the end", [] {
      SaveTriggerOptions options;
      options.after_ns = kSecond;
      Recorded recorded(options);
      recorded.log(1, "one");
      const std::int64_t far = INT64_MAX / 2;
      const std::string path = recorded->trigger(far, false, "soon");
      recorded->save_triggered(false);
      check::that(!std::filesystem::exists(path));
      recorded->save_triggered(true);
      check::that(temp::sentences_of(path) == Texts{"one"});
      check::equal(recorded.n_saved(), 0u);  // a part of the buffer stays as it was
    }};

static const check::Test condition{
    "a condition saves the buffer within the drain, before later records take its place", [] {
      SaveTriggerOptions options;
      options.when = "text == 'two'";
      options.condition = (steps::name("text") == "two").bytes;
      Recorded recorded(options, 2);
      check::that(recorded->has_condition());
      for (const char* text : {"one", "two", "three", "four"}) recorded.log(1, text);
      recorded.drain();
      const std::vector<std::string> saved = list_files(recorded / "", ".csv");
      check::equal(saved.size(), 1u);
      check::that(temp::sentences_of(recorded / saved.at(0).c_str()) == Texts{"one", "two"});
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
