// The echo: what a session's rings hold, shown on the terminal as print would have. It reads the
// rings ahead of the drain, from positions of its own that free nothing. So the screen depends
// neither on the size of a journal's blocks nor on a full disk.
#pragma once

#include <string_view>

#include "console/console_writer.hpp"
#include "console/print_formatter.hpp"
#include "core/buffer.hpp"
#include "shm/ring.hpp"
#include "shm/ring_merge.hpp"
#include "shm/session.hpp"

namespace attolog {

class ConsoleFeed {
 public:
  explicit ConsoleFeed(const Session& session, const ConsoleWriter::Streams& streams = {1, 2});

  // One thread at a time:
  // From now on `ring` is shown too; it must outlive the echo.
  void add(const Ring& ring) { merge_.add(ring); }
  void remove(const Ring& ring) { merge_.remove(ring); }
  // Shows everything stamped up to `until` that it has not shown yet. The rings may free no more
  // than what a look has passed. Whether there was any. After an exception, the next look begins
  // where this one did.
  bool feed(Ticks until);
  // How far the last look has read each ring (`committed`), by the order in which they were added.
  const std::vector<RingMerge::Source>& sources() const { return merge_.sources(); }
  // Shows a record that got into no ring, behind what the last look has shown.
  void show_dropped(std::uint32_t site, std::string_view values);

  // From any thread.
  ConsoleWriter& screen() { return screen_; }
  const ConsoleWriter& screen() const { return screen_; }

 private:
  static constexpr std::size_t kPiece = std::size_t{64} << 10;
  bool compose();
  void append(const Record& record);
  bool flush();

  RingMerge merge_;
  PrintFormatter printer_;
  Buffer text_;  // of one stream
  int stream_ = 0;
  ConsoleWriter screen_;
};

}  // namespace attolog
