#include "writer/skipped_counts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/buffer.hpp"
#include "core/codec.hpp"
#include "strategies/sampler.hpp"

namespace attolog {

void SkippedCounts::add(SampledSite site) {
  const std::lock_guard lock(mutex_);
  const bool is_known = std::ranges::any_of(
      sites_, [&](const SampledSite& known) { return known.sampler == site.sampler; });
  if (!is_known) sites_.push_back(std::move(site));
}

template <class Count>
void SkippedCounts::report_each(const Count& count, const Report& report) {
  const std::lock_guard lock(mutex_);
  for (const SampledSite& site : sites_) {
    const std::uint64_t n = count(*site.sampler);
    if (n == 0) continue;
    Buffer values;
    encode_str(values, site.name);
    encode_int(values, std::llround(static_cast<double>(n) * site.weight));
    report(site, values.view());
  }
}

void SkippedCounts::report_due(Ticks now, const Report& report) {
  report_each([now](Sampler& sampler) { return sampler.flush_skipped_if_due(now); }, report);
}

void SkippedCounts::report_all(const Report& report) {
  report_each([](Sampler& sampler) { return sampler.flush_skipped(); }, report);
}

}  // namespace attolog
