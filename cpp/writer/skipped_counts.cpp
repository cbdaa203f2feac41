#include "writer/skipped_counts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "strategies/sampler.hpp"

namespace attolog {

void SkippedCounts::watch(Watch watch) {
  const std::lock_guard lock(mutex_);
  const bool is_known = std::ranges::any_of(
      watches_, [&](const Watch& known) { return known.sampler == watch.sampler; });
  if (!is_known) watches_.push_back(std::move(watch));
}

template <class Count>
void SkippedCounts::report_each(const Count& count, const Report& report) {
  const std::lock_guard lock(mutex_);
  for (const Watch& watch : watches_) {
    const std::uint64_t n = count(*watch.sampler);
    if (n == 0) continue;
    Buffer values;
    encode_str(values, watch.name);
    encode_int(values, std::llround(static_cast<double>(n) * watch.weight));
    report(watch, values.view());
  }
}

void SkippedCounts::report_due(Ticks now, const Report& report) {
  report_each([now](Sampler& sampler) { return sampler.take_remainder_if_over(now); }, report);
}

void SkippedCounts::report_all(const Report& report) {
  report_each([](Sampler& sampler) { return sampler.take_remainder(); }, report);
}

}  // namespace attolog
