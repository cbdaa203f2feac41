// Statistics as a person reads them: a line for each row of a window.
//
//   1707234567.000: 812 events, 812.00 events/s
//   1707234567.000: request user=ann: 298 events, 298.00 events/s
//   1707234567.000: request user=ann ms: mean 9.41, p50 8.2, p90 14.1, p99 31.9, max 40.2
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "format/number.hpp"
#include "format/value_text.hpp"
#include "sinks/sink.hpp"
#include "strategies/stats.hpp"

namespace attolog {
namespace {

double as_double(const Value& value) {
  return value.tag == Tag::float64 ? value.f : static_cast<double>(value.i);
}

void put_fixed(Buffer& out, double value, int digits) {
  char* const at = out.room(400);
  out.advance_to(std::to_chars(at, at + 400, value, std::chars_format::fixed, digits).ptr);
}

// Four digits that count: what a sketch knows, and more than a person reads.
void put_short(Buffer& out, double value) {
  char* const at = out.room(400);
  out.advance_to(std::to_chars(at, at + 400, value, std::chars_format::general, 4).ptr);
}

// A STATS row taken apart: pairs of name and value behind its own name.
class SummaryRow {
 public:
  explicit SummaryRow(std::span<const Value> values) : values_(values) {}
  const Value* find(std::string_view name) const {
    for (std::size_t i = 1; i + 1 < values_.size(); i += 2) {
      if (values_[i].text == name) return &values_[i + 1];
    }
    return nullptr;
  }
  // Up to `field`: the event, and what its records are grouped by.
  void put_name(Buffer& out) const {
    for (std::size_t i = 1; i + 1 < values_.size() && values_[i].text != "field"; i += 2) {
      if (values_[i].text == "of") {
        write_plain(out, values_[i + 1]);
      } else {
        write_pair(out, values_[i].text, values_[i + 1]);
      }
    }
  }

 private:
  std::span<const Value> values_;
};

class SummarySink final : public Sink {
 public:
  void append(const Record& record, Buffer& out) override {
    const bool is_row = record.site->kind == SiteKind::inline_event && !record.values.empty() &&
                        record.values[0].text == "STATS";
    start_line(record.time_ns, out);
    if (is_row) {
      append_row(SummaryRow(record.values), out);
    } else {  // DROPPED, CLOCK, SKIPPED
      out.append(record.site->name);
      for (std::size_t i = 0; i < record.values.size(); ++i) {
        write_pair(out, field_name(record.site->fields, i), record.values[i]);
      }
    }
    out.push('\n');
  }

 private:
  static void start_line(std::int64_t time_ns, Buffer& out) {
    put_fixed(out, static_cast<double>(time_ns / 1'000'000) / 1e3, 3);
    out.append(": ");
  }

  static void append_row(const SummaryRow& row, Buffer& out) {
    const Value* field = row.find("field");
    const Value* of = row.find("of");
    const bool is_group = field == nullptr || field->tag == Tag::none;
    if (!is_group) {
      row.put_name(out);
      out.push(' ');
      write_plain(out, *field);
      const char* before = ": ";
      for (const char* figure : {"mean", "p50", "p90", "p99", "max"}) {
        const Value* value = row.find(figure);
        if (value == nullptr || value->tag == Tag::none) continue;
        out.append(before);
        out.append(figure);
        out.push(' ');
        put_short(out, as_double(*value));
        before = ", ";
      }
      return;
    }
    const bool is_anonymous = of != nullptr && of->text == kAnyEvent;
    if (!is_anonymous) {
      row.put_name(out);
      out.append(": ");
    }
    if (const Value* count = row.find("count")) write_plain(out, *count);
    out.append(" events, ");
    if (const Value* rate = row.find("rate")) put_fixed(out, as_double(*rate), 2);
    out.append(" events/s");
  }
};

}  // namespace

std::unique_ptr<Sink> make_summary_sink() {
  return std::make_unique<SummarySink>();
}

}  // namespace attolog
