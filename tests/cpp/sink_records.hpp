// Records for sinks, and the bytes that a sink makes of them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "core/site.hpp"
#include "sinks/sink.hpp"

namespace sink_records {

using namespace attolog;

using Values = std::vector<Value>;
using Names = std::vector<std::string>;

constexpr std::int64_t kNow = 1707234567123456789;

inline Value of(Tag tag, std::int64_t i = 0) {
  Value value;
  value.tag = tag;
  value.i = i;
  return value;
}
inline Value of(int i) {
  return Value::of_int(i);
}
inline Value of(std::string_view text) {
  return Value::of_str(text);
}
inline Value of(double f) {
  Value value;
  value.tag = Tag::float64;
  value.f = f;
  return value;
}
inline Value of_text(Tag tag, std::string_view text) {
  Value value = Value::of_str(text);
  value.tag = tag;
  return value;
}

inline Site site_of(SiteKind kind, std::string name, Names fields, std::uint16_t bound = 0,
                    std::uint8_t level = kNone) {
  Site site;
  site.id = kFirstSite;  // all the same: sinks tell sites apart by address
  site.kind = kind;
  site.level = level;
  site.bound = bound;
  site.line = 12;
  site.name = std::move(name);
  site.fields = std::move(fields);
  site.file = "app.py";
  site.function = "main";
  return site;
}
inline const Thread kThread{77, "worker\x1b[2J"};

inline std::string written(Sink& sink, const Site& site, const Values& values,
                           std::int64_t time = kNow) {
  Buffer out;
  sink.append({&site, &kThread, time, values}, out);
  sink.finish(out);
  return std::string(out.view());
}

inline const Site kGen = site_of(SiteKind::event, "GEN", {"model", "task_id", "arrival"});
inline const Values kGenValues{of("ResNet50"), of(7), of(0.5)};
inline const Site kText = site_of(SiteKind::text, "", {"text"});
inline const Site kPrint = site_of(SiteKind::print, "", {"text"});
inline const Site kErrorPrint = site_of(SiteKind::print, "", {"text"}, 0, kWarning);
inline const Site kDropped = site_of(SiteKind::dropped, "DROPPED", {"n", "since"});
inline const Site kClock = site_of(SiteKind::clock, "CLOCK", {"seconds"});
inline const Site kThreadSiteOf = site_of(SiteKind::thread, "", {});
inline const Site kInlineEvent = site_of(SiteKind::inline_event, "", {});
inline const Site kInlineMessage = site_of(SiteKind::inline_message, "", {}, 0, kInfo);
inline const Site kMessage =
    site_of(SiteKind::message, "{model} took {dt:.3f}s", {"model", "dt", "request"}, 1, kDebug);
inline const Values kMessageValues{of("a,b"), of(0.0125), of(17)};

// Sampled: the last value is the weight. Kept, since sinks know a site by its address.
inline const Site& sampled(Site site) {
  static std::deque<Site> sites;
  site.is_weighted = true;
  site.policy = "sample:0.01";
  site.fields.emplace_back("weight");
  return sites.emplace_back(std::move(site));
}
inline Values weighted(Values values) {
  values.push_back(of(100.0));
  return values;
}

}  // namespace sink_records
