// Records as JSON Lines: one object a line.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "format/escape.hpp"
#include "format/inline_record.hpp"
#include "format/number.hpp"
#include "format/template.hpp"
#include "format/value_text.hpp"
#include "sinks/sink.hpp"

namespace attolog {
namespace {

// The pieces of JSON that all records of a site share.
struct JsonPlan {
  std::string head;               // what follows the time: `,"event":"request"`
  std::vector<std::string> keys;  // by value: `,"user":`
};

std::string key_of(std::string_view name) {
  Buffer key;
  key.append(",\"");
  json_text(key, name);
  key.append("\":");
  return std::string(key.view());
}

JsonPlan make_plan(const Site& site, std::size_t n_values) {
  JsonPlan plan;
  Buffer head;
  if (site.kind == SiteKind::event) {
    head.append(",\"event\":\"");
    json_text(head, site.name);
  } else {
    head.append(",\"level\":\"");
    head.append(level_name(site.level));
  }
  head.push('"');
  plan.head = head.view();
  // Keys of an object must differ, from its own and among each other.
  std::set<std::string> used{"time", "event", "level", "message", "text"};
  const auto fields = site.own_fields();
  if (site.is_weighted) used.emplace(kWeightField);
  for (std::size_t i = 0; i < std::max(n_values, fields.size()); ++i) {
    std::string name = field_name(fields, i);
    const bool is_text =
        site.kind == SiteKind::message ? name == "message" : site.kind != SiteKind::event && i == 0;
    if (is_text) {  // it has its own key
      plan.keys.emplace_back();
      continue;
    }
    while (!used.insert(name).second) name += '_';
    plan.keys.push_back(key_of(name));
  }
  return plan;
}

class JsonlSink final : public Sink {
 public:
  explicit JsonlSink(const SinkOptions& options) : seconds_(options.digits) {}

  void append(const Record& record, Buffer& out) override { append(record, out, false); }

 private:
  void append(const Record& record, Buffer& out, bool passing);
  void append_fields(const Record& record, Buffer& out, bool passing);
  void append_text(const Record& record, Buffer& out);
  void put_seconds(std::int64_t ns, Buffer& out) {
    out.advance_to(seconds_.write(out.room(kNumberRoom), ns));
  }

  Seconds seconds_;
  SiteCache<JsonPlan> plans_;
  Templates templates_;
  Buffer scratch_;
};

void JsonlSink::append(const Record& record, Buffer& out, bool passing) {
  const SiteKind kind = record.site->kind;
  if (kind == SiteKind::thread) return;
  if (is_inline(kind)) return append(InlineRecord(record).record(), out, true);
  out.append("{\"time\":");
  put_seconds(record.time_ns, out);
  const auto values = record.values;
  if (kind == SiteKind::dropped) {
    out.append(",\"event\":\"DROPPED\"");
    if (!values.empty()) {
      out.append(",\"n\":");
      write_json(out, values[0]);
    }
    if (values.size() > 1) {
      out.append(",\"since\":");
      put_seconds(values[1].i, out);
    }
  } else if (kind == SiteKind::clock) {
    out.append(",\"event\":\"CLOCK\"");
    if (!values.empty()) {
      out.append(",\"seconds\":");
      put_seconds(values[0].i, out);
    }
  } else if (kind == SiteKind::text || kind == SiteKind::print) {
    append_text(record, out);
  } else {
    append_fields(record, out, passing);
  }
  if (const Value* const weight = record.weight()) {
    out.append(",\"weight\":");
    write_json(out, *weight);
  }
  out.append("}\n");
}

void JsonlSink::append_fields(const Record& record, Buffer& out, bool passing) {
  const Site& site = *record.site;
  const auto values = record.own_values();
  const std::size_t n = values.size();
  JsonPlan passing_plan;
  JsonPlan* plan = passing ? &(passing_plan = make_plan(site, n)) : plans_.find(site);
  if (plan == nullptr || n > plan->keys.size()) plan = &plans_.put(site, make_plan(site, n));
  out.append(plan->head);
  std::optional<std::size_t> hidden;
  if (site.kind == SiteKind::message) {
    const Template& shape = templates_.of(record, passing);
    hidden = shape.message_field();
    scratch_.clear();
    shape.render(scratch_, site.own_fields(), values);
    out.append(",\"message\":\"");
    json_text(out, scratch_.view());
    out.push('"');
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (i == hidden) continue;
    out.append(plan->keys[i]);
    write_json(out, values[i]);
  }
}

void JsonlSink::append_text(const Record& record, Buffer& out) {
  const auto values = record.own_values();
  if (values.empty()) return out.append(",\"text\":\"\"");
  out.append(",\"text\":");
  write_json(out, values[0]);
  if (values.size() == 1) return;
  // Fields that bind() added: rare beside a text, so their keys are not kept.
  const JsonPlan plan = make_plan(*record.site, values.size());
  for (std::size_t i = 1; i < values.size(); ++i) {
    out.append(plan.keys[i]);
    write_json(out, values[i]);
  }
}

}  // namespace

std::unique_ptr<Sink> make_jsonl_sink(const SinkOptions& options) {
  return std::make_unique<JsonlSink>(options);
}

}  // namespace attolog
