// Finishing a batch whose writer died in it. The bytes are in the session's copy, so nothing is
// ever cut off: what the file has of them is looked up, and the remainder is appended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shm/ledger.hpp"
#include "sinks/sink.hpp"

namespace attolog {

// What an open intent comes to.
struct Settlement {
  std::string session;  // the name of its file
  std::uint64_t batch = 0;
  bool is_known = true;  // else there is no copy of the bytes, and the batch counts as failed
  Format format = Format::none;
  std::string bytes;        // the copy; empty if all of it is in the file
  std::size_t whole = 0;    // so many of them are whole records that the file has
  std::size_t written = 0;  // up to here nothing more is to be written
  std::string before;       // what goes before the remainder, to end a torn record
  std::uint64_t end = 0;    // up to here the file is to be read; the bytes from `whole` on follow
  std::string message;      // what has to be said; "" mostly
};

// Nothing where the intent is of another file, or its session is gone. Writes nothing.
std::optional<Settlement> inspect_intent(const std::string& folder, const std::string& log_path,
                                         const Intent& intent, int log_fd);

struct SettleResult {
  std::uint64_t records = 0;  // of the batch, which are in the file now
  std::string message;        // what has to be said; "" mostly
};
// Finishes an open intent, under the log file's lock. Throws std::system_error where the
// remainder cannot be written; the next call tries again.
SettleResult settle(const std::string& folder, const std::string& log_path, Ledger& ledger,
                    int log_fd);

// How much of a batch's first bytes are whole records.
std::size_t whole_records(Format format, std::string_view bytes);

// What a file of `size` bytes needs behind the last one, so that the next record does not become
// part of one that was torn: "", a new line, or a quote and a new line. At `start` a record begins;
// 0 where no other place is known.
std::string torn_record_end(Format format, int log_fd, std::uint64_t start, std::uint64_t size);

}  // namespace attolog
