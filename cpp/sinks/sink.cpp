#include "sinks/sink.hpp"

namespace attolog {

std::optional<Format> format_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const std::size_t dot = name.rfind('.');
  const std::string_view suffix = dot == name.npos ? std::string_view() : name.substr(dot);
  if (suffix == ".csv") return Format::csv;
  if (suffix == ".jsonl") return Format::jsonl;
  if (suffix == ".log" || suffix == ".txt") return Format::text;
  if (suffix == ".atto") return Format::journal;
  return std::nullopt;
}

std::unique_ptr<Sink> make_sink(const LogTarget& target) {
  const SinkOptions options{target.digits, target.columns, target.pattern, target.weight != 0};
  switch (static_cast<Format>(target.format)) {
    case Format::csv: return make_csv_sink(options);
    case Format::jsonl: return make_jsonl_sink(options);
    case Format::journal: return make_journal_sink(target.run_id, target.pid);
    case Format::summary: return make_summary_sink();
    case Format::none:
    case Format::text: break;
  }
  return make_text_sink(options);
}

}  // namespace attolog
