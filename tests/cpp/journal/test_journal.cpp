#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "check.hpp"
#include "core/checksum.hpp"
#include "journal_file.hpp"

using namespace journal_test;
using attolog::BlockDecoder;
using attolog::BlockHeader;
using attolog::Definitions;
using attolog::kBlockHeaderSize;

namespace {

// What comes out of the blocks in `text`, with nothing but the decoder.
std::vector<std::string> decoded(const std::string& text, std::size_t* blocks = nullptr) {
  static Definitions definitions;
  std::vector<std::string> records;
  for (std::size_t at = 0; at < text.size();) {
    const auto header = BlockHeader::read(text.data() + at);
    check::that(header.has_value());
    if (!header) break;
    std::string payload = text.substr(at + kBlockHeaderSize, header->payload_size);
    check::equal(attolog::crc32c(payload), header->checksum);
    attolog::apply_mask(payload.data(), payload.size(), header->mask);
    BlockDecoder decoder(*header, payload, definitions);
    while (const Record* const record = decoder.next()) records.push_back(shown(*record));
    at += kBlockHeaderSize + header->payload_size;
    if (blocks != nullptr) ++*blocks;
  }
  return records;
}

// Adds records and keeps what they should read back as.
struct Expected {
  Journal journal;
  std::vector<std::string> records;

  void add(const Site& site, std::int64_t time, const std::vector<Value>& values,
           const Thread& thread = Journal::main_thread()) {
    journal.add(site, time, values, thread);
    records.push_back(shown(Record{&site, &thread, time, values}));
  }
};

void same(const std::vector<std::string>& actual, const std::vector<std::string>& expected,
          const std::source_location& where = std::source_location::current()) {
  check::equal(actual.size(), expected.size(), where);
  for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
    check::equal(actual[i], expected[i], where);
  }
}

// Three blocks of two records each, sampled, so that their definitions have every part.
std::string three_blocks(std::vector<std::string>* records = nullptr) {
  static const Site gen = sampled(site(16, "GEN", {"model", "task_id"}), "sample:0.1");
  Expected expected;
  for (int i = 0; i < 6; ++i) {
    expected.add(gen, 1000 + i, {Value::of_str("ResNet50"), Value::of_int(i), of_float(i / 3.0)});
    if (i % 2 == 1) expected.journal.end_block();
  }
  if (records != nullptr) *records = expected.records;
  return expected.journal.text();
}

std::vector<std::size_t> block_ends(const std::string& text) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; at < text.size(); ends.push_back(at)) {
    at += kBlockHeaderSize + BlockHeader::read(text.data() + at)->payload_size;
  }
  return ends;
}

// A block with the given payload, and checksums that are right.
std::string forged(std::string_view payload, std::uint32_t records, std::int64_t first = 0,
                   std::int64_t last = 0) {
  BlockHeader header;
  header.records = records;
  header.first_ns = first;
  header.last_ns = last;
  header.payload_size = static_cast<std::uint32_t>(payload.size());
  header.checksum = attolog::crc32c(payload);
  std::string block(kBlockHeaderSize, '\0');
  header.write(block.data());
  return block.append(payload);
}

}  // namespace

static const check::Test every_value{
    "every type of value comes back as it was", [] {
      constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();
      constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();
      const Site all = site(16, "ALL", {"a", "b"});
      Expected expected;
      const std::string long_text(300, 'x');
      Value formatted = of_float(2.5);
      formatted.is_formatted = true;
      formatted.formatted = "two and a half";
      const std::vector<std::vector<Value>> rows{
          {},
          {none(), of_bool(true), of_bool(false)},
          {none(), of_bool(false), of_bool(true)},
          {Value::of_int(kLow), Value::of_int(kHigh)},
          {Value::of_int(kHigh), Value::of_int(kLow)},
          {Value::of_int(0), Value::of_int(-1)},
          {Value::of_str(""), Value::of_str("text"), Value::of_str("text"),
           Value::of_str(long_text)},
          {of_text(Tag::str, "\xed\xa0\x80"), of_text(Tag::bytes, std::string_view("\0\xff", 2)),
           of_text(Tag::bigint, "123456789012345678901234567890")},
          {of(Tag::datetime, -1), of(Tag::datetime_utc, 5, -3600), of(Tag::datetime_utc, 6, 86399)},
          {of(Tag::date, 20000), of(Tag::time, 86399999999), of(Tag::duration, -1)},
          {of(Tag::int8, -128), of(Tag::int16, 32767), of(Tag::int32, -5), of(Tag::uint8, 255)},
          {of(Tag::uint16, 65535), of(Tag::uint32, 4294967295), of(Tag::uint64, -1)},
          {of_float(1.5, Tag::float32), formatted, formatted},
      };
      std::int64_t time = kHigh;
      for (const auto& row : rows) {
        expected.add(all, time, row);
        time = time == kHigh ? kLow : time + 1'000'000'000;
      }
      same(decoded(expected.journal.text()), expected.records);
    }};

