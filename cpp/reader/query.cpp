#include "reader/query.hpp"

#include <algorithm>
#include <utility>

#include "format/inline_record.hpp"
#include "query/expression.hpp"
#include "reader/parallel_scan.hpp"

namespace attolog {
namespace {

// The records of a stream that are of the table and match the expression, without the first ones.
class SelectedRecords final : public RecordStream {
 public:
  // The reader outlives `records`, which keeps it alive.
  SelectedRecords(const JournalReader& reader, const Query& query,
                  std::unique_ptr<RecordStream> records, std::uint64_t skip)
      : reader_(reader), records_(std::move(records)), table_(query.selection.table), skip_(skip) {
    if (!query.where.empty()) where_.emplace(query.where);
  }

  const SourcedRecord* next() override {
    while (const SourcedRecord* const next = records_->next()) {
      if (!is_of_table(next->record)) continue;
      if (where_ && !where_->matches(next->record)) continue;
      if (skip_ == 0) return next;
      --skip_;
    }
    return nullptr;
  }

 private:
  // Only the record itself tells the table of one whose name is a value.
  bool is_of_table(const Record& record) {
    if (table_ == Catalog::kNoTable || !is_inline(record.site->kind)) return true;
    if (!catalog_) catalog_.emplace(reader_.catalog());
    return catalog_->place(record).table == table_;
  }

  const JournalReader& reader_;
  std::unique_ptr<RecordStream> records_;
  std::size_t table_;
  // Its own, since placing records uses the catalog's caches; made for the first record that needs
  // it, as there is a stream for each stretch of time.
  std::optional<Catalog> catalog_;
  std::optional<Expression> where_;
  std::uint64_t skip_;
};

std::unique_ptr<RecordStream> open_selected(const std::shared_ptr<const JournalReader>& reader,
                                            const Query& query, std::uint64_t skip) {
  return std::make_unique<SelectedRecords>(*reader, query, reader->records(query.selection), skip);
}

// The latest first time of a block such that blocks from there on have as many records; the
// selection's first time where there are fewer.
std::int64_t time_of_last(const std::vector<JournalReader::BlockInfo>& blocks,
                          const JournalReader::Selection& selection, std::uint64_t records) {
  std::uint64_t counted = 0;
  for (std::size_t i = blocks.size(); i-- > 0;) {
    // Blocks stand by their first times, so all behind it begin no earlier.
    if (blocks[i].last_ns <= selection.last_ns) counted += blocks[i].records;
    if (counted >= records) return std::max(blocks[i].first_ns, selection.first_ns);
  }
  return selection.first_ns;
}

// Looks for the last records in ever more blocks, the last ones first.
std::unique_ptr<RecordStream> open_last(const std::shared_ptr<const JournalReader>& reader,
                                        Query query) {
  const JournalReader::Selection all = query.selection;
  const auto blocks = reader->blocks(all);
  std::uint64_t wanted = std::max<std::uint64_t>(*query.last, 1);
  for (;;) {
    query.selection.first_ns = time_of_last(blocks, all, wanted);
    std::uint64_t found = 0;
    const auto records = open_selected(reader, query, 0);
    while (records->next() != nullptr) ++found;
    if (found >= *query.last || query.selection.first_ns == all.first_ns) {
      return open_selected(reader, query, found - std::min(found, *query.last));
    }
    wanted = wanted > UINT64_MAX / 8 ? UINT64_MAX : wanted * 8;
  }
}

}  // namespace

std::unique_ptr<RecordStream> select_records(const std::shared_ptr<const JournalReader>& reader,
                                             const Query& query) {
  return query.last ? open_last(reader, query) : open_selected(reader, query, 0);
}

std::unique_ptr<BatchStream> scan(const std::shared_ptr<const JournalReader>& reader,
                                  const Query& query, const TableColumns& columns,
                                  unsigned threads) {
  const std::size_t table = query.selection.table;
  if (query.last)
    return open_table(reader->catalog(), table, select_records(reader, query), columns);
  return scan_in_parallel(reader, query, columns, threads);
}

}  // namespace attolog
