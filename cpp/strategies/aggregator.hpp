// Turns the records of aggregated sites (Destination::stats) into STATS rows, window by window.
//
// A site's policy says how long its windows are and by which fields its records are grouped. The
// windows of one length follow each other since 1970. They are closed by the times of records:
// real ones and those that the program set (stamped) are clocks of their own. A record that comes
// after its window was closed opens it again, and the window gets further rows: counts, sums and
// sketches of all its rows together are those of all its records.
//
// In memory there are at most some 100,000 groups and fields of groups, each with a sketch of up to
// 2.5 KB, mostly some 500 bytes. Where there would be more, all windows are closed early.
//
// Nothing here is safe from several threads at once.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "core/site_cache.hpp"
#include "strategies/stats.hpp"

namespace attolog {

class Aggregator {
 public:
  static constexpr std::size_t kMaxCells = 100'000;

  // `start_ns`: since when records are counted, for the rate of a window that ends early.
  explicit Aggregator(std::int64_t start_ns, bool with_sketch = false);
  ~Aggregator();

  // Takes in a record of an aggregated site, which must outlive the aggregator.
  void add(const Record& record);

  // Emits and forgets all windows of a clock that end at or before `time_ns`.
  void close_until(std::int64_t time_ns, bool is_stamped, const StatsEmit& emit) {
    if (time_ns >= next_close_[is_stamped ? 1 : 0]) close_due(time_ns, is_stamped, emit);
  }
  // Emits and forgets all windows of the real clock: it is about to jump from `now_ns`. The rate of
  // a window that is not over is that of its part up to now, and now is the time of its rows.
  void close_real(std::int64_t now_ns, const StatsEmit& emit);
  // As close_real, and the stamped windows too, which count as over: the program's time is unknown.
  void close_all(std::int64_t now_ns, const StatsEmit& emit);
  // Emits what close_all would, and forgets nothing.
  void snapshot(std::int64_t now_ns, const StatsEmit& emit) const;

  bool empty() const { return open_.empty(); }              // no window is open
  std::uint64_t aggregated() const { return aggregated_; }  // records taken in, ever

  // All open windows, and what is counted. An aggregator that loads them goes on as the one that
  // saved them.
  void save(Buffer& out) const;
  // In place of what was here. False: the bytes are damaged, and nothing has changed.
  bool load(std::string_view bytes);

 private:
  struct Plan;
  using Open = std::map<StatsKey, StatsTable>;

  static Plan plan_of(const Site& site);
  void count(Plan& plan, const Record& record);
  StatsTable& table_of(Plan& plan, std::int64_t time_ns, bool is_stamped);
  void close_due(std::int64_t time_ns, bool is_stamped, const StatsEmit& emit);
  Open::const_iterator first_of(bool is_stamped) const;  // or what is behind it
  Open::const_iterator close(Open::const_iterator window, std::int64_t now_ns,
                             const StatsEmit& emit);
  StatsCover cover(const StatsKey& key, std::int64_t now_ns) const;
  void set_next_close();

  std::int64_t start_ns_;
  bool with_sketch_;
  std::uint64_t aggregated_ = 0;
  Open open_;
  std::size_t cells_ = 0;    // in open windows
  std::uint64_t epoch_ = 0;  // moves with each closing; older plans do not know where to count
  std::array<std::int64_t, 2> next_close_{std::numeric_limits<std::int64_t>::max(),
                                          std::numeric_limits<std::int64_t>::max()};
  SiteCache<Plan> plans_;
  Buffer by_;  // scratch
};

}  // namespace attolog
