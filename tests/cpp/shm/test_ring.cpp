#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "check.hpp"
#include "shm/ring.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

constexpr std::size_t kCapacity = kMinRing;
const Thread kFirst{1, "first"};
const Thread kSecond{2, "second"};

std::string owner(const Ring& ring, std::uint64_t committed) {
  const RingThread& thread = ring.thread(committed);
  return std::to_string(thread.id) + " " + thread.name;
}

// The compiler takes two addresses for two places, and in a ring they can be one.
void put(char* to, std::string_view bytes) {
  std::memcpy(to, bytes.data(), bytes.size());
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The ring after a kill: nothing but its file.
Ring reopened(const Ring& ring) {
  return Ring::open(ring.path(), true);
}

}  // namespace

static const check::Test mirror{
    "a record across the wrap is contiguous, for its writer and for whoever opens the file", [] {
      const temp::Folder folder;
      const Ring ring = Ring::create(folder / "a.ring", kCapacity);
      const std::string record = "0123456789abcdef";
      put(ring.data() + kCapacity - 6, record);
      check::equal(std::string(ring.data(), 10), "6789abcdef");
      const Ring other = reopened(ring);
      check::equal(std::string(other.data() + kCapacity - 6, record.size()), record);
      check::equal(other.capacity(), kCapacity);
      put(other.data(), "XY");
      check::equal(std::string(ring.data() + kCapacity, 2), "XY");
    }};

static const check::Test nameless{"a ring without a name works all the same, and leaves no file",
                                  [] {
                                    const Ring ring = Ring::create("", kCapacity);
                                    put(ring.data() + kCapacity - 1, "ab");
                                    check::equal(*ring.data(), 'b');
                                    check::equal(ring.path(), "");
                                  }};

static const check::Test no_overwriting{
    "a ring is not made over a file that is there", [] {
      const temp::Folder folder;
      temp::write_file(folder / "a.ring", "mine");
      const auto attempt = [&] { Ring::create(folder / "a.ring", kCapacity); };
      check::that(temp::error_of(attempt).starts_with(folder / "a.ring"));
      check::equal(temp::read_file(folder / "a.ring"), "mine");
    }};

static const check::Test hostile{
    "a file that is no ring is refused by name, never touched beyond its end", [] {
      const temp::Folder folder;
      const std::string path = folder / "a.ring";
      const auto open = [&] { Ring::open(path, true); };
      for (const std::size_t size : {std::size_t{0}, kPage - 1, kPage, kPage + 1, kPage + 3 * kPage,
                                     kPage + kCapacity - 1, kPage + kCapacity}) {
        temp::write_file(path, std::string(size, '\0'));
        check::that(temp::error_of(open).starts_with(path + ": not a ring"));
      }
      std::filesystem::remove(path);
      {
        const Ring ring = Ring::create(path, kCapacity);
      }
      check::equal(temp::error_of(open), "");
      std::filesystem::resize_file(path, kPage + kCapacity / 2);
      check::that(temp::error_of(open).starts_with(path + ": not a ring"));
      std::filesystem::remove(path);
      check::that(!temp::error_of(open).empty());
      std::filesystem::create_symlink(folder / "elsewhere", path);
      check::that(!temp::error_of(open).empty());
    }};

static const check::Test exactly_once{
    "wherever the consumer is killed, the committed batch alone says where reading goes on", [] {
      const temp::Folder folder;
      const Ring ring = Ring::create(folder / "a.ring", kCapacity);
      check::equal(ring.tail(0), 0u);

      ring.prepare(1, 64, kFirst);
      // Killed before the commit of batch 1.
      check::equal(reopened(ring).tail(0), 0u);
      // Killed behind it.
      check::equal(reopened(ring).tail(1), 64u);
      check::equal(owner(reopened(ring), 1), "1 first");
      check::equal(ring.header().tail.load(), 0u);  // but space is not yet free

      ring.release(1);
      check::equal(ring.header().tail.load(), 64u);
      // Killed between the release and the next announcement.
      check::equal(reopened(ring).tail(1), 64u);

      ring.prepare(2, 128, kSecond);
      check::equal(reopened(ring).tail(1), 64u);
      check::equal(owner(reopened(ring), 1), "1 first");
      check::equal(reopened(ring).tail(2), 128u);
      check::equal(owner(reopened(ring), 2), "2 second");
    }};

static const check::Test release_waits{"space is not freed before the batch is committed", [] {
                                         const Ring ring = Ring::create("", kCapacity);
                                         ring.prepare(5, 64, kFirst);
                                         ring.release(4);
                                         check::equal(ring.header().tail.load(), 0u);
                                         check::equal(ring.tail(4), 0u);
                                       }};

