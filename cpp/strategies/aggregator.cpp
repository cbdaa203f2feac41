#include "strategies/aggregator.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/value.hpp"
#include "core/varint.hpp"
#include "format/inline_record.hpp"
#include "format/value_text.hpp"
#include "strategies/policy.hpp"

namespace attolog {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongest =
    1'000'000'000 * kSecond;  // window, as strategies/policy.hpp has it
// Windows that start later, or end earlier, would have no start or end in 64 bits. Records beyond
// count in the outermost window: the program's own times can be anything.
constexpr std::int64_t kFarthest = std::numeric_limits<std::int64_t>::max() - 2 * kLongest;

struct Number {
  double value;
  bool is_int;
};

// The value as a finite number, if it is one.
std::optional<Number> number_of(const Value& value) {
  if (value.is_beyond_int64()) {
    return Number{static_cast<double>(static_cast<std::uint64_t>(value.i)), true};
  }
  if (value.is<ValueClass::whole>()) return Number{static_cast<double>(value.i), true};
  if (value.is<ValueClass::real>() && std::isfinite(value.f)) return Number{value.f, false};
  return std::nullopt;
}

std::string name_of(const Site& site) {
  if (site.kind == SiteKind::text) return "LOG";
  if (site.kind == SiteKind::print) return "PRINT";
  return site.name;
}

std::int64_t end_of_window(std::int64_t time_ns, std::int64_t length) {
  const std::int64_t time = std::clamp(time_ns, -kFarthest, kFarthest);
  const std::int64_t rest = time % length;
  return time - rest + (rest < 0 ? 0 : length);
}

void put_key(Buffer& out, const StatsKey& key) {
  out.push(key.is_stamped ? 1 : 0);
  append_zigzag(out, key.end);
  append_varint(out, static_cast<std::uint64_t>(key.length));
  append_text(out, key.event);
  append_varint(out, key.by.size());
  for (const std::string& name : key.by) append_text(out, name);
}

StatsKey read_key(ByteReader& in) {
  StatsKey key;
  key.is_stamped = in.byte() != 0;
  key.end = in.signed_varint();
  key.length = static_cast<std::int64_t>(in.varint());
  if (key.length < 1 || key.length > kLongest || key.end < -kFarthest ||
      key.end > kFarthest + kLongest) {
    throw FormatError("a window is none");
  }
  key.event = in.text();
  for (std::uint32_t n = in.count(in.left()); n > 0; --n) key.by.emplace_back(in.text());
  return key;
}

}  // namespace

// How the records of a site are counted.
struct Aggregator::Plan {
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  std::int64_t length = kSecond;
  std::string event;
  std::vector<std::string> by;
  std::vector<std::string> fields;  // without the weight
  std::vector<std::size_t> by_at;   // where each of `by` stands among the fields

  // Where the last record went, if nothing was closed since.
  StatsTable* table = nullptr;
  std::uint64_t epoch = 0;
  bool is_stamped = false;
  std::int64_t start = 0;
  std::int64_t end = 0;

  bool is_by(std::size_t position) const {
    return std::ranges::find(by_at, position) != by_at.end();
  }
  // A call can have more values than its site has fields.
  void name_fields(std::size_t n) {
    while (fields.size() < n) fields.push_back(field_name({}, fields.size()));
    by_at.clear();
    for (const std::string& name : by) {
      const auto found = std::ranges::find(fields, name);
      const auto at = static_cast<std::size_t>(found - fields.begin());
      by_at.push_back(found == fields.end() ? kNowhere : at);
    }
  }
};

Aggregator::Aggregator(std::int64_t start_ns, bool with_sketch)
    : start_ns_(start_ns), with_sketch_(with_sketch) {}
Aggregator::~Aggregator() = default;

Aggregator::Plan Aggregator::plan_of(const Site& site) {
  Plan plan;
  std::string complaint;
  // A policy of another kind is damage; its records are counted by the second.
  if (auto policy = parse_policy(site.policy, complaint);
      policy && policy->kind == Policy::Kind::stats) {
    plan.length = policy->period_ns;
    plan.by = std::move(policy->by);
  }
  plan.event = name_of(site);
  const auto own = site.own_fields();
  plan.fields = {own.begin(), own.end()};
  plan.name_fields(own.size());
  return plan;
}

void Aggregator::add(const Record& record) {
  ++aggregated_;
  if (is_inline(record.site->kind)) {
    const InlineRecord named(record);
    Plan plan = plan_of(*named.record().site);
    return count(plan, named.record());
  }
  Plan* plan = plans_.find(*record.site);
  if (plan == nullptr) plan = &plans_.put(*record.site, plan_of(*record.site));
  count(*plan, record);
}

StatsTable& Aggregator::table_of(Plan& plan, std::int64_t time_ns, bool is_stamped) {
  if (plan.table != nullptr && plan.epoch == epoch_ && plan.is_stamped == is_stamped &&
      time_ns >= plan.start && time_ns < plan.end) {
    return *plan.table;
  }
  const std::int64_t end = end_of_window(time_ns, plan.length);
  const StatsKey key{is_stamped, end, plan.event, plan.by, plan.length};
  plan.table = &open_.try_emplace(key, plan.by.size()).first->second;
  plan.epoch = epoch_;
  plan.is_stamped = is_stamped;
  plan.start = key.start();
  plan.end = end;
  std::int64_t& next = next_close_[is_stamped ? 1 : 0];
  next = std::min(next, end);
  return *plan.table;
}

