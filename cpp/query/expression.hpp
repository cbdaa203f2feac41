// Expressions over records, for `when=` and `attolog grep`: total_ms > 50 and model == 'ResNet50'.
//
// The grammar is a part of Python's, with Python's precedence:
//
//   any         = all ("or" all)*
//   all         = negation ("and" negation)*
//   negation    = "not" negation | comparison
//   comparison  = operand (("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in") operand)*
//               | ... ("in" | "not in") list of literals, (1, 2) or [1, 2]
//   operand     = name | literal | "(" any ")"
//
// What is compared are names and literals: no result of an expression, no call, no arithmetic.
// Literals are ints, floats, strings, True, False and None. A name is that of a field (beyond the
// fields that a site names, v1, v2, ... by position), or one of these, which every record has:
//
// - event: an event's name, else None
// - level: a message's, as 'WARNING', else None
// - message: a message's text, the text of LOG and PRINT, else None
// - thread: the thread's name, its number where it has none
// - time: seconds since 1970, a float
//
// Values compare as order_of (compare.hpp) has it: unlike kinds are unequal, and neither less nor
// greater. `level` and a level's name compare by severity. `in` looks into a list, or for a part of
// a text. A name or a literal alone is true as in Python, and a field that is not there is false.
//
// A comparison with a field that the record does not have is false, whatever the operator: also !=
// and `not in`. `not` turns that around like anything else: `not x == 1` holds where there is no x.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/record.hpp"

namespace attolog {

class Expression {
 public:
  // Nothing where the text is no expression; `complaint` then says where and why, in one line.
  static std::optional<Expression> parse(std::string_view text, std::string& complaint);

  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  // Whether the record is one that is meant. Sites that are given must outlive the expression; for
  // one thread at a time.
  bool matches(const Record& record);

 private:
  struct Parts;
  explicit Expression(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace attolog
