// Records as rows of a CSV file (RFC 4180, without a header line): time stamp, what it is, values.
#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "format/escape.hpp"
#include "format/inline_record.hpp"
#include "format/number.hpp"
#include "format/template.hpp"
#include "format/value_text.hpp"
#include "sinks/sink.hpp"

namespace attolog {
namespace {

// The columns of an event, in the order in which the file has them.
struct Columns {
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> positions;

  // The position of the column, and whether it is a new one.
  std::pair<std::size_t, bool> find_or_add(const std::string& name) {
    if (const auto known = positions.find(name); known != positions.end()) {
      return {known->second, false};
    }
    names.push_back(name);
    try {
      positions.emplace(name, names.size() - 1);
    } catch (...) {
      names.pop_back();  // both know it, or neither
      throw;
    }
    return {names.size() - 1, true};
  }
};

// How the values of one site go into the columns of its event.
struct CsvPlan {
  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

  Columns* columns = nullptr;
  std::string kind;                // the row's second cell, with the comma before it
  std::vector<std::size_t> cells;  // by column: the index of the value, or kAbsent
  std::size_t n_values = 0;        // how many values have a column
  bool in_order = false;           // cells is 0, 1, 2, ...
};

class CsvSink final : public Sink {
 public:
  explicit CsvSink(const SinkOptions& options)
      : seconds_(options.digits),
        shows_weight_(options.weight),
        columns_(static_cast<std::size_t>(options.columns > 0 ? options.columns : 0)) {}

  void append(const Record& record, Buffer& out) override { append(record, out, false); }
  void remember(std::string_view memory) override;
  std::string memory() override { return std::exchange(memory_, {}); }

 private:
  void append(const Record& record, Buffer& out, bool passing);
  void append_event(const Record& record, Buffer& out, bool passing);
  void append_in_order(std::string_view kind, const Record& record, std::span<const Value> values,
                       Buffer& out);
  void append_message(const Record& record, Buffer& out, bool passing);
  void append_text(const Record& record, Buffer& out, std::string_view kind);
  CsvPlan make_plan(const Site& site, std::size_t n_values);

  void start_row(std::int64_t time_ns, std::string_view kind, Buffer& out);
  void put_weight(const Record& record, Buffer& out);
  void end_row(Buffer& out);
  void next_cell(Buffer& out);
  void put(const Value& value, Buffer& out);
  void put_seconds(std::int64_t ns, Buffer& out) {
    out.advance_to(seconds_.write(out.room(kNumberRoom), ns));
  }

  Seconds seconds_;
  bool shows_weight_;
  std::size_t columns_;        // 0 unless rows are packed
  std::size_t cell_ = 0;       // cells of this row so far
  std::size_t packed_at_ = 0;  // where cell number `columns_` starts, in a row that has it
  std::map<std::string, Columns, std::less<>> events_;
  SiteCache<CsvPlan> plans_;
  Templates templates_;
  Buffer scratch_;
  std::string memory_;
};

// In the memory, columns are lines `event<tab>column`, with \\, \t and \n for what would disturb
// them.
void remember_name(std::string& out, std::string_view name) {
  for (const char c : name) {
    const char letter = c == '\\' ? '\\' : c == '\t' ? 't' : c == '\n' ? 'n' : '\0';
    if (letter != '\0') out += '\\';
    out += letter != '\0' ? letter : c;
  }
}

std::string recall_name(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      c = text[++i];
      c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
    }
    name += c;
  }
  return name;
}

void CsvSink::remember(std::string_view memory) {
  events_.clear();
  plans_ = {};
  memory_.clear();
  while (!memory.empty()) {
    const std::string_view line = memory.substr(0, memory.find('\n'));
    memory.remove_prefix(std::min(line.size() + 1, memory.size()));
    const std::size_t tab = line.find('\t');
    if (tab == line.npos) continue;
    events_[recall_name(line.substr(0, tab))].find_or_add(recall_name(line.substr(tab + 1)));
  }
}

CsvPlan CsvSink::make_plan(const Site& site, std::size_t n_values) {
  CsvPlan plan;
  auto event = events_.find(site.name);
  if (event == events_.end()) event = events_.try_emplace(site.name).first;
  plan.columns = &event->second;
  plan.n_values = std::max(n_values, site.own_fields().size());
  std::vector<bool> used(plan.columns->names.size());
  std::vector<std::size_t> column_of(plan.n_values);
  for (std::size_t i = 0; i < plan.n_values; ++i) {
    // Callers see to it that names differ; a second one of a name still gets a column of its own.
    const std::string wanted = field_name(site.own_fields(), i);
    std::string name = wanted;
    for (int n = 2;; ++n) {
      const auto [column, added] = plan.columns->find_or_add(name);
      if (added) {
        remember_name(memory_, site.name);
        memory_ += '\t';
        remember_name(memory_, name);
        memory_ += '\n';
        used.push_back(false);
      }
      if (!used[column]) {
        used[column] = true;
        column_of[i] = column;
        break;
      }
      name = wanted + "_" + std::to_string(n);
    }
  }
  plan.cells.assign(plan.columns->names.size(), CsvPlan::kAbsent);
  for (std::size_t i = 0; i < plan.n_values; ++i) plan.cells[column_of[i]] = i;
  plan.in_order = plan.cells.size() == plan.n_values;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) plan.in_order &= plan.cells[i] == i;
  Buffer kind;
  kind.push(',');
  csv_cell(kind, site.name);
  plan.kind = kind.view();
  return plan;
}

