#include "query/expression_tree.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "core/arena.hpp"
#include "core/codec.hpp"

namespace attolog::expression {
namespace {

template <class T, std::size_t size>
using Words = std::array<std::pair<std::string_view, T>, size>;

constexpr Words<Operator, 8> kOperators{{{"==", Operator::equal},
                                         {"!=", Operator::unequal},
                                         {"<", Operator::less},
                                         {"<=", Operator::at_most},
                                         {">", Operator::greater},
                                         {">=", Operator::at_least},
                                         {"in", Operator::in},
                                         {"not in", Operator::not_in}}};

constexpr Words<Term::Kind, 5> kReserved{{{"event", Term::Kind::event},
                                          {"level", Term::Kind::level},
                                          {"message", Term::Kind::message},
                                          {"thread", Term::Kind::thread},
                                          {"time", Term::Kind::time}}};

template <class T, std::size_t size>
std::optional<T> find(const Words<T, size>& words, std::string_view word) {
  for (const auto& [spelled, meaning] : words) {
    if (spelled == word) return meaning;
  }
  return std::nullopt;
}

[[noreturn]] void refuse() {
  throw std::invalid_argument("these steps are no expression");
}

class Reader {
 public:
  explicit Reader(std::span<const Value> steps) : rest_(steps) {}

  Tree read() {
    tree_.root = read_node(0);
    if (!rest_.empty()) refuse();
    return std::move(tree_);
  }

 private:
  const Value& next() {
    if (rest_.empty()) refuse();
    const Value& step = rest_.front();
    rest_ = rest_.subspan(1);
    return step;
  }
  std::string_view next_text() {
    const Value& step = next();
    if (step.tag != Tag::str) refuse();
    return step.text;
  }
  // How many items follow, each of which takes a step or more.
  std::size_t next_count() {
    const Value& step = next();
    if (step.tag != Tag::int64 || step.i < 0) refuse();
    const auto count = static_cast<std::size_t>(step.i);
    if (count > rest_.size()) refuse();
    return count;
  }

  Node read_node(int depth);
  Node read_comparison(Operator op);
  Term read_term(std::string_view kind);
  Term read_name();
  Term read_literal();

  std::span<const Value> rest_;
  Tree tree_;
  std::unordered_map<std::string_view, std::size_t> fields_;  // by name: which of tree_.fields
};

Node Reader::read_node(int depth) {
  if (depth > kDeepest) refuse();
  const std::string_view word = next_text();
  const bool is_all = word == "and";
  Node node;
  if (is_all || word == "or") {
    node.kind = is_all ? Node::Kind::all : Node::Kind::any;
    const std::size_t count = next_count();
    if (count == 0) refuse();
    for (std::size_t i = 0; i < count; ++i) node.parts.push_back(read_node(depth + 1));
  } else if (word == "not") {
    node.kind = Node::Kind::negation;
    node.parts.push_back(read_node(depth + 1));
  } else if (const auto op = find(kOperators, word)) {
    return read_comparison(*op);
  } else {
    node.terms.push_back(read_term(word));
  }
  return node;
}

Node Reader::read_comparison(Operator op) {
  Node comparison;
  comparison.kind = Node::Kind::comparison;
  comparison.op = op;
  comparison.terms.push_back(read_term(next_text()));
  const std::string_view right = next_text();
  comparison.has_list = right == "list";
  if (!comparison.has_list) {
    comparison.terms.push_back(read_term(right));
    return comparison;
  }
  if (op != Operator::in && op != Operator::not_in) refuse();
  for (std::size_t n = next_count(); n > 0; --n) comparison.terms.push_back(read_literal());
  return comparison;
}

Term Reader::read_term(std::string_view kind) {
  if (kind == "name") return read_name();
  if (kind == "value") return read_literal();
  refuse();
}

Term Reader::read_name() {
  const std::string_view name = next_text();
  if (name.empty()) refuse();
  Term term;
  if (const auto reserved = find(kReserved, name)) {
    term.kind = *reserved;
    return term;
  }
  term.kind = Term::Kind::field;
  const auto [known, is_new] = fields_.try_emplace(name, tree_.fields.size());
  term.field = known->second;
  if (is_new) tree_.fields.emplace_back(name);
  return term;
}

Term Reader::read_literal() {
  const Value& step = next();
  if (step.is<ValueClass::bytes, ValueClass::moment>() || step.is_formatted || step.is_nested)
    refuse();
  Term term;
  term.value = step;
  term.value.text = {};
  term.text = step.text;
  return term;
}

}  // namespace

Tree read_tree(std::string_view steps) {
  Arena arena;
  std::vector<Value> values;
  if (!decode_values(steps, arena, values)) refuse();
  return Reader(values).read();
}

}  // namespace attolog::expression
