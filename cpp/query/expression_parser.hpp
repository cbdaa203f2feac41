// An expression taken apart. What it means is said in expression.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/value.hpp"

namespace attolog::expression {

inline constexpr std::size_t kLongest = 10'000;
inline constexpr int kDeepest = 100;

enum class Operator : std::uint8_t { equal, unequal, less, at_most, greater, at_least, in, not_in };

// A name or a literal.
struct Term {
  enum class Kind : std::uint8_t { literal, field, event, level, message, thread, time };

  Value constant() const {  // of a literal
    Value result = value;
    result.text = text;
    return result;
  }

  Kind kind = Kind::literal;
  Value value;             // of a literal, but for its text
  std::string text;        // of a literal that has one
  std::size_t field = 0;   // which of Tree::fields
  std::size_t column = 0;  // where it stands
};

struct Node {
  enum class Kind : std::uint8_t { all, any, negation, comparison, term };

  Kind kind = Kind::term;
  Operator op = Operator::equal;
  bool has_list = false;    // comparison: what is behind `in` is a list of literals
  std::vector<Term> terms;  // comparison: left, and right or the list's; term: one
  std::vector<Node> parts;  // all, any: two or more; negation: one
};

struct Tree {
  Node root;
  std::vector<std::string> fields;  // the fields that it names, each once
};

std::optional<Tree> parse(std::string_view text, std::string& complaint);

}  // namespace attolog::expression