static const check::Test samples{
    "a sampled site comes back with its policy, also beside one that is the same but for it", [] {
      const Site plain = site(16, "GEN", {"task_id", "weight"});
      const Site by_chance = sampled(site(17, "GEN", {"task_id"}), "sample:0.01@task_id");
      const Site every = sampled(site(18, "GEN", {"task_id"}), "every:100");
      const Site bare = sampled(site(19, "", {}, SiteKind::inline_event), "");
      Expected expected;
      for (int i = 0; i < 3; ++i) {
        for (const Site* each : {&plain, &by_chance, &every, &bare})
          expected.add(*each, i, {Value::of_int(i), of_float(100)});
      }
      same(decoded(expected.journal.text()), expected.records);

      const TemporaryFile file(expected.journal.text());
      const auto reader = attolog::JournalReader::open({{file.path()}});
      const auto records = reader->records();
      const Site& first = *records->next()->record.site;
      const Record second = records->next()->record;
      check::that(!first.is_weighted && first.policy.empty());
      check::that(second.site->is_weighted);
      check::equal(second.site->own_fields().size(), 1u);
      check::equal(second.own_values().size(), 1u);
      check::equal(second.weight()->f, 100.0);
    }};

static const check::Test floats{
    "every float comes back to the bit, in at most 9 bytes", [] {
      const Site one = site(16, "F", {"f"});
      std::mt19937_64 random(1);
      std::vector<double> values{
          0.0, -0.0, 1e300, 5e-324,      INFINITY,           -INFINITY,          12.345,
          0.1, 1e9,  1e-9,  123456789.5, 9007199254740991.0, 9007199254740993.0, -12.345,
          1e22};
      for (const std::uint64_t bits :
           {0x7ff8000000000000U, 0x7ff8000000000001U, 0xfff4000000000123U}) {
        values.push_back(std::bit_cast<double>(bits));
      }
      for (int i = 0; i < 20000; ++i) {
        values.push_back(std::bit_cast<double>(random()));
        values.push_back(static_cast<double>(random() % 1000000) / 1000.0);
        values.push_back(static_cast<double>(random() >> 11) * 0x1p-53);
      }
      Journal journal;
      for (const double value : values) journal.add(one, 0, {of_float(value)});
      const std::string text = journal.text();
      // Header and time take one byte each in all records but the first of a block.
      check::that(text.size() < values.size() * 11 + 400);
      Definitions definitions;
      std::size_t i = 0;
      for (std::size_t at = 0; at < text.size();) {
        const auto header = BlockHeader::read(text.data() + at);
        BlockDecoder decoder(*header, {text.data() + at + kBlockHeaderSize, header->payload_size},
                             definitions);
        while (const Record* const record = decoder.next()) {
          check::equal(std::bit_cast<std::uint64_t>(record->values[0].f),
                       std::bit_cast<std::uint64_t>(values[i++]));
        }
        at += kBlockHeaderSize + header->payload_size;
      }
      check::equal(i, values.size());
    }};

static const check::Test decimals{"floats that were written as decimals take few bytes", [] {
                                    const Site one = site(16, "F", {"f"});
                                    Journal journal;
                                    for (int i = 0; i < 10000; ++i)
                                      journal.add(one, 0, {of_float(1000 + i / 1000.0)});
                                    check::that(journal.text().size() < 10000 * 4 + 200);
                                  }};

