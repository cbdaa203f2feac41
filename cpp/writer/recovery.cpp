#include "writer/recovery.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <limits>
#include <list>
#include <system_error>

#include "core/folder.hpp"
#include "core/ring.hpp"
#include "writer/drain.hpp"
#include "writer/journal_sink.hpp"
#include "writer/output.hpp"
#include "writer/parts.hpp"
#include "writer/say.hpp"

namespace attolog {

namespace {

void recover_session(Session& session, Recovery& result) {
  const LogTarget target = session.target();
  Output output(target.path, session.folder());
  // A batch that its writer died in is settled first: it moves the tails from which we read.
  if (Ledger* ledger = output.ledger()) {
    if (const std::string said = ledger->acquire(); !said.empty()) result.messages.push_back(said);
    ledger->release();
  }
  Progress progress;
  Drain drain(session, &output, make_sink(target), progress);
  std::list<Ring> rings;
  for (const std::string& path : session.ring_paths()) {
    try {
      drain.add(rings.emplace_back(Ring::open(path, true)));
    } catch (const std::exception& error) {
      result.messages.emplace_back(error.what());
    }
  }
  const Drain::Outcome outcome =
      drain.run(std::numeric_limits<Ticks>::max(), true, Drain::Extent::end);
  result.records += outcome.records;
  if (!outcome.message.empty()) result.messages.push_back(outcome.message);
  if (outcome.error != 0) {
    result.messages.push_back(target.path + ": " + describe_errno(outcome.error) +
                              "; what is left stays in " + session.folder());
    return;
  }
  session.remove();
  ++result.sessions;
}

}  // namespace

Recovery recover(const std::string& folder, const std::string& log_path) {
  Recovery result;
  for (const std::string& name : list_files(folder, kSessionSuffix)) {
    try {
      const auto session = Session::open(folder, name, Session::Access::claim);
      if (session == nullptr) {
        ++result.living;
      } else if (!has_part_name(session->target().path, log_path)) {
        result.messages.push_back(folder + "/" + name + ": names another log file; left alone");
      } else {
        recover_session(*session, result);
      }
    } catch (const std::exception& error) {
      result.messages.push_back(log_path + ": " + error.what());
    }
  }
  return result;
}

Recovery inspect(const std::string& folder, const std::string& log_path) {
  Recovery result;
  for (const std::string& name : list_files(folder, kSessionSuffix)) {
    const auto session = Session::open(folder, name, Session::Access::read);
    if (session == nullptr || !has_part_name(session->target().path, log_path)) continue;
    if (session->is_alive()) {
      ++result.living;
      continue;
    }
    ++result.sessions;
    RingMerge merge(*session);
    std::list<Ring> rings;
    for (const std::string& path : session->ring_paths()) {
      try {
        merge.add(rings.emplace_back(Ring::open(path, false)));
      } catch (const std::exception& error) {
        result.messages.emplace_back(error.what());
      }
    }
    merge.sweep(std::numeric_limits<Ticks>::max());
    while (merge.next() != nullptr) ++result.records;
    if (merge.damaged() != 0) {
      result.messages.push_back(session->target().path + ": its rings are damaged in " +
                                std::to_string(merge.damaged()) + " places");
    }
  }
  return result;
}

bool has_other_living(const std::string& folder, const std::string& name) {
  for (const std::string& file : list_files(folder, kSessionSuffix)) {
    const auto session = Session::open(folder, file, Session::Access::read);
    if (session != nullptr && session->name() != name && session->is_alive()) return true;
  }
  return false;
}

void tidy(const std::string& folder) {
  // Sessions whose process died before they had their name.
  for (const std::string& name : list_files(folder, "")) {
    if (name.front() != '.' || name == "." || name == "..") continue;
    const std::string path = folder + "/" + name;
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file && try_lock(file.fd())) ::unlink(path.c_str());
  }
  for (const std::string& name : list_files(folder, kLedgerSuffix)) {
    try {
      Ledger ledger(folder, name.substr(0, name.size() - kLedgerSuffix.size()));
      ledger.acquire();
      // Under the lock nobody has an intent in it, and whoever comes later makes a new one.
      if (list_files(folder, kSessionSuffix).empty()) ::unlink((folder + "/" + name).c_str());
      ledger.release();
    } catch (const std::system_error&) {
      return;  // somebody else tidies
    }
  }
  remove_if_empty(folder);
}

std::optional<Format> format_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const std::size_t dot = name.rfind('.');
  const std::string_view suffix = dot == name.npos ? std::string_view() : name.substr(dot);
  if (suffix == ".csv") return Format::csv;
  if (suffix == ".jsonl") return Format::jsonl;
  if (suffix == ".log" || suffix == ".txt") return Format::text;
  if (suffix == ".atto") return Format::journal;
  return std::nullopt;
}

std::unique_ptr<Sink> make_sink(const LogTarget& target) {
  const SinkOptions options{target.digits, target.columns, target.pattern, target.weight != 0};
  switch (static_cast<Format>(target.format)) {
    case Format::csv: return make_csv_sink(options);
    case Format::jsonl: return make_jsonl_sink(options);
    case Format::journal: return make_journal_sink(target.run_id, target.pid);
    case Format::summary: return make_summary_sink();
    case Format::none:
    case Format::text: break;
  }
  return make_text_sink(options);
}

}  // namespace attolog
