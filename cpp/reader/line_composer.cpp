#include "reader/line_composer.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "format/escape.hpp"
#include "format/inline_record.hpp"
#include "format/number.hpp"
#include "format/value_text.hpp"
#include "reader/python_text.hpp"

namespace attolog {
namespace {

constexpr std::size_t kLevelWidth = 8;

bool is_event(SiteKind kind) {
  return kind == SiteKind::event || kind == SiteKind::dropped || kind == SiteKind::clock;
}

std::string_view level_of_line(const Site& site) {
  if (site.level >= kDebug) return level_name(site.level);
  switch (site.kind) {
    case SiteKind::event: return "EVENT";
    case SiteKind::text: return "LOG";
    case SiteKind::print: return "PRINT";
    default: return "WARNING";
  }
}

std::string escaped(std::string_view text) {
  Buffer out;
  terminal_text(out, text);
  return std::string(out.view());
}

// Whether a value without a name of its own could be called so.
bool is_number_name(std::string_view name) {
  return name.size() > 1 && name[0] == 'v' && name[1] >= '0' && name[1] <= '9';
}

std::string place_of(const Site& site) {
  std::string place = escaped(site.file);
  if (site.line != 0) place += ':' + std::to_string(site.line);
  if (!site.function.empty()) place += " in " + escaped(site.function);
  if (!place.empty()) place += ", ";
  return place;
}

}  // namespace

LineComposer::Layout LineComposer::make_layout(const Site& site, Origin origin) {
  Layout layout;
  layout.head = level_of_line(site);
  layout.head.resize(std::max(layout.head.size(), kLevelWidth), ' ');
  layout.head = ' ' + layout.head + ' ';
  if (is_event(site.kind)) layout.head += escaped(site.name);
  std::set<std::string_view> names;
  for (const std::string& name : site.own_fields()) {
    layout.names.push_back(' ' + escaped(name) + '=');
    if (name == kWeightField || is_number_name(name) || !names.insert(name).second) {
      layout.is_regular = false;
    }
  }
  if (origin == Origin::with) layout.place = place_of(site);
  return layout;
}

void LineComposer::append(const SourcedRecord& source, Buffer& out) {
  const Record& record = source.record;
  times_.write(record.time_ns, out);
  if (is_inline(record.site->kind)) {
    const InlineRecord ordinary(record);
    const Layout layout = make_layout(*ordinary.record().site, origin_);
    append(ordinary.record(), layout, true, out);
    append_origin(source, layout, out);
  } else {
    const Layout* layout = layouts_.find(*record.site);
    if (layout == nullptr) layout = &layouts_.put(*record.site, make_layout(*record.site, origin_));
    append(record, *layout, false, out);
    append_origin(source, *layout, out);
  }
  out.push('\n');
}

// The level and the message.
void LineComposer::append(const Record& record, const Layout& layout, bool passing, Buffer& out) {
  out.append(layout.head);
  const Site& site = *record.site;
  if (is_event(site.kind)) return append_values(record, layout, out);
  const std::size_t start = out.size();
  if (site.kind == SiteKind::message) {
    templates_.of(record, passing)
        .render_with_traceback(out, site.own_fields(), record.own_values());
  } else if (!record.values.empty()) {
    write_plain(out, record.values[0]);
    const bool ends_line = out.size() > start && out.view().back() == '\n';
    if (site.kind == SiteKind::print && ends_line) out.truncate(out.size() - 1);
  }
  escape_from(start, out);
}

void LineComposer::append_values(const Record& record, const Layout& layout, Buffer& out) {
  const auto values = record.own_values();
  if (!layout.is_regular || values.size() > layout.names.size()) {
    return append_irregular(record, out);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    out.append(layout.names[i]);
    append_value(values[i], out);
  }
  if (const Value* const weight = record.weight()) {
    out.append(" weight=");
    append_value(*weight, out);
  }
}

// As in a dict of Python: of two values of one name the last one counts, in the place of the first.
void LineComposer::append_irregular(const Record& record, Buffer& out) {
  const auto fields = record.site->own_fields();
  const std::size_t own = record.own_values().size();
  std::vector<std::pair<std::string, const Value*>> pairs;
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < record.values.size(); ++i) {
    std::string name = i == own ? std::string(kWeightField) : field_name(fields, i);
    const auto [at, is_new] = index.try_emplace(name, pairs.size());
    if (is_new) pairs.emplace_back(std::move(name), nullptr);
    pairs[at->second].second = &record.values[i];
  }
  for (const auto& [name, value] : pairs) {
    out.push(' ');
    terminal_text(out, name);
    out.push('=');
    append_value(*value, out);
  }
}

void LineComposer::append_value(const Value& value, Buffer& out) {
  if (value.tag == Tag::int64) {
    return out.advance_to(write_int(out.room(kNumberRoom), value.i));
  }
  if (value.tag == Tag::float64) {
    return out.advance_to(write_double(out.room(kNumberRoom), value.f));
  }
  const std::size_t start = out.size();
  write_python_value(out, value);
  escape_from(start, out);
}

void LineComposer::append_origin(const SourcedRecord& source, const Layout& layout, Buffer& out) {
  if (origin_ == Origin::without) return;
  out.append("  [");
  out.append(layout.place);
  const Thread& thread = *source.record.thread;
  if (thread.name.empty()) {
    out.advance_to(write_uint(out.room(kNumberRoom), thread.id));
  } else {
    terminal_text(out, thread.name);
  }
  out.append(", pid ");
  out.advance_to(write_uint(out.room(kNumberRoom), source.pid));
  out.append(", run ");
  if (source.run_id != run_id_) run_ = run_name(run_id_ = source.run_id);
  out.append(run_);
  out.push(']');
}

// Escapes the text that stands in `out` from `start` on.
void LineComposer::escape_from(std::size_t start, Buffer& out) {
  const std::string_view text = out.view().substr(start);
  if (is_line_text(text)) return;
  unescaped_.clear();
  unescaped_.append(text);
  out.truncate(start);
  terminal_text(out, unescaped_.view());
}

}  // namespace attolog
