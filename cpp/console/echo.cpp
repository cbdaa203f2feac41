#include "console/echo.hpp"

namespace attolog {

Echo::Echo(const Session& session, const Screen::Streams& streams)
    : merge_(session), screen_(streams) {
  merge_.leave_kept();
  merge_.leave_shown();
}

bool Echo::look(Ticks until) {
  try {
    merge_.sweep(until);
    return compose();
  } catch (...) {
    merge_.rewind();
    text_.clear();
    throw;
  }
}

bool Echo::compose() {
  bool has_shown = false;
  while (const Record* record = merge_.next()) {
    // What is counted or kept is not in the log either, or not yet.
    if (record->site->handling != Handling::write || record->is_shown) continue;
    const int stream = stream_of(*record->site);
    if (stream != stream_ && !text_.empty()) {
      merge_.unread();
      has_shown = hand_over();
      continue;
    }
    append(*record);
    if (text_.size() >= kPiece) has_shown = hand_over();
  }
  return hand_over() || has_shown;
}

void Echo::append(const Record& record) {
  stream_ = stream_of(*record.site);
  printer_.append(record, text_);
}

void Echo::show_lost(std::uint32_t site, std::string_view encoded) {
  Arena arena;
  std::vector<Value> values;
  const Site* const known = merge_.site(site);
  if (known == nullptr || known->handling != Handling::write) return;
  if (!decode_values(encoded, arena, values)) return;
  try {
    append({known, nullptr, 0, values});
    hand_over();
  } catch (...) {
    text_.clear();
    throw;
  }
}

// With it the positions: what has been shown is not read again.
bool Echo::hand_over() {
  const bool has_text = !text_.empty();
  if (has_text) screen_.show(stream_, text_.view());
  text_.clear();
  for (RingMerge::Source& source : merge_.sources()) {
    source.committed = source.position;
    source.committed_thread = source.thread;
    source.spills.clear();
  }
  return has_text;
}

}  // namespace attolog
