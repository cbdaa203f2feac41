#include "reader/pending.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "core/folder.hpp"
#include "shm/checkpoint.hpp"
#include "shm/ledger.hpp"
#include "shm/place.hpp"
#include "shm/ring_merge.hpp"
#include "shm/session.hpp"
#include "sinks/sink.hpp"
#include "strategies/aggregator.hpp"
#include "strategies/policy.hpp"
#include "writer/recovery.hpp"
#include "writer/settle.hpp"

namespace attolog {

namespace {

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("the records in the rings");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// How many records of each policy `last:N` are older than those that a recovery would keep.
std::map<std::string, std::uint64_t> count_overwritten(RingMerge& merge) {
  std::map<std::string, std::uint64_t> records;
  while (const Record* record = merge.next()) {
    if (record->site->destination == Destination::buffer) ++records[record->site->policy];
  }
  for (auto& [text, n] : records) {
    std::string complaint;
    const std::uint64_t most = parse_policy(text, complaint).value_or(Policy{}).n;
    n -= std::min(n, most);
  }
  return records;
}

// Writes a session's records as a recovery would: statistics as rows of their windows, and of what
// was kept the last ones.
class Copy {
 public:
  Copy(const Session& session, std::uint64_t committed, int fd)
      : header_(session.header()),
        fd_(fd),
        sink_(make_journal_sink(header_.run_id, header_.pid)),
        stats_(header_.started_ns, true) {
    if (const auto state = Checkpoint(session.stats_path()).read(committed)) stats_.load(*state);
  }

  void add(const Record& record) {
    stats_.close_until(record.time_ns, record.is_stamped, emit_);
    if (record.site->destination == Destination::stats) {
      stats_.add(record);
    } else {
      put(record);
    }
  }
  void finish() {
    stats_.close_all(header_.clock.to_ns(now_ticks()), emit_);
    flush();
  }

 private:
  void put(const Record& record) {
    sink_->append(record, bytes_);
    if (bytes_.size() >= (std::size_t{1} << 20)) flush();
  }
  void flush() {
    sink_->finish(bytes_);
    write_all(fd_, bytes_.view());
    bytes_.clear();
  }

  const SessionHeader& header_;
  int fd_;
  std::unique_ptr<Sink> sink_;
  Aggregator stats_;
  SiteReader sites_;
  const Thread writer_{0, "attolog"};
  StatsEmit emit_ = [this](std::span<const Value> values, std::int64_t time_ns) {
    put({sites_.find(kInlineEventSite), &writer_, time_ns, values});
  };
  Buffer bytes_;
};

void copy_records(const Session& session, std::uint64_t committed, int fd,
                  std::vector<std::string>& problems) {
  RingMerge merge(session, committed);
  std::list<Ring> rings;
  std::vector<std::string> paths = session.circular_buffer_paths();
  for (std::string& path : session.ring_paths()) paths.push_back(std::move(path));
  for (const std::string& path : paths) {
    try {
      merge.add(rings.emplace_back(Ring::open(path, false)));
    } catch (const std::exception& error) {
      problems.emplace_back(error.what());
    }
  }
  merge.sweep(std::numeric_limits<Ticks>::max());
  auto overwritten = count_overwritten(merge);
  merge.rewind();
  merge.sweep(std::numeric_limits<Ticks>::max());
  Copy copy(session, committed, fd);
  while (const Record* record = merge.next()) {
    const bool is_kept = record->site->destination == Destination::buffer;
    if (is_kept && overwritten[record->site->policy] != 0) {
      --overwritten[record->site->policy];
    } else {
      copy.add(*record);
    }
  }
  copy.finish();
}

int records_of(Pending& pending) {
  if (!pending.records) pending.records = memory_file(0);
  return pending.records.fd();
}

// The outcome of settling the open intent of a file: the file ends before a torn block, and the
// remainder of the batch is shown with the rings.
void settle_in_mind(const std::string& folder, const Intent& intent, JournalPath& file,
                    std::map<std::string, std::uint64_t>& settled, Pending& pending) {
  const File log = File::open(file.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (!log) return;
  const auto open = inspect_intent(folder, file.path, intent, log.fd());
  if (!open) return;
  const auto session = Session::open(folder, open->session, Session::Access::read);
  file.length = std::min(file.length, open->end);
  if (!open->is_known || session == nullptr || session->is_alive()) return;
  settled[open->session] = open->batch;
  write_all(records_of(pending), std::string_view(open->bytes).substr(open->whole));
}

// Whether the session's file is one of those that are read.
bool is_of(const Session& session, const std::vector<std::string>& paths) {
  return std::ranges::any_of(paths, [&](const std::string& path) {
    const auto id = file_id(path);
    return id && known_in(session.folder(), *id) == session.header().file;
  });
}

}  // namespace

std::vector<std::string> folders_of(const std::string& ring_dir, const std::string& log_path) {
  std::vector<std::string> folders;
  const auto id = file_id(log_path);
  if (!id) return folders;
  for (const RingPlace& place : places_of(log_path, ring_dir)) {
    try {
      const std::string folder = log_folder(place, "", *id, false);
      if (!folder.empty()) folders.push_back(folder);
    } catch (const std::runtime_error&) {
      continue;  // another's folder has the name: nothing of this user's is there
    }
  }
  return folders;
}

std::uint64_t committed_length(const std::vector<std::string>& folders, const std::string& path,
                               std::uint64_t size) {
  for (const std::string& folder : folders) {
    for (const Intent& intent : Ledger::open_intents(folder)) {
      const File log = File::open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
      const auto open = log ? inspect_intent(folder, path, intent, log.fd()) : std::nullopt;
      if (open) size = std::min(size, open->end);
    }
  }
  return size;
}

Pending find_pending(const std::string& ring_dir, const std::string& log_path,
                     const std::vector<std::string>& paths) {
  Pending pending;
  const std::vector<std::string> folders = folders_of(ring_dir, log_path);
  for (const std::string& path : paths) pending.files.push_back({path});
  for (const std::string& folder : folders) {
    std::map<std::string, std::uint64_t> settled;  // session -> the batch that its ledger proves
    for (const Intent& intent : Ledger::open_intents(folder)) {
      const auto its = std::ranges::find_if(pending.files, [&](const JournalPath& each) {
        const auto id = file_id(each.path);
        return id && known_in(folder, *id) == intent.file;
      });
      if (its != pending.files.end()) settle_in_mind(folder, intent, *its, settled, pending);
    }
    for (const std::string& name : list_files(folder, kSessionSuffix)) {
      try {
        const auto session = Session::open(folder, name, Session::Access::read);
        if (session == nullptr || session->is_alive() || session->is_of_other_start()) continue;
        if (!is_of(*session, paths)) continue;
        const auto found = settled.find(name);
        const std::uint64_t committed = session->committed();
        pending.sessions.push_back({folder, name, committed});
        copy_records(*session, std::max(committed, found == settled.end() ? 0 : found->second),
                     records_of(pending), pending.problems);
      } catch (const std::exception& error) {
        pending.problems.emplace_back(error.what());
      }
    }
  }
  if (pending.records) {
    pending.rings.push_back({.path = "the records in the rings", .fd = pending.records.fd()});
  }
  return pending;
}

bool is_current(const Pending& pending) {
  return std::ranges::all_of(pending.sessions, [&](const Pending::Dead& dead) {
    const auto session = Session::open(dead.folder, dead.name, Session::Access::read);
    return session != nullptr && !session->is_alive() && session->committed() == dead.committed;
  });
}

}  // namespace attolog
