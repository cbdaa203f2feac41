// Damages files at random, by seeds, and reads them: mapped files of a process that has died,
// journals, control pages. Nothing may crash, hang for a minute or write anywhere but into the log
// file, and what has a checksum is exactly right where it is not damaged. To be built with the
// address and undefined sanitizers (make fuzz).
//
//   fuzz_files seconds N [FIRST_SEED]   until the time is over; the status is 1 if a seed fails
//   fuzz_files seeds N [FIRST_SEED]     so many
//   fuzz_files seed SEED                that one again, in this process, for a debugger
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/checksum.hpp"
#include "core/folder.hpp"
#include "dead_process.hpp"
#include "journal/journal.hpp"
#include "journal_file.hpp"
#include "reader/columns.hpp"
#include "reader/figures.hpp"
#include "reader/journal_reader.hpp"
#include "reader/lines.hpp"
#include "reader/python_text.hpp"
#include "shm/ledger.hpp"
#include "tables.hpp"
#include "temp.hpp"
#include "writer/capture.hpp"
#include "writer/control.hpp"
#include "writer/recovery.hpp"

using namespace attolog;

namespace {

[[noreturn]] void stop(const std::string& what) {
  std::cerr << what << "\n";
  std::abort();
}

// SplitMix64: the same numbers everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(next() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

// A number of the kind that is forgotten: ends of ranges, and what is just beyond.
std::uint64_t odd_number(Random& random) {
  const std::uint64_t power = std::uint64_t{1} << random.below(64);
  switch (random.below(6)) {
    case 0: return power;
    case 1: return power - 1;
    case 2: return ~power + 1;
    case 3: return random.below(4096);
    case 4: return ~std::uint64_t{0} - random.below(64);
    default: return random.next();
  }
}

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  if (at + size <= bytes.size()) std::memcpy(bytes.data() + at, &value, size);
}

// One change within the first `most` bytes.
void change_once(std::string& bytes, std::size_t most, Random& random) {
  most = std::min(most, bytes.size());
  if (most == 0) return;
  const std::size_t at = random.below(most);
  switch (random.below(8)) {
    case 0: bytes[at] = static_cast<char>(random.next()); break;
    case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8))); break;
    case 2: put(bytes, at / 8 * 8, odd_number(random), 8); break;
    case 3: put(bytes, at / 4 * 4, odd_number(random), 4); break;
    case 4: put(bytes, at, odd_number(random), 8); break;
    case 5: {  // a piece of it elsewhere
      const std::size_t n = std::min(random.below(64) + 1, bytes.size() - at);
      const std::string piece = bytes.substr(random.below(bytes.size() - n + 1), n);
      bytes.replace(at, n, piece);
      break;
    }
    case 6:
      std::memset(bytes.data() + at, random.one_in(2) ? 0 : 0xff,
                  std::min(random.below(256) + 1, bytes.size() - at));
      break;
    default: {  // a field that counts something, a little off
      std::uint64_t value = 0;
      const std::size_t place = at / 8 * 8;
      if (place + 8 > bytes.size()) break;
      std::memcpy(&value, bytes.data() + place, 8);
      put(bytes, place, value + random.below(33) - 16, 8);
    }
  }
}

