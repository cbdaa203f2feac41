#include "writer/flight_recorder.hpp"

#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "core/report.hpp"
#include "shm/circular_buffer.hpp"
#include "sinks/sink.hpp"
#include "writer/capture.hpp"

namespace attolog {

FlightRecorder::FlightRecorder(const SaveTriggerOptions& options, const LogTarget& target,
                               const Session& session, Drain& drain, last_signal::Mutex& mutex,
                               std::function<void()> drain_rings)
    : target_(target),
      session_(session),
      drain_(drain),
      drain_mutex_(mutex),
      drain_rings_(std::move(drain_rings)),
      trigger_(options) {
  if (!has_condition()) return;
  drain_.watch_buffered([this](const Record& record) { return trigger_.on_record(record); },
                        [this] { save_triggered(false, Within::drain); });
}

// The copy is made under the drain's mutex, the file without it: the rings are drained meanwhile.
// Within a run of the drain, which has the mutex, both are.
std::uint64_t FlightRecorder::save(const LogTarget& target, const Capture& capture, Within within) {
  std::unique_lock lock(drain_mutex_, std::defer_lock);
  const bool is_held = within == Within::drain;
  if (!is_held) lock.lock();
  std::optional<CircularSnapshot> copy;
  CircularBuffer* box = nullptr;
  for (CircularBuffer& each : drain_.buffers().list()) {  // there is one at most
    box = &each;
    copy = CircularSnapshot::copy(*box, session_.committed(), CircularBufferOwner::living);
  }
  if (!is_held) lock.unlock();
  std::vector<const Ring*> rings;
  if (copy) rings.push_back(&copy->ring());
  const std::uint64_t records = write_capture(session_, rings, target, capture);
  if (copy && capture.since_ns == INT64_MIN && capture.until_ns == INT64_MAX) {
    if (!is_held) lock.lock();
    box->mark_saved(copy->state().head);
  }
  return records;
}

std::uint64_t FlightRecorder::save(const LogTarget& target) {
  return save(target, Capture{}, Within::call);
}

void FlightRecorder::save_triggered(bool at_once) {
  const std::lock_guard lock(mutex_);
  save_triggered(at_once, Within::call);
}

void FlightRecorder::save_triggered(bool at_once, Within within) {
  const auto now_ns = [this] { return session_.header().clock.to_ns(now_ticks()); };
  while (const auto capture = trigger_.pop_due(now_ns(), at_once)) {
    if (within == Within::call) drain_rings_();  // records in the rings belong to it
    save_one(*capture, within);
  }
}

void FlightRecorder::save_one(const Capture& capture, Within within) {
  LogTarget target = target_;
  target.path = capture.path;
  target.format = static_cast<std::uint8_t>(format_of(capture.path).value_or(Format::text));
  const std::string reason = " (" + capture.triggers.front().reason + ")";
  try {
    const std::uint64_t records = save(target, capture, within);
    report(capture.path + ": saved the last " + std::to_string(records) + " records" + reason);
  } catch (const std::exception& error) {
    report(std::string(error.what()) + "; the circular log is not saved" + reason);
  }
}

}  // namespace attolog
