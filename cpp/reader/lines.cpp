#include "reader/lines.hpp"

#include <utility>
#include <vector>

#include "query/expression.hpp"
#include "reader/line_composer.hpp"
#include "reader/parallel_scan.hpp"

namespace attolog {
namespace {

// Of a stretch, that wait: all that most stretches have.
constexpr std::size_t kMostBytes = std::size_t{8} << 20;

// The last records are looked for from the end, by one thread.
std::vector<JournalReader::Selection> stretches_of(const JournalReader& reader, const Query& query,
                                                   std::uint64_t bytes) {
  if (!query.where.empty()) static_cast<void>(Expression(query.where));  // throws before any thread
  if (query.last) return {query.selection};
  return stretches(reader.blocks(query.selection), query.selection, bytes);
}

}  // namespace

LineStream::LineStream(std::shared_ptr<const JournalReader> reader, const Query& query,
                       Origin origin, unsigned threads, std::uint64_t stretch_bytes)
    : reader_(std::move(reader)),
      query_(query),
      origin_(origin),
      stretches_(stretches_of(*reader_, query_, stretch_bytes)),
      jobs_(stretches_.size(), job_threads(threads, stretches_.size()), kMostBytes,
            [this] { return make_worker(); }) {}

OrderedJobs<Buffer>::Worker LineStream::make_worker() const {
  const auto composer = std::make_shared<LineComposer>(origin_);
  return [this, composer](std::size_t job, const OrderedJobs<Buffer>::Give& give) {
    Query query = query_;
    query.selection = stretches_[job];
    const auto records = select_records(reader_, query);
    Buffer lines;
    while (const SourcedRecord* const next = records->next()) {
      composer->append(*next, lines);
      if (lines.size() < kLinesBytes) continue;
      const std::size_t bytes = lines.size();
      if (!give(std::exchange(lines, Buffer()), bytes)) return;
    }
    const std::size_t bytes = lines.size();
    if (bytes != 0) give(std::move(lines), bytes);
  };
}

}  // namespace attolog
