#include "writer/recovery.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <limits>
#include <list>
#include <map>
#include <system_error>

#include "core/folder.hpp"
#include "core/report.hpp"
#include "journal/parts.hpp"
#include "shm/ring.hpp"
#include "sinks/sink.hpp"
#include "writer/drain.hpp"
#include "writer/merge.hpp"
#include "writer/output.hpp"

namespace attolog {

namespace {

// The log file, opened as nobody else's: the session's word for what it is has been checked.
Output open_log(const Session& session, const std::string& path, int log_fd) {
  File file = File::open(path, O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (!file && errno == EACCES && log_fd >= 0) file = File(::fcntl(log_fd, F_DUPFD_CLOEXEC, 3));
  if (!file) fail(path);
  if (known_in(session.folder(), file_id(file.fd())) != session.header().file)
    throw std::runtime_error(path + ": is another file now");
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode))
    throw std::runtime_error(path + ": is no regular file");
  Output output(std::move(file), path);
  output.keep_ledger(session.folder(), false, session.target().path);
  return output;
}

void recover_session(Session& session, const std::string& path, const RecoveryOptions& options,
                     Recovery& result) {
  const LogTarget target = session.target();
  Output output = open_log(session, path, options.log_fd);
  // A batch that its writer died in is settled first: it moves the tails from which we read.
  const auto settled = output.settle(options.patience);
  if (!settled) {
    if (options.tells_of_holder) {
      result.messages.push_back(path + ": " + output.holder() + "; what killed processes have " +
                                "left for it waits");
    }
    return;
  }
  result.records += settled->records;
  if (!settled->message.empty()) result.messages.push_back(settled->message);
  Progress progress;
  Drain drain(session, &output, make_sink(target), progress);
  std::list<Ring> rings;
  for (const std::string& ring : session.ring_paths()) {
    try {
      drain.add(rings.emplace_back(Ring::open(ring, true)));
    } catch (const DamagedFile& error) {
      result.messages.emplace_back(error.what());
    }
  }
  const Drain::Outcome outcome =
      drain.run(std::numeric_limits<Ticks>::max(), true, Drain::Extent::end);
  result.records += outcome.records;
  if (!outcome.message.empty()) result.messages.push_back(outcome.message);
  if (outcome.error != 0) {
    result.messages.push_back(path + ": " + describe_errno(outcome.error) +
                              "; what is left stays in " + session.folder());
    return;
  }
  if (static_cast<Format>(target.format) == Format::journal)
    merge_part(session.folder(), path, Merge::again, false);
  session.remove();
  ++result.sessions;
}

// How many records wait in a session's rings.
std::uint64_t count_waiting(const Session& session, std::vector<std::string>& messages) {
  RingMerge merge(session);
  std::list<Ring> rings;
  for (const std::string& path : session.ring_paths()) {
    try {
      merge.add(rings.emplace_back(Ring::open(path, false)));
    } catch (const std::exception& error) {
      messages.emplace_back(error.what());
    }
  }
  merge.sweep(std::numeric_limits<Ticks>::max());
  std::uint64_t records = 0;
  while (merge.next() != nullptr) ++records;
  if (merge.damaged() != 0) {
    messages.push_back(session.target().path + ": its rings are damaged in " +
                       std::to_string(merge.damaged()) + " places");
  }
  return records;
}

// Logs without a file are rescued, not recovered (writer/capture).
bool is_circular(const Session& session) {
  return static_cast<Format>(session.header().format) == Format::none;
}

// Whether its part is gone because it was merged: the last step, which takes the session, is
// missing.
bool is_merged(const Session& session) {
  const LogTarget target = session.target();
  std::vector<std::string> ignored;
  return static_cast<Format>(target.format) == Format::journal &&
         !journal_of_part(target.path).empty() && session.circular_buffer_paths().empty() &&
         count_waiting(session, ignored) == 0 && ignored.empty();
}

std::string prefixed(const std::string& log_path, const std::string& what) {
  return what.starts_with('/') || log_path.empty() ? what : log_path + ": " + what;
}

// Whether a day has passed since its log file was missed first: it may have been moved for a while.
bool is_long_gone(const Session& session) {
  constexpr std::int64_t kDay = 86'400;
  const std::string mark = session.folder() + "/" + session.name() + ".gone";
  const File file = File::open(mark, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat info{};
  if (!file || ::fstat(file.fd(), &info) != 0) return false;
  const auto now = static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME) / 1'000'000'000);
  return now - static_cast<std::int64_t>(info.st_mtime) > kDay;
}

// What another start of the machine has left may be pages of several ages.
void drop_outdated(Session& session, Recovery& result) {
  result.messages.push_back(session.target().path +
                            ": what a process had in its rings when the machine stopped is lost");
  session.remove();
}

}  // namespace

void Recovery::add(Recovery other) {
  sessions += other.sessions;
  records += other.records;
  living += other.living;
  gone += other.gone;
  for (std::string& message : other.messages) messages.push_back(std::move(message));
}

