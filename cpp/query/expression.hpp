// Expressions over records, for `when=`: ms > 50 and user == 'ann'.
//
// The grammar is a part of Python's and is read by Python (attolog/_expression.py). Here is what an
// expression means, which comes as a tree (expression_tree.hpp).
//
// What is compared are names and literals. A name is that of a field (beyond the fields that a site
// names, v1, v2, ... by position), or one of these, which every record has:
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
#include <string_view>

#include "core/record.hpp"

namespace attolog {

class Expression {
 public:
  // Of encoded steps (expression_tree.hpp). Throws std::invalid_argument where they are none.
  explicit Expression(std::string_view steps);
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  // Whether the record is one that is meant. Sites that are given must outlive the expression; for
  // one thread at a time.
  bool matches(const Record& record);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace attolog
