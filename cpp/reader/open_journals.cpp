#include "reader/open_journals.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "core/folder.hpp"
#include "journal/parts.hpp"

namespace attolog {
namespace {

// How often journals are read again because their parts have changed meanwhile.
constexpr int kMostChanges = 10;

struct Listing {
  std::string journal;             // its real path
  std::vector<std::string> files;  // it and its parts
};

// The journals that are there, without those that are parts of others.
std::vector<Listing> list_all(const std::set<std::string>& journals) {
  std::vector<Listing> all;
  std::set<std::string> parts;
  for (const std::string& journal : journals) {
    Listing listing{journal, journal_files(journal).paths};
    if (listing.files.empty()) continue;
    for (const std::string& file : listing.files) {
      if (file != journal) parts.insert(file);
    }
    all.push_back(std::move(listing));
  }
  std::erase_if(all, [&](const Listing& each) { return parts.contains(each.journal); });
  return all;
}

// Null where a part has gone since the files were listed: it is merged.
std::shared_ptr<JournalReader> open_files(const std::vector<JournalPath>& files,
                                          JournalReader::Check check) {
  try {
    return JournalReader::open(files, check);
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOENT || files.size() == 1) throw;
    return nullptr;
  }
}

// Whether a part was merged, or begun, while the files were read: the journal may have been read
// before its blocks came, or the folder before the part did.
bool has_changed(const JournalReader& reader, const Listing& listing) {
  if (listing.files.size() < 2 && !reader.misses_parts()) return false;
  const std::vector<std::string> now = journal_files(listing.journal).paths;
  const auto is_there = [&](const std::string& path) {
    return std::ranges::find(now, path) != now.end();
  };
  return !std::ranges::all_of(listing.files, is_there) ||
         (reader.misses_parts() && now != listing.files);
}

}  // namespace

OpenJournals open_journals(const std::vector<std::string>& paths, const std::string& ring_dir,
                           JournalReader::Check check) {
  std::set<std::string> journals;
  std::ranges::transform(paths, std::inserter(journals, journals.end()), real_log_path);
  OpenJournals opened;
  std::vector<Listing> listings;
  const auto is_changed = [&](const Listing& each) { return has_changed(*opened.reader, each); };
  int changes = 0;
  do {
    listings = list_all(journals);
    opened.pending.clear();
    std::vector<JournalPath> files;
    for (const Listing& each : listings) {
      const Pending& its =
          opened.pending.emplace_back(find_pending(ring_dir, each.journal, each.files));
      files.insert(files.end(), its.files.begin(), its.files.end());
      files.insert(files.end(), its.rings.begin(), its.rings.end());
    }
    if (files.empty()) throw std::system_error(ENOENT, std::generic_category());
    opened.reader = open_files(files, check);
  } while (opened.reader == nullptr || !std::ranges::all_of(opened.pending, is_current) ||
           (std::ranges::any_of(listings, is_changed) && ++changes < kMostChanges));
  return opened;
}

}  // namespace attolog