std::string find_log(const Session& session, const std::string& log_path) {
  const std::string folder = session.folder();
  const FileId wanted = session.header().file;
  const auto is_it = [&](const std::string& path) {
    const auto id = file_id(path);
    return id && known_in(folder, *id) == wanted;
  };
  const std::string named = session.target().path;
  for (const std::string& path : {named, log_path}) {
    if (!path.empty() && is_it(path)) return path;
  }
  for (const std::string& path : {log_path, named, folder.substr(0, folder.rfind('/'))}) {
    if (path.empty()) continue;
    const std::string where = path.substr(0, path.rfind('/'));
    if (std::string found = find_file(where, is_it, wanted.inode); !found.empty()) return found;
  }
  return "";
}

Recovery recover(const std::string& folder, const std::string& log_path,
                 const RecoveryOptions& options) {
  Recovery result;
  for (const std::string& name : list_files(folder, kSessionSuffix)) {
    try {
      const auto session = Session::open(folder, name, Session::Access::claim);
      if (session == nullptr) {
        const auto other = Session::open(folder, name, Session::Access::read);
        if (other != nullptr && other->is_alive()) ++result.living;
        continue;
      }
      if (is_circular(*session)) continue;
      if (session->is_of_other_start()) {
        if (options.ends_outdated) drop_outdated(*session, result);
        continue;
      }
      const std::string path = find_log(*session, log_path);
      if (path.empty()) {
        if (is_merged(*session)) {
          session->remove();
        } else {
          ++result.gone;
        }
      } else {
        recover_session(*session, path, options, result);
      }
    } catch (const std::exception& error) {
      result.messages.push_back(prefixed(log_path, error.what()));
    }
  }
  return result;
}

Recovery inspect(const std::string& folder, const std::string& log_path) {
  Recovery result;
  for (const std::string& name : list_files(folder, kSessionSuffix)) {
    const auto session = Session::open(folder, name, Session::Access::read);
    if (session == nullptr || is_circular(*session)) continue;
    if (session->is_alive()) {
      ++result.living;
    } else if (session->is_of_other_start()) {
      continue;
    } else if (find_log(*session, log_path).empty()) {
      ++result.gone;
    } else {
      ++result.sessions;
      result.records += count_waiting(*session, result.messages);
    }
  }
  return result;
}

Recovery recover_folder(const std::string& folder, bool ends_outdated) {
  Recovery result = recover(
      folder, "", {.patience = std::chrono::milliseconds(0), .ends_outdated = ends_outdated});
  tidy(folder);
  return result;
}

Recovery recover_all(const RingPlace& place) {
  Recovery result;
  for (const std::string& folder : log_folders(place)) result.add(recover_folder(folder));
  if (place.is_beside) remove_if_empty(place.home);  // a kill has left it with nothing in it
  return result;
}

Recovery inspect_all(const RingPlace& place) {
  Recovery result;
  for (const std::string& folder : log_folders(place)) {
    result.add(inspect(folder, ""));
  }
  return result;
}

std::uint64_t forget_gone(const RingPlace& place, std::size_t most) {
  const bool is_asked = most == 0;
  std::multimap<std::int64_t, std::unique_ptr<Session>> gone;  // by when they started
  for (const std::string& folder : log_folders(place)) {
    for (const std::string& name : list_files(folder, kSessionSuffix)) {
      try {
        auto session = Session::open(folder, name, Session::Access::claim);
        if (session == nullptr || is_circular(*session) || !find_log(*session, "").empty())
          continue;
        if (!is_asked && !is_long_gone(*session)) continue;
        const std::int64_t started = session->header().started_ns;
        gone.emplace(started, std::move(session));
      } catch (const DamagedFile&) {
        if (is_asked) ::unlink((folder + "/" + name).c_str());
      } catch (const std::exception&) {
        continue;  // not ours to mend here
      }
    }
    if (is_asked) tidy(folder);
  }
  std::uint64_t records = 0;
  std::vector<std::string> ignored;
  for (auto oldest = gone.begin(); gone.size() > most; oldest = gone.erase(oldest)) {
    records += count_waiting(*oldest->second, ignored);
    const std::string folder = oldest->second->folder();
    oldest->second->remove();
    tidy(folder);
  }
  return records;
}

void tidy(const std::string& folder) {
  // A process that makes a session holds this lock until it has its ledger. One that tidies up
  // holds it too, and may have seen our session just before it went: the last one waits for that.
  constexpr std::chrono::milliseconds kPatience{250};
  const File alone = have_folder_alone(folder, kPatience);
  if (!alone) return;
  // Sessions whose process died before they had their name.
  for (const std::string& name : list_files(folder, "")) {
    if (name.front() != '.' || name == "." || name == "..") continue;
    const std::string path = folder + "/" + name;
    File file = File::open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file && file.try_lock()) ::unlink(path.c_str());
  }
  if (!list_files(folder, kSessionSuffix).empty()) return;
  // Nobody's files are left: ledgers, what is about the log file, and what a kill has left of
  // sessions.
  for (const std::string& name : list_files(folder, "")) {
    if (name.front() != '.') ::unlink((folder + "/" + name).c_str());
  }
  remove_if_empty(folder);
  const RingPlace place = place_of(folder);
  if (place.is_beside) remove_if_empty(place.home);
}

}  // namespace attolog
