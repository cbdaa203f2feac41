#include "sinks/text_sink.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/site_cache.hpp"
#include "format/escape.hpp"
#include "format/inline_record.hpp"
#include "format/moment_writer.hpp"
#include "format/number.hpp"
#include "format/template.hpp"
#include "format/value_text.hpp"
#include "sinks/sink.hpp"

namespace attolog {
namespace {

// A pattern is a template whose keywords are these.
enum Part : std::size_t {
  kTime,
  kLevel,
  kMessage,
  kEvent,
  kThread,
  kFile,
  kLine,
  kFunction,
  kParts
};
const std::vector<std::string> kPartNames = {"time",   "level", "message", "event",
                                             "thread", "file",  "line",    "function"};

class TextSink final : public Sink {
 public:
  explicit TextSink(const SinkOptions& options)
      : digits_(options.digits),
        times_(options.digits),
        pattern_(Template::parse(options.pattern.empty() ? kDefaultPattern : options.pattern, 0,
                                 kPartNames)) {}

  void append(const Record& record, Buffer& out) override { append(record, out, false); }

 private:
  // A line is the pattern; what all lines of a site have alike is filled in.
  struct Piece {
    std::string text;
    Part part = kParts;          // which follows: kTime, kMessage, kThread, or nothing
    const Hole* hole = nullptr;  // how the part is formatted; null: as it is
  };
  using Line = std::vector<Piece>;

  void append(const Record& record, Buffer& out, bool passing);
  void append_raw(const Record& record, Buffer& out);
  void append_part(Part part, const Record& record, Buffer& out, bool passing);
  Line make_line(const Site& site) const;
  const Line& line_of(const Site& site, bool passing);
  // The message, not yet escaped.
  void compose(const Record& record, Buffer& out, bool passing);
  void compose_event(const Record& record, Buffer& out);
  void compose_message(const Record& record, Buffer& out, bool passing);
  void compose_dropped(const Record& record, Buffer& out);
  void compose_clock(const Record& record, Buffer& out);

  int digits_;
  MomentWriter times_;
  Template pattern_;
  SiteCache<Line> lines_;
  // Of passing sites: the last one, and the kind and level that it was made for.
  Line passing_line_;
  std::optional<std::pair<SiteKind, std::uint8_t>> passing_;
  Templates templates_;
  Buffer unescaped_;  // a message, or a text
  Buffer part_;       // not yet formatted
};

void TextSink::append(const Record& record, Buffer& out, bool passing) {
  switch (record.site->kind) {
    case SiteKind::text:
    case SiteKind::print: return append_raw(record, out);
    case SiteKind::inline_event:
    case SiteKind::inline_message: return append(InlineRecord(record).record(), out, true);
    case SiteKind::thread: return;
    case SiteKind::event:
    case SiteKind::message:
    case SiteKind::dropped:
    case SiteKind::clock: break;
  }
  for (const Piece& piece : line_of(*record.site, passing)) {
    out.append(piece.text);
    if (piece.hole == nullptr) {
      append_part(piece.part, record, out, passing);
    } else {
      part_.clear();
      append_part(piece.part, record, part_, passing);
      piece.hole->format(out, Value::of_str(part_.view()));
    }
  }
  out.push('\n');
}

// Raw by request: no pattern, no escapes. What is no text shows as its str().
void TextSink::append_raw(const Record& record, Buffer& out) {
  if (!record.values.empty()) {
    const Value& text = record.values[0];
    unescaped_.clear();
    if (text.tag == Tag::none) unescaped_.append("None");
    write_plain(unescaped_, text);
    raw_text(out, unescaped_.view());
  }
  if (record.site->kind == SiteKind::text) out.push('\n');
}

void TextSink::compose(const Record& record, Buffer& out, bool passing) {
  switch (record.site->kind) {
    case SiteKind::event: return compose_event(record, out);
    case SiteKind::message: return compose_message(record, out, passing);
    case SiteKind::dropped: return compose_dropped(record, out);
    case SiteKind::clock: return compose_clock(record, out);
    default: return;
  }
}

void TextSink::compose_event(const Record& record, Buffer& out) {
  const Site& site = *record.site;
  out.append(site.name);
  const auto fields = site.own_fields();  // a weight is a matter for tables
  const auto values = record.own_values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i < fields.size()) {
      write_pair(out, fields[i], values[i]);
    } else {
      write_pair(out, field_name(fields, i), values[i]);
    }
  }
}

void TextSink::compose_message(const Record& record, Buffer& out, bool passing) {
  const Site& site = *record.site;
  const Template& shape = templates_.of(record, passing);
  const auto values = record.own_values();
  if (!shape.render_with_traceback(out, site.own_fields(), values))
    return;  // shows all fields already
  for (const std::size_t i : shape.beside())
    if (i < values.size() && !shape.shows(i)) write_pair(out, site.fields[i], values[i]);
}

