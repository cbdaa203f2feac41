#include "writer/ring_pool.hpp"

#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"
#include "core/folder.hpp"
#include "program.hpp"
#include "temp.hpp"
#include "writer/thread_rings.hpp"

using namespace attolog;

namespace {

constexpr std::size_t kSmall = std::size_t{16} << 10;
constexpr std::size_t kFull = std::size_t{1} << 20;

// A pool and its session, with neither a drain nor a writer: nothing frees a ring but the test.
class Pool {
 public:
  explicit Pool(bool is_child = false)
      : session_(Session::create(folder(), program::target_of(root_ / "run.csv"))) {
    static std::uint64_t next = 1;
    RingPool::Options options;
    options.channel = id_ = next++;
    options.ring_bytes = kFull;
    options.is_child = is_child;
    options.has_mirror = true;
    options.log_path = root_ / "run.csv";
    options.on_half_full = [this] { ++n_asked_; };
    pool_ = std::make_shared<RingPool>(*session_, std::move(options));
  }
  RingPool& operator*() const { return *pool_; }
  RingPool* operator->() const { return pool_.get(); }
  std::uint64_t id() const { return id_; }
  // How often a drain was asked for.
  int n_asked() const { return n_asked_; }
  std::size_t n_files() const { return list_files(folder(), kRingSuffix).size(); }
  std::weak_ptr<RingPool> give_up() { return std::exchange(pool_, nullptr); }

 private:
  std::string folder() const {
    std::filesystem::create_directory(root_ / "folder");
    return root_ / "folder";
  }

  temp::Folder root_;
  std::unique_ptr<Session> session_;
  std::uint64_t id_ = 0;
  int n_asked_ = 0;
  std::shared_ptr<RingPool> pool_;
};

void in_thread(const std::function<void()>& action) {
  std::thread(action).join();
}

std::size_t capacity(const Producer& producer) {
  return producer.mask + 1;
}

// A sentence of `size` bytes; false where the ring has no room for it.
bool put(RingPool& pool, Producer& producer, std::size_t size) {
  Buffer values;
  encode_str(values, std::string(size, 'x'));
  Buffer record;
  encode_record(record, kTextSite, now_ticks(), values.view());
  if (!pool.has_room(producer, record.size())) return false;
  std::memcpy(producer.place(), record.data(), record.size());
  producer.commit(record.size());
  return true;
}

// As if all that the thread has put were in the file.
void free_all(Producer& producer) {
  producer.header->tail.store(producer.head, std::memory_order_release);
}

std::vector<const Ring*> new_rings(RingPool& pool, RingPool::Reader reader) {
  std::vector<const Ring*> rings;
  pool.hand_over_new(reader, [&](const Ring& ring) { rings.push_back(&ring); });
  return rings;
}

// Hands all rings to both of those who read them.
void hand_all(RingPool& pool) {
  new_rings(pool, RingPool::Reader::drain);
  new_rings(pool, RingPool::Reader::mirror);
}

// Twice: at the first time a ring may have been left just now.
int remove_idle(RingPool& pool, bool is_agreed = true) {
  int n_removed = 0;
  for (int round = 0; round < 2; ++round) {
    pool.remove_idle([&](const Ring&) {
      n_removed += is_agreed ? 1 : 0;
      return is_agreed;
    });
  }
  return n_removed;
}

}  // namespace

static const check::Test first_ring{
    "the first ring is a full one, in a forked child a small one", [] {
      for (const bool is_child : {false, true}) {
        const Pool pool(is_child);
        pool->add_first();
        check::equal(pool.n_files(), 1u);
        check::equal(capacity(*pool->attach(1, "one")), is_child ? kSmall : kFull);
        check::equal(pool.n_files(), 1u);
      }
    }};

static const check::Test ensured{"a first ring is made only where there is none", [] {
                                   const Pool pool;
                                   pool->ensure_first();
                                   pool->ensure_first();
                                   check::equal(pool.n_files(), 1u);
                                 }};

static const check::Test one_each{
    "a thread keeps its ring, and threads that live at once have one each", [] {
      const Pool pool;
      Producer* const mine = pool->attach(1, "one");
      check::that(pool->attach(1, "one") == mine);
      check::that(t_rings.slots[pool.id() % ThreadRings::kSlots].producer == mine);
      in_thread([&] { check::that(pool->attach(2, "two") != mine); });
      check::equal(pool.n_files(), 2u);
    }};

static const check::Test several{
    "a thread finds its rings again in more pools than it has slots for", [] {
      const Pool pools[2 * ThreadRings::kSlots];
      std::vector<Producer*> rings;
      for (const Pool& pool : pools) rings.push_back(pool->attach(1, "one"));
      for (std::size_t i = 0; i < rings.size(); ++i) {
        check::that(pools[i]->attach(1, "one") == rings[i]);
        check::equal(pools[i].n_files(), 1u);
      }
    }};

static const check::Test handed_on{
    "the ring of a thread that ended goes to the next, which announces itself", [] {
      const Pool pool;
      Producer* first = nullptr;
      in_thread([&] { first = pool->attach(1, "one"); });
      const std::uint64_t head = first->head;
      in_thread([&] {
        check::that(pool->attach(2, "two") == first);
        check::that(first->head > head);
      });
      check::equal(pool.n_files(), 1u);
    }};

static const check::Test full{"a full ring is not handed on before it is drained", [] {
                                const Pool pool;
                                Producer* first = nullptr;
                                in_thread([&] {
                                  first = pool->attach(1, "one");
                                  while (put(*pool, *first, 100)) continue;
                                });
                                in_thread([&] { check::that(pool->attach(2, "two") != first); });
                                free_all(*first);
                                in_thread([&] { pool->attach(3, "three"); });
                                check::equal(pool.n_files(), 2u);
                              }};

