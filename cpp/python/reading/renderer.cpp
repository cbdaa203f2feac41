#include "python/reading/renderer.hpp"

#include <optional>

#include "core/site.hpp"
#include "format/inline_record.hpp"
#include "format/value_text.hpp"

namespace attolog::python {

void Renderer::operator()(const Record& given, Buffer& out) {
  const bool passing = is_inline(given.site->kind);
  std::optional<InlineRecord> unpacked;
  if (passing) unpacked.emplace(given);
  const Record& record = passing ? unpacked->record() : given;
  switch (record.site->kind) {
    case SiteKind::message:
      templates_.of(record, passing)
          .render_with_traceback(out, record.site->own_fields(), record.own_values());
      return;
    case SiteKind::text:
    case SiteKind::print:
      if (!record.values.empty()) write_plain(out, record.values[0]);
      return;
    default:
      sink_->append(record, out);
      if (!out.empty() && out.view().back() == '\n') out.truncate(out.size() - 1);
  }
}

}  // namespace attolog::python
