// The flight recorder: saves the circular buffer of a channel without a file, when it is asked to,
// or when one of its triggers says so.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "shm/session.hpp"
#include "writer/drain.hpp"
#include "writer/last_signal.hpp"
#include "writer/save_trigger.hpp"

namespace attolog {

class FlightRecorder {
 public:
  // `mutex` is held around each run of the drain, and not by callers of this class.
  // `drain_rings` runs it, so that the buffer has all that was logged. Throws std::invalid_argument
  // where the options' `when` is no expression.
  FlightRecorder(const SaveTriggerOptions& options, const LogTarget& target, const Session& session,
                 Drain& drain, last_signal::Mutex& mutex, std::function<void()> drain_rings);
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;

  bool has_condition() const { return trigger_.has_condition(); }
  // Saves all that the buffer has to the target. How many records. Throws std::system_error and
  // std::runtime_error.
  std::uint64_t save(const LogTarget& target);
  // Asks for the buffer to be saved as the options say. Where; "" if nothing is saved any more.
  std::string trigger(std::int64_t time_ns, bool is_stamped, std::string_view reason) {
    return trigger_.trigger(time_ns, is_stamped, reason);
  }
  // Saves the buffer for a trigger whose time after it has passed; `at_once`: for any trigger. If
  // another thread is at it, returns once that has saved it.
  void save_triggered(bool at_once);

 private:
  // Whether the drain's mutex is held already, by a run of the drain that calls.
  enum class Within { call, drain };
  std::uint64_t save(const LogTarget& target, const Capture& capture, Within within);
  void save_triggered(bool at_once, Within within);
  void save_one(const Capture& capture, Within within);

  const LogTarget target_;
  const Session& session_;
  Drain& drain_;
  last_signal::Mutex& drain_mutex_;
  std::function<void()> drain_rings_;
  SaveTrigger trigger_;
  std::mutex mutex_;  // of save_triggered by calls; taken before that of the drain
};

}  // namespace attolog