static const check::Test abandoned{
    "an announcement that was taken back is not committed by a later batch", [] {
      const Ring ring = Ring::create("", kCapacity);
      ring.prepare(1, 64, kFirst);
      ring.abandon();
      check::equal(ring.tail(9), 0u);
      ring.release(9);
      check::equal(ring.header().tail.load(), 0u);
    }};

static const check::Test settled{
    "a new consumer ends what the last one announced, one way or the other", [] {
      for (const std::uint64_t committed : {std::uint64_t{6}, std::uint64_t{7}}) {
        const Ring ring = Ring::create("", kCapacity);
        ring.prepare(7, 64, kFirst);
        ring.settle(committed);
        const std::uint64_t expected = committed == 7 ? 64 : 0;
        check::equal(ring.header().tail.load(), expected);
        // The new consumer counts its own batches on: 7 may be another one of its.
        check::equal(ring.tail(100), expected);
      }
    }};

static const check::Test exactly_once_ahead{
    "records that a batch brings are seen with its commit, wherever their producer is killed", [] {
      const temp::Folder folder;
      const Ring ring = Ring::create(folder / "a.ring", kCapacity);
      ring.prepare_head(3, 64);
      check::equal(reopened(ring).head(2), 0u);
      check::equal(reopened(ring).head(3), 64u);
      check::that(!ring.publish(2));
      check::equal(ring.header().head.load(), 0u);
      check::that(ring.publish(3));
      check::equal(ring.header().head.load(), 64u);
      check::that(!ring.publish(3));

      ring.prepare_head(4, 128);
      ring.abandon_head();
      check::equal(ring.head(9), 64u);
      ring.prepare_head(5, 128);
      ring.settle(4);
      check::equal(ring.head(9), 64u);
      ring.prepare_head(6, 128);
      ring.settle(6);
      check::equal(ring.header().head.load(), 128u);
      check::equal(ring.head(0), 128u);
    }};

static const check::Test discarded{"what is discarded is gone at once, and its thread with it", [] {
                                     const Ring ring = Ring::create("", kCapacity);
                                     ring.discard(64, kFirst);
                                     check::equal(ring.header().tail.load(), 64u);
                                     check::equal(owner(ring, 0), "1 first");
                                     ring.discard(128, kSecond);
                                     check::equal(ring.tail(7), 128u);
                                     check::equal(owner(ring, 7), "2 second");
                                   }};

static const check::Test whole_pages{"a ring of any number of pages wraps like any other", [] {
                                       const temp::Folder folder;
                                       const Ring ring = Ring::create(folder / "a.ring", 3 * kPage);
                                       put(ring.data() + 3 * kPage - 2, "abcd");
                                       check::equal(std::string(reopened(ring).data(), 2), "cd");
                                       check::equal(reopened(ring).capacity(), 3 * kPage);
                                     }};

static const check::Test long_names{"a thread's name is cut to what there is room for", [] {
                                      const Ring ring = Ring::create("", kCapacity);
                                      ring.prepare(1, 64, Thread{3, std::string(500, 'n')});
                                      check::equal(std::string(ring.thread(1).name),
                                                   std::string(RingThread::kName - 1, 'n'));
                                      ring.release(1);
                                      ring.prepare(2, 128, Thread{3, "n"});
                                      check::equal(std::string(ring.thread(2).name), "n");
                                      std::string wide;
                                      for (int i = 0; i < 50; ++i) wide += "\U0001f40d";
                                      ring.release(2);
                                      ring.prepare(3, 192, Thread{3, wide});
                                      check::equal(std::string(ring.thread(3).name),
                                                   wide.substr(0, (RingThread::kName - 1) / 4 * 4));
                                    }};

static const check::Test whole{
    "a file has its name once it is a ring with all that belongs to it, also after a kill before",
    [] {
      const temp::Folder folder;
      const std::string path = folder / "a.ring";
      for (int i = 0; i < 2; ++i) {
        temp::in_child([&] { Ring::create(path, kCapacity, [](char*) { ::_exit(0); }); });
        check::that(!std::filesystem::exists(path));
      }
      const Ring ring = Ring::create(path, kCapacity, [&](char* page) {
        check::that(!std::filesystem::exists(path));
        put(page + 2048, "more");
      });
      const Ring again = reopened(ring);
      check::equal(std::string(reinterpret_cast<const char*>(&again.header()) + 2048), "more");
      check::that(!std::filesystem::exists(path + "-"));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
