// Calls that samplers have skipped, and that no weight of a record stands for. They are reported
// when the sampler's interval is over, also where no call notices that.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"

namespace attolog {

class Channel;
class Sampler;

// A sampler with intervals, and the channels that hear of its skipped calls.
struct SampledSite {
  std::shared_ptr<Sampler> sampler;
  std::string name;  // of its site
  double weight;     // of the calls that get to it
  std::vector<std::weak_ptr<Channel>> channels;
};

// Safe from any thread.
class SkippedCounts {
 public:
  // `values`: name and number of calls, encoded for kSkippedSite.
  using Report = std::function<void(const SampledSite& site, std::string_view values)>;

  // Each sampler is watched once.
  void add(SampledSite site);
  // Reports the calls of the intervals that are over at `now`.
  void report_due(Ticks now, const Report& report);
  // Reports the calls of all intervals, over or not.
  void report_all(const Report& report);

 private:
  template <class Count>
  void report_each(const Count& count, const Report& report);

  std::mutex mutex_;  // held while calls are reported: each of them once
  std::vector<SampledSite> sites_;
};

}  // namespace attolog
