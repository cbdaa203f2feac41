#include "writer/console_mirror.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "check.hpp"
#include "core/codec.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "streams.hpp"
#include "temp.hpp"

using namespace attolog;
using streams::Pipe;

namespace {

// A channel's rings with a mirror and no drain. What is shown comes out of two pipes.
class Mirrored {
 public:
  Mirrored()
      : session_((std::filesystem::create_directory(root_ / "folder"),
                  Session::create(root_ / "folder", program::target_of(root_ / "run.csv")))) {
    static std::uint64_t next = 1;
    RingPool::Options options;
    options.channel = next++;
    options.ring_bytes = kMinRing;
    options.has_mirror = true;
    options.log_path = root_ / "run.csv";
    options.on_half_full = [] {};
    rings_ = std::make_shared<RingPool>(*session_, std::move(options));
    mirror_ = std::make_unique<ConsoleMirror>(
        *session_, *rings_, ConsoleWriter::Streams{out_.writer(), error_.writer()});
  }
  ConsoleMirror* operator->() const { return mirror_.get(); }
  RingPool& rings() const { return *rings_; }
  std::size_t n_files() const { return list_files(root_ / "folder", kRingSuffix).size(); }
  const Pipe& out() const { return out_; }
  Pipe& out() { return out_; }

  // A sentence of the calling thread.
  Producer& log(const std::string& text) const {
    Producer& ring = *rings_->attach(1, "thread");
    Buffer record;
    encode_record(record, kTextSite, now_ticks(), values_of(text).view());
    check::that(rings_->has_room(ring, record.size()));
    std::memcpy(ring.place(), record.data(), record.size());
    ring.commit(record.size());
    return ring;
  }
  static Buffer values_of(const std::string& text) {
    Buffer values;
    encode_str(values, text);
    return values;
  }
  // Waits for the screen's thread.
  std::string read_all(std::size_t size) const {
    const std::string text = out_.read(size);
    check::that(mirror_->wait(mirror_->position(std::nullopt), streams::patience()));
    return text;
  }

 private:
  temp::Folder root_;
  Pipe out_;
  Pipe error_;
  std::unique_ptr<Session> session_;
  std::shared_ptr<RingPool> rings_;
  std::unique_ptr<ConsoleMirror> mirror_;
};

}  // namespace

static const check::Test shown{"records of all threads are shown once, in order of time", [] {
                                 const Mirrored mirrored;
                                 mirrored.log("one");
                                 std::thread([&] { mirrored.log("two"); }).join();
                                 mirrored.log("three");
                                 check::that(mirrored->show(now_ticks()));
                                 check::that(!mirrored->show(now_ticks()));
                                 check::equal(mirrored.read_all(14), "one\ntwo\nthree\n");
                               }};

static const check::Test later{"a record that is stamped later is shown by a later call", [] {
                                 const Mirrored mirrored;
                                 const Ticks before = now_ticks();
                                 mirrored.log("one");
                                 check::that(!mirrored->show(before - 1));
                                 check::that(!mirrored->try_show(std::nullopt));
                                 check::that(mirrored.rings().has_unmirrored());
                                 check::that(mirrored->try_show(now_ticks()));
                                 check::that(!mirrored.rings().has_unmirrored());
                                 check::equal(mirrored.read_all(4), "one\n");
                               }};

static const check::Test dropped{
    "a record without a ring is shown behind those that have one", [] {
      const Mirrored mirrored;
      mirrored.log("one");
      check::that(mirrored->show_dropped(kTextSite, Mirrored::values_of("two").view()));
      check::equal(mirrored.read_all(8), "one\ntwo\n");
    }};

static const check::Test now{"show_now has written all that there is, as long as somebody reads",
                             [] {
                               const Mirrored mirrored;
                               mirrored.log("one");
                               const std::uint64_t position = mirrored->mirror_now(now_ticks());
                               check::that(mirrored->wait(position, streams::patience()));
                               check::equal(mirrored->progress(), position);
                               check::that(!mirrored->is_behind());
                               check::equal(mirrored.out().read(4), "one\n");
                             }};

static const check::Test failed{
    "the error of a stream that nobody reads is kept, until it is forgotten", [] {
      Mirrored mirrored;
      mirrored.out().close_reader();
      mirrored.log("one");
      const std::uint64_t position = mirrored->position(now_ticks());
      check::that(mirrored->wait(position, streams::patience()));
      check::equal(mirrored->error(1), EPIPE);
      check::equal(mirrored->error(2), 0);
      mirrored->forget_error(1);
      check::equal(mirrored->error(1), 0);
    }};

static const check::Test given_back{
    "a ring is given back with the mirror's knowledge of it, and others go on being shown", [] {
      const Mirrored mirrored;
      std::thread([&] {
        Producer& ring = mirrored.log("one");
        mirrored->show(now_ticks());
        ring.header->tail.store(ring.head, std::memory_order_release);
      }).join();
      mirrored.rings().hand_over_new(RingPool::Reader::drain, [](const Ring&) {});
      mirrored->remove_idle_rings([](const Ring&) { return true; });
      mirrored->remove_idle_rings([](const Ring&) { return true; });
      check::equal(mirrored.n_files(), 0u);
      mirrored.log("two");
      mirrored->show(now_ticks());
      check::equal(mirrored.read_all(8), "one\ntwo\n");
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
