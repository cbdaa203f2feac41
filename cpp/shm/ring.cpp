#include "shm/ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>

#include "core/cut.hpp"

namespace attolog {

RingChange::RingChange(RingHeader& header)
    : header_(header),
      before_(header.version.load(std::memory_order_relaxed)),
      is_outermost_(before_ % 2 == 0) {
  if (!is_outermost_) return;
  header_.version.store(before_ + 1, std::memory_order_relaxed);
  // release: who sees a part of the change sees the version changed too, when looking at it again;
  // pairs with the acquire fence in CircularBuffer::read_state.
  std::atomic_thread_fence(std::memory_order_release);
}

RingChange::~RingChange() {
  // release: pairs with the acquire in CircularBuffer::read_state, which then sees the whole
  // change.
  if (is_outermost_) header_.version.store(before_ + 2, std::memory_order_release);
}

Ring Ring::create(const std::string& path, std::size_t capacity,
                  const std::function<void(char* page)>& complete) {
  const std::size_t size = kPage + capacity;
  // It gets its name once it is a ring: a process may die here. Never in place of another.
  const std::string fresh = path + "-";
  if (!path.empty()) ::unlink(fresh.c_str());  // of one that died here
  Mapping mapping = path.empty()
                        ? Mapping::mirrored_memory(kPage, capacity)
                        : Mapping::mirrored(create_file(fresh, size).fd(), kPage, capacity, true);
  auto* header = new (mapping.data()) RingHeader{};
  header->capacity = capacity;
  if (complete) complete(mapping.data());
  // release: pairs with the acquire in open, which may run as soon as the file has a name.
  header->magic.store(RingHeader::kMagic, std::memory_order_release);
  Ring ring(std::move(mapping), capacity, path);  // before it has its name: nothing throws behind
  if (!path.empty()) {
    const int linked = ::link(fresh.c_str(), path.c_str());
    const int error = errno;
    ::unlink(fresh.c_str());
    errno = error;
    if (linked != 0) fail(path);
  }
  ring.populate(0, kFirst);
  return ring;
}

void Ring::populate(std::size_t from, std::size_t to) const {
#if defined(MADV_POPULATE_WRITE)
  const std::size_t size = kPage + capacity_;
  if (from < size)
    ::madvise(mapping_.data() + from, std::min(to, size) - from, MADV_POPULATE_WRITE);
#else
  (void)from, (void)to;
#endif
}

Ring Ring::open(const std::string& path, bool writable) {
  const File file = open_file(path, writable ? O_RDWR : O_RDONLY);
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) fail(path);
  const auto size = static_cast<std::size_t>(info.st_size);
  const std::size_t capacity = size > kPage ? size - kPage : 0;
  if (!S_ISREG(info.st_mode) || capacity == 0 || capacity % kPage != 0 || capacity > kMaxRing) {
    throw DamagedFile(path + ": not a ring (its size fits none)");
  }
  Mapping mapping = Mapping::mirrored(file.fd(), kPage, capacity, writable);
  const auto* header = reinterpret_cast<const RingHeader*>(mapping.data());
  // acquire: pairs with the release in create.
  if (header->magic.load(std::memory_order_acquire) != RingHeader::kMagic ||
      header->capacity != capacity) {
    throw DamagedFile(path + ": not a ring, or one that was never used");
  }
  return {std::move(mapping), capacity, path};
}

bool Ring::is_pending_over(std::uint64_t committed_batch) const {
  // acquire: pairs with the release in prepare; pending_tail and pending_thread belong to this
  // batch.
  const std::uint64_t batch = header().pending_batch.load(std::memory_order_acquire);
  return batch != 0 && batch <= committed_batch;
}

std::uint64_t Ring::tail(std::uint64_t committed_batch) const {
  return is_pending_over(committed_batch) ? header().pending_tail.load(std::memory_order_relaxed)
                                          : header().tail.load(std::memory_order_relaxed);
}