void CsvSink::append(const Record& record, Buffer& out, bool passing) {
  switch (record.site->kind) {
    case SiteKind::event: return append_event(record, out, passing);
    case SiteKind::message: return append_message(record, out, passing);
    case SiteKind::text: return append_text(record, out, ",LOG");
    case SiteKind::print: return append_text(record, out, ",PRINT");
    case SiteKind::dropped:
      start_row(record.time_ns, ",DROPPED", out);
      for (std::size_t i = 0; i < 2; ++i) {
        next_cell(out);
        if (i >= record.values.size()) continue;
        if (i == 0) {
          put(record.values[i], out);
        } else {
          put_seconds(record.values[i].i, out);
        }
      }
      return end_row(out);
    case SiteKind::clock:
      start_row(record.time_ns, ",CLOCK", out);
      next_cell(out);
      if (!record.values.empty()) put_seconds(record.values[0].i, out);
      return end_row(out);
    case SiteKind::inline_event:
    case SiteKind::inline_message: return append(InlineRecord(record).record(), out, true);
    case SiteKind::thread: return;
  }
}

void CsvSink::append_event(const Record& record, Buffer& out, bool passing) {
  const Site& site = *record.site;
  const auto values = record.own_values();
  const std::size_t n = values.size();
  CsvPlan passing_plan;
  CsvPlan* plan = passing ? &(passing_plan = make_plan(site, n)) : plans_.find(site);
  if (plan == nullptr || plan->cells.size() != plan->columns->names.size() || n > plan->n_values)
    plan = &plans_.put(site, make_plan(site, n));

  if (plan->in_order && n == plan->n_values && columns_ == 0)
    return append_in_order(plan->kind, record, values, out);
  start_row(record.time_ns, plan->kind, out);
  for (const std::size_t cell : plan->cells) {
    next_cell(out);
    if (cell < n) put(values[cell], out);
  }
  put_weight(record, out);
  end_row(out);
}

// Most rows: each value has the next column, and nothing is packed.
void CsvSink::append_in_order(std::string_view kind, const Record& record,
                              std::span<const Value> values, Buffer& out) {
  put_seconds(record.time_ns, out);
  out.append(kind);
  for (const Value& value : values) {
    char* to = out.room(1 + kNumberRoom);
    *to++ = ',';
    if (value.tag == Tag::int64) {
      to = write_int(to, value.i);
    } else if (value.tag == Tag::float64) {
      to = write_double(to, value.f);
    }
    out.advance_to(to);
    if (value.tag != Tag::int64 && value.tag != Tag::float64) put(value, out);
  }
  put_weight(record, out);
  out.push('\n');
}

void CsvSink::append_message(const Record& record, Buffer& out, bool passing) {
  const Site& site = *record.site;
  const Template& shape = templates_.of(record, passing);
  scratch_.clear();
  start_row(record.time_ns, ",", out);
  out.append(level_name(site.level));
  next_cell(out);
  const auto values = record.own_values();
  shape.render_with_traceback(scratch_, site.own_fields(), values);
  csv_cell(out, scratch_.view());
  for (const std::size_t i : shape.beside()) {
    next_cell(out);
    if (i < values.size()) put(values[i], out);
  }
  put_weight(record, out);
  end_row(out);
}

void CsvSink::append_text(const Record& record, Buffer& out, std::string_view kind) {
  start_row(record.time_ns, kind, out);
  next_cell(out);
  const auto values = record.own_values();
  if (!values.empty()) {
    Value text = values[0];
    if (record.site->kind == SiteKind::print && text.text.ends_with('\n'))
      text.text.remove_suffix(1);
    put(text, out);
    for (const Value& bound : values.subspan(1)) {
      next_cell(out);
      put(bound, out);
    }
  }
  put_weight(record, out);
  end_row(out);
}

void CsvSink::start_row(std::int64_t time_ns, std::string_view kind, Buffer& out) {
  packed_at_ = out.size();
  put_seconds(time_ns, out);
  if (columns_ == 2) packed_at_ = out.size() + 1;
  out.append(kind);
  cell_ = 2;
}

void CsvSink::next_cell(Buffer& out) {
  out.push(',');
  if (++cell_ == columns_) packed_at_ = out.size();
}

// Behind all else: it is none of the event's columns, whose number may grow.
void CsvSink::put_weight(const Record& record, Buffer& out) {
  const Value* const weight = shows_weight_ ? record.weight() : nullptr;
  if (weight == nullptr) return;
  next_cell(out);
  put(*weight, out);
}

// Packing: what stands from cell number `columns_` on is a row of its own, in one cell.
void CsvSink::end_row(Buffer& out) {
  if (columns_ != 0) {
    if (cell_ >= columns_) {
      scratch_.clear();
      scratch_.append(out.view().substr(packed_at_));
      out.truncate(packed_at_);
      csv_cell(out, scratch_.view());
    }
    for (; cell_ < columns_; ++cell_) out.push(',');
  }
  out.push('\n');
}

void CsvSink::put(const Value& value, Buffer& out) {
  if (value.tag == Tag::str) {
    csv_cell(out, value.text);
  } else if (is_plain_safe(value.tag)) {
    write_plain(out, value);
  } else {
    scratch_.clear();
    write_plain(scratch_, value);
    csv_cell(out, scratch_.view());
  }
}

}  // namespace

std::unique_ptr<Sink> make_csv_sink(const SinkOptions& options) {
  return std::make_unique<CsvSink>(options);
}

}  // namespace attolog
