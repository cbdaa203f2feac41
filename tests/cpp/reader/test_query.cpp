#include "reader/query.hpp"

#include <algorithm>
#include <random>

#include "check.hpp"
#include "core/codec.hpp"
#include "reader/parallel_scan.hpp"
#include "tables.hpp"

using namespace journal_test;
using attolog::Batch;
using attolog::BatchStream;
using attolog::Catalog;
using attolog::JournalReader;
using attolog::Query;
using attolog::SourcedRecord;
using attolog::TableColumns;
using BlockInfo = JournalReader::BlockInfo;
using Selection = JournalReader::Selection;

namespace {

const Site gen = site(16, "GEN", {"model", "n"});
const Site load = site(17, "LOAD", {"n"});
const Site inline_event = site(5, "", {}, SiteKind::inline_event);

// Records of three events in blocks of several processes, whose times overlap. `n` counts them all.
struct Files {
  Files() {
    std::mt19937_64 random(5);
    std::vector<Journal> writers;
    for (std::uint32_t pid = 1; pid <= 3; ++pid) writers.emplace_back(pid);
    for (int n = 0; n < 6000; ++n) {
      Journal& journal = writers[random() % 3];
      const auto time = static_cast<std::int64_t>(1000 + 10 * n + static_cast<int>(random() % 3));
      switch (random() % 4) {
        case 0: journal.add(load, time, {Value::of_int(n)}); break;
        case 1:
          journal.add(inline_event, time,
                      {Value::of_str("RARE"), Value::of_str("n"), Value::of_int(n)});
          break;
        default: journal.add(gen, time, {Value::of_str(n % 2 == 0 ? "A" : "B"), Value::of_int(n)});
      }
      if (random() % 40 == 0) journal.end_block();
    }
    std::vector<attolog::JournalPath> paths;
    for (Journal& each : writers) paths.push_back({files.emplace_back(each.text()).path()});
    reader = JournalReader::open(paths);
  }

  std::deque<TemporaryFile> files;
  std::shared_ptr<JournalReader> reader;
};

std::vector<std::string> lines(attolog::RecordStream& records) {
  std::vector<std::string> found;
  while (const SourcedRecord* const next = records.next()) found.push_back(shown(next->record));
  return found;
}

std::vector<std::int64_t> numbers(BatchStream& rows, std::size_t column) {
  std::vector<std::int64_t> found;
  for (Batch batch; rows.next(batch);) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(batch.rows); ++i) {
      found.push_back(tables::at<std::int64_t>(batch.columns.at(column).values, i));
    }
  }
  return found;
}

// The steps of `n >= 3000`.
std::string large_numbers() {
  Buffer steps;
  for (const std::string_view word : {">=", "name", "n", "value"}) {
    attolog::encode_str(steps, word);
  }
  attolog::encode_int(steps, 3000);
  return std::string(steps.view());
}

}  // namespace

static const check::Test times{
    "a time range gives the records in it, whichever blocks they are in", [] {
      const Files files;
      const auto whole = files.reader->records();
      std::vector<std::pair<std::int64_t, std::string>> all;
      while (const SourcedRecord* const next = whole->next()) {
        all.emplace_back(next->record.time_ns, shown(next->record));
      }
      check::equal(all.size(), 6000u);
      for (const auto& [first, last] :
           std::vector<std::pair<std::int64_t, std::int64_t>>{{INT64_MIN, INT64_MAX},
                                                              {5000, 5000},
                                                              {20000, 40000},
                                                              {0, 999},
                                                              {61010, INT64_MAX},
                                                              {40000, 20000}}) {
        Query query;
        query.selection.first_ns = first;
        query.selection.last_ns = last;
        std::vector<std::string> expected;
        for (const auto& [time, line] : all) {
          if (time >= first && time <= last) expected.push_back(line);
        }
        check::that(lines(*attolog::select_records(files.reader, query)) == expected);
      }
    }};

static const check::Test last_records{
    "the last records are the last of all, of a table, and of those that match", [] {
      const Files files;
      const Catalog& catalog = files.reader->catalog();
      for (const std::size_t table :
           {Catalog::kNoTable, catalog.find("GEN"), catalog.find("RARE"), catalog.find("LOAD")}) {
        for (const std::string& where : {std::string(), large_numbers()}) {
          Query query;
          query.selection.table = table;
          query.where = where;
          const auto all = lines(*attolog::select_records(files.reader, query));
          check::that(!all.empty() && all.size() <= 6000);
          for (const std::uint64_t n : {0U, 1U, 7U, 500U, 5999U, 100000U}) {
            query.last = n;
            const auto from = all.end() - static_cast<long>(std::min<std::uint64_t>(n, all.size()));
            check::that(lines(*attolog::select_records(files.reader, query)) ==
                        std::vector<std::string>(from, all.end()));
          }
        }
      }
    }};