RingThread& Ring::thread(std::uint64_t committed_batch) const {
  const std::uint32_t slot = is_pending_over(committed_batch)
                                 ? header().pending_thread.load(std::memory_order_relaxed)
                                 : header().thread.load(std::memory_order_relaxed);
  return header().threads[slot % 2];
}

std::uint64_t Ring::head(std::uint64_t committed_batch) const {
  const RingHeader& h = header();
  // acquire: pairs with prepare_head; pending_head belongs to this batch.
  const std::uint64_t batch = h.head_batch.load(std::memory_order_acquire);
  if (batch != 0 && batch <= committed_batch) {
    return h.pending_head.load(std::memory_order_relaxed);
  }
  // acquire: pairs with the producer's commit.
  return h.head.load(std::memory_order_acquire);
}

void Ring::prepare(std::uint64_t batch, std::uint64_t tail, const Thread& thread) const {
  RingHeader& h = header();
  const RingChange change(h);
  h.pending_batch.store(0, std::memory_order_relaxed);  // a kill in here leaves nothing pending
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::uint32_t slot = h.thread.load(std::memory_order_relaxed) % 2;
  const std::string_view name = cut_text(thread.name, RingThread::kName - 1);
  const RingThread& now = h.threads[slot];
  if (now.id != thread.id ||
      name != std::string_view(now.name, ::strnlen(now.name, sizeof now.name))) {
    slot = 1 - slot;
    RingThread& next = h.threads[slot];
    next.id = thread.id;
    std::memcpy(next.name, name.data(), name.size());
    std::memset(next.name + name.size(), 0, RingThread::kName - name.size());
  }
  h.pending_tail.store(tail, std::memory_order_relaxed);
  h.pending_thread.store(slot, std::memory_order_relaxed);
  // release: pairs with the acquire in is_pending_over.
  h.pending_batch.store(batch, std::memory_order_release);
}

void Ring::release(std::uint64_t committed_batch) const {
  if (!is_pending_over(committed_batch)) return;
  RingHeader& h = header();
  const RingChange change(h);
  h.thread.store(h.pending_thread.load(std::memory_order_relaxed) % 2, std::memory_order_relaxed);
  // release: pairs with the producer's acquire; our reads of the freed bytes are over.
  h.tail.store(h.pending_tail.load(std::memory_order_relaxed), std::memory_order_release);
}

void Ring::settle(std::uint64_t committed_batch) const {
  RingHeader& h = header();
  // The last consumer may have died in a change.
  const std::uint64_t version = h.version.load(std::memory_order_relaxed);
  h.version.store(version + version % 2, std::memory_order_relaxed);
  release(committed_batch);
  abandon();
  publish(committed_batch);
  abandon_head();
}

void Ring::discard(std::uint64_t tail, const Thread& thread) const {
  // A batch that was committed long ago: the note is the truth as soon as it stands.
  prepare(1, tail, thread);
  release(1);
}

void Ring::prepare_head(std::uint64_t batch, std::uint64_t head) const {
  RingHeader& h = header();
  const RingChange change(h);
  h.head_batch.store(0, std::memory_order_relaxed);  // a kill in here leaves nothing pending
  std::atomic_signal_fence(std::memory_order_seq_cst);
  h.pending_head.store(head, std::memory_order_relaxed);
  // release: pairs with the acquire in head.
  h.head_batch.store(batch, std::memory_order_release);
}

bool Ring::publish(std::uint64_t committed_batch) const {
  RingHeader& h = header();
  const std::uint64_t batch = h.head_batch.load(std::memory_order_relaxed);
  if (batch == 0 || batch > committed_batch) return false;
  const RingChange change(h);
  // release: the records below it are complete; pairs with the acquire in head.
  h.head.store(h.pending_head.load(std::memory_order_relaxed), std::memory_order_release);
  abandon_head();
  return true;
}

}  // namespace attolog
