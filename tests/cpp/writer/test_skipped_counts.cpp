#include "writer/skipped_counts.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"
#include "core/arena.hpp"
#include "core/codec.hpp"
#include "strategies/policy.hpp"
#include "strategies/sampler.hpp"

using namespace attolog;

namespace {

constexpr Ticks kEnd = std::numeric_limits<Ticks>::max();

// The first call of an interval from tick 0 is kept; `n_skipped` more come.
std::shared_ptr<Sampler> sampler_with(std::uint64_t n_skipped) {
  std::string complaint;
  auto sampler = std::make_shared<Sampler>(*parse_policy("first:1", complaint), 1, nullptr);
  for (std::uint64_t i = 0; i <= n_skipped; ++i) {
    if (!sampler->skips()) sampler->decide({0, 0, false});
  }
  return sampler;
}

// Names and numbers that are reported.
class Reports {
 public:
  SkippedCounts::Report report() {
    return [this](const SampledSite&, std::string_view encoded) {
      Arena arena;
      std::vector<Value> values;
      check::that(decode_values(encoded, arena, values));
      text_ += std::string(values.at(0).text) + " " + std::to_string(values.at(1).i) + "; ";
    };
  }
  std::string take() { return std::exchange(text_, ""); }

 private:
  std::string text_;
};

}  // namespace

static const check::Test once{
    "skipped calls are reported once, weighted, and under the site's name", [] {
      SkippedCounts counts;
      Reports reports;
      counts.add({sampler_with(3), "one", 1, {}});
      counts.add({sampler_with(4), "two", 2.5, {}});
      counts.report_all(reports.report());
      check::equal(reports.take(), "one 3; two 10; ");
      counts.report_all(reports.report());
      check::equal(reports.take(), "");
    }};

static const check::Test due{"before the end of its interval a sampler is not reported", [] {
                               SkippedCounts counts;
                               Reports reports;
                               counts.add({sampler_with(3), "one", 1, {}});
                               counts.report_due(0, reports.report());
                               check::equal(reports.take(), "");
                               counts.report_due(kEnd, reports.report());
                               check::equal(reports.take(), "one 3; ");
                             }};

static const check::Test watched_twice{"a sampler that is watched twice is reported as at first",
                                       [] {
                                         SkippedCounts counts;
                                         Reports reports;
                                         const auto sampler = sampler_with(3);
                                         counts.add({sampler, "one", 1, {}});
                                         counts.add({sampler, "two", 1, {}});
                                         counts.report_all(reports.report());
                                         check::equal(reports.take(), "one 3; ");
                                       }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
