#include "writer/leftovers.hpp"

#include <exception>
#include <utility>

#include "core/file.hpp"
#include "writer/recovery.hpp"

namespace attolog {

namespace {

// Sessions that are kept though their file is not to be found: it may have been moved elsewhere.
constexpr std::size_t kMostGone = 8;

}  // namespace

void Leftovers::add(const RingPlace& place, const std::string& own) {
  const std::lock_guard lock(mutex_);
  if (!places_.insert(place.home).second) return;
  for (std::string& folder : log_folders(place)) {
    if (folder != own) folders_.push_back(std::move(folder));
  }
}

void Leftovers::recover(std::chrono::milliseconds time) {
  const ScopedNoReserve section;
  const auto end = std::chrono::steady_clock::now() + time;
  try {
    while (recover_next() && std::chrono::steady_clock::now() < end) continue;
  } catch (const std::exception&) {
    // No memory: the next start looks after it.
  }
}

bool Leftovers::recover_next() {
  std::string folder;
  bool is_last = false;
  {
    const std::lock_guard lock(mutex_);
    if (folders_.empty()) return false;
    folder = std::move(folders_.back());
    folders_.pop_back();
    is_last = folders_.empty();
  }
  // Nothing is reported: it is not this program's business. `attolog recover --all` reports it.
  recover_folder(folder, false);
  if (is_last) forget_gone(place_of(folder), kMostGone);
  return !is_last;
}

}  // namespace attolog
