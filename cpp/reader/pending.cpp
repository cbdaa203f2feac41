#include "reader/pending.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <list>
#include <optional>

#include "core/folder.hpp"
#include "core/ledger.hpp"
#include "core/session.hpp"
#include "writer/drain.hpp"
#include "writer/journal_sink.hpp"
#include "writer/recovery.hpp"

namespace attolog {

namespace {

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("what the rings hold");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void copy_records(const Session& session, std::uint64_t committed, int fd,
                  std::vector<std::string>& problems) {
  RingMerge merge(session, committed);
  std::list<Ring> rings;
  for (const std::string& path : session.ring_paths()) {
    try {
      merge.add(rings.emplace_back(Ring::open(path, false)));
    } catch (const std::exception& error) {
      problems.emplace_back(error.what());
    }
  }
  const LogTarget target = session.target();
  const auto sink = make_journal_sink(target.run_id, target.pid);
  Buffer bytes;
  merge.sweep(std::numeric_limits<Ticks>::max());
  while (const Record* record = merge.next()) {
    sink->append(*record, bytes);
    if (bytes.size() < (std::size_t{1} << 20)) continue;
    sink->finish(bytes);
    write_all(fd, bytes.view());
    bytes.clear();
  }
  sink->finish(bytes);
  write_all(fd, bytes.view());
}

}  // namespace

Pending find_pending(const std::string& ring_root, const std::string& log_path,
                     const std::vector<std::string>& paths) {
  Pending pending;
  const std::string folder = pending.folder = log_folder(ring_root, log_path, false);
  std::map<std::string, std::uint64_t> settled;  // session -> the batch that its ledger proves
  for (const std::string& path : paths) {
    const auto intent = folder.empty() ? std::nullopt : Ledger::look(folder, path);
    JournalPath& each = pending.files.emplace_back(JournalPath{path});
    if (!intent) continue;
    if (intent->is_complete) {
      settled[intent->session] = intent->batch;
    } else {
      each.length = intent->offset;
    }
  }
  for (const std::string& name :
       folder.empty() ? std::vector<std::string>{} : list_files(folder, kSessionSuffix)) {
    try {
      const auto session = Session::open(folder, name, Session::Access::read);
      if (session == nullptr || session->is_alive() ||
          !is_part_of(session->target().path, log_path)) {
        continue;
      }
      if (!pending.records) pending.records = memory_file(0);
      const auto found = settled.find(name);
      const std::uint64_t committed = pending.sessions[name] = session->committed();
      copy_records(*session, std::max(committed, found == settled.end() ? 0 : found->second),
                   pending.records.fd(), pending.problems);
    } catch (const std::exception& error) {
      pending.problems.emplace_back(error.what());
    }
  }
  if (pending.records) {
    pending.rings.push_back({.path = "what the rings hold", .fd = pending.records.fd()});
  }
  return pending;
}

bool is_current(const Pending& pending) {
  return std::ranges::all_of(pending.sessions, [&](const auto& each) {
    const auto& [name, committed] = each;
    const auto session = Session::open(pending.folder, name, Session::Access::read);
    return session != nullptr && !session->is_alive() && session->committed() == committed;
  });
}

}  // namespace attolog
