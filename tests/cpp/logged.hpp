// Records that own all that they refer to, and expressions to look for them with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check.hpp"
#include "core/record.hpp"
#include "query/expression.hpp"
#include "steps.hpp"

namespace logged {

using attolog::Expression;
using attolog::Record;
using attolog::Site;
using attolog::SiteKind;
using attolog::Tag;
using attolog::Thread;
using attolog::Value;

inline Value of_tag(Tag tag, std::int64_t i = 0) {
  Value value;
  value.tag = tag;
  value.i = i;
  return value;
}
inline Value of_float(double f) {
  Value value;
  value.tag = Tag::float64;
  value.f = f;
  return value;
}
inline Value of_text(Tag tag, std::string_view text) {
  Value value;
  value.tag = tag;
  value.text = text;
  return value;
}

// One without field names ("") is of an inline kind.
struct Logged {
  Logged(SiteKind kind, std::string name, std::vector<std::pair<std::string, Value>> pairs,
         std::uint8_t level = attolog::kNone) {
    site.kind = kind;
    site.name = std::move(name);
    site.level = level;
    for (auto& [field, value] : pairs) {
      if (!field.empty()) site.fields.push_back(field);
      values.push_back(value);
    }
  }
  Record record() const { return {&site, &thread, 1'700'000'000'500'000'000, values}; }

  Site site;
  Thread thread{42, "worker-1"};
  std::vector<Value> values;
};

inline bool holds(const steps::Steps& steps, const Logged& logged) {
  Expression expression(steps.bytes);
  const bool first = expression.matches(logged.record());
  check::equal(expression.matches(logged.record()), first);  // now from what is kept of the site
  return first;
}

}  // namespace logged