void change(std::string& bytes, Random& random) {
  // Headers have most of what can be wrong; records lie behind them.
  const std::size_t most = random.one_in(3) ? bytes.size() : random.one_in(2) ? 512 : 9216;
  for (std::size_t n = 1 + random.below(random.one_in(2) ? 1 : 8); n > 0; --n) {
    change_once(bytes, most, random);
  }
  if (random.one_in(16)) bytes.resize(random.below(bytes.size() + 1));
  if (random.one_in(32)) bytes.append(random.below(10'000), '\0');
}

// ---- mapped files -----------------------------------------------------------------------------

// The checksum of a damaged checkpoint is made right, so that its state is looked at.
void seal_checkpoint(std::string& bytes) {
  constexpr std::size_t kHeader = 24;  // batch, size, checksum
  if (bytes.size() < kHeader) return;
  const std::uint64_t size = bytes.size() - kHeader;
  put(bytes, 8, size, 8);
  put(bytes, 16, crc32c(std::string_view(bytes).substr(kHeader)), 8);
}

// What a circular log's rescue finds under `root`.
void rescue_from(const dead::Process& process, Random& random) {
  const temp::Folder root;
  const std::string ours = root / ("attolog-" + std::to_string(::geteuid()));
  std::filesystem::create_directories(ours);
  const std::string folder = ours + "/circular_1-0123456789abcdef";
  std::filesystem::rename(process.disk().folder(), folder);
  for (const std::string& each : {ours, folder}) ::chmod(each.c_str(), 0700);
  rescue({ours}, 0, program::target_of(root / "saved.csv"), random.one_in(2));
}

// A batch that the process died in: of that session, or of none.
void open_intent(const dead::Process& process, Random& random) {
  const std::string session = random.one_in(8) ? "1-x.session" : process.name(kSessionSuffix);
  const std::string copy = temp::read_file(process.path(".batch"));
  const std::uint64_t length = random.below(copy.size() + 10);
  const FileId file = *file_id(process.disk().path());
  Ledger(process.disk().folder(), process.disk().path())
      .open({session, random.below(100), file, random.below(process.log().size() + 10), length,
             crc32c(std::string_view(copy).substr(0, length))});
}

void fuzz_mapped_files(const dead::Process& process, Random& random) {
  process.restore();
  if (random.one_in(3)) open_intent(process, random);
  for (std::size_t n = 1 + random.below(2); n > 0; --n) {
    const auto at = static_cast<std::ptrdiff_t>(random.below(process.files().size()));
    const auto& [name, whole] = *std::next(process.files().begin(), at);
    std::string bytes = whole;
    change(bytes, random);
    if (name.find(".stats.") != std::string::npos && !random.one_in(4)) seal_checkpoint(bytes);
    temp::write_file(process.disk().folder() + "/" + name, bytes);
  }
  if (random.one_in(4)) return rescue_from(process, random);
  if (random.one_in(2)) inspect(process.disk().folder(), process.disk().path());
  for (std::size_t n = 1 + random.below(2); n > 0; --n) {
    recover(process.disk().folder(), process.disk().path());
  }
  if (!process.is_alone()) stop("it has written beside the log file");
  // Whatever a ledger says: nothing is cut off.
  if (!temp::read_file(process.disk().path()).starts_with(process.log())) {
    stop("the log file has lost what was in it");
  }
}

// ---- journals ---------------------------------------------------------------------------------

using journal_test::Journal;

// Blocks that have all the format knows, and the records of each.
struct Blocks {
  std::vector<std::string> bytes;
  std::vector<std::vector<std::string>> records;

  Blocks() {
    using namespace journal_test;
    static const std::vector<Site> sites{
        site(16, "E", {"a", "b", "c"}),
        site(17, "value {a} of {b}", {"a", "b"}, SiteKind::message, 30),
        sampled(site(18, "S", {"x"}), "sample:0.1@x"), site(19, "", {}, SiteKind::inline_event),
        site(20, "L", {"list", "dict", "texts"})};
    static const std::vector<Thread> threads{{1, "MainThread"}, {2, std::string(70, 't')}};
    Value both = of_float(1.5);
    both.is_formatted = true;
    both.formatted = "1.50";
    for (std::int64_t i = 0; i < 6; ++i) {
      Journal journal;
      for (std::int64_t j = 0; j < 40; ++j) {
        const Thread& thread = threads[static_cast<std::size_t>(j % 2)];
        const std::int64_t time = i * 1000 + j;
        const std::string text = "text " + std::to_string(j % 5);
        const std::string number = std::to_string(j);
        switch (j % 6) {
          case 0:
            journal.add(sites[0], time, {Value::of_int(j), of_float(0.25 * double(j)), both},
                        thread);
            break;
          case 1: journal.add(sites[1], time, {Value::of_str(text), none()}, thread); break;
          case 2: journal.add(sites[2], time, {Value::of_int(j), of_float(10)}, thread); break;
          case 3:
            journal.add(sites[3], time, {Value::of_str("N"), Value::of_str("f"), both}, thread);
            break;
          case 4:
            journal.add(sites[4], time,
                        {of_nested("[" + number + ", None, 1]", "[" + number + ",null,1]"),
                         of_nested("{'a': [{'b': nan}], 'c': " + number + "}",
                                   "{\"a\":[{\"b\":\"NaN\"}],\"c\":" + number + "}"),
                         of_nested("['\\n', \"'\"]", "[\"\\n\",\"\\u0027\"]")},
                        thread);
            break;
          default:
            journal.add(sites[0], time,
                        {of_text(Tag::bytes, "\xff\n"), of_text(Tag::bigint, "0x1ff"),
                         of(Tag::datetime_utc, time, 3600), of_bool(true)},
                        thread);
        }
      }
      bytes.push_back(journal.text());
      const TemporaryFile file(bytes.back());
      records.push_back(read_all({{file.path()}}).records);
    }
  }
};

// Whether a consumer finds all that the column says it has.
void check_column(const Field& field, const ColumnData& column) {
  const auto rows = static_cast<std::size_t>(column.rows);
  if (column.nulls != 0 && field.type != Type::null && column.validity.size() != (rows + 7) / 8) {
    stop("a column has not a bit for each row");
  }
  if (column.inner.size() != field.inner.size()) stop("a column lacks inner ones");
  std::int64_t last = 0;
  for (std::size_t row = 0; row + 1 <= column.offsets.size() / sizeof last; ++row) {
    const auto offset = tables::at<std::int64_t>(column.offsets, row);
    if (offset < last) stop("offsets descend");
    last = offset;
  }
  const bool is_list = field.type == Type::list;
  const bool is_text = field.type == Type::text || field.type == Type::binary;
  if ((is_list || is_text) && rows != 0 &&
      column.offsets.size() != (rows + 1) * sizeof(std::int64_t)) {
    stop("a column has not an offset for each row");
  }
  if (is_text && static_cast<std::size_t>(last) != column.values.size()) stop("texts are missing");
  for (std::size_t i = 0; i < column.inner.size(); ++i) {
    if (column.inner[i].rows != (is_list ? last : column.rows)) stop("an inner column is short");
    check_column(field.inner[i], column.inner[i]);
  }
}

void read_table(BatchStream& table) {
  Batch batch;
  while (table.next(batch)) {
    for (std::size_t i = 0; i < batch.columns.size(); ++i) {
      if (batch.columns[i].rows != batch.rows) stop("a column is short");
      check_column(table.fields()[i], batch.columns[i]);
    }
  }
}

constexpr std::chrono::milliseconds kPatience{10};

// Reads all that there is to read of a journal.
std::vector<std::string> read_journal(const std::string& path) {
  std::vector<std::string> found;
  try {
    const auto reader = JournalReader::open({{path}});
    const auto records = reader->records();
    while (const SourcedRecord* const next = records->next()) {
      found.push_back(journal_test::shown(next->record));
    }
    for (std::size_t i = 0; i < reader->catalog().tables().size(); ++i) {
      read_table(*open_table(reader->catalog(), i, reader->records()));
    }
    LineStream lines(reader, {}, Origin::with, 2, 1000);
    for (Buffer some; lines.next(some, kPatience) != LineStream::Next::end;) {
    }
    Figures figures(reader, {.records = {}, .bins = 3}, 2, 1000);
    while (!figures.go_on(kPatience)) {
    }
  } catch (const NotAJournal&) {
    return found;
  }
  return found;
}

void fuzz_journal(const Blocks& blocks, const temp::Folder& folder, Random& random) {
  std::string bytes;
  for (const std::string& block : blocks.bytes) bytes += block;
  if (random.one_in(2)) {
    change(bytes, random);
  } else {  // insert, take out, double
    const std::size_t at = random.below(bytes.size());
    const std::size_t n = random.below(bytes.size() - at);
    switch (random.below(3)) {
      case 0: bytes.insert(at, std::string(random.below(5000), '\x89')); break;
      case 1: bytes.erase(at, n); break;
      default: bytes.insert(random.below(bytes.size()), bytes.substr(at, n));
    }
  }
  const std::string path = folder / "run.atto";
  temp::write_file(path, bytes);
  const std::vector<std::string> found = read_journal(path);
  std::set<std::string> allowed;
  std::set<std::string> wanted;
  for (std::size_t i = 0; i < blocks.bytes.size(); ++i) {
    allowed.insert(blocks.records[i].begin(), blocks.records[i].end());
    const bool is_whole = bytes.find(blocks.bytes[i]) != std::string::npos;
    if (is_whole) wanted.insert(blocks.records[i].begin(), blocks.records[i].end());
  }
  const std::set<std::string> shown(found.begin(), found.end());
  if (shown.size() != found.size()) stop("a record is there twice");
  if (!std::ranges::includes(allowed, shown)) stop("a record is there that nobody has logged");
  if (!std::ranges::includes(shown, wanted)) stop("a record of an intact block is missing");
}

// Blocks whose payload is damaged and whose checksums are right: a hostile writer's.
void fuzz_blocks(const Blocks& blocks, const temp::Folder& folder, Random& random) {
  std::string bytes;
  for (const std::string& block : blocks.bytes) {
    auto header = BlockHeader::read(block.data());
    if (!header) stop("a block has no header");
    std::string payload = block.substr(kBlockHeaderSize);
    apply_mask(payload.data(), payload.size(), header->mask);
    header->mask = 0;
    for (std::size_t n = random.below(6); n > 0; --n) {
      change_once(payload, random.one_in(2) ? 200 : payload.size(), random);
    }
    if (random.one_in(8)) header->records = static_cast<std::uint32_t>(odd_number(random));
    if (random.one_in(4)) {  // times that fit any record
      header->first_ns = INT64_MIN;
      header->last_ns = INT64_MAX;
    }
    header->checksum = crc32c(payload);
    char room[kBlockHeaderSize];
    header->write(room);
    bytes.append(room, sizeof room).append(payload);
  }
  const std::string path = folder / "run.atto";
  temp::write_file(path, bytes);
  read_journal(path);
}

// Lists and dicts with damage, of which some have come since the table's columns were decided.
void fuzz_nested(Random& random) {
  struct Pair {
    std::string_view shown;
    std::string_view json;
  };
  constexpr std::array<Pair, 5> kWhole{{
      {R"({'a': [1, 2.5, nan, 'x"\n'], 'b': [{'c': (True, None), 'd': ''}]})",
       R"({"a":[1,2.5,"NaN","x\"\n"],"b":[{"c":[true,null],"d":"\ud83d\ude00"}]})"},
      {"{'a': [1, 0.5], 'b': {'c': 'x'}}", R"({"a":[1,0.5],"b":{"c":"x"}})"},
      {"{'a': [], 'b': None}", R"({"a":[],"b":null})"},
      {"{'b': {'c': 'y'}}", R"({"b":{"c":"y"}})"},
      {"[{'a': 1}, None]", R"([{"a":1},null])"},
  }};
  const std::size_t size = random.below(8) + 1;
  const std::size_t first = random.below(kWhole.size());
  std::vector<std::string> all(size);
  const Site site = journal_test::site(16, "T", {"v"});
  tables::Records records;
  for (std::string& both : all) {
    const Pair& whole = kWhole[random.one_in(8) ? first : 1 + random.below(3)];
    both.append(whole.shown).append(whole.json);
    for (std::size_t n = random.one_in(3) ? random.below(3) : 0; n > 0; --n) {
      if (random.one_in(2)) {
        both[random.below(both.size())] = R"(",:[]{}()'\0129.eE-u)"[random.below(20)];
      } else {
        change_once(both, both.size(), random);
      }
    }
    const std::size_t text = random.one_in(16) ? random.below(both.size() + 1) : whole.shown.size();
    Value value = Value::of_str(std::string_view(both).substr(0, text));
    value.is_nested = true;
    value.i = static_cast<std::int64_t>(both.size() - value.text.size());
    reads_as_shown(value);
    records.push_back({&site, 0, {random.one_in(8) ? Value{} : value}});
  }
  const tables::Records learned(
      records.begin(), records.begin() + 1 + static_cast<std::ptrdiff_t>(random.below(size)));
  read_table(*open_table(tables::catalog_of(learned), 0, std::make_unique<tables::List>(records)));
}

