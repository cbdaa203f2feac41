#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "logged.hpp"
#include "query/expression.hpp"
#include "steps.hpp"

using namespace attolog;
using logged::holds;
using logged::Logged;
using logged::of_float;
using logged::of_tag;
using steps::Literal;
using steps::Steps;

namespace {

// A second evaluator, of trees that it makes up itself, to compare with.
class Random {
 public:
  explicit Random(std::uint32_t seed) : random_(seed) {}

  struct Made {
    Steps steps;
    bool expected;
  };

  Logged record() {
    Logged logged{SiteKind::event, "GEN", {}};
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
      return {!part.steps, !part.expected};
    }
    Made made = any(depth - 1);
    for (unsigned n = 1 + pick(2); n > 0; --n) {
      const Made part = any(depth - 1);
      made.steps = choice == 0 ? made.steps && part.steps : made.steps || part.steps;
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

  static Literal literal(const Simple& simple) {
    switch (simple.kind) {
      case Simple::Kind::boolean: return simple.number == 1;
      case Simple::Kind::whole: return static_cast<std::int64_t>(simple.number);
      case Simple::Kind::real: return simple.number;
      case Simple::Kind::text: return std::string_view(simple.text);
      default: return nullptr;
    }
  }

  std::pair<Steps, Simple> operand() {
    if (pick(2) == 0) {
      const Simple made = value();
      return {literal(made), made};
    }
    const std::string field(1, static_cast<char>('a' + pick(4)));
    return {steps::name(field), known_[field]};
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
    static const char* const kOperators[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in"};
    const auto [left_steps, left] = operand();
    if (pick(8) == 0) {
      const bool is_true = left.is_number() ? left.number != 0 : !left.text.empty();
      return {left_steps, is_true};
    }
    if (pick(6) == 0) {
      std::vector<Literal> items;
      bool is_listed = false;
      for (unsigned n = pick(4); n > 0; --n) {
        const Simple item = value();
        items.push_back(literal(item));
        is_listed = is_listed || equal(left, item);
      }
      const bool is_in = pick(2) == 0;
      return {steps::binary(is_in ? "in" : "not in", left_steps, steps::list(items)),
              left.kind != Simple::Kind::absent && is_listed == is_in};
    }
    const unsigned op = pick(8);
    const auto [right_steps, right] = operand();
    return {steps::binary(kOperators[op], left_steps, right_steps), compare(op, left, right)};
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
                                           check::equal(holds(made.steps, logged), made.expected);
                                         }
                                       }
                                     }};

const check::Test garbage{
    "any steps are either an expression or refused", [] {
      const std::string pieces[] = {
          steps::encoded("and"), steps::encoded("or"),    steps::encoded("not"),
          steps::encoded("<"),   steps::encoded("in"),    steps::encoded("name"),
          steps::encoded("n"),   steps::encoded("value"), steps::encoded("list"),
          steps::encoded(1),     steps::encoded(2),       steps::encoded(Tag::none),
          std::string("\xff")};
      std::mt19937 random(5);
      const Logged logged{SiteKind::event, "GEN", {{"n", Value::of_int(7)}}};
      int expressions = 0;
      for (int round = 0; round < 20'000; ++round) {
        std::string bytes;
        for (auto n = random() % 8; n > 0; --n) bytes += pieces[random() % std::size(pieces)];
        try {
          Expression expression(bytes);
          expression.matches(logged.record());
          ++expressions;
        } catch (const std::invalid_argument&) {
        }
      }
      check::that(expressions > 20);
    }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
