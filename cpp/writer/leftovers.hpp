// Records of dead processes for log files that may never be opened again, such as those with a time
// in their name. Each process looks after them once, a little at a time.
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
  // The records in a place are to be recovered, unless they were already. `own`: the caller's own
  // folder.
  void add(const RingPlace& place, const std::string& own);
  // The child of a fork leaves to its parent what that has looked after. Around the fork no other
  // thread changes it: its mutex is held.
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