// ---- control pages ----------------------------------------------------------------------------

void fuzz_control_page(const temp::Folder& folder, Random& random) {
  const std::string root = folder / "root";
  std::filesystem::create_directories(root);
  const auto page = ControlPage::create(root);
  const std::string control = control_folder(root, false);
  for (const std::string& name : list_files(control, ".ctl")) {
    const File file = open_file(control + "/" + name, O_RDWR);
    for (std::size_t n = 1 + random.below(3); n > 0; --n) {
      const std::uint64_t value = odd_number(random);
      // In place: the page stays mapped, as under a careless client.
      if (::pwrite(file.fd(), &value, 8, static_cast<off_t>(random.below(600) * 8)) != 8) {
        stop("the page cannot be written");
      }
    }
  }
  if (page->request()) page->answer(std::string(random.below(3000), 'a'));
  list_processes(root);
  ask(root, static_cast<std::uint32_t>(::getpid()), "list", 0);
  page->request();
}

// ---- all of them ------------------------------------------------------------------------------

class Fuzzer {
 public:
  void run(std::uint64_t seed) const {
    Random random(seed);
    switch (random.below(9)) {
      case 8: return fuzz_nested(random);
      case 0: return fuzz_journal(blocks_, folder_, random);
      case 1: return fuzz_blocks(blocks_, folder_, random);
      case 2: return fuzz_control_page(folder_, random);
      case 3:
      case 4: return fuzz_mapped_files(journal_, random);
      default: return fuzz_mapped_files(csv_, random);
    }
  }

