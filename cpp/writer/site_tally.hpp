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
    if (counts_[site]++ == 0) sites_.push_back(site);
  }
  // Adds what there is to `sums`, by number of site, and starts anew.
  void move_to(std::vector<std::uint64_t>& sums) {
    if (sums.size() < counts_.size()) sums.resize(counts_.size());
    for (const std::uint32_t site : sites_) sums[site] += counts_[site];
    clear();
  }
  void clear() {
    for (const std::uint32_t site : sites_) counts_[site] = 0;
    sites_.clear();
  }

 private:
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint32_t> sites_;  // those with any
};

}  // namespace attolog