static const check::Test after_pool{"a thread may end after the pool of its ring", [] {
                                      Pool pool;
                                      std::weak_ptr<RingPool> left;
                                      in_thread([&] {
                                        pool->attach(1, "one");
                                        left = pool.give_up();
                                        check::that(left.expired());
                                      });
                                      check::that(left.expired());
                                    }};

static const check::Test asks{
    "a ring asks to be drained once it is half full, and again with each eighth", [] {
      const Pool pool;
      Producer& ring = *pool->attach(1, "one");
      check::equal(ring.limit, kSmall / 2);
      while (ring.head < kSmall / 2) check::that(put(*pool, ring, 100));
      check::equal(pool.n_asked(), 0);
      check::that(pool->has_room(ring, 100));
      check::equal(pool.n_asked(), 1);
      check::equal(ring.limit, ring.head + kSmall / 8);
      while (put(*pool, ring, 100)) continue;
      check::equal(ring.limit, kSmall);
    }};

static const check::Test grows{
    "a thread goes on in a larger ring, and its old one goes to the next thread", [] {
      const Pool pool;
      Producer* const small = pool->attach(1, "one");
      check::that(pool->growth_for(*small, 100) == Growth::none);
      while (small->head <= kSmall / 2) check::that(put(*pool, *small, 100));
      check::that(pool->growth_for(*small, 100) == Growth::early);
      check::that(pool->growth_for(*small, kSmall) == Growth::needed);
      pool->grow(*small, 100, Growth::early);
      Producer* const large = pool->attach(1, "one");
      check::equal(capacity(*large), kSmall * 16);
      free_all(*small);
      in_thread([&] { check::that(pool->attach(2, "two") == small); });
    }};

static const check::Test handed_over{
    "each reader is handed every ring once, also where it had no memory the first time", [] {
      const Pool pool;
      in_thread([&] { pool->attach(1, "one"); });
      const auto refuse = [](const Ring&) { throw std::bad_alloc(); };
      bool is_refused = false;
      try {
        pool->hand_over_new(RingPool::Reader::drain, refuse);
      } catch (const std::bad_alloc&) {
        is_refused = true;
      }
      check::that(is_refused);
      const auto rings = new_rings(*pool, RingPool::Reader::drain);
      check::equal(rings.size(), 1u);
      check::that(new_rings(*pool, RingPool::Reader::drain).empty());
      check::that(new_rings(*pool, RingPool::Reader::mirror) == rings);
    }};

static const check::Test given_back{"a drained ring that no thread has is removed, with its file",
                                    [] {
                                      const Pool pool;
                                      Producer* ring = nullptr;
                                      in_thread([&] { ring = pool->attach(1, "one"); });
                                      check::equal(remove_idle(*pool), 0);  // not handed over yet
                                      hand_all(*pool);
                                      check::equal(remove_idle(*pool), 0);  // has an announcement
                                      free_all(*ring);
                                      check::equal(remove_idle(*pool, false), 0);
                                      check::equal(pool.n_files(), 1u);
                                      check::equal(remove_idle(*pool), 1);
                                      check::equal(pool.n_files(), 0u);
                                    }};

static const check::Test stays{
    "a ring stays while it waits for its first thread, and while a thread has it", [] {
      const Pool pool;
      pool->add_first();
      hand_all(*pool);
      check::equal(remove_idle(*pool), 0);
      free_all(*pool->attach(1, "one"));
      check::equal(remove_idle(*pool), 0);
      check::equal(pool.n_files(), 1u);
    }};

static const check::Test drained{
    "records count as waiting until they are drained; announcements are not waited for", [] {
      const Pool pool;
      Producer& ring = *pool->attach(1, "one");
      check::equal(pool->waiting(), 0u);
      check::that(pool->is_drained_to(pool->heads()));
      put(*pool, ring, 10);
      put(*pool, ring, 10);
      const auto heads = pool->heads();
      check::equal(pool->waiting(), 2u);
      check::that(!pool->is_drained_to(heads));
      free_all(ring);
      put(*pool, ring, 10);
      check::that(pool->is_drained_to(heads));
      check::equal(pool->waiting(), 1u);
    }};

static const check::Test unshown{"a record is unshown until the mirror has read it", [] {
                                   const Pool pool;
                                   Producer& ring = *pool->attach(1, "one");
                                   RingMerge::Source source{};
                                   source.ring = new_rings(*pool, RingPool::Reader::mirror).at(0);
                                   check::that(pool->has_unmirrored());
                                   source.committed = ring.head;
                                   pool->note_mirrored({source});
                                   check::that(!pool->has_unmirrored());
                                   put(*pool, ring, 10);
                                   check::that(pool->has_unmirrored());
                                 }};

static const check::Test sealed{
    "once it is sealed no thread gets a ring; what waits, or is in use, forbids it", [] {
      const Pool pool;
      Producer& ring = *pool->attach(1, "one");
      put(*pool, ring, 10);
      check::that(!pool->seal_if_drained());
      check::that(!pool->seal_if_unused(0));
      in_thread([&] { check::that(pool->attach(2, "two") != nullptr); });
      free_all(ring);
      check::that(pool->seal_if_drained());
      in_thread([&] { check::that(pool->attach(3, "three") == nullptr); });
      pool->grow(ring, 100, Growth::needed);
      check::that(pool->attach(1, "one") == &ring);
    }};

static const check::Test stopped{
    "where all threads with rings have stopped the pool is sealed, whatever waits", [] {
      const Pool pool;
      put(*pool, *pool->attach(1, "one"), 10);
      in_thread([&] { pool->attach(2, "two"); });
      check::that(pool->seal_if_unused(1));
      in_thread([&] { check::that(pool->attach(3, "three") == nullptr); });
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
