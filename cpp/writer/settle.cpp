#include "writer/settle.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/checksum.hpp"
#include "journal/journal.hpp"
#include "shm/place.hpp"
#include "shm/session.hpp"

namespace attolog {

namespace {

constexpr std::size_t kScannedAtOnce = std::size_t{1} << 20;
// How far behind the place where a batch was to begin it is looked for: other programs may have
// appended between the look at the file's end and the write.
constexpr std::uint64_t kReach = std::uint64_t{16} << 20;
// How far behind a torn record the remainder of its batch is looked for: a process that finished it
// has written that at the file's end.
constexpr std::uint64_t kLongReach = std::uint64_t{1} << 30;
// So many bytes of a batch are found by chance nowhere: a time stamp is among them.
constexpr std::size_t kTelling = 32;

// How many of the batch's first bytes stand at `offset`.
std::size_t match(int fd, std::uint64_t offset, std::string_view bytes) {
  std::string piece(std::min(kScannedAtOnce, bytes.size()), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t wanted = std::min(piece.size(), bytes.size() - done);
    const ssize_t n = ::pread(fd, piece.data(), wanted, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    const auto got = static_cast<std::size_t>(n);
    const auto differs = std::mismatch(piece.begin(), piece.begin() + n,
                                       bytes.begin() + static_cast<std::ptrdiff_t>(done));
    const auto same = static_cast<std::size_t>(differs.first - piece.begin());
    done += same;
    if (same < got) break;
  }
  return done;
}

struct Match {
  std::uint64_t position = 0;
  std::size_t length = 0;  // of the batch's first bytes that stand there
};

// Where the file has the bytes, or the most of them.
Match find(int fd, std::uint64_t size, std::uint64_t offset, std::string_view bytes,
           std::uint64_t reach) {
  Match best{std::min(offset, size), match(fd, offset, bytes)};
  const std::string_view start = bytes.substr(0, std::min(bytes.size(), kTelling));
  const std::uint64_t end = std::min(size, offset + bytes.size() + reach);
  std::string piece;
  for (std::uint64_t from = offset + 1; best.length < bytes.size() && from + start.size() <= end;
       from += kScannedAtOnce) {
    piece.resize(std::min<std::uint64_t>(kScannedAtOnce + start.size() - 1, end - from));
    if (!read_at(fd, piece.data(), piece.size(), from)) break;
    for (std::size_t at = piece.find(start); at != piece.npos; at = piece.find(start, at + 1)) {
      const std::size_t length = match(fd, from + at, bytes);
      if (length > best.length) best = {from + at, length};
    }
  }
  return best;
}

// Whether the bytes are where they were to go, by their checksum alone.
bool is_written(int fd, const Intent& intent) {
  std::string piece(kScannedAtOnce, '\0');
  std::uint32_t crc = 0;
  for (std::uint64_t done = 0; done < intent.length;) {
    const std::size_t n = std::min<std::uint64_t>(piece.size(), intent.length - done);
    if (!read_at(fd, piece.data(), n, intent.offset + done)) return false;
    crc = crc32c({piece.data(), n}, crc);
    done += n;
  }
  return crc == intent.checksum;
}

std::size_t whole_rows(std::string_view bytes) {
  std::size_t end = 0;
  bool is_quoted = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '"') is_quoted = !is_quoted;
    if (bytes[i] == '\n' && !is_quoted) end = i + 1;
  }
  return end;
}

std::size_t whole_blocks(std::string_view bytes) {
  std::size_t end = 0;
  while (bytes.size() - end >= kBlockHeaderSize) {
    const auto header = BlockHeader::read(bytes.data() + end);
    if (!header || header->payload_size > bytes.size() - end - kBlockHeaderSize) break;
    end += kBlockHeaderSize + header->payload_size;
  }
  return end;
}

// Reads a CSV file from anywhere on. From within a row it is not known whether a quote opens or
// closes a cell, so both are tried: of a file that attolog writes only one makes sense.
class RowScan {
 public:
  // `is_quoted`: whether it begins within a quoted cell.
  explicit RowScan(bool is_quoted) : is_quoted_(is_quoted) {}

