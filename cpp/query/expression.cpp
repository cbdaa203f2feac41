#include "query/expression.hpp"

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/buffer.hpp"
#include "core/site_cache.hpp"
#include "format/inline_record.hpp"
#include "format/template.hpp"
#include "format/value_text.hpp"
#include "query/compare.hpp"
#include "query/expression_tree.hpp"

namespace attolog {

using expression::Node;
using expression::Operator;
using expression::Term;
using expression::Tree;

namespace {

constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

enum class Truth : std::uint8_t { no, yes, unknown };

Truth truth_of(bool holds) {
  return holds ? Truth::yes : Truth::no;
}
Truth opposite(Truth truth) {
  return truth == Truth::unknown ? truth : truth_of(truth == Truth::no);
}

// An expression as one site needs it.
struct SitePlan {
  Truth decided = Truth::unknown;      // what holds for all of its records
  std::vector<std::size_t> positions;  // of Tree::fields among the values
};

// Where the field stands among the values of the site's records; kAbsent: nowhere.
std::size_t position_of(const Site& site, std::string_view field) {
  const auto found = std::ranges::find(site.fields, field);
  if (found != site.fields.end()) return static_cast<std::size_t>(found - site.fields.begin());
  if (field[0] != 'v') return kAbsent;
  std::size_t number = 0;
  std::from_chars(field.data() + 1, field.data() + field.size(), number);
  const bool is_beyond = number > site.fields.size() && field == field_name({}, number - 1);
  return is_beyond ? number - 1 : kAbsent;
}

// A term's value in a record.
struct Operand {
  enum class State : std::uint8_t { absent, known, unknown };  // unknown: it depends on the record
  static Operand of(const Value& value) { return {State::known, false, value}; }
  static Operand of_text(std::string_view text) { return of(Value::of_str(text)); }
  static Operand unknown() { return {State::unknown, false, {}}; }

  State state = State::absent;
  bool is_level = false;
  Value value;
};

std::partial_ordering order_of_operands(const Operand& left, const Operand& right) {
  if (left.is_level || right.is_level) {
    const auto left_level = level_of(left.value.text);
    const auto right_level = level_of(right.value.text);
    if (left_level && right_level) return *left_level <=> *right_level;
  }
  return order_of(left.value, right.value);
}

bool holds(Operator op, const Operand& left, const Operand& right) {
  if (op == Operator::in || op == Operator::not_in) {
    return contains(right.value, left.value) == (op == Operator::in);
  }
  const std::partial_ordering order = order_of_operands(left, right);
  const bool is_ordered = left.value.tag != Tag::none;  // None is equal to itself, but in no order
  switch (op) {
    case Operator::equal: return order == 0;
    case Operator::unequal: return order != 0;
    case Operator::less: return order < 0;
    case Operator::at_most: return is_ordered && order <= 0;
    case Operator::greater: return order > 0;
    default: return is_ordered && order >= 0;
  }
}

// One look at a record, or at what its site says of all its records.
struct Look {
  const Record& record;
  const SitePlan& plan;
  bool is_site_alone = false;
  bool is_passing = false;  // the site is an InlineRecord's
  bool has_message = false;
};

}  // namespace

struct Expression::Parts {
  bool matches(const Record& record, bool is_passing);
  SitePlan make_plan(const Record& record, bool is_passing);

  Truth truth(const Node& node, Look& look);
  Truth truth_of_series(const Node& node, Look& look);
  Truth truth_of_comparison(const Node& node, Look& look);
  Operand load(const Term& term, Look& look);
  Operand load_message(Look& look);
  Operand load_thread(const Thread& of);

