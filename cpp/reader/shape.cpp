#include "reader/shape.hpp"

#include <algorithm>
#include <utility>

#include "reader/catalog.hpp"
#include "reader/columns.hpp"
#include "reader/nested_cursor.hpp"

namespace attolog {
namespace {

// See ShapedFields.
constexpr std::uint64_t kMostNulls = std::uint64_t{1} << 24;
constexpr std::uint64_t kNullsForOne = 8;

using Read = NestedCursor::Read;

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// DuckDB takes such names of a struct's fields for one.
bool are_alike(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lowered, lowered);
}

// Whether a schema can have the name as it is, and DuckDB, too.
bool is_name(std::string_view text) {
  return !text.empty() && schema_text(text) == text;
}

// Whether dicts have so few keys in common that structs of all keys would be mostly nulls, as where
// keys are ids. Parquet has no structs without fields.
bool differ(const Shape& dict) {
  constexpr std::uint64_t kFieldsForOne = 4;
  std::uint64_t keys = 0;
  for (const Shape& field : dict.inner) keys += field.seen;
  return dict.inner.empty() || dict.values * dict.inner.size() > kFieldsForOne * keys;
}

bool set_type(const Shape& shape, Field& field) {
  const std::uint32_t kinds = shape.kinds & ~holds::bit(Tag::none);
  if (kinds != holds::kList && kinds != holds::kDict) {
    field.type = type_of(kinds, field.note);
    return field.note.empty();
  }
  field.type = kinds == holds::kList ? Type::list : Type::structure;
  if (field.type == Type::structure && differ(shape)) return false;
  for (const Shape& each : shape.inner) {
    Field& inner = field.inner.emplace_back();
    inner.name = each.name;
    if (!set_type(each, inner)) return false;
  }
  return true;
}

// How many places for values it takes to have the shape `rows` times.
std::uint64_t slots_of(const Shape& shape, std::uint64_t rows) {
  const bool is_list = (shape.kinds & holds::kList) != 0;
  std::uint64_t slots = rows;
  for (const Shape& each : shape.inner) slots += slots_of(each, is_list ? each.seen : rows);
  return slots;
}

std::uint64_t values_of(const Shape& shape) {
  std::uint64_t values = shape.values;
  for (const Shape& each : shape.inner) values += values_of(each);
  return values;
}

}  // namespace

void ShapeLearner::learn(const Value& nested) {
  if (is_text_) return;
  NestedCursor in(nested);
  if (learn(shape_, in, 0) && in.is_done()) return;
  is_text_ = true;
  shape_ = Shape();
}

bool ShapeLearner::learn(Shape& shape, NestedCursor& in, int depth) {
  ++shape.seen;
  const Read read = in.next();
  if (read == Read::stopped) return false;
  if (read == Read::scalar) {
    shape.kinds |= kind_of(in.value());
    if (in.value().tag != Tag::none) ++shape.values;
    return true;
  }
  const std::uint32_t kind = read == Read::list ? holds::kList : holds::kDict;
  if (depth == kMaxDepth || (shape.kinds & (holds::kList | holds::kDict) & ~kind) != 0) {
    return false;
  }
  shape.kinds |= kind;
  ++shape.values;
  if (read == Read::dict) return learn_dict(shape, in, depth);
  if (shape.inner.empty() && !add(shape, "item")) return false;
  while (in.next_item()) {
    if (!learn(shape.inner.front(), in, depth + 1)) return false;
  }
  return !in.has_stopped();
}

bool ShapeLearner::learn_dict(Shape& dict, NestedCursor& in, int depth) {
  std::size_t at = 0;  // keys come in one order, mostly
  while (in.next_key()) {
    if (at == dict.inner.size() || dict.inner[at].name != in.key()) {
      const auto found = std::ranges::find(dict.inner, in.key(), &Shape::name);
      at = static_cast<std::size_t>(found - dict.inner.begin());
      if (found == dict.inner.end() && !add(dict, in.key())) return false;
    }
    Shape& field = dict.inner[at++];
    if (field.last == dict.values) return false;  // a key twice: it is damaged
    field.last = dict.values;
    if (!learn(field, in, depth + 1)) return false;
  }
  return !in.has_stopped();
}

bool ShapeLearner::add(Shape& shape, std::string_view name) {
  const auto is_taken = [&](const Shape& other) { return are_alike(other.name, name); };
  if (parts_ == kMaxParts || !is_name(name)) return false;
  if (std::ranges::any_of(shape.inner, is_taken)) return false;
  ++parts_;
  shape.inner.emplace_back().name = name;
  return true;
}

bool ShapedFields::give_type(const Shape& shape, Field& field) {
  const std::uint64_t slots = slots_ + slots_of(shape, rows_);
  const std::uint64_t values = values_ + values_of(shape);
  Field shaped = field;
  const std::uint64_t limit = std::max(kMostNulls, kNullsForOne * (rows_ + values));
  if (slots - values > limit || !set_type(shape, shaped)) return false;
  slots_ = slots;
  values_ = values;
  field = std::move(shaped);
  return true;
}

}  // namespace attolog
