#include "python/screen_order.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "python/helpers.hpp"
#include "python/values/text.hpp"
#include "python/waiting.hpp"
#include "writer/channel.hpp"

namespace attolog::python {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{1};

// The position of the screen that this thread has waited for.
struct WaitState {
  std::uint64_t channel = 0;
  std::uint64_t head = 0;      // of its ring
  std::uint64_t progress = 0;  // of the screen that did not move
  bool is_stuck = false;
};
thread_local WaitState t_waited_for;

Helper kDrainAtEnd{"attolog._native.exit_hooks", "drain_at_end"};

// Whether the program was ended by Ctrl-C: then the screen has a second.
bool is_hurried() {
  PyObject* kind = PySys_GetObject("last_type");  // borrowed
  return kind != nullptr && PyType_Check(kind) != 0 &&
         PyObject_IsSubclass(kind, PyExc_KeyboardInterrupt) == 1;
}

// False with an exception set: interrupted.
bool wait_for_channel(Channel& channel, const Deadline& deadline) {
  WaitState& waited = t_waited_for;
  const Producer* const own = channel.producer();
  const std::uint64_t head = own == nullptr ? 0 : own->head;
  const bool is_known = waited.channel == channel.id;
  const bool is_own = own != nullptr && (!is_known || waited.head != head);
  std::uint64_t progress = channel.console_progress();
  if (!is_own && is_known && waited.is_stuck && waited.progress == progress) return true;
  std::optional<std::uint64_t> position;
  auto moved = steady_clock::now();
  bool is_done = true;
  bool is_stuck = false;
  const auto wait = [&](SteadyTime end, bool& is_over) {
    if (!position) position = channel.mirror_now();
    if (channel.wait_for_console(*position, end)) return true;
    const auto now = steady_clock::now();
    if (channel.console_progress() != progress) moved = now;
    progress = channel.console_progress();
    is_stuck = now - moved >= kPatience;
    is_over = is_over || (is_stuck && !is_own);
    return false;
  };
  if (!wait_in_slices(channel, deadline, is_done, wait)) return false;
  waited = {channel.id, is_done ? head : waited.head, progress, !is_done && is_stuck};
  return true;
}

}  // namespace

Deadline last_second() {
  return steady_clock::now() + kPatience;
}

bool wait_for_screen(const Deadline& deadline) {
  const bool hurry = !deadline && is_hurried();
  const Deadline until = hurry ? last_second() : deadline;
  for (const auto& channel : WriterThread::get().channels()) {
    if (channel->has_unmirrored() && !wait_for_channel(*channel, until)) return false;
  }
  if (hurry && WriterThread::get().has_unmirrored())
    is_screen_given_up.store(true, std::memory_order_relaxed);
  return true;
}

namespace {

// The program's end waits for who reads what it has logged, as it would for what it has printed.
PyObject* drain_echoes(PyObject*, PyObject*) {
  for (const auto& channel : WriterThread::get().channels()) {
    bool is_done = true;
    if (!show_channel(*channel, std::nullopt, is_done)) return nullptr;
  }
  Py_RETURN_NONE;
}

// ---- what Python tells of -----------------------------------------------------------------------

// When an event of sys.audit waits for the screen.
enum class AuditRule : std::uint8_t {
  always,
  starting,  // always, and from then on there are relatives
  ending,    // for a second: what may be ended need not be held up
  related,   // where there are relatives
  opening,   // where another process sees that a file is opened
};
struct AuditEvent {
  std::string_view event;
  AuditRule when;
};
constexpr std::array<AuditEvent, 38> kAudited = {{
    {"builtins.input", AuditRule::always},
    {"fcntl.fcntl", AuditRule::related},
    {"fcntl.flock", AuditRule::related},
    {"fcntl.ioctl", AuditRule::always},
    {"fcntl.lockf", AuditRule::related},
    {"open", AuditRule::opening},
    {"os.chmod", AuditRule::related},
    {"os.exec", AuditRule::always},
    {"os.fork", AuditRule::starting},
    {"os.forkpty", AuditRule::starting},
    {"os.kill", AuditRule::ending},
    {"os.killpg", AuditRule::ending},
    {"os.link", AuditRule::related},
    {"os.lockf", AuditRule::related},
    {"os.mkdir", AuditRule::related},
    {"os.posix_spawn", AuditRule::starting},
    {"os.remove", AuditRule::related},
    {"os.rename", AuditRule::related},
    {"os.rmdir", AuditRule::related},
    {"os.setxattr", AuditRule::related},
    {"os.spawn", AuditRule::starting},
    {"os.symlink", AuditRule::related},
    {"os.system", AuditRule::starting},
    {"os.truncate", AuditRule::always},
    {"os.utime", AuditRule::related},
    {"pty.spawn", AuditRule::starting},
    {"shutil.copyfile", AuditRule::related},
    {"signal.pthread_kill", AuditRule::ending},
    {"socket.bind", AuditRule::related},
    {"socket.connect", AuditRule::always},
    {"socket.sendmsg", AuditRule::always},
    {"socket.sendto", AuditRule::always},
    {"sqlite3.connect", AuditRule::related},
    {"subprocess.Popen", AuditRule::starting},
    {"syslog.closelog", AuditRule::related},
    {"syslog.openlog", AuditRule::related},
    {"syslog.setlogmask", AuditRule::related},
    {"syslog.syslog", AuditRule::always},
}};
static_assert(std::ranges::is_sorted(kAudited, {}, &AuditEvent::event));

bool is_screen(const struct stat& info) {
  struct stat screen{};
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::fstat(fd, &screen) == 0 && screen.st_dev == info.st_dev && screen.st_ino == info.st_ino)
      return true;
  }
  return false;
}

