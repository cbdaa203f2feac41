#include "format/inline_record.hpp"

#include <string>

#include "core/buffer.hpp"
#include "format/value_text.hpp"

namespace attolog {
namespace {

std::string as_name(const Value& value) {
  Buffer text;
  write_plain(text, value);
  return std::string(text.view());
}

}  // namespace

InlineRecord::InlineRecord(const Record& record) : site_(*record.site), record_(record) {
  const auto given = record.own_values();
  site_.fields.clear();  // a sampled site names its weight
  if (!given.empty()) site_.name = as_name(given[0]);
  if (site_.kind == SiteKind::inline_event) {
    site_.kind = SiteKind::event;
    for (std::size_t i = 1; i + 1 < given.size(); i += 2) {
      site_.fields.push_back(as_name(given[i]));
      values_.push_back(given[i + 1]);
    }
  } else {
    site_.kind = SiteKind::message;
    for (std::size_t i = 1; i < given.size(); ++i) {
      site_.fields.push_back(field_name({}, i - 1));
      values_.push_back(given[i]);
    }
    if (!given.empty() && given[0].is_formatted) {
      site_.fields.emplace_back("message");
      values_.push_back(Value::of_str(given[0].formatted));
    }
  }
  const Value* const weight = record.weight();
  site_.is_weighted = weight != nullptr;
  if (weight != nullptr) {
    site_.fields.emplace_back(kWeightField);
    values_.push_back(*weight);
  }
  record_.site = &site_;
  record_.values = values_;
}

}  // namespace attolog
