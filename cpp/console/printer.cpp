#include "console/printer.hpp"

#include <unistd.h>

#include "format/inline_record.hpp"
#include "format/plain.hpp"

namespace attolog {

namespace {

// What a run tells of its own logging.
constexpr std::string_view kOwnEvent = "LOGGING";

bool is_own(const Site& site) {
  return is_own_site(site.id) || (site.kind == Kind::event && site.name == kOwnEvent);
}

void write_shown(Buffer& out, const Value& value) {
  const bool has_text = value.is_formatted && value.formatted != kUnfillable;
  return has_text ? out.append(value.formatted) : write_str(out, value);
}

}  // namespace

int stream_of(const Site& site) {
  return site.level >= kWarning ? STDERR_FILENO : STDOUT_FILENO;
}

void Printer::append(const Record& record, Buffer& out, bool is_passing) {
  const Site& site = *record.site;
  if (is_own(site)) return;
  const auto values = record.own_values();
  switch (site.kind) {
    case Kind::event:
      out.append(site.name);
      for (const Value& value : values) {
        out.push(' ');
        write_shown(out, value);
      }
      return out.push('\n');
    case Kind::message:
      templates_.of(record, is_passing).render_with_traceback(out, site.own_fields(), values);
      return out.push('\n');
    case Kind::text:
    case Kind::print:
      if (!values.empty()) {
        const Value& text = values[0];
        const bool is_raw = site.kind == Kind::print && text.tag == Tag::bytes;
        is_raw ? out.append(text.text) : write_shown(out, text);
      }
      if (site.kind == Kind::text) out.push('\n');
      return;
    case Kind::inline_event:
    case Kind::inline_message: return append(InlineRecord(record).record(), out, true);
    case Kind::thread:
    case Kind::dropped:
    case Kind::clock: return;
  }
}

}  // namespace attolog