static const check::Test many{
    "sites, threads, shapes and strings beyond every table's size", [] {
      std::deque<Site> sites;
      std::deque<Thread> threads;
      for (std::uint32_t i = 0; i < 200; ++i) {
        sites.push_back(site(16 + i, "S" + std::to_string(i), {"a", "b"}));
        threads.push_back({i, "t" + std::to_string(i)});
      }
      std::mt19937_64 random(2);
      std::deque<std::string> texts;
      Expected expected;
      for (int i = 0; i < 30000; ++i) {
        texts.push_back("text " + std::to_string(random() % 6000));
        std::vector<Value> values;
        for (std::uint64_t n = random() % 4; n-- > 0;) {
          switch (random() % 4) {
            case 0: values.push_back(Value::of_str(texts.back())); break;
            case 1: values.push_back(Value::of_int(static_cast<std::int64_t>(random()))); break;
            case 2: values.push_back(of_float(static_cast<double>(random() % 1000) / 10)); break;
            default: values.push_back(none());
          }
        }
        expected.add(sites[random() % 200], static_cast<std::int64_t>(random()), values,
                     threads[random() % 200]);
        if (random() % 5000 == 0) expected.journal.end_block();
      }
      same(decoded(expected.journal.text()), expected.records);
    }};

static const check::Test alike{"sites of two processes under one number are told apart", [] {
                                 const Site ours = site(16, "OURS", {"a"});
                                 const Site theirs = site(16, "THEIRS", {"b"});
                                 Expected expected;
                                 for (int i = 0; i < 3; ++i) {
                                   expected.add(ours, i, {Value::of_int(i)});
                                   expected.add(theirs, i, {Value::of_str("x")});
                                 }
                                 same(decoded(expected.journal.text()), expected.records);
                               }};

static const check::Test limits{"blocks end past a mebibyte of bytes or of values", [] {
                                  const Site one = site(16, "S", {"s"});
                                  Journal by_bytes;
                                  const std::string text(1000, 'x');
                                  for (int i = 0; i < 3000; ++i)
                                    by_bytes.add(one, i, {Value::of_str(text)});
                                  std::size_t blocks = 0;
                                  check::equal(decoded(by_bytes.text(), &blocks).size(), 3000u);
                                  check::equal(blocks, 3u);

                                  Journal by_values;
                                  const std::vector<Value> nothing(1024);
                                  for (int i = 0; i < 1025; ++i) by_values.add(one, i, nothing);
                                  blocks = 0;
                                  check::equal(decoded(by_values.text(), &blocks).size(), 1025u);
                                  check::equal(blocks, 2u);
                                }};

static const check::Test too_long{
    "a record past all bounds is refused, and the journal goes on", [] {
      const Site one = site(16, "S", {"s"});
      const Site other = site(17, "NEW", {"a", "b"});
      Expected expected;
      const std::string_view endless("x", std::size_t{1} << 30);  // refused before it is looked at
      const auto add_endless = [&](const Site& where) {
        bool refused = false;
        try {
          expected.journal.add(where, 2, {none(), Value::of_str(endless)});
        } catch (const std::length_error&) {
          refused = true;
        }
        check::that(refused);
      };
      add_endless(one);
      expected.add(one, 1, {Value::of_str("before")});
      add_endless(other);
      expected.add(other, 3, {none(), Value::of_str("after")});
      expected.add(one, 4, {Value::of_str("before")});
      same(decoded(expected.journal.text()), expected.records);
    }};

static const check::Test no_bytes{
    "an empty batch adds nothing, and a sink adds behind what is there", [] {
      const Site one = site(16, "S", {});
      const auto sink = attolog::make_journal_sink(1, 2);
      Buffer out;
      sink->finish(out);
      check::that(out.empty());
      out.append("before");
      sink->append(Record{&one, nullptr, 5, {}}, out);
      sink->finish(out);
      const auto header = BlockHeader::read(out.data() + 6);
      check::that(header.has_value());
      check::equal(header->records, 1u);
      check::equal(header->first_ns, 5);
      check::equal(header->last_ns, 5);
      check::equal(header->run_id, 1u);
      check::equal(header->pid, 2u);
      check::equal(out.size(), 6 + kBlockHeaderSize + header->payload_size);
    }};

