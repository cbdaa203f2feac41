// A record whose names travel among its values, turned into an ordinary one.
#pragma once

#include <vector>

#include "core/record.hpp"

namespace attolog {

inline bool is_inline(SiteKind kind) {
  return kind == SiteKind::inline_event || kind == SiteKind::inline_message;
}

// Lives as long as the record it was made of, and the record it stands for no longer than it.
class InlineRecord {
 public:
  // `record` must be of an inline kind. A message whose template (its first value) is formatted
  // carries its complete text that way.
  explicit InlineRecord(const Record& record);
  InlineRecord(const InlineRecord&) = delete;
  InlineRecord& operator=(const InlineRecord&) = delete;

  const Record& record() const { return record_; }

 private:
  Site site_;
  std::vector<Value> values_;
  Record record_;
};

}  // namespace attolog
