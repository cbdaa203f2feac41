// Results that a sink works out once for each site, and finds again by the site's address.
#pragma once

#include <array>
#include <memory>
#include <unordered_map>

#include "core/record.hpp"

namespace attolog {

// Sites must live as long as the cache. Their numbers are not unique (rings of several processes
// meet in one file), their addresses are; the number only leads to the right slot at once.
template <class T>
class SiteCache {
 public:
  // The T of `site`; nullptr if there is none yet.
  T* find(const Site& site) {
    Slot& slot = slots_[site.id % kSlots];
    if (slot.site == &site) return slot.item;
    const auto found = items_.find(&site);
    if (found == items_.end()) return nullptr;
    slot = {&site, found->second.get()};
    return slot.item;
  }

  T& put(const Site& site, T item) {
    if (const auto known = items_.find(&site); known != items_.end()) {
      return *known->second = std::move(item);
    }
    return *items_.emplace(&site, std::make_unique<T>(std::move(item))).first->second;
  }

 private:
  static constexpr std::size_t kSlots = 64;
  struct Slot {
    const Site* site = nullptr;
    T* item = nullptr;
  };
  std::array<Slot, kSlots> slots_;
  std::unordered_map<const Site*, std::unique_ptr<T>> items_;
};

}  // namespace attolog