static const check::Test cut{
    "a file cut at any byte gives the whole blocks and one message", [] {
      std::vector<std::string> records;
      const std::string text = three_blocks(&records);
      const std::vector<std::size_t> ends = block_ends(text);
      check::equal(ends.size(), 3u);
      const TemporaryFile file("");
      for (std::size_t size = 0; size <= text.size(); ++size) {
        file.write(text.substr(0, size));
        const Contents read = read_all({{file.path()}});
        std::size_t whole = 0;
        while (whole < ends.size() && ends[whole] <= size) ++whole;
        const bool is_cut = size != 0 && (whole == 0 || ends[whole - 1] != size);
        same(read.records, {records.begin(), records.begin() + static_cast<long>(2 * whole)});
        check::equal(read.problems.size(), is_cut ? 1u : 0u);
        // The same for a file whose ledger commits no more than that.
        file.write(text);
        check::equal(read_all({{file.path(), size}}).records.size(), 2 * whole);
      }
    }};

static const check::Test flipped{
    "any flipped bit costs its block, is said once, and shows nothing wrong", [] {
      std::vector<std::string> records;
      const std::string text = three_blocks(&records);
      const std::vector<std::size_t> ends = block_ends(text);
      const TemporaryFile file("");
      for (std::size_t at = 0; at < text.size(); ++at) {
        const auto hit =
            static_cast<long>(std::upper_bound(ends.begin(), ends.end(), at) - ends.begin());
        std::vector<std::string> others = records;
        others.erase(others.begin() + 2 * hit, others.begin() + 2 * hit + 2);
        for (int bit = 0; bit < 8; ++bit) {
          std::string damaged = text;
          damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
          file.write(damaged);
          const Contents read = read_all({{file.path()}});
          same(read.records, others);
          check::equal(read.problems.size(), 1u);
        }
      }
    }};

static const check::Test message{
    "a problem names the file, the place and the loss", [] {
      std::string text = three_blocks();
      const std::vector<std::size_t> ends = block_ends(text);
      text[ends[1] - 1] ^= 1;
      const TemporaryFile file(text);
      const Contents read = read_all({{file.path()}});
      check::equal(read.problems.at(0), file.path() + ": block at byte " + std::to_string(ends[0]) +
                                            ": its checksum does not match, " +
                                            std::to_string(ends[1] - ends[0]) + " bytes skipped");
    }};

static const check::Test lazy{
    "opening reads no records: damage to them is found by the first pass, or on request", [] {
      std::vector<std::string> records;
      std::string text = three_blocks(&records);
      const std::vector<std::size_t> ends = block_ends(text);
      text[ends[0] + kBlockHeaderSize] ^= 1;
      const TemporaryFile file(text);
      const std::string place = file.path() + ": block at byte " + std::to_string(ends[0]) +
                                ": its checksum does not match, ";
      const auto reader = attolog::JournalReader::open({{file.path()}});
      check::equal(reader->problems().size(), 0u);
      for (int pass = 0; pass < 2; ++pass) {
        std::vector<std::string> found;
        const auto all = reader->records();
        while (const auto* const next = all->next()) found.push_back(shown(next->record));
        same(found, {records[0], records[1], records[4], records[5]});
        check::equal(reader->problems().size(), 1u);
        check::equal(reader->problems().at(0), place + "2 records are missing");
      }
      const auto checked =
          attolog::JournalReader::open({{file.path()}}, attolog::JournalReader::Check::payloads);
      check::equal(checked->problems().at(0),
                   place + std::to_string(ends[1] - ends[0]) + " bytes skipped");
      check::equal(checked->catalog().tables().at(0).rows + 2,
                   reader->catalog().tables().at(0).rows);
    }};

static const check::Test copies{
    "of a damaged block and its copy the whole one counts, whichever comes first", [] {
      std::vector<std::string> records;
      const std::string text = three_blocks(&records);
      const std::vector<std::size_t> ends = block_ends(text);
      std::string damaged = text;
      damaged[ends[0] + kBlockHeaderSize] ^= 1;
      const TemporaryFile whole(text);
      const TemporaryFile hurt(damaged);
      for (const auto& paths : {std::vector<attolog::JournalPath>{{hurt.path()}, {whole.path()}},
                                {{whole.path()}, {hurt.path()}}}) {
        const Contents read = read_all(paths);
        same(read.records, records);
        check::equal(read.problems.size(), 1u);
        check::that(read.problems.at(0).starts_with(hurt.path() + ": block at byte " +
                                                    std::to_string(ends[0])));
      }
      const TemporaryFile both(damaged + text);
      const Contents read = read_all({{both.path()}});
      same(read.records, records);
    }};