  Tree tree;
  SiteCache<SitePlan> plans;
  Templates templates;
  Buffer message;  // of the present record
  std::string thread;
};

bool Expression::Parts::matches(const Record& record, bool is_passing) {
  SitePlan passing;
  SitePlan* plan = is_passing ? nullptr : plans.find(*record.site);
  if (plan == nullptr) {
    passing = make_plan(record, is_passing);
    plan = is_passing ? &passing : &plans.put(*record.site, std::move(passing));
  }
  Truth result = plan->decided;
  if (result == Truth::unknown) {
    Look look{record, *plan, false, is_passing};
    result = truth(tree.root, look);
  }
  return result == Truth::yes;
}

SitePlan Expression::Parts::make_plan(const Record& record, bool is_passing) {
  SitePlan plan;
  for (const std::string& field : tree.fields) {
    plan.positions.push_back(position_of(*record.site, field));
  }
  Look look{record, plan, true, is_passing};
  plan.decided = truth(tree.root, look);
  return plan;
}

// Recursion is bounded by the nesting that a tree may have.
Truth Expression::Parts::truth(const Node& node, Look& look) {
  switch (node.kind) {
    case Node::Kind::all:
    case Node::Kind::any: return truth_of_series(node, look);
    case Node::Kind::negation: return opposite(truth(node.parts[0], look));
    case Node::Kind::comparison: return truth_of_comparison(node, look);
    case Node::Kind::term: break;
  }
  const Operand operand = load(node.terms[0], look);
  if (operand.state == Operand::State::unknown) return Truth::unknown;
  return truth_of(operand.state == Operand::State::known && is_truthy(operand.value));
}

Truth Expression::Parts::truth_of_series(const Node& node, Look& look) {
  const Truth decisive = truth_of(node.kind == Node::Kind::any);
  Truth result = opposite(decisive);
  for (const Node& part : node.parts) {
    const Truth found = truth(part, look);
    if (found == decisive) return decisive;
    if (found == Truth::unknown) result = Truth::unknown;
  }
  return result;
}

Truth Expression::Parts::truth_of_comparison(const Node& node, Look& look) {
  const Operand left = load(node.terms[0], look);
  if (left.state == Operand::State::absent) return Truth::no;
  if (node.has_list) {
    if (left.state == Operand::State::unknown) return Truth::unknown;
    const bool is_listed =
        std::any_of(node.terms.begin() + 1, node.terms.end(),
                    [&](const Term& item) { return order_of(left.value, item.constant()) == 0; });
    return truth_of(is_listed == (node.op == Operator::in));
  }
  const Operand right = load(node.terms[1], look);
  if (right.state == Operand::State::absent) return Truth::no;
  const bool is_known = left.state == Operand::State::known && right.state == Operand::State::known;
  return is_known ? truth_of(holds(node.op, left, right)) : Truth::unknown;
}

Operand Expression::Parts::load(const Term& term, Look& look) {
  const Site& site = *look.record.site;
  switch (term.kind) {
    case Term::Kind::literal: return Operand::of(term.constant());
    case Term::Kind::event: {
      const bool is_event = site.kind == SiteKind::event || site.kind == SiteKind::dropped ||
                            site.kind == SiteKind::clock;
      return is_event ? Operand::of_text(site.name) : Operand::of({});
    }
    case Term::Kind::level: {
      if (site.kind != SiteKind::message) return Operand::of({});
      Operand level = Operand::of_text(level_name(site.level));
      level.is_level = true;
      return level;
    }
    case Term::Kind::field: {
      const std::size_t position = look.plan.positions[term.field];
      if (position == kAbsent) return {};
      if (look.is_site_alone) return Operand::unknown();
      const auto values = look.record.values;
      return position < values.size() ? Operand::of(values[position]) : Operand{};
    }
    case Term::Kind::message: return load_message(look);
    case Term::Kind::thread:
    case Term::Kind::time: break;
  }
  if (look.is_site_alone) return Operand::unknown();
  if (term.kind == Term::Kind::time) {
    Value time;
    time.tag = Tag::float64;
    time.f = static_cast<double>(look.record.time_ns) / 1e9;
    return Operand::of(time);
  }
  return look.record.thread != nullptr ? load_thread(*look.record.thread) : Operand::of({});
}

Operand Expression::Parts::load_message(Look& look) {
  const Record& record = look.record;
  const SiteKind kind = record.site->kind;
  const bool is_text = kind == SiteKind::text || kind == SiteKind::print;
  if (!is_text && kind != SiteKind::message) return Operand::of({});
  if (look.is_site_alone) return Operand::unknown();
  if (!look.has_message) {
    message.clear();
    look.has_message = true;
    if (kind == SiteKind::message) {
      templates.of(record, look.is_passing).render(message, record.site->fields, record.values);
    } else if (!record.values.empty()) {
      if (record.values[0].tag == Tag::none) message.append("None");
      write_plain(message, record.values[0]);
    }
  }
  return Operand::of_text(message.view());
}

// A thread without a name goes by its number, as in text files.
Operand Expression::Parts::load_thread(const Thread& of) {
  if (!of.name.empty()) return Operand::of_text(of.name);
  thread = std::to_string(of.id);
  return Operand::of_text(thread);
}

Expression::Expression(std::string_view steps) : parts_(std::make_unique<Parts>()) {
  parts_->tree = expression::read_tree(steps);
}
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

bool Expression::matches(const Record& record) {
  const SiteKind kind = record.site->kind;
  if (kind == SiteKind::thread) return false;  // no record that anybody logged
  if (!is_inline(kind)) return parts_->matches(record, false);
  const InlineRecord ordinary(record);
  return parts_->matches(ordinary.record(), true);
}

}  // namespace attolog