static const check::Test passed_over{
    "blocks without the table or outside of the times are not touched", [] {
      Journal journal;
      for (int i = 0; i < 10; ++i) {
        journal.add(gen, 10 * i, {Value::of_str("A"), Value::of_int(i)});
        journal.end_block();
        journal.add(load, 10 * i + 5, {Value::of_int(i)});
        journal.end_block();
      }
      const TemporaryFile file(journal.text());
      const auto reader = JournalReader::open({{file.path()}});
      const std::size_t table = reader->catalog().find("GEN");
      check::equal(reader->blocks({}).size(), 20u);
      const auto blocks = reader->blocks({table, 20, 45});
      check::equal(blocks.size(), 3u);
      for (const BlockInfo& each : blocks) check::equal(each.records, 1u);
      // Nothing of them is read: the file may be gone as far as they are concerned.
      Query query;
      query.selection.table = table;
      query.last = 1;
      std::string bytes = journal.text();
      std::string damaged(bytes.size(), '\0');
      const std::size_t keep = 500;
      std::copy(bytes.end() - static_cast<long>(keep), bytes.end(),
                damaged.end() - static_cast<long>(keep));
      file.write(damaged);
      check::equal(lines(*attolog::select_records(reader, query)).size(), 1u);
      check::equal(reader->problems().size(), 0u);
    }};

static const check::Test in_parallel{
    "several threads give the rows of one, in its order", [] {
      const Files files;
      const Catalog& catalog = files.reader->catalog();
      for (const std::string_view name : {"GEN", "RARE", "LOAD"}) {
        Query query;
        query.selection.table = catalog.find(name);
        const TableColumns columns{.names = {"n"}};
        const auto one =
            attolog::open_table(catalog, query.selection.table, files.reader->records(), columns);
        const auto expected = numbers(*one, 0);
        check::that(expected.size() > 1000);
        for (const std::uint64_t bytes : {1U, 300U, 5000U}) {
          const auto rows = attolog::scan_in_parallel(files.reader, query, columns, 4, bytes);
          check::that(numbers(*rows, 0) == expected);
        }
      }
    }};

static const check::Test given_up{"a scan that is given up ends its threads", [] {
                                    const Files files;
                                    Query query;
                                    query.selection.table = files.reader->catalog().find("GEN");
                                    for (int batches = 0; batches < 4; ++batches) {
                                      const auto rows = attolog::scan_in_parallel(
                                          files.reader, query, {}, 3, 100);
                                      Batch batch;
                                      for (int i = 0; i < batches; ++i)
                                        check::that(rows->next(batch));
                                    }
                                  }};

static const check::Test one_run{
    "a reader of one run has its tables, also when the whole is gone", [] {
      auto files = std::make_unique<Files>();
      const std::size_t all = lines(*files->reader->records()).size();
      const auto run = files->reader->of_run(7);
      files->reader.reset();
      Query query;
      query.selection.table = run->catalog().find("GEN");
      const auto rows = attolog::scan(run, query, {.names = {"n"}});
      check::equal(numbers(*rows, 0).size(),
                   run->catalog().tables().at(query.selection.table).rows);
      check::equal(lines(*run->records()).size(), all);
    }};

static const check::Test cuts{
    "stretches are the whole time, one behind the other, and are cut between blocks", [] {
      const Selection all{.first_ns = 0, .last_ns = 1000};
      std::vector<BlockInfo> blocks;
      for (int i = 0; i < 100; ++i) blocks.push_back({10 * i, 10 * i + 9, 10, 1});
      const auto parts = attolog::stretches(blocks, all, 100);
      check::equal(parts.size(), 10u);
      check::equal(parts.front().first_ns, 0);
      check::equal(parts.back().last_ns, 1000);
      for (std::size_t i = 1; i < parts.size(); ++i) {
        check::equal(parts[i].first_ns, parts[i - 1].last_ns + 1);
        check::equal(parts[i].first_ns % 10, 0);
      }
      check::equal(attolog::stretches({}, all, 100).size(), 1u);
      // Of blocks that all begin at once there is but one.
      for (BlockInfo& each : blocks) each.first_ns = 5;
      check::equal(attolog::stretches(blocks, all, 100).size(), 1u);
    }};

static const check::Test some_columns{
    "only the columns that are asked for are made, in the order asked for", [] {
      const Files files;
      Query query;
      query.selection.table = files.reader->catalog().find("GEN");
      const auto rows = attolog::scan(files.reader, query, {.names = {"n", "time", "n"}});
      check::equal(rows->fields().size(), 2u);
      check::equal(rows->fields()[0].name, std::string("n"));
      check::equal(rows->fields()[1].name, std::string("time"));
      bool is_refused = false;
      try {
        attolog::scan(files.reader, query, {.names = {"n", "other"}});
      } catch (const attolog::UnknownColumn& error) {
        is_refused = std::string(error.what()) == "other";
      }
      check::that(is_refused);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
