// Memory for what a record's values need beyond the ring: text turned into UTF-8, spilled records.
// Its memory stays put until `clear`.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace attolog {

class Arena {
 public:
  char* allocate(std::size_t n) {
    if (kChunk - used_ >= n) {
      char* place = chunk_.get() + used_;
      used_ += n;
      return place;
    }
    large_.push_back(std::make_unique_for_overwrite<char[]>(n));
    return large_.back().get();
  }
  void clear() {
    used_ = 0;
    large_.clear();
  }

 private:
  static constexpr std::size_t kChunk = 64 * 1024;
  std::unique_ptr<char[]> chunk_ = std::make_unique_for_overwrite<char[]>(kChunk);
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<char[]>> large_;
};

}  // namespace attolog
