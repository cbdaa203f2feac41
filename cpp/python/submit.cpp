#include "python/submit.hpp"

#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#else
#include <pthread.h>
#endif

#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <string>

#include "core/codec.hpp"
#include "core/say.hpp"
#include "python/encode.hpp"
#include "python/text.hpp"
#include "writer/writer.hpp"

namespace attolog::python {

namespace {

std::uint64_t native_thread_id() {
#if defined(__linux__)
  return static_cast<std::uint64_t>(::syscall(SYS_gettid));
#else
  std::uint64_t id = 0;
  ::pthread_threadid_np(nullptr, &id);
  return id;
#endif
}

// The name that threading knows this thread by; asking must not make it one of Python's.
std::string thread_name() {
  std::string name;
  PyObject* modules = PyImport_GetModuleDict();
  PyObject* threading = PyDict_GetItemString(modules, "threading");  // borrowed
  if (threading == nullptr) return "MainThread";
  PyObject* active = PyObject_GetAttrString(threading, "_active");
  PyObject* ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
  if (active != nullptr && ident != nullptr && PyDict_Check(active)) {
    PyObject* thread = PyDict_GetItemWithError(active, ident);  // borrowed
    PyObject* text = thread == nullptr ? nullptr : PyObject_GetAttrString(thread, "name");
    if (text != nullptr && PyUnicode_Check(text)) name = to_wtf8(text);
    Py_XDECREF(text);
  }
  Py_XDECREF(active);
  Py_XDECREF(ident);
  PyErr_Clear();
  return name;
}

// Whether the records of a channel that is closed go on to another one.
bool is_switched(const Root& root, const Channel* channel) {
  return root.channel.load(std::memory_order_acquire) != channel && !root.is_closed;
}

// Gives this thread a ring, with the GIL released: it takes system calls, and a large one a
// millisecond for the memory's first zeroing. False: there is none, and the record is counted as
// dropped. As below, nothing in the way of the unwinding.
bool attach_thread(const Root& root, Channel* channel, const std::string& name) {
  channel->pin();
  PyThreadState* state = PyEval_SaveThread();
  bool has_ring = false;
  try {
    has_ring = channel->attach(native_thread_id(), name) != nullptr;
  } catch (const std::exception&) {  // no memory
  }
  PyEval_RestoreThread(state);
  const bool goes_on = has_ring || is_switched(root, channel);
  if (!goes_on) channel->drop(1);
  channel->unpin();
  return goes_on;
}

// Gives the thread a larger ring, with the GIL released. Nothing changes where there is no room.
void grow_ring(Channel* channel, Producer* producer, std::uint64_t size, Growth growth) {
  channel->pin();
  PyThreadState* state = PyEval_SaveThread();
  try {
    channel->grow(*producer, size, growth);
  } catch (const std::exception&) {  // no memory
  }
  PyEval_RestoreThread(state);
  channel->unpin();
}

enum class Waited { room, drop, lost, raised };

// Waits for `size` bytes with the GIL released. Nothing here or in the frames above may swallow or
// forbid the unwinding of the stack, nor may a lock be held: a daemon thread that comes back for
// the GIL while the interpreter ends is taken off by pthread_exit, or, from Python 3.14 on, hangs
// for good. A record that is lost is counted in here, where the channel is sure to live.
Waited wait_for_room(const Root& root, Channel* channel, Producer* producer, std::uint64_t size,
                     std::uint32_t site, std::string_view values) {
  using std::chrono::steady_clock;
  const double most = channel->options().block_timeout;
  const auto start = steady_clock::now();
  Waited result = Waited::room;
  channel->pin();
  while (!channel->has_room(*producer, size)) {
    const bool is_late =
        most >= 0 && std::chrono::duration<double>(steady_clock::now() - start).count() >= most;
    if (channel->is_failing() || channel->is_closed() || is_late) {
      result = Waited::drop;
      break;
    }
    const auto slice =
        std::chrono::milliseconds(most >= 0 && most < 0.05 ? static_cast<int>(most * 1000) : 50);
    PyThreadState* state = PyEval_SaveThread();
    channel->wait_for_room(slice);  // throws nothing
    PyEval_RestoreThread(state);
    if (PyErr_CheckSignals() != 0) {
      result = Waited::raised;
      break;
    }
  }
  if (result == Waited::drop && is_switched(root, channel)) result = Waited::room;
  if (result == Waited::drop && !channel->lose(site, values)) result = Waited::lost;
  if (result == Waited::raised) channel->drop(1);
  channel->unpin();
  return result;
}

// A channel that can be logged to, or null: the record is dropped (and counted).
Channel* usable_channel(Root& root) {
  Channel* channel = root.channel.load(std::memory_order_acquire);
  if (channel == nullptr || !channel->is_forked()) return channel;
  // The child of a fork: it gets a session of its own, in the same file.
  try {
    root.use(Writer::get().reopen(*channel));
  } catch (const std::exception& error) {
    say(std::string(error.what()) + "; the forked process " + std::to_string(::getpid()) +
        " does not log: its calls are counted as dropped");
    root.is_late_said.store(true, std::memory_order_relaxed);
    root.is_lost.store(true, std::memory_order_relaxed);
    root.take_down(true);
  }
  return root.channel.load(std::memory_order_acquire);
}

// Writes the record into room that is there.
void put_record(Producer& producer, const RecordHead& head, const std::int64_t* stamp,
                std::string_view values) {
  char* to = producer.place();
  std::memset(to + head.size - 8, 0, 8);  // padding; what is not, is overwritten
  RecordHead now = head;
  now.ticks = now_ticks();
  std::memcpy(to, &now, sizeof now);
  to += sizeof now;
  if (stamp != nullptr) {
    std::memcpy(to, stamp, sizeof *stamp);
    to += sizeof *stamp;
  }
  if (!values.empty()) std::memcpy(to, values.data(), values.size());
  producer.commit(head.size);
}

}  // namespace

Submitted submit(Root& root, std::uint32_t site, std::string_view values, const Root& caller) {
  char reference[16];
  const std::uint32_t plain_site = site;
  const std::string_view plain_values = values;
  const Channel* spilled_to = nullptr;
  std::optional<std::string> name;
  for (;;) {
    Channel* channel = usable_channel(root);
    if (channel != spilled_to) {  // switched while it waited: the spill file is another's
      site = plain_site;
      values = plain_values;
      spilled_to = nullptr;
    }
    if (channel == nullptr) {
      root.count_late();
      return Submitted::lost;
    }
    Producer* producer = channel->producer();
    if (producer == nullptr) {
      // Either may run other code, behind which the channel may be another.
      if (!name) {
        name = thread_name();
      } else if (!attach_thread(root, channel, *name)) {
        return Submitted::lost;
      }
      continue;
    }
    const Root& timed = caller.has_time.load(std::memory_order_acquire) ? caller : root;
    const bool has_stamp = timed.has_time.load(std::memory_order_acquire);
    const std::int64_t stamp = timed.time_ns.load(std::memory_order_relaxed);
    const std::uint64_t before = sizeof(RecordHead) + (has_stamp ? sizeof stamp : 0);
    const std::uint64_t size = (before + values.size() + 7) & ~std::uint64_t{7};
    if (const Growth growth = channel->growth_for(*producer, size); growth != Growth::none) {
      grow_ring(channel, producer, size, growth);
      continue;  // as above
    }
    if (spilled_to == nullptr && before + values.size() > (producer->mask + 1) / 4) {
      const auto number = channel->spill(values);
      if (!number)
        return channel->lose(plain_site, plain_values) ? Submitted::done : Submitted::lost;
      const std::uint64_t spilled = values.size();
      std::memcpy(reference, &*number, 8);
      std::memcpy(reference + 8, &spilled, 8);
      values = {reference, sizeof reference};
      site |= kSpilled;
      spilled_to = channel;
      continue;  // with the reference, for which there may have to be room
    }
    if (!channel->has_room(*producer, size)) {
      if (!channel->options().block || channel->is_failing())
        return channel->lose(plain_site, plain_values) ? Submitted::done : Submitted::lost;
      switch (wait_for_room(root, channel, producer, size, plain_site, plain_values)) {
        case Waited::room:
          continue;  // a signal handler may have logged, closed or forked meanwhile
        case Waited::drop: return Submitted::done;
        case Waited::lost: return Submitted::lost;
        case Waited::raised: return Submitted::raised;
      }
    }
    const RecordHead head{static_cast<std::uint32_t>(size), has_stamp ? site | kStamped : site, 0};
    put_record(*producer, head, has_stamp ? &stamp : nullptr, values);
    return Submitted::done;
  }
}

}  // namespace attolog::python