  void read(std::string_view bytes) {
    for (const char c : bytes) {
      if (is_after_quote_ && c != '"' && c != ',' && c != '\n') is_possible_ = false;
      if (c == '"') {
        // Within a cell that is not quoted there is none; where it begins one opens it.
        if (!is_quoted_ && !is_after_quote_ && !is_cell_start_) is_possible_ = false;
        is_after_quote_ = is_quoted_;
        is_quoted_ = !is_quoted_;
      } else {
        is_after_quote_ = false;
      }
      is_cell_start_ = !is_quoted_ && (c == ',' || c == '\n');
    }
  }
  bool is_possible() const { return is_possible_; }
  bool is_quoted() const { return is_quoted_; }

 private:
  bool is_quoted_;
  bool is_possible_ = true;
  bool is_after_quote_ = false;
  bool is_cell_start_ = true;
};

// Reads a CSV file from where a row begins, as readers of CSV do: a quote within a cell that has
// none at its start is one of its characters.
class CellScan {
 public:
  void read(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (!is_after_quote_) {
        const std::size_t next = std::min(bytes.find('"', i), bytes.size());
        if (next > i) last_ = bytes[next - 1];
        if (next == bytes.size()) return;
        i = next;
      }
      const bool is_quote = bytes[i] == '"';
      if (is_quoted_) {
        is_quoted_ = false;
        is_after_quote_ = true;
      } else {
        // Two quotes are one in the cell's text.
        const bool opens = is_after_quote_ || last_ == ',' || last_ == '\n';
        is_quoted_ = is_quote && opens;
        is_after_quote_ = false;
      }
      last_ = bytes[i];
    }
  }
  bool is_quoted() const { return is_quoted_; }

 private:
  char last_ = '\n';
  bool is_quoted_ = false;
  bool is_after_quote_ = false;
};

// Whether a line begins as attolog's rows do: with seconds since 1970.
bool is_row(std::string_view line) {
  const std::size_t n = std::min(line.find_first_not_of("0123456789"), line.size());
  return n > 0 && n < line.size() && line[n] == '.';
}

std::string_view last_line(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  return bytes.substr(bytes.rfind('\n') + 1);  // npos + 1 is 0
}

// The more of its end has to be read the longer the last cell is.
constexpr std::uint64_t kShortTail = std::uint64_t{64} << 10;
constexpr std::uint64_t kLongTail = std::uint64_t{256} << 20;

// Whether a CSV file ends within a quoted cell, if it does not at `start`.
bool ends_quoted(int fd, std::uint64_t start, std::uint64_t size) {
  for (std::uint64_t tail = kShortTail;; tail *= 16) {
    const bool is_known = size - start <= tail;
    RowScan outside(false);
    RowScan inside(true);
    CellScan known;
    std::string piece;
    for (std::uint64_t from = is_known ? start : size - tail; from < size; from += piece.size()) {
      piece.resize(std::min<std::uint64_t>(kScannedAtOnce, size - from));
      if (!read_at(fd, piece.data(), piece.size(), from)) return false;
      if (is_known) {
        known.read(piece);
      } else {
        outside.read(piece);
        inside.read(piece);
      }
    }
    if (is_known) return known.is_quoted();
    const bool is_clear = outside.is_possible() != inside.is_possible();
    const bool is_likely = piece.ends_with('\n') && is_row(last_line(piece));
    if (is_clear) return inside.is_possible() ? inside.is_quoted() : outside.is_quoted();
    // Another program's lines may make no sense either way: then nothing is to be closed.
    const bool is_foreign = !outside.is_possible();
    if (is_likely || tail >= kLongTail) return !is_foreign && outside.is_quoted();
  }
}

// Where the first record ends; all of it where that is not to be seen.
std::size_t first_record(Format format, std::string_view bytes) {
  if (format == Format::journal) {
    if (bytes.size() < kBlockHeaderSize) return bytes.size();
    const auto header = BlockHeader::read(bytes.data());
    return header ? std::min(bytes.size(), kBlockHeaderSize + header->payload_size) : bytes.size();
  }
  for (std::size_t at = bytes.find('\n'); at != bytes.npos; at = bytes.find('\n', at + 1)) {
    if (whole_records(format, bytes.substr(0, at + 1)) != 0) return at + 1;
  }
  return bytes.size();
}

std::uint64_t size_of(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) fail(path);
  return static_cast<std::uint64_t>(info.st_size);
}

void append_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::size_t whole_records(Format format, std::string_view bytes) {
  if (format == Format::csv) return whole_rows(bytes);
  if (format == Format::journal) return whole_blocks(bytes);
  return bytes.rfind('\n') + 1;  // npos + 1 is 0
}

