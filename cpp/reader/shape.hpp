// The shape of a column's lists and dicts: learned with the catalog, value by value. A column whose
// values have one shape is of lists or structs; any other is of their texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/value.hpp"

namespace attolog {

class NestedCursor;
struct Field;

struct Shape {
  std::string name;          // as a key of a dict
  std::uint32_t kinds = 0;   // as ColumnInfo has them
  std::uint64_t seen = 0;    // values, None among them
  std::uint64_t values = 0;  // None not counted
  std::uint64_t last = 0;    // the last dict that had the key
  std::vector<Shape> inner;  // of a list: its items; of a dict: its keys, in order of appearance
};

class ShapeLearner {
 public:
  // Lists and dicts within one another, the outermost among them.
  static constexpr int kMaxDepth = 8;
  // Keys, and items of lists, within all that a column holds.
  static constexpr std::size_t kMaxParts = 256;

  void learn(const Value& nested);
  // Null if the values have none in common, or a value is damaged.
  const Shape* shape() const { return is_text_ ? nullptr : &shape_; }

 private:
  bool learn(Shape& shape, NestedCursor& in, int depth);
  bool learn_dict(Shape& dict, NestedCursor& in, int depth);
  bool add(Shape& shape, std::string_view name);

  Shape shape_;
  std::size_t parts_ = 0;
  bool is_text_ = false;
};

// Gives the fields of a table the types of their columns' shapes, as long as these hold few nulls.
// The most are 2^24 in all or, if that is more, 8 for each row and each value in them.
class ShapedFields {
 public:
  explicit ShapedFields(std::uint64_t rows) : rows_(rows) {}

  // Sets type and inner fields. False: the column is of texts.
  bool give_type(const Shape& shape, Field& field);

 private:
  std::uint64_t rows_;
  std::uint64_t slots_ = 0;   // of all columns that have their shape's type
  std::uint64_t values_ = 0;  // and how many of them are filled
};

}  // namespace attolog