static const check::Test pages{
    "zeroed, inserted and doubled stretches", [] {
      std::vector<std::string> records;
      const std::string text = three_blocks(&records);
      const std::vector<std::size_t> ends = block_ends(text);
      const std::vector<std::string> outer{records[0], records[1], records[4], records[5]};
      const std::string first = text.substr(0, ends[0]);
      const std::string second = text.substr(ends[0], ends[1] - ends[0]);
      const std::string third = text.substr(ends[1]);

      const TemporaryFile file(first + std::string(second.size(), '\0') + third);
      same(read_all({{file.path()}}).records, outer);

      file.write(first + second + "stray bytes" + third);
      Contents read = read_all({{file.path()}});
      same(read.records, records);
      check::equal(read.problems.size(), 1u);

      file.write(first + second + second + third);
      read = read_all({{file.path()}});
      same(read.records, records);
      check::equal(read.problems.size(), 1u);

      file.write(third + first + second);
      same(read_all({{file.path()}}).records, records);

      // Torn: a block cut short, and the next ones written behind it.
      file.write(first + second.substr(0, second.size() - 3) + third);
      read = read_all({{file.path()}});
      same(read.records, outer);
      check::equal(read.problems.size(), 1u);
    }};

static const check::Test logged_journal{
    "a logged journal never poses as blocks of its own", [] {
      const std::string inner = three_blocks();
      const Site one = site(16, "OUTER", {"content"});
      Expected expected;
      expected.add(one, 1, {of_text(Tag::bytes, inner)});
      expected.add(one, 2, {of_text(Tag::bytes, inner)});
      std::string text = expected.journal.text();
      check::that(text.find(attolog::kBlockMagic, 1) == std::string::npos);
      same(decoded(text), expected.records);
      text[20] ^= 1;
      const TemporaryFile file(text);
      const Contents read = read_all({{file.path()}});
      check::equal(read.records.size(), 0u);
      check::equal(read.problems.size(), 1u);
    }};

static const check::Test later_version{
    "a later format and unknown features are named", [] {
      const std::string text = three_blocks();
      const std::size_t end = block_ends(text)[0];
      for (const bool version : {true, false}) {
        std::string other = text.substr(0, end);
        BlockHeader header = *BlockHeader::read(other.data());
        (version ? header.version : header.flags) = 2;
        header.write(other.data());
        const TemporaryFile file(other + text.substr(end));
        const Contents read = read_all({{file.path()}});
        check::equal(read.records.size(), 4u);
        check::equal(read.problems.size(), 1u);
        check::that(read.problems[0].find(version ? "version 2" : "flags 2") != std::string::npos);
      }
    }};

static const check::Test no_journal{
    "another file is refused, unless it is read with a journal; a missing one throws", [] {
      const TemporaryFile file("ts,GEN,ResNet50,1,2.5\n");
      bool refused = false;
      try {
        read_all({{file.path()}});
      } catch (const attolog::NotAJournal& error) {
        refused = error.what() == file.path() + " is no journal: no block of one is in it";
      }
      check::that(refused);
      const TemporaryFile journal(three_blocks());
      const Contents read = read_all({{file.path()}, {journal.path()}});
      check::equal(read.records.size(), 6u);
      check::that(read.problems.at(0).find("this is no journal") != std::string::npos);
      // An empty one may become a journal, a damaged one was one.
      check::equal(read_all({{TemporaryFile("").path()}}).problems.size(), 0u);
      for (const std::string_view start : {"\x89",
                                           "\x89"
                                           "ATTO\r\n\x1a and something else"}) {
        const TemporaryFile damaged(start);
        check::equal(read_all({{damaged.path()}}).problems.size(), 1u);
      }
      bool thrown = false;
      try {
        read_all({{file.path() + ".missing"}});
      } catch (const std::system_error& error) {
        thrown = error.code() == std::errc::no_such_file_or_directory;
      }
      check::that(thrown);
    }};