std::string torn_record_end(Format format, int log_fd, std::uint64_t start, std::uint64_t size) {
  char last = '\n';
  if (format == Format::journal || size <= start || !read_at(log_fd, &last, 1, size - 1)) return "";
  if (format == Format::csv && ends_quoted(log_fd, start, size)) return "\"\n";
  return last == '\n' ? "" : "\n";
}

std::optional<Settlement> inspect_intent(const std::string& folder, const std::string& log_path,
                                         const Intent& intent, int log_fd) {
  if (intent.file != known_in(folder, file_id(log_fd))) return std::nullopt;
  const auto session = Session::open(folder, intent.session, Session::Access::read);
  if (session == nullptr) return std::nullopt;
  const std::uint64_t size = size_of(log_fd, log_path);
  Settlement result;
  result.session = intent.session;
  result.batch = intent.batch;
  result.end = size;
  auto bytes = session->staged(intent.length, intent.checksum);
  if (!bytes) {
    if (is_written(log_fd, intent)) return result;
    result.is_known = false;
    result.end = std::min(size, intent.offset);
    if (size > intent.offset) {
      result.message = log_path + ": the last record of process " +
                       std::to_string(session->header().pid) +
                       " may be torn: there was no room for a copy of what it wrote";
    }
    return result;
  }
  const auto format = static_cast<Format>(session->header().format);
  result.format = format;
  const std::string_view all = *bytes;
  Match found = find(log_fd, size, intent.offset, all, kReach);
  std::size_t whole = 0;
  bool is_torn = false;
  for (;;) {
    const std::string_view rest = all.substr(whole);
    if (found.length == rest.size()) return result;
    const std::size_t start = whole;
    whole += whole_records(format, rest.substr(0, found.length));
    if (found.position + found.length == size) {
      result.written = start + found.length;
      result.end = found.position + (whole - start);
      break;
    }
    // Others have written behind what there is of it: look for what a settlement has written behind
    // that, which may have died as well.
    is_torn = is_torn || start + found.length != whole;
    const Match next =
        find(log_fd, size, found.position + found.length, all.substr(whole), kLongReach);
    if (next.length < std::min(all.size() - whole, kTelling)) {
      result.written = whole;
      result.before = torn_record_end(format, log_fd, found.position, size);
      break;
    }
    found = next;
  }
  result.whole = whole;
  result.bytes = std::move(*bytes);
  if (is_torn) {
    result.message = "another program wrote into " + log_path +
                     " in the middle of a record; both are kept, and the record is there once more";
  }
  return result;
}

namespace {

// Finishes the record that is torn at the file's end. It is there once more if another program came
// between. Returns up to where the batch is in the file.
std::size_t finish_torn(Format format, int log_fd, const std::string& log_path,
                        const Settlement& settlement) {
  const std::string_view bytes = settlement.bytes;
  const std::size_t record_end =
      settlement.whole + first_record(format, bytes.substr(settlement.whole));
  append_all(log_fd, bytes.substr(settlement.written, record_end - settlement.written), log_path);
  const std::uint64_t start = settlement.end;  // of the record in the file
  const off_t end = ::lseek(log_fd, 0, SEEK_CUR);
  if (end < 0 || static_cast<std::uint64_t>(end) == start + record_end - settlement.whole)
    return record_end;
  append_all(log_fd, torn_record_end(format, log_fd, start, size_of(log_fd, log_path)), log_path);
  return settlement.whole;
}

}  // namespace

SettleResult settle(const std::string& folder, const std::string& log_path, Ledger& ledger,
                    int log_fd) {
  const auto intent = ledger.intent();
  if (!intent) return {};
  const auto settlement = inspect_intent(folder, log_path, *intent, log_fd);
  SettleResult settled;
  if (settlement && settlement->is_known) {
    append_all(log_fd, settlement->before, log_path);
    std::size_t written = settlement->written;
    if (written != settlement->whole)
      written = finish_torn(settlement->format, log_fd, log_path, *settlement);
    append_all(log_fd, std::string_view(settlement->bytes).substr(written), log_path);
    // Only the header is touched, and its owner is dead: it would have closed the intent itself.
    const auto session = Session::open(folder, settlement->session, Session::Access::settle);
    if (session != nullptr && session->committed() < settlement->batch) {
      session->commit(settlement->batch);
      settled.records = session->header().pending_records.load(std::memory_order_relaxed);
    }
  }
  ledger.close();
  if (settlement) settled.message = settlement->message;
  return settled;
}

}  // namespace attolog
