// How many records there are of each site. A batch has its own, which is added to those of the file
// once it is written.
#pragma once

#include <cstdint>
#include <vector>

namespace attolog {

class SiteTally {
 public:
  void add(std::uint32_t site) {
    if (site >= counts_.size()) counts_.resize(site + 1);
    if (counts_[site] == 0) sites_.push_back(site);
    ++counts_[site];
  }
  // Makes room in `sums` for what there is.
  void make_room(std::vector<std::uint64_t>& sums) const {
    if (sums.size() < counts_.size()) sums.resize(counts_.size());
  }
  // Adds it to `sums`, which have room, by number of site, and starts anew.
  void move_to(std::vector<std::uint64_t>& sums) noexcept {
    for (const std::uint32_t site : sites_) sums[site] += counts_[site];
    clear();
  }
  void clear() noexcept {
    for (const std::uint32_t site : sites_) counts_[site] = 0;
    sites_.clear();
  }

 private:
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint32_t> sites_;  // those with any
};

}  // namespace attolog
