// A sink turns records into the bytes of one file format. It does no I/O: the output appends what
// it made, batch by batch, under the ledger.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "shm/session.hpp"

namespace attolog {

// A new format is added here, in `format_of` and in `make_sink`, with a file for its sink. Where
// its records may span lines, writer/settle has to know where one ends.
enum class Format : std::uint8_t {
  none = 0,  // no file: a circular log
  csv = 1,
  jsonl = 2,
  text = 3,
  journal = 4,
  summary = 5,  // statistics as a person reads them
};

// By the path's suffix: .csv, .jsonl, .log, .txt or .atto.
std::optional<Format> format_of(std::string_view path);

struct SinkOptions {
  int digits = 6;       // of the seconds in a time stamp: 6 or 9
  int columns = 0;      // CSV: pack this and later cells of a row into one; 0 packs nothing
  std::string pattern;  // text: what a line looks like; empty for the default
  bool weight = false;  // CSV: show how many calls a sampled record stands for, in its last cell
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Adds one record to the batch in `out`.
  virtual void append(const Record& record, Buffer& out) = 0;
  // Ends the batch: after this, `out` as a whole may be appended to the file.
  virtual void finish(Buffer& /*out*/) {}
  // Forgets the batch: what is in `out` is thrown away.
  virtual void abandon() {}

  // State of a file beyond its bytes, kept so that all processes write it alike (CSV: the column
  // order of its events). `remember` is given all of it and replaces what the sink thought;
  // `memory` returns what came up since it was last called.
  virtual void remember(std::string_view /*memory*/) {}
  virtual std::string memory() { return {}; }
};

// The sink for a session's log file.
std::unique_ptr<Sink> make_sink(const LogTarget& target);

std::unique_ptr<Sink> make_csv_sink(const SinkOptions& options);
std::unique_ptr<Sink> make_jsonl_sink(const SinkOptions& options);
std::unique_ptr<Sink> make_text_sink(const SinkOptions& options);
std::unique_ptr<Sink> make_summary_sink();
// `run_id` is shared by a process and its children: their journals read as one. `pid` is that of
// the process whose records these are. Limits and failures of `append` are those of
// BlockEncoder::append (journal/journal.hpp).
std::unique_ptr<Sink> make_journal_sink(std::uint64_t run_id, std::uint32_t pid);

}  // namespace attolog
