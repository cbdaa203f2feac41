#include "writer/capture.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

#include "core/folder.hpp"
#include "core/report.hpp"
#include "shm/circular_buffer.hpp"
#include "shm/ring_merge.hpp"
#include "strategies/policy.hpp"
#include "writer/drain.hpp"
#include "writer/recovery.hpp"

namespace attolog {

namespace {

constexpr Ticks kAll = std::numeric_limits<Ticks>::max();
constexpr std::size_t kPiece = std::size_t{1} << 20;
constexpr std::size_t kLeftBoxes = 8;  // of killed processes: each is some megabytes of memory
constexpr int kTries = 50;             // to find a living process between two batches

// A file that takes its path's place when it is whole; a device or a pipe is just written to.
class NewFile {
 public:
  explicit NewFile(const std::string& path) : path_(path) {
    struct stat info{};
    const bool is_device = ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
    if (is_device && S_ISDIR(info.st_mode)) {
      errno = EISDIR;
      fail(path);
    }
    const std::filesystem::path given(path);
    if (given.has_parent_path()) std::filesystem::create_directories(given.parent_path());
    if (!is_device) fresh_ = path + "." + std::to_string(::getpid()) + ".part";
    const std::string& opened = is_device ? path_ : fresh_;
    const int flags = is_device ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;
    file_ = File::open(opened, flags | O_CLOEXEC, 0666);
    if (!file_) fail(path);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (!fresh_.empty()) ::unlink(fresh_.c_str());  // it did not become whole
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(file_.fd(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(path_);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void commit() {
    if (!fresh_.empty() && ::rename(fresh_.c_str(), path_.c_str()) != 0) fail(path_);
    fresh_.clear();
  }

 private:
  std::string path_;
  std::string fresh_;
  File file_;
};

// Records and rows of attolog's own, through a sink into a new file.
class Saver {
 public:
  Saver(const LogTarget& target, const Capture& capture)
      : file_(target.path), sink_(make_sink(target)), capture_(capture) {}

  void add(const Record& record) {
    if (record.time_ns < capture_.since_ns || record.time_ns > capture_.until_ns) return;
    add_triggers(record.time_ns);
    sink_->append(record, bytes_);
    ++records_;
    if (bytes_.size() >= kPiece) flush();
  }
  void add_drops(const Session& session) {
    const SessionHeader& header = session.header();
    const std::uint64_t n = header.dropped.load(std::memory_order_relaxed);
    if (n == 0) return;
    const Value values[] = {
        Value::of_int(static_cast<std::int64_t>(n)),
        Value::of_int(header.clock.to_ns(header.dropped_since.load(std::memory_order_relaxed)))};
    sink_->append({sites_.find(kDroppedSite), &writer_, header.clock.to_ns(now_ticks()), values},
                  bytes_);
  }
  std::uint64_t finish() {
    add_triggers(std::numeric_limits<std::int64_t>::max());
    flush();
    file_.commit();
    return records_;
  }

 private:
  void add_triggers(std::int64_t before_ns) {
    for (; n_triggers_written_ < capture_.triggers.size(); ++n_triggers_written_) {
      const TriggerEvent& trigger = capture_.triggers[n_triggers_written_];
      if (trigger.time_ns >= before_ns) return;
      const Value values[] = {Value::of_str(trigger.reason)};
      sink_->append({sites_.find(kTriggerSite), &writer_, trigger.time_ns, values}, bytes_);
    }
  }
  void flush() {
    sink_->finish(bytes_);
    file_.write(bytes_.view());
    bytes_.clear();
  }

  NewFile file_;
  std::unique_ptr<Sink> sink_;
  const Capture& capture_;
  SiteReader sites_;
  const Thread writer_{0, "attolog"};
  Buffer bytes_;
  std::size_t n_triggers_written_ = 0;  // of the triggers
  std::uint64_t records_ = 0;
};

void add_records(const Session& session, std::span<const Ring* const> rings,
                 const std::function<void(const Record&)>& add) {
  RingMerge merge(session);
  for (const Ring* ring : rings) merge.add(*ring);
  merge.sweep(kAll);
  while (const Record* record = merge.next()) {
    if (!is_own_site(record->site->id)) add(*record);
  }
}

// A session of a circular log, with what it holds.
class CircularSession {
 public:
  // Of a dead process: its rings go into the box first, as its own writer would have done.
  static std::unique_ptr<CircularSession> claim(std::unique_ptr<Session> session) {
    auto held = std::unique_ptr<CircularSession>(new CircularSession(std::move(session)));
    std::list<Ring> rings;
    Progress progress;
    Drain drain(*held->session_, nullptr, nullptr, progress);
    for (const std::string& path : held->session_->ring_paths()) {
      try {
        drain.add(rings.emplace_back(Ring::open(path, true)));
      } catch (const DamagedFile& error) {
        report(error.what());
      }
    }
    drain.run(kAll, false, Drain::Extent::end);
    held->copy_boxes(CircularBufferOwner::dead);
    held->is_dead_ = true;
    return held;
  }

  // Of a living one, between two of its batches; what it logs meanwhile is not looked for.
  static std::unique_ptr<CircularSession> look_at(const std::string& folder,
                                                  const std::string& name) {
    for (int i = 0; i < kTries; ++i) {
      auto session = Session::open(folder, name, Session::Access::read);
      if (session == nullptr) return nullptr;
      auto held = std::unique_ptr<CircularSession>(new CircularSession(std::move(session)));
      const std::uint64_t committed = held->session_->committed();
      try {
        for (const std::string& path : held->session_->ring_paths()) {
          held->rings_.push_back(copy_of(Ring::open(path, false), committed));
        }
        if (!held->copy_boxes(CircularBufferOwner::living)) continue;
      } catch (const std::runtime_error&) {
        continue;  // a ring or a box that is being made
      }
      if (held->session_->committed() == committed) return held;
    }
    throw std::runtime_error("it logs too fast to be looked at from outside");
  }

  // The last records, as many as the log is to hold: what waits in rings would have taken the
  // place of older ones.
  void each(const std::function<void(const Record&)>& add) const {
    std::vector<const Ring*> all;
    for (const Ring& ring : rings_) all.push_back(&ring);
    for (const CircularSnapshot& copy : copies_) all.push_back(&copy.ring());
    std::uint64_t most = 0;
    std::uint64_t records = 0;
    add_records(*session_, all, [&](const Record& record) {
      std::string complaint;
      if (++records == 1) most = parse_policy(record.site->policy, complaint).value_or(Policy{}).n;
    });
    std::uint64_t older = most == 0 || records < most ? 0 : records - most;
    add_records(*session_, all, [&](const Record& record) {
      if (older != 0) {
        --older;
      } else {
        add(record);
      }
    });
  }
  Session& session() { return *session_; }
  // Nothing was logged, or a process that saved it was killed while removing it.
  bool is_done_with() const { return is_dead_ && copies_.empty(); }
  void remove() {
    session_->remove();
    tidy(session_->folder());
  }

 private:
  explicit CircularSession(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  bool copy_boxes(CircularBufferOwner owner) {
    for (const std::string& path : session_->circular_buffer_paths()) {
      try {
        auto copy =
            CircularSnapshot::copy(CircularBuffer::open(path, false), session_->committed(), owner);
        if (!copy) return false;
        copies_.push_back(std::move(*copy));
      } catch (const DamagedFile& error) {
        if (owner == CircularBufferOwner::living) throw;  // it may be being made
        report(error.what());
      }
    }
    return true;
  }

  // What waits in a ring, in a ring of ours.
  static Ring copy_of(const Ring& ring, std::uint64_t committed) {
    const std::uint64_t tail = ring.tail(committed);
    const std::uint64_t head = ring.header().head.load(std::memory_order_acquire);
    Ring copy = Ring::create("", ring.capacity());
    const std::uint64_t size = ring.can_hold(tail, head) ? head - tail : 0;
    std::memcpy(copy.data(), ring.data() + tail % ring.capacity(), size);
    copy.header().threads[0] = ring.thread(committed);
    copy.header().head.store(size, std::memory_order_relaxed);
    return copy;
  }

  std::unique_ptr<Session> session_;
  bool is_dead_ = false;
  std::list<Ring> rings_;
  std::list<CircularSnapshot> copies_;
};

struct Circular {
  std::string folder;
  std::string name;
};

// Sessions of circular logs in a place: of one process, or (0) of all.
std::vector<Circular> find_circular(const RingPlace& place, std::uint32_t pid) {
  std::vector<Circular> found;
  for (const std::string& folder : log_folders(place)) {
    for (const std::string& name : list_files(folder, kSessionSuffix)) {
      if (pid != 0 && !name.starts_with(std::to_string(pid) + "-")) continue;
      try {
        const auto session = Session::open(folder, name, Session::Access::read);
        if (session != nullptr && static_cast<Format>(session->header().format) == Format::none)
          found.push_back({folder, name});
      } catch (const std::exception&) {
        continue;  // it has just gone, or is damaged
      }
    }
  }
  return found;
}

}  // namespace

std::uint64_t write_capture(const Session& session, std::span<const Ring* const> rings,
                            const LogTarget& target, const Capture& capture) {
  Saver saver(target, capture);
  add_records(session, rings, [&](const Record& record) { saver.add(record); });
  saver.add_drops(session);
  return saver.finish();
}

Rescue rescue(const RingPlace& place, std::uint32_t pid, const LogTarget& target, bool check) {
  Rescue result;
  std::vector<std::unique_ptr<CircularSession>> held;
  for (const auto& [folder, name] : find_circular(place, pid)) {
    try {
      auto dead = check ? nullptr : Session::open(folder, name, Session::Access::claim);
      result.is_alive = result.is_alive || dead == nullptr;
      auto one =
          dead ? CircularSession::claim(std::move(dead)) : CircularSession::look_at(folder, name);
      if (one == nullptr) continue;
      if (one->is_done_with()) {
        one->remove();
        continue;
      }
      ++result.sessions;
      held.push_back(std::move(one));
    } catch (const std::exception& error) {
      result.messages.push_back(folder + ": " + error.what());
    }
  }
  if (held.empty()) return result;
  if (check) {
    for (const auto& one : held) {
      one->each([&](const Record&) { ++result.records; });
      result.is_alive = one->session().is_alive();
    }
    return result;
  }
  const Capture everything;
  Saver saver(target, everything);
  for (const auto& one : held) one->each([&](const Record& record) { saver.add(record); });
  for (const auto& one : held) saver.add_drops(one->session());
  result.records = saver.finish();
  if (result.is_alive) return result;
  for (const auto& one : held) one->remove();
  return result;
}

void remove_old_circular_buffers(const RingPlace& place) {
  std::multimap<std::int64_t, std::unique_ptr<Session>> dead;  // by when they started
  for (const auto& [folder, name] : find_circular(place, 0)) {
    try {
      auto session = Session::open(folder, name, Session::Access::claim);
      if (session == nullptr) continue;
      const std::int64_t started = session->header().started_ns;
      dead.emplace(started, std::move(session));
    } catch (const std::exception&) {
      continue;  // not ours to mend here
    }
  }
  for (auto oldest = dead.begin(); dead.size() > kLeftBoxes; oldest = dead.erase(oldest)) {
    oldest->second->remove();
    tidy(oldest->second->folder());
  }
}

}  // namespace attolog