void Aggregator::count(Plan& plan, const Record& record) {
  const auto values = record.own_values();
  const Value* const given = record.weight();
  const bool is_weight = given != nullptr && given->f > 0 && std::isfinite(given->f);
  const double weight = is_weight ? given->f : 1;
  if (values.size() > plan.fields.size()) plan.name_fields(values.size());
  StatsTable& table = table_of(plan, record.time_ns, record.is_stamped);
  const std::size_t cells = table.cells();
  by_.clear();
  for (const std::size_t at : plan.by_at) encode_by(by_, at < values.size() ? values[at] : Value{});
  StatsGroup& group = table.group(by_.view());
  group.count += weight;
  const bool is_whole = weight == std::floor(weight);
  std::size_t hint = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto number = number_of(values[i]);
    if (!number || plan.is_by(i)) continue;
    StatsField& field = table.field(group, plan.fields[i], hint++);
    field.is_whole = field.is_whole && is_whole && number->is_int &&
                     std::abs(number->value * weight) < kWholeDoubles;
    field.sketch.add(number->value, weight);
  }
  cells_ += table.cells() - cells;
  if (cells_ > kMaxCells) next_close_.fill(std::numeric_limits<std::int64_t>::min());
}

StatsCover Aggregator::cover(const StatsKey& key, std::int64_t now_ns) const {
  const std::int64_t start = std::max(key.start(), start_ns_);
  const bool is_over = key.is_stamped || now_ns >= key.end || now_ns <= start;
  if (is_over) {
    // The first window is counted from when counting began.
    const bool is_first = !key.is_stamped && start > key.start() && start < key.end;
    const std::int64_t covered = is_first ? key.end - start : key.length;
    return {static_cast<double>(covered) / kSecond, key.end};
  }
  return {static_cast<double>(now_ns - start) / kSecond, now_ns};
}

Aggregator::Open::const_iterator Aggregator::close(Open::const_iterator window, std::int64_t now_ns,
                                                   const StatsEmit& emit) {
  emit_stats(window->first, window->second, cover(window->first, now_ns), with_sketch_, emit);
  ++epoch_;
  cells_ -= window->second.cells();
  return open_.erase(window);
}

Aggregator::Open::const_iterator Aggregator::first_of(bool is_stamped) const {
  return open_.lower_bound({is_stamped, std::numeric_limits<std::int64_t>::min(), {}, {}, 0});
}

void Aggregator::close_due(std::int64_t time_ns, bool is_stamped, const StatsEmit& emit) {
  const bool is_full = cells_ > kMaxCells;
  auto window = is_full ? open_.cbegin() : first_of(is_stamped);
  while (window != open_.end() &&
         (is_full || (window->first.is_stamped == is_stamped && window->first.end <= time_ns))) {
    // A window that is not over gets more rows later, as by late records: together they have its
    // rate.
    window = close(window, window->first.end, emit);
  }
  set_next_close();
}

void Aggregator::close_real(std::int64_t now_ns, const StatsEmit& emit) {
  const auto stamped = first_of(true);
  for (auto window = open_.cbegin(); window != stamped;) window = close(window, now_ns, emit);
  set_next_close();
}

void Aggregator::close_all(std::int64_t now_ns, const StatsEmit& emit) {
  for (auto window = open_.cbegin(); window != open_.end();) window = close(window, now_ns, emit);
  set_next_close();
}

void Aggregator::set_next_close() {
  for (const bool is_stamped : {false, true}) {
    const auto first = first_of(is_stamped);
    const bool is_open = first != open_.end() && first->first.is_stamped == is_stamped;
    next_close_[is_stamped ? 1 : 0] =
        is_open ? first->first.end : std::numeric_limits<std::int64_t>::max();
  }
}

void Aggregator::snapshot(std::int64_t now_ns, const StatsEmit& emit) const {
  for (const auto& [key, table] : open_) {
    emit_stats(key, table, cover(key, now_ns), with_sketch_, emit);
  }
}

// Saved: varint aggregated | zigzag start | varint windows | of each: its key | its table, see
// stats.cpp. Key: u8 is_stamped | zigzag end | varint length | text event | varint n | n texts.
void Aggregator::save(Buffer& out) const {
  append_varint(out, aggregated_);
  append_zigzag(out, start_ns_);
  append_varint(out, open_.size());
  for (const auto& [key, table] : open_) {
    put_key(out, key);
    table.save(out);
  }
}

bool Aggregator::load(std::string_view bytes) {
  try {
    ByteReader in(bytes);
    const std::uint64_t aggregated = in.varint();
    const std::int64_t start_ns = in.signed_varint();
    Open open;
    std::size_t cells = 0;
    for (std::uint32_t n = in.count(in.left()); n > 0; --n) {
      StatsKey key = read_key(in);
      const std::size_t by = key.by.size();
      const auto [window, is_new] = open.try_emplace(std::move(key), by);
      if (!is_new) return false;
      window->second.load(in);
      cells += window->second.cells();
    }
    if (!in.done()) return false;
    aggregated_ = aggregated;
    start_ns_ = start_ns;
    open_ = std::move(open);
    cells_ = cells;
    ++epoch_;
    set_next_close();
    return true;
  } catch (const FormatError&) {
    return false;
  }
}

}  // namespace attolog