void TextSink::compose_dropped(const Record& record, Buffer& out) {
  out.append("DROPPED");
  if (!record.values.empty()) write_pair(out, "n", record.values[0]);
  if (record.values.size() < 2) return;
  out.append(" since=");
  times_.write(record.values[1].i, out);
}

void TextSink::compose_clock(const Record& record, Buffer& out) {
  out.append("CLOCK");
  if (record.values.empty()) return;
  out.append(" seconds=");
  out.advance_to(write_seconds(out.room(kNumberRoom), record.values[0].i, digits_));
}

TextSink::Line TextSink::make_line(const Site& site) const {
  std::string_view level = "WARNING", event;
  switch (site.kind) {
    case SiteKind::event: level = "EVENT", event = site.name; break;
    case SiteKind::dropped: event = "DROPPED"; break;
    case SiteKind::clock: event = "CLOCK"; break;
    default: level = level_name(site.level);
  }
  // Only with a pattern that check_pattern() refuses.
  const Line message_alone{{"", kMessage, nullptr}, {}};
  if (!pattern_.ok()) return message_alone;
  Line line(1);
  Buffer text, filled;
  for (const Template::Segment& segment : pattern_.segments()) {
    line.back().text += segment.literal;
    if (segment.hole == Template::Segment::kNone) continue;
    const Hole& hole = pattern_.holes()[segment.hole];
    const auto part = static_cast<Part>(hole.value);
    const bool is_line = part == kLine;
    if (!hole.native(is_line ? Tag::int64 : Tag::str)) return message_alone;
    if (part == kTime || part == kMessage || part == kThread) {
      line.back().part = part;
      line.back().hole = hole.is_plain ? nullptr : &hole;
      line.emplace_back();
      continue;
    }
    text.clear();
    filled.clear();
    line_text(text, part == kLevel   ? level
                    : part == kEvent ? event
                    : part == kFile  ? std::string_view(site.file)
                                     : std::string_view(site.function));
    hole.format(filled, is_line ? Value::of_int(site.line) : Value::of_str(text.view()));
    line.back().text += filled.view();
  }
  return line;
}

const TextSink::Line& TextSink::line_of(const Site& site, bool passing) {
  if (!passing) {
    const Line* const known = lines_.find(site);
    return known != nullptr ? *known : lines_.put(site, make_line(site));
  }
  // Most patterns show no more of a site than its level.
  const auto shows_site = [](const Hole& hole) {
    return hole.value == kEvent || hole.value >= kFile;
  };
  const std::pair now(site.kind, site.level);
  if (passing_ != now || std::ranges::any_of(pattern_.holes(), shows_site)) {
    passing_line_ = make_line(site);
    passing_ = now;
  }
  return passing_line_;
}

void TextSink::append_part(Part part, const Record& record, Buffer& out, bool passing) {
  switch (part) {
    case kTime: return times_.write(record.time_ns, out);
    case kMessage: {
      const std::size_t start = out.size();
      compose(record, out, passing);
      const std::string_view message = out.view().substr(start);
      if (is_line_text(message)) return;
      unescaped_.clear();
      unescaped_.append(message);
      out.truncate(start);
      return line_text(out, unescaped_.view());
    }
    case kThread:
      if (record.thread == nullptr) return;
      if (!record.thread->name.empty()) return line_text(out, record.thread->name);
      return out.advance_to(write_uint(out.room(kNumberRoom), record.thread->id));
    default: return;
  }
}

}  // namespace

std::string check_pattern(std::string_view pattern) {
  const Template shape = Template::parse(pattern, 0, kPartNames);
  for (const Hole& hole : shape.holes()) {
    if (std::ranges::find(kPartNames, hole.name) != kPartNames.end()) continue;
    return "{" + hole.name +
           "} is none of time, level, message, event, thread, file, line and function";
  }
  if (!shape.ok()) return "it is not well formed; a brace that stands for itself is doubled, as {{";
  for (const Hole& hole : shape.holes()) {
    if (hole.native(hole.value == kLine ? Tag::int64 : Tag::str)) continue;
    return "{" + hole.name + hole.rest +
           "} cannot be shown; a hole is a name and a format of its kind, such as {level:<8} or "
           "{line:04d}";
  }
  Buffer text, escaped;
  for (const char c : pattern)
    if (c != '\\') text.push(c);
  line_text(escaped, text.view());
  if (escaped.view() != text.view())
    return "it contains what no line can hold: a control character, a line separator, a surrogate";
  return {};
}

std::unique_ptr<Sink> make_text_sink(const SinkOptions& options) {
  return std::make_unique<TextSink>(options);
}

}  // namespace attolog
