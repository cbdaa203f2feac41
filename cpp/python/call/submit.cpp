#include "python/call/submit.hpp"

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
#include "core/report.hpp"
#include "python/values/text.hpp"
#include "writer/writer_thread.hpp"

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
bool is_switched(const LoggerCore& core, const Channel* channel) {
  return core.channel() != channel && !core.is_closed();
}

// Gives this thread a ring, with the GIL released: it takes system calls, and a large one a
// millisecond for the memory's first zeroing. False: there is none, and the record is counted as
// dropped. As below, nothing in the way of the unwinding.
bool attach_thread(const LoggerCore& core, Channel* channel, const std::string& name) {
  channel->pin();
  PyThreadState* state = PyEval_SaveThread();
  bool has_ring = false;
  try {
    has_ring = channel->attach(native_thread_id(), name) != nullptr;
  } catch (const std::exception&) {  // no memory
  }
  PyEval_RestoreThread(state);
  const bool goes_on = has_ring || is_switched(core, channel);
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

enum class WaitResult { room, drop, lost, raised };

// Waits for `size` bytes with the GIL released. A daemon thread may come back for the GIL while the
// interpreter ends. It is taken off by pthread_exit then or, from Python 3.14 on, hangs until the
// process ends. So nothing here or in the frames above swallows or forbids the unwinding of the
// stack, or holds a lock. A record that is lost is counted in here, where the channel is sure to
// live.
WaitResult wait_for_room(const LoggerCore& core, Channel* channel, Producer* producer,
                         std::uint64_t size, std::uint32_t site, std::string_view values) {
  using std::chrono::steady_clock;
  const double most = channel->options().block_timeout;
  const auto start = steady_clock::now();
  WaitResult result = WaitResult::room;
  channel->pin();
  while (!channel->has_room(*producer, size)) {
    const bool is_late =
        most >= 0 && std::chrono::duration<double>(steady_clock::now() - start).count() >= most;
    if (channel->is_failing() || channel->is_closed() || is_late) {
      result = WaitResult::drop;
      break;
    }
    const auto slice =
        std::chrono::milliseconds(most >= 0 && most < 0.05 ? static_cast<int>(most * 1000) : 50);
    PyThreadState* state = PyEval_SaveThread();
    channel->wait_for_room(slice);  // throws nothing
    PyEval_RestoreThread(state);
    if (PyErr_CheckSignals() != 0) {
      result = WaitResult::raised;
      break;
    }
  }
  if (result == WaitResult::drop && is_switched(core, channel)) result = WaitResult::room;
  if (result == WaitResult::drop && !channel->drop_and_mirror(site, values))
    result = WaitResult::lost;
  if (result == WaitResult::raised) channel->drop(1);
  channel->unpin();
  return result;
}

// A channel that can be logged to, or null: the record is dropped (and counted).
Channel* usable_channel(LoggerCore& core) {
  Channel* channel = core.channel();
  if (channel == nullptr || !channel->is_forked()) return channel;
  // The child of a fork: it gets a session of its own, in this file.
  try {
    core.attach_channel(WriterThread::get().reopen(*channel));
  } catch (const std::exception& error) {
    report(std::string(error.what()) + "; the forked process " + std::to_string(::getpid()) +
           " does not log: its calls are counted as dropped");
    core.lose_channel();
  }
  return core.channel();
}

// Writes the record into room that is there.
void write_record(Producer& producer, const RecordHead& head, const std::int64_t* stamp,
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

SubmitResult submit(LoggerCore& core, std::uint32_t site, std::string_view values,
                    const LoggerCore& caller) {
  char reference[16];
  const std::uint32_t plain_site = site;
  const std::string_view plain_values = values;
  const Channel* spilled_to = nullptr;
  std::optional<std::string> name;
  for (;;) {
    Channel* channel = usable_channel(core);
    if (channel != spilled_to) {  // switched while it waited: the spill file is another's
      site = plain_site;
      values = plain_values;
      spilled_to = nullptr;
    }
    if (channel == nullptr) {
      core.count_late();
      return SubmitResult::lost;
    }
    Producer* producer = channel->producer();
    if (producer == nullptr) {
      // Either may run other code, behind which the channel may be another.
      if (!name) {
        name = thread_name();
      } else if (!attach_thread(core, channel, *name)) {
        return SubmitResult::lost;
      }
      continue;
    }
    const auto stamp = (caller.time() ? caller : core).time();
    const std::uint64_t before = sizeof(RecordHead) + (stamp ? sizeof *stamp : 0);
    const std::uint64_t size = (before + values.size() + 7) & ~std::uint64_t{7};
    if (const Growth growth = channel->growth_for(*producer, size); growth != Growth::none) {
      grow_ring(channel, producer, size, growth);
      continue;  // it may run other code, behind which the channel may be another
    }
    if (spilled_to == nullptr && before + values.size() > (producer->mask + 1) / 4) {
      const auto number = channel->spill(values);
      if (!number)
        return channel->drop_and_mirror(plain_site, plain_values) ? SubmitResult::done
                                                                  : SubmitResult::lost;
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
        return channel->drop_and_mirror(plain_site, plain_values) ? SubmitResult::done
                                                                  : SubmitResult::lost;
      switch (wait_for_room(core, channel, producer, size, plain_site, plain_values)) {
        case WaitResult::room:
          continue;  // a signal handler may have logged, closed or forked meanwhile
        case WaitResult::drop: return SubmitResult::done;
        case WaitResult::lost: return SubmitResult::lost;
        case WaitResult::raised: return SubmitResult::raised;
      }
    }
    const RecordHead head{static_cast<std::uint32_t>(size), stamp ? site | kStamped : site, 0};
    write_record(*producer, head, stamp ? &*stamp : nullptr, values);
    return SubmitResult::done;
  }
}

}  // namespace attolog::python