bool is_observed(const struct stat& info) {
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
    return has_relatives.load(std::memory_order_relaxed) || is_screen(info);
#if defined(__linux__)
  constexpr unsigned kMemory = 1;  // /dev/null, /dev/zero, /dev/urandom
  if (S_ISCHR(info.st_mode) && major(info.st_rdev) == kMemory) return false;
#endif
  return true;
}

// By its arguments: path, mode, flags. What cannot be read of them is waited with.
bool is_seen_opening(PyObject* args) {
  if (PyTuple_GET_SIZE(args) != 3) return true;
  PyObject* const path = PyTuple_GET_ITEM(args, 0);
  PyObject* const flags = PyTuple_GET_ITEM(args, 2);
  if (!PyUnicode_Check(path) && !PyBytes_Check(path)) return true;
  const long bits = PyLong_Check(flags) ? PyLong_AsLong(flags) : O_RDWR;
  PyErr_Clear();
  const std::string name =
      PyUnicode_Check(path)
          ? to_wtf8(path)
          : std::string(PyBytes_AS_STRING(path), static_cast<std::size_t>(PyBytes_GET_SIZE(path)));
  struct stat info{};
  const bool is_there = ::stat(name.c_str(), &info) == 0;
  const bool is_file = !is_there || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode);
  if (is_file && (bits & (O_ACCMODE | O_CREAT | O_TRUNC)) == 0) return is_there && is_screen(info);
  return is_there ? is_observed(info) : has_relatives.load(std::memory_order_relaxed);
}

int on_audit(const char* event, PyObject* args, void*) try {
  const std::string_view name(event);
  const auto* found = std::ranges::lower_bound(kAudited, name, {}, &AuditEvent::event);
  if (found == kAudited.end() || found->event != name) return 0;
  if (found->when == AuditRule::starting) has_relatives.store(true, std::memory_order_relaxed);
  const bool is_alone = !has_relatives.load(std::memory_order_relaxed);
  if ((found->when == AuditRule::related && is_alone) || !has_unmirrored()) return 0;
  if (found->when == AuditRule::opening && !is_seen_opening(args)) return 0;
  if (found->when != AuditRule::ending) return wait_for_screen() ? 0 : -1;
  if (!wait_for_screen(last_second())) PyErr_Clear();
  return 0;
} catch (const std::exception&) {
  return 0;  // no memory to wait with: the program goes on
}

}  // namespace

bool is_observed(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && is_observed(info);
}

PyObject* expect_relatives(PyObject*, PyObject*) {
  has_relatives.store(true, std::memory_order_relaxed);
  Py_RETURN_NONE;
}

bool drain_echoes_in_time() {
  static std::atomic<bool> is_asked{false};
  static PyMethodDef hook{"drain_echoes", guarded_simple<drain_echoes>, METH_NOARGS, nullptr};
  if (is_asked.exchange(true)) return true;
  PyObject* function = PyCFunction_New(&hook, nullptr);
  PyObject* done = function == nullptr ? nullptr : call_helper(kDrainAtEnd, "(O)", function);
  Py_XDECREF(function);
  Py_XDECREF(done);
  const bool is_done = done != nullptr && PySys_AddAuditHook(on_audit, nullptr) == 0;
  if (!is_done) is_asked.store(false);
  return is_done;
}

}  // namespace attolog::python
