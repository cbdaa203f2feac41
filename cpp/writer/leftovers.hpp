// What dead processes have left for log files that nobody may open again, such as those with a time
// in their name: each process looks after it once, a little at a time.
#pragma once

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "shm/place.hpp"

namespace attolog {

class Leftovers {
 public:
  // What is in a place is to be recovered, unless it was already. `own`: the caller's own folder.
  void add(const RingPlace& place, const std::string& own);
  // The child of a fork leaves to its parent what that has looked after. Around the fork nobody
  // else changes it: its mutex is held.
  void inherit(const Leftovers& parent) { places_ = parent.places_; }
  std::mutex& mutex() { return mutex_; }
  // Recovers one folder after the other as long as there is time.
  void recover(std::chrono::milliseconds time);

 private:
  bool recover_next();

  std::mutex mutex_;  // all below; not held while a folder is recovered
  std::set<std::string> places_;
  std::vector<std::string> folders_;
};

}  // namespace attolog
