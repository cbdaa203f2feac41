#include "reader/frequencies.hpp"

#include <algorithm>

#include "core/cut.hpp"

namespace attolog {
namespace {

std::size_t slot_of(std::string_view text) {
  if (text.empty()) return 0;
  const auto letter = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  return text.size() + letter(0) + 3U * letter(text.size() / 2) + 5U * letter(text.size() - 1);
}

}  // namespace

void Frequencies::add(std::string_view text, double weight) {
  Counts::value_type*& recent = recent_[slot_of(text) % recent_.size()];
  if (recent != nullptr && recent->first == text) {
    recent->second += weight;
    return;
  }
  const std::string_view key = cut_text(text, kMostBytes);
  if (key.size() != text.size()) is_exact_ = false;
  auto found = counts_.find(key);
  if (found == counts_.end()) {
    if (counts_.size() >= 2 * kMostValues) forget_rare();
    found = counts_.emplace(key, 0).first;
  }
  found->second += weight;
  recent_[slot_of(text) % recent_.size()] = &*found;
}

void Frequencies::merge(const Frequencies& other) {
  is_exact_ = is_exact_ && other.is_exact_;
  for (const auto& [text, count] : other.counts_) counts_[text] += count;
  while (counts_.size() > 2 * kMostValues) forget_rare();
}

// Takes the count of the text that has the place kMostValues + 1 from all: no more than kMostValues
// have one left.
void Frequencies::forget_rare() {
  is_exact_ = false;
  recent_ = {};
  std::vector<double> counts;
  counts.reserve(counts_.size());
  for (const auto& [text, count] : counts_) counts.push_back(count);
  const auto next = counts.begin() + kMostValues;
  std::ranges::nth_element(counts, next, std::greater());
  const double taken = *next;
  for (auto& [text, count] : counts_) count -= taken;
  std::erase_if(counts_, [](const auto& each) { return each.second <= 0; });
}

std::vector<std::pair<std::string, double>> Frequencies::top(std::size_t n) const {
  std::vector<std::pair<std::string, double>> all(counts_.begin(), counts_.end());
  const auto is_before = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(n, all.size()));
  std::partial_sort(all.begin(), end, all.end(), is_before);
  all.erase(end, all.end());
  return all;
}

}  // namespace attolog
