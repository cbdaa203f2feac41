#include "console/console_feed.hpp"

namespace attolog {

ConsoleFeed::ConsoleFeed(const Session& session, const ConsoleWriter::Streams& streams)
    : merge_(session), screen_(streams) {
  merge_.skip_buffered_records();
  merge_.skip_printed_records();
}

bool ConsoleFeed::feed(Ticks until) {
  try {
    merge_.sweep(until);
    return compose();
  } catch (...) {
    merge_.rewind();
    text_.clear();
    throw;
  }
}

bool ConsoleFeed::compose() {
  bool has_shown = false;
  while (const Record* record = merge_.next()) {
    // Records for statistics or circular buffers are not in the log either, or not yet.
    if (record->site->destination != Destination::file || record->is_on_console) continue;
    const int stream = stream_of(*record->site);
    if (stream != stream_ && !text_.empty()) {
      merge_.unread();
      has_shown = flush();
      continue;
    }
    append(*record);
    if (text_.size() >= kPiece) has_shown = flush();
  }
  return flush() || has_shown;
}

void ConsoleFeed::append(const Record& record) {
  stream_ = stream_of(*record.site);
  printer_.append(record, text_);
}

void ConsoleFeed::show_dropped(std::uint32_t site, std::string_view encoded) {
  Arena arena;
  std::vector<Value> values;
  const Site* const known = merge_.site(site);
  if (known == nullptr || known->destination != Destination::file) return;
  if (!decode_values(encoded, arena, values)) return;
  try {
    append({known, nullptr, 0, values});
    flush();
  } catch (...) {
    text_.clear();
    throw;
  }
}

// With it the positions: what has been shown is not read again.
bool ConsoleFeed::flush() {
  const bool has_text = !text_.empty();
  if (has_text) screen_.enqueue(stream_, text_.view());
  text_.clear();
  for (RingMerge::Source& source : merge_.sources()) {
    source.committed = source.position;
    source.committed_thread = source.thread;
    source.spills.clear();
  }
  return has_text;
}

}  // namespace attolog
