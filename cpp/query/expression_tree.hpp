// An expression taken apart, and the steps in which Python hands it over (attolog/_expression.py).
//
// Steps are values as records have them (core/codec.hpp), in the order of the tree, operators
// first:
//
//   node     = ("and" | "or") n node... | "not" node | operator term right | term
//   operator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in"
//   term     = "name" text | "value" literal
//   right    = term | "list" n literal...    a list only behind "in" and "not in"
//
// A literal is an int, a float, a text, True, False or None. The tree's meaning is in
// expression.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/value.hpp"

namespace attolog::expression {

// A hundred brackets hold at most twice as many nodes one within another. Python refuses more.
inline constexpr int kDeepest = 256;

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
  Value value;            // of a literal, without its text
  std::string text;       // of a literal that has one
  std::size_t field = 0;  // which of Tree::fields
};

struct Node {
  enum class Kind : std::uint8_t { all, any, negation, comparison, term };

  Kind kind = Kind::term;
  Operator op = Operator::equal;
  bool has_list = false;    // comparison: what is behind `in` is a list of literals
  std::vector<Term> terms;  // comparison: left, and right or the list's; term: one
  std::vector<Node> parts;  // all, any: at least one; negation: one
};

struct Tree {
  Node root;
  std::vector<std::string> fields;  // the fields that it names, each once
};

// Throws std::invalid_argument where the encoded steps are no expression.
Tree read_tree(std::string_view steps);

}  // namespace attolog::expression
