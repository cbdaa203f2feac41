#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "logged.hpp"
#include "query/expression.hpp"

using namespace attolog;
using logged::holds;
using logged::Logged;
using logged::of_float;
using logged::of_tag;

namespace {

// A second evaluator, of trees that it makes up itself, to compare with.
class Random {
 public:
  explicit Random(std::uint32_t seed) : random_(seed) {}

  struct Made {
    std::string text;
    bool expected;
  };

  Logged record() {
    Logged logged{Kind::event, "GEN", {}};
    known_.clear();
    for (const char* name : {"a", "b", "c", "d"}) {
      if (pick(5) == 0) continue;
      known_[name] = value();
      logged.site.fields.push_back(name);
      logged.values.push_back(to_value(known_[name]));
    }
    return logged;
  }

  Made any(int depth) {
    const unsigned choice = depth == 0 ? 3 : pick(4);
    if (choice == 3) return comparison();
    if (choice == 2) {
      const Made part = any(depth - 1);
      return {"not (" + part.text + ")", !part.expected};
    }
    Made made = any(depth - 1);
    made.text = "(" + made.text + ")";
    for (unsigned n = 1 + pick(2); n > 0; --n) {
      const Made part = any(depth - 1);
      made.text += (choice == 0 ? " and (" : " or (") + part.text + ")";
      made.expected = choice == 0 ? made.expected && part.expected : made.expected || part.expected;
    }
    return made;
  }

 private:
  // What a value is to the reference: a number, a text, or neither.
  struct Simple {
    enum class Kind { absent, none, boolean, whole, real, text } kind = Kind::absent;
    double number = 0;
    std::string text;
    bool is_number() const { return kind >= Kind::boolean && kind <= Kind::real; }
  };

  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  Simple value() {
    static const std::vector<std::string> kTexts = {"", "a", "ab", "b", "1"};
    const auto kind = static_cast<Simple::Kind>(1 + pick(5));
    Simple made{kind, 0, ""};
    if (kind == Simple::Kind::boolean) made.number = pick(2);
    if (kind == Simple::Kind::whole) made.number = static_cast<double>(pick(5)) - 2;
    if (kind == Simple::Kind::real) made.number = static_cast<double>(pick(9)) / 2 - 2;
    if (kind == Simple::Kind::text) made.text = kTexts[pick(5)];
    return made;
  }

  static Value to_value(const Simple& simple) {
    switch (simple.kind) {
      case Simple::Kind::boolean: return of_tag(simple.number == 1 ? Tag::true_ : Tag::false_);
      case Simple::Kind::whole: return Value::of_int(static_cast<std::int64_t>(simple.number));
      case Simple::Kind::real: return of_float(simple.number);
      case Simple::Kind::text: return Value::of_str(simple.text);
      default: return {};
    }
  }

  static std::string written(const Simple& simple) {
    switch (simple.kind) {
      case Simple::Kind::boolean: return simple.number == 1 ? "True" : "False";
      case Simple::Kind::whole: return std::to_string(static_cast<int>(simple.number));
      case Simple::Kind::real: return std::to_string(simple.number);
      case Simple::Kind::text: return "'" + simple.text + "'";
      default: return "None";
    }
  }

  std::pair<std::string, Simple> operand() {
    if (pick(2) == 0) {
      const Simple made = value();
      return {written(made), made};
    }
    const std::string name(1, static_cast<char>('a' + pick(4)));
    return {name, known_[name]};
  }

  static bool equal(const Simple& a, const Simple& b) {
    if (a.is_number() && b.is_number()) return a.number == b.number;
    return a.kind == b.kind && a.text == b.text;
  }
  static bool less(const Simple& a, const Simple& b) {
    if (a.is_number() && b.is_number()) return a.number < b.number;
    return a.kind == Simple::Kind::text && b.kind == Simple::Kind::text && a.text < b.text;
  }
  static bool is_part(const Simple& a, const Simple& b) {
    return a.kind == Simple::Kind::text && b.kind == Simple::Kind::text &&
           b.text.find(a.text) != std::string::npos;
  }
  static bool compare(unsigned op, const Simple& a, const Simple& b) {
    if (a.kind == Simple::Kind::absent || b.kind == Simple::Kind::absent) return false;
    const bool is_same = equal(a, b) && a.kind != Simple::Kind::none;
    switch (op) {
      case 0: return equal(a, b);
      case 1: return !equal(a, b);
      case 2: return less(a, b);
      case 3: return less(a, b) || is_same;
      case 4: return less(b, a);
      case 5: return less(b, a) || is_same;
      case 6: return is_part(a, b);
      default: return !is_part(a, b);
    }
  }

  Made comparison() {
    static const char* const kOperators[] = {
        " == ", " != ", " < ", " <= ", " > ", " >= ", " in ", " not in "};
    auto [text, left] = operand();
    if (pick(8) == 0) {
      const bool is_true = left.is_number() ? left.number != 0 : !left.text.empty();
      return {text, is_true};
    }
    if (pick(6) == 0) {
      std::string list;
      bool is_listed = false;
      for (unsigned n = pick(4); n > 0; --n) {
        const Simple item = value();
        list += written(item) + ", ";
        is_listed = is_listed || equal(left, item);
      }
      const bool is_in = pick(2) == 0;
      return {text + (is_in ? " in [" : " not in [") + list + "]",
              left.kind != Simple::Kind::absent && is_listed == is_in};
    }
    bool expected = true;
    for (unsigned n = 1 + pick(2); n > 0; --n) {
      const unsigned op = pick(8);
      const auto [right_text, right] = operand();
      text += kOperators[op] + right_text;
      expected = compare(op, left, right) && expected;
      left = right;
    }
    return {text, expected};
  }

  std::mt19937 random_;
  std::map<std::string, Simple> known_;
};

const check::Test random_expressions{"made-up expressions are what a second evaluator says", [] {
                                       Random random(3);
                                       for (int round = 0; round < 2000; ++round) {
                                         const Logged logged = random.record();
                                         for (int i = 0; i < 5; ++i) {
                                           const auto made = random.any(3);
                                           if (holds(made.text, logged) != made.expected)
                                             check::equal(made.text, "");
                                         }
                                       }
                                     }};

const check::Test garbage{"any text is either an expression or refused in one line", [] {
                            static const char* const kPieces[] = {
                                "n",    "'a'", "(", ")",  "not", "in",   "and",  "1.5",
                                ",",    "==",  "<", "\\", "\"",  "[",    "]",    "-",
                                "\xff", "_",   " ", "e",  ".",   "None", "level"};
                            std::mt19937 random(5);
                            const Logged logged{Kind::event, "GEN", {{"n", Value::of_int(7)}}};
                            for (int round = 0; round < 20'000; ++round) {
                              std::string text;
                              for (auto n = random() % 8; n > 0; --n)
                                text += kPieces[random() % std::size(kPieces)];
                              std::string complaint;
                              if (auto expression = Expression::parse(text, complaint)) {
                                expression->matches(logged.record());
                              } else {
                                check::that(complaint.starts_with("at column ") &&
                                            complaint.find('\n') == std::string::npos);
                              }
                            }
                          }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
