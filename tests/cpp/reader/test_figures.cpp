#include "reader/figures.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"
#include "journal_file.hpp"

using namespace journal_test;
using attolog::Catalog;
using attolog::Figures;
using attolog::FiguresQuery;
using attolog::JournalReader;
using attolog::RecordStats;
using attolog::TableStats;

namespace {

constexpr std::chrono::milliseconds kPatience{10};
const Site request = site(16, "request", {"user", "ms"});
const Site load = site(17, "LOAD", {"n"});
const Site inline_event = site(5, "", {}, SiteKind::inline_event);
const Site few = sampled(site(18, "few", {"ms"}), "every:10");

// Records of several processes, whose times overlap; some blocks each.
struct Files {
  Files() {
    std::mt19937_64 random(3);
    std::vector<Journal> writers;
    for (std::uint32_t pid = 1; pid <= 3; ++pid) writers.emplace_back(pid);
    for (int n = 0; n < 20'000; ++n) {
      Journal& journal = writers[random() % 3];
      const auto time = static_cast<std::int64_t>(1000 + 10 * n + static_cast<int>(random() % 3));
      switch (random() % 4) {
        case 0: journal.add(load, time, {Value::of_int(n)}); break;
        case 1: journal.add(few, time, {Value::of_int(n), of_float(10)}); break;
        case 2:
          journal.add(inline_event, time,
                      {Value::of_str("request"), Value::of_str("ms"), of_float(n / 8.0)});
          break;
        default:
          journal.add(request, time,
                      {Value::of_str(n % 3 == 0 ? "ann" : "bob"), of_float(n / 8.0)});
      }
      if (random() % 200 == 0) journal.end_block();
    }
    std::vector<attolog::JournalPath> paths;
    for (Journal& each : writers) paths.push_back({files.emplace_back(each.text()).path()});
    reader = JournalReader::open(paths);
  }

  std::size_t table(std::string_view name) const { return reader->catalog().find(name); }

  FiguresQuery query(std::string_view name) const {
    FiguresQuery made;
    made.records.selection.table = table(name);
    return made;
  }

  std::deque<TemporaryFile> files;
  std::shared_ptr<JournalReader> reader;
};

std::unique_ptr<Figures> figures_of(const Files& files, const FiguresQuery& query,
                                    unsigned threads = 2, std::uint64_t bytes = 10'000) {
  auto figures = std::make_unique<Figures>(files.reader, query, threads, bytes);
  while (!figures->go_on(kPatience)) {
  }
  return figures;
}

// All figures in one text, so that they can be compared to the bit.
std::string shown(const RecordStats& stats) {
  char text[400];
  std::string all;
  std::snprintf(text, sizeof text, "%lu %a %ld %ld %lu:", static_cast<unsigned long>(stats.rows),
                stats.weight, static_cast<long>(stats.first_ns), static_cast<long>(stats.last_ns),
                static_cast<unsigned long>(stats.bytes));
  all += text;
  for (const double each : stats.histogram) all += ' ' + std::to_string(each);
  for (const auto& column : stats.columns) {
    std::snprintf(text, sizeof text, "\n%lu %lu %a %a %a %a %a",
                  static_cast<unsigned long>(column.values),
                  static_cast<unsigned long>(column.numbers), column.least, column.greatest,
                  column.sum.value(), column.quantiles.at(0.5), column.quantiles.at(0.99));
    all += text;
    for (const auto& [value, count] : column.texts.top(10)) {
      all += ' ' + value + '=' + std::to_string(count);
    }
  }
  return all;
}

std::string shown(const TableStats& table) {
  std::string all = shown(table.all());
  for (const auto& each : table.groups()) all += "\n" + each.by + ":" + shown(*each.stats);
  if (table.others() != nullptr) all += "\nothers:" + shown(*table.others());
  return all;
}

// The steps of `ms >= 1000`.
std::string large_numbers() {
  Buffer steps;
  for (const std::string_view word : {">=", "name", "ms", "value"}) {
    attolog::encode_str(steps, word);
  }
  attolog::encode_int(steps, 1000);
  return std::string(steps.view());
}

}  // namespace

static const check::Test counts{
    "the figures of a table are those of its records", [] {
      const Files files;
      FiguresQuery query = files.query("request");
      query.bins = 7;
      const auto figures = figures_of(files, query);
      const RecordStats& all = figures->tables()[query.records.selection.table]->all();
      RecordStats expected;
      double sum = 0;
      std::vector<double> histogram(7);
      const auto records = files.reader->records();
      const attolog::TableInfo& table =
          files.reader->catalog().tables()[query.records.selection.table];
      const attolog::TimeBins bins{7, table.first_ns, table.last_ns};
      while (const auto* const next = records->next()) {
        const Site* const site = next->record.site;
        const bool is_inline = site->kind == SiteKind::inline_event;
        if (!is_inline && site->name != "request") continue;
        ++expected.rows;
        expected.bytes += next->size;
        expected.first_ns = std::min(expected.first_ns, next->record.time_ns);
        expected.last_ns = std::max(expected.last_ns, next->record.time_ns);
        sum += next->record.values[is_inline ? 2 : 1].f;
        ++histogram[bins.of(next->record.time_ns)];
      }
      check::equal(all.rows, expected.rows);
      check::equal(all.rows, table.rows);
      check::equal(all.weight, static_cast<double>(all.rows));
      check::that(all.first_ns == expected.first_ns && all.last_ns == expected.last_ns);
      check::that(all.bytes == expected.bytes && all.bytes > all.rows);
      check::that(all.histogram == histogram);
      check::equal(std::accumulate(histogram.begin(), histogram.end(), 0.0), all.weight);
      const auto columns = figures->columns_of(query.records.selection.table);
      check::equal(columns.size(), 2u);
      for (std::size_t i = 0; i < 2; ++i) {
        if (table.columns[columns[i]].name != "ms") continue;
        check::equal(all.columns[i].sum.value(), sum);
        check::equal(all.columns[i].values, all.rows);
      }
    }};