static const check::Test hostile{
    "payloads that contradict the format are refused whole", [] {
      const std::string text = three_blocks();
      const std::size_t end = block_ends(text)[0];
      const BlockHeader header = *BlockHeader::read(text.data());
      const std::string good = text.substr(kBlockHeaderSize, end - kBlockHeaderSize);
      const auto refused = [](const std::string& block) {
        const TemporaryFile file(block);
        const auto reader = attolog::JournalReader::open({{file.path()}});
        check::that(reader->records()->next() == nullptr);
        check::that(reader->records()->next() == nullptr);
        check::equal(reader->problems().size(), 1u);
        check::that(reader->problems().at(0).find("it makes no sense") != std::string::npos);
      };
      const std::int64_t first = header.first_ns;
      const std::int64_t last = header.last_ns;
      refused(forged(good, 3, first, last));         // a record is missing
      refused(forged(good, 1, first, first));        // one too many
      refused(forged(good, 2, first - 1, last));     // other times than the header's
      refused(forged(good + '\0', 2, first, last));  // bytes behind the last record
      for (std::size_t size = 0; size < good.size(); ++size) {
        refused(forged(good.substr(0, size), 2, first, last));
      }
      const std::size_t size = attolog::summary_size(good.data() + good.size() - 8);
      const std::string summary = good.substr(good.size() - size);
      const std::string records = good.substr(0, good.size() - size);
      for (std::size_t end = 0; end < records.size(); ++end) {  // records that are cut
        refused(forged(records.substr(0, end) + summary, 2, first, last));
      }
      refused(forged(records + '\0' + summary, 2, first, last));
      std::string second = records;
      second[0] = static_cast<char>(second[0] | 4);  // site 1 of one
      refused(forged(second + summary, 2, first, last));
      refused(forged("\x05", 1));
      refused(forged(std::string(40, '\x89'), 1));  // weighted, but of no known kind
      refused(forged(std::string(10, '\xff'), 1));  // a number of more than 64 bits
    }};

static const check::Test merged{
    "several files read as one, in order of time", [] {
      const Site one = site(16, "A", {"n"});
      Expected a, b;
      for (int i = 0; i < 50; ++i) {
        a.add(one, 10 * i, {Value::of_int(i)});
        b.add(one, 10 * i + (i % 3), {Value::of_int(100 + i)});
        if (i % 7 == 0) a.journal.end_block();
        if (i % 5 == 0) b.journal.end_block();
      }
      std::vector<std::pair<std::pair<std::int64_t, int>, std::string>> order;
      for (int i = 0; i < 50; ++i) {
        order.push_back({{10 * i, 0}, a.records[static_cast<std::size_t>(i)]});
        order.push_back({{10 * i + (i % 3), 1}, b.records[static_cast<std::size_t>(i)]});
      }
      std::stable_sort(order.begin(), order.end(),
                       [](const auto& x, const auto& y) { return x.first < y.first; });
      std::vector<std::string> expected;
      for (const auto& [key, record] : order) expected.push_back(record);
      const TemporaryFile first(a.journal.text());
      const TemporaryFile second(b.journal.text());
      const Contents read = read_all({{first.path()}, {second.path()}});
      same(read.records, expected);
      check::equal(read.problems.size(), 0u);
    }};

static const check::Test sorted{
    "records that came late are put in their place, ties in file order", [] {
      const Site one = site(16, "A", {"n"});
      Expected journal;
      std::mt19937_64 random(3);
      std::vector<std::pair<std::int64_t, std::size_t>> order;
      for (std::size_t i = 0; i < 500; ++i) {
        const auto time = static_cast<std::int64_t>(i / 4 * 10 + random() % 50);
        journal.add(one, time, {Value::of_int(static_cast<std::int64_t>(i))});
        if (i % 20 == 0) journal.journal.end_block();
        order.push_back({time, i});
      }
      std::sort(order.begin(), order.end());
      std::vector<std::string> expected;
      for (const auto& [time, i] : order) expected.push_back(journal.records[i]);
      const TemporaryFile file(journal.journal.text());
      same(read_all({{file.path()}}).records, expected);
    }};

static const check::Test shortened{
    "a file shortened between two passes is a problem, not a crash", [] {
      std::vector<std::string> records;
      const std::string text = three_blocks(&records);
      const TemporaryFile file(text);
      const auto reader = attolog::JournalReader::open({{file.path()}});
      check::equal(::truncate(file.path().c_str(), static_cast<off_t>(text.size() - 5)), 0);
      std::size_t count = 0;
      for (const auto stream = reader->records(); stream->next() != nullptr;) ++count;
      check::equal(count, 4u);
      check::equal(reader->problems().size(), 1u);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
