#include "writer/circular_buffers.hpp"

#include <algorithm>
#include <utility>

#include "core/report.hpp"
#include "strategies/policy.hpp"

namespace attolog {

namespace {

constexpr std::uint64_t kMinBox = 64 * 1024;

std::size_t capacity_of(const CircularBufferOptions& options) {
  const std::uint64_t wanted =
      options.max_bytes != 0 ? options.max_bytes : options.max_records * kBytesPerRecord;
  const std::uint64_t within = std::clamp<std::uint64_t>(wanted, kMinBox, kMaxRing);
  return (within + kPage - 1) / kPage * kPage;
}

}  // namespace

CircularBuffers::CircularBuffers(Session& session, const CircularBufferOptions& options)
    : session_(session), options_(options) {
  for (const std::string& path : session_.circular_buffer_paths()) {
    ++n_files_;
    try {
      CircularBuffer box = CircularBuffer::open(path, true);
      box.settle(session_.committed());
      list_.push_back(std::move(box));
    } catch (const DamagedFile& error) {
      report(std::string(error.what()) + "; its records are lost, and counted as dropped");
      session_.drop(1);
    }
  }
}

CircularBuffer& CircularBuffers::buffer_of(const Site& site) {
  if (CircularBuffer** known = by_site_.find(site)) return **known;
  CircularBufferOptions options = options_;
  std::string complaint;
  const auto policy = parse_policy(site.policy, complaint);
  if (options.max_records == 0 && policy) options.max_records = policy->n;
  options.max_records = std::max<std::uint64_t>(options.max_records, 1);
  const std::lock_guard lock(mutex_);
  auto box = std::ranges::find(list_, options.max_records, &CircularBuffer::max_records);
  if (box == list_.end()) {
    const std::string path =
        session_.circular_buffer_path(n_files_++);  // the name is spent in any case
    list_.push_back(CircularBuffer::create(path, capacity_of(options), options.max_records));
    box = list_.end() - 1;
  }
  return *by_site_.put(site, &*box);
}

bool CircularBuffers::append(const Record& record, const RingRecord& raw) {
  CircularBuffer& box = buffer_of(*record.site);
  // A box outlives the clock's history, so a record gets its time for good.
  const std::uint64_t head_size = sizeof(RecordHead) + sizeof record.time_ns;
  std::uint64_t spill[2] = {raw.spill_number, raw.spill_size};
  bool is_spilled = (raw.head.site & kSpilled) != 0;
  const bool is_too_large = !is_spilled && head_size + raw.values.size() > box.record_limit();
  is_spilled = is_spilled || is_too_large;
  const std::size_t values_size = is_spilled ? sizeof spill : raw.values.size();
  const std::uint64_t size = (head_size + values_size + 7) & ~std::uint64_t{7};
  if (!box.fits(size)) return false;
  if (is_too_large) {
    spilled_.reserve(spilled_.size() + 1);
    spill[0] = session_.spill(raw.values);
    spill[1] = raw.values.size();
    spilled_.push_back(spill[0]);
  }
  const std::string_view values =
      is_spilled ? std::string_view(reinterpret_cast<const char*>(spill), sizeof spill)
                 : raw.values;
  const RecordHead head{static_cast<std::uint32_t>(size),
                        raw.site() | kStamped | (is_spilled ? kSpilled : 0), raw.head.ticks};
  record_.clear();
  record_.append({reinterpret_cast<const char*>(&head), sizeof head});
  record_.append({reinterpret_cast<const char*>(&record.time_ns), sizeof record.time_ns});
  record_.append(values);
  while (record_.size() < size) record_.push('\0');
  box.append(record_.view(), *record.thread);
  return true;
}

bool CircularBuffers::is_empty() const {
  return std::ranges::all_of(list_,
                             [](const CircularBuffer& box) { return box.pending_records() == 0; });
}

void CircularBuffers::prepare(std::uint64_t batch) {
  for (CircularBuffer& box : list_) {
    if (box.pending_records() != 0) box.prepare(batch);
  }
}

void CircularBuffers::release(std::uint64_t batch) {
  for (CircularBuffer& box : list_) {
    if (box.pending_records() == 0) continue;
    for (const std::uint64_t number : box.release(batch)) session_.remove_spill(number);
  }
  spilled_.clear();
}

void CircularBuffers::clear() {
  for (CircularBuffer& box : list_) box.clear();
  for (const std::uint64_t number : spilled_) session_.remove_spill(number);
  spilled_.clear();
}

void CircularBuffers::mark_saved() {
  for (CircularBuffer& box : list_) {
    box.mark_saved(box.ring().header().tail.load(std::memory_order_relaxed));
  }
}

CircularBuffer::Totals CircularBuffers::counts() const {
  const std::lock_guard lock(mutex_);
  CircularBuffer::Totals sum;
  for (const CircularBuffer& box : list_) {
    const CircularBuffer::Totals counts = box.counts();
    sum.unsaved += counts.unsaved;
    sum.overwritten += counts.overwritten;
    sum.saved += counts.saved;
  }
  return sum;
}

std::uint64_t CircularBuffers::records() const {
  std::uint64_t records = 0;
  for (const CircularBuffer& box : list_) records += box.records();
  return records;
}

}  // namespace attolog
