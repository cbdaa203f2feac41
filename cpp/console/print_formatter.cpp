#include "console/print_formatter.hpp"

#include <unistd.h>

#include "format/escape.hpp"
#include "format/inline_record.hpp"
#include "format/value_text.hpp"

namespace attolog {

namespace {

// The texts of a run about its own logging.
constexpr std::string_view kOwnEvent = "LOGGING";

bool is_own(const Site& site) {
  return is_own_site(site.id) || (site.kind == SiteKind::event && site.name == kOwnEvent);
}

void write_shown(Buffer& out, const Value& value) {
  const bool has_text = value.is_formatted && value.formatted != kUnfillable;
  return has_text ? out.append(value.formatted) : write_str(out, value);
}

}  // namespace

int stream_of(const Site& site) {
  return site.level >= kWarning ? STDERR_FILENO : STDOUT_FILENO;
}

void PrintFormatter::append(const Record& record, Buffer& out) {
  const auto values = record.own_values();
  // Bytes that a stream of the program's has made of its text.
  if (record.site->kind == SiteKind::print && !values.empty() && values[0].tag == Tag::bytes)
    return out.append(values[0].text);
  text_.clear();
  compose(record, false);
  stream_text(out, text_.view());
}

void PrintFormatter::compose(const Record& record, bool is_passing) {
  const Site& site = *record.site;
  if (is_own(site)) return;
  const auto values = record.own_values();
  switch (site.kind) {
    case SiteKind::event:
      text_.append(site.name);
      for (const Value& value : values) {
        text_.push(' ');
        write_shown(text_, value);
      }
      return text_.push('\n');
    case SiteKind::message:
      templates_.of(record, is_passing).render_with_traceback(text_, site.own_fields(), values);
      return text_.push('\n');
    case SiteKind::text:
    case SiteKind::print:
      if (!values.empty()) write_shown(text_, values[0]);
      if (site.kind == SiteKind::text) text_.push('\n');
      return;
    case SiteKind::inline_event:
    case SiteKind::inline_message: return compose(InlineRecord(record).record(), true);
    case SiteKind::thread:
    case SiteKind::dropped:
    case SiteKind::clock: return;
  }
}

}  // namespace attolog