static const check::Test threads{
    "the figures are equal to the bit for any number of threads", [] {
      const Files files;
      for (const std::string& where : {std::string(), large_numbers()}) {
        for (const bool has_groups : {false, true}) {
          FiguresQuery query = files.query("request");
          query.records.where = where;
          query.bins = 5;
          if (has_groups) query.by = "user";
          const std::size_t table = query.records.selection.table;
          const std::string one = shown(*figures_of(files, query, 1)->tables()[table]);
          check::that(one.size() > 100);
          for (const unsigned count : {2U, 5U}) {
            check::that(shown(*figures_of(files, query, count)->tables()[table]) == one);
          }
        }
      }
    }};

static const check::Test all_tables{
    "one pass over all tables has the figures of a pass for each", [] {
      const Files files;
      FiguresQuery query;
      query.bins = 3;
      const auto figures = figures_of(files, query);
      for (const std::string_view name : {"request", "LOAD", "few"}) {
        FiguresQuery one = files.query(name);
        one.bins = 3;
        const std::size_t table = files.table(name);
        check::equal(shown(*figures->tables()[table]),
                     shown(*figures_of(files, one)->tables()[table]));
      }
    }};

static const check::Test times{
    "a time range and an expression choose records", [] {
      const Files files;
      FiguresQuery query = files.query("LOAD");
      query.records.selection.first_ns = 50'000;
      query.records.selection.last_ns = 99'999;
      query.bins = 2;
      const std::size_t table = files.table("LOAD");
      const auto figures = figures_of(files, query);
      const RecordStats& some = figures->tables()[table]->all();
      check::that(some.rows > 1000 && some.rows < 1500);
      check::that(some.first_ns >= 50'000 && some.last_ns <= 99'999);
      check::equal(some.columns[0].least_whole, (some.first_ns - 1000) / 10);
      check::equal(some.histogram[0] + some.histogram[1], some.weight);
      query.records.where = large_numbers();  // it has no such field
      check::equal(figures_of(files, query)->tables()[table]->all().rows, 0u);
    }};

static const check::Test known{
    "the number of all records comes from the catalog, and no block is read", [] {
      const Files files;
      FiguresQuery query = files.query("LOAD");
      query.columns.emplace();
      const std::size_t table = files.table("LOAD");
      const std::uint64_t rows = figures_of(files, query)->tables()[table]->all().rows;
      for (const TemporaryFile& each : files.files) each.write("");
      const auto figures = figures_of(files, query);
      const RecordStats& all = figures->tables()[table]->all();
      check::equal(all.rows, rows);
      check::that(all.bytes > 0);
      check::equal(files.reader->problems().size(), 0u);
    }};

static const check::Test sampled_ones{
    "samples count as the calls that they stand for", [] {
      const Files files;
      FiguresQuery query = files.query("few");
      query.columns.emplace();
      const std::size_t table = files.table("few");
      const std::uint64_t rows = figures_of(files, query)->tables()[table]->all().rows;
      check::that(rows > 4000);
      query.columns.reset();
      const auto figures = figures_of(files, query);
      check::equal(figures->tables()[table]->all().weight, 10.0 * static_cast<double>(rows));
      check::equal(figures->columns_of(table).size(), 1u);  // the weights are no column
    }};

static const check::Test many_groups{
    "the first values have groups, and those that come later are together", [] {
      const Files files;
      FiguresQuery query = files.query("LOAD");
      query.by = "n";
      const std::size_t table = files.table("LOAD");
      const auto figures = figures_of(files, query, 3, UINT64_MAX);
      const TableStats& stats = *figures->tables()[table];
      check::equal(stats.groups().size(), TableStats::kMaxGroups);
      check::that(stats.others() != nullptr);
      std::uint64_t rows = stats.others()->rows;
      for (const auto& each : stats.groups()) rows += each.stats->rows;
      check::equal(rows, stats.all().rows);
    }};

static const check::Test refused{"columns that the table does not have are refused", [] {
                                   const Files files;
                                   for (const bool is_group : {false, true}) {
                                     FiguresQuery query = files.query("LOAD");
                                     if (is_group) query.by = "nothing";
                                     if (!is_group) query.columns = {"n", "nothing"};
                                     std::string unknown;
                                     try {
                                       figures_of(files, query);
                                     } catch (const attolog::UnknownColumn& error) {
                                       unknown = error.what();
                                     }
                                     check::equal(unknown, std::string("nothing"));
                                   }
                                 }};

static const check::Test bins{"a time belongs to the stretch that it is in", [] {
                                const attolog::TimeBins four{4, 100, 199};
                                check::equal(four.of(100), 0u);
                                check::equal(four.of(124), 0u);
                                check::equal(four.of(125), 1u);
                                check::equal(four.of(199), 3u);
                                check::equal(four.of(0), 0u);
                                check::equal(four.of(1000), 3u);
                                check::equal((attolog::TimeBins{3, 5, 5}).of(5), 0u);
                                const attolog::TimeBins wide{2, INT64_MIN, INT64_MAX};
                                check::equal(wide.of(INT64_MIN / 4), 0u);
                                check::equal(wide.of(INT64_MAX / 4), 1u);
                              }};

static const check::Test given_up{"a pass that is given up ends its threads", [] {
                                    const Files files;
                                    for (int i = 0; i < 4; ++i) {
                                      Figures figures(files.reader, files.query("request"), 3, 100);
                                      for (int step = 0; step < i; ++step) {
                                        figures.go_on(kPatience);
                                      }
                                    }
                                  }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
