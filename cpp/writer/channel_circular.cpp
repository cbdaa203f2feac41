// A channel without a file: saving what its box holds.
#include <exception>

#include "core/say.hpp"
#include "writer/capture.hpp"
#include "writer/channel.hpp"

namespace attolog {

// The copy under the drain's mutex, the file without it: the rings are drained meanwhile. Within a
// drain, whose mutex is held, both.
std::uint64_t Channel::save(const LogTarget& target, const Capture& capture, Within within) {
  std::unique_lock lock(drain_mutex_, std::defer_lock);
  const bool is_held = within == Within::drain;
  if (!is_held) lock.lock();
  std::optional<BoxCopy> copy;
  Box* box = nullptr;
  for (Box& each : drain_->keeper().boxes()) {  // there is one at most
    box = &each;
    copy = BoxCopy::take(*box, session_->committed(), BoxOwner::living);
  }
  if (!is_held) lock.unlock();
  std::vector<const Ring*> rings;
  if (copy) rings.push_back(&copy->ring());
  const std::uint64_t records = write_capture(*session_, rings, target, capture);
  if (copy && capture.since_ns == INT64_MIN && capture.until_ns == INT64_MAX) {
    if (!is_held) lock.lock();
    box->mark_saved(copy->state().head);
  }
  return records;
}

std::uint64_t Channel::save(const LogTarget& target) {
  flush(std::nullopt);
  return save(target, Capture{}, Within::call);
}

std::string Channel::trigger(std::int64_t time_ns, bool is_stamped, std::string_view reason) {
  if (recorder_ == nullptr) return "";
  std::string path = recorder_->trigger(time_ns, is_stamped, reason);
  flush(std::nullopt);
  save_captures(false, Within::call);
  const std::lock_guard lock(drain_mutex_);  // a drain under way may be the one that saves it
  return path;
}

void Channel::save_captures(bool at_once, Within within) {
  // Who asked for a capture finds it saved, also where somebody else was quicker.
  std::unique_lock lock(capture_mutex_, std::defer_lock);
  if (within == Within::call) lock.lock();
  while (const auto capture =
             recorder_->take(session_->header().clock.to_ns(now_ticks()), at_once)) {
    if (within == Within::call) drain();  // what is still in the rings belongs to it
    LogTarget target = target_;
    target.path = capture->path;
    target.format = static_cast<std::uint8_t>(format_of(capture->path).value_or(Format::text));
    try {
      const std::uint64_t records = save(target, *capture, within);
      say(capture->path + ": saved the last " + std::to_string(records) + " records (" +
          capture->triggers.front().reason + ")");
    } catch (const std::exception& error) {
      say(std::string(error.what()) + "; the circular log is not saved (" +
          capture->triggers.front().reason + ")");
    }
  }
}

std::uint64_t Channel::records_held() {
  flush(std::nullopt);
  return drain_->keeper().records();
}

}  // namespace attolog