 private:
  Blocks blocks_;
  temp::Folder folder_;
  dead::Process csv_{"run.csv"};
  dead::Process journal_{"run.atto"};
};

// Runs seeds with what they say in a file of its own; the one that failed, or `last`.
std::uint64_t run_batch(const Fuzzer& fuzzer, std::uint64_t first, std::uint64_t last,
                        const std::string& said) {
  return dead::survive(first, last, [&](std::uint64_t seed) {
    if (seed == first) {
      const File file(::open(said.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600));
      ::dup2(file.fd(), STDERR_FILENO);
    }
    if (::ftruncate(STDERR_FILENO, 0) != 0) std::abort();
    fuzzer.run(seed);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 0);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 2 || arguments.size() > 3) stop("fuzz_files seconds|seeds|seed NUMBER");
  const Fuzzer fuzzer;
  const std::uint64_t number = std::stoull(arguments[1]);
  if (arguments[0] == "seed") {
    fuzzer.run(number);
    return 0;
  }
  using std::chrono::steady_clock;
  const bool is_timed = arguments[0] == "seconds";
  const std::uint64_t first = arguments.size() == 3 ? std::stoull(arguments[2]) : 0;
  const std::uint64_t last = is_timed ? ~std::uint64_t{0} : first + number;
  const auto end = steady_clock::now() + std::chrono::seconds(is_timed ? number : 0);
  constexpr std::uint64_t kBatch = 200;  // seeds in a process
  constexpr int kMostFailures = 10;
  const temp::Folder folder;
  const std::string said = folder / "said";
  std::uint64_t seed = first;
  int failures = 0;
  while (seed < last && failures < kMostFailures && !(is_timed && steady_clock::now() >= end)) {
    const std::uint64_t batch_end = seed + std::min(kBatch, last - seed);
    seed = run_batch(fuzzer, seed, batch_end, said);
    if (seed == batch_end) continue;
    std::cout << temp::read_file(said) << "seed " << seed << " failed; again: " << argv[0]
              << " seed " << seed << std::endl;  // a child must not flush it again
    ++failures;
    ++seed;
  }
  std::cout << seed - first << " seeds, " << failures << " failed\n";
  return failures == 0 ? 0 : 1;
}
