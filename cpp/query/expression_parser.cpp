#include "query/expression_parser.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "format/plain.hpp"
#include "query/expression_tokens.hpp"

namespace attolog::expression {
namespace {

constexpr std::string_view kKeywords[] = {"and", "or", "not", "in", "True", "False", "None"};

constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators{
    {{"==", Operator::equal},
     {"!=", Operator::unequal},
     {"<=", Operator::at_most},
     {">=", Operator::at_least},
     {"<", Operator::less},
     {">", Operator::greater}}};

constexpr std::array<std::pair<std::string_view, Term::Kind>, 5> kReserved{
    {{"event", Term::Kind::event},
     {"level", Term::Kind::level},
     {"message", Term::Kind::message},
     {"thread", Term::Kind::thread},
     {"time", Term::Kind::time}}};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), token_(next_token(text, 0)) {}

  Tree parse() {
    tree_.root = parse_any();
    if (token_.kind != Token::Kind::end) refuse("an operator or the end");
    return std::move(tree_);
  }

 private:
  // One more level of nesting, as long as it lives.
  class Level {
   public:
    explicit Level(Parser& parser) : depth_(parser.depth_) {
      if (depth_ == kDeepest) {
        throw SyntaxError{parser.token_.at,
                          "more than " + std::to_string(kDeepest) + " levels of nesting"};
      }
      ++depth_;
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth_; }

   private:
    int& depth_;
  };

  void advance() { token_ = next_token(text_, token_.end()); }
  bool take(std::string_view word) {
    const bool is_there = token_.is(word);
    if (is_there) advance();
    return is_there;
  }
  [[noreturn]] void refuse(std::string_view expected) const;

  Node parse_any() { return parse_series(Node::Kind::any, "or", &Parser::parse_all); }
  Node parse_all() { return parse_series(Node::Kind::all, "and", &Parser::parse_negation); }
  Node parse_series(Node::Kind kind, std::string_view word, Node (Parser::*parse_part)());
  Node parse_negation();
  Node parse_comparison();
  Node parse_operand();
  std::optional<Operator> take_operator();
  void parse_right(Node& comparison);
  Term parse_name();
  std::optional<Term> parse_literal();
  static const Term& as_term(const Node& node, std::size_t at);
  static void check_levels(const Node& comparison);

  std::string_view text_;
  Token token_;  // the next one
  int depth_ = 0;
  Tree tree_;
  std::unordered_map<std::string_view, std::size_t> fields_;  // by name: which of tree_.fields
};

void Parser::refuse(std::string_view expected) const {
  constexpr std::size_t kMostShown = 40;
  std::string found = "the end";
  if (token_.kind != Token::Kind::end) {
    std::size_t size = std::min(token_.text.size(), kMostShown);
    while (size < token_.text.size() && !starts_code_point(token_.text[size])) --size;
    found = std::string(token_.text.substr(0, size)) + (size < token_.text.size() ? "..." : "");
  }
  throw SyntaxError{token_.at, "expected " + std::string(expected) + ", found " + found};
}

Node Parser::parse_series(Node::Kind kind, std::string_view word, Node (Parser::*parse_part)()) {
  Node first = (this->*parse_part)();
  if (!token_.is(word)) return first;
  Node series;
  series.kind = kind;
  series.parts.push_back(std::move(first));
  while (take(word)) series.parts.push_back((this->*parse_part)());
  return series;
}

Node Parser::parse_negation() {
  if (!token_.is("not")) return parse_comparison();
  const Level level(*this);
  advance();
  Node negation;
  negation.kind = Node::Kind::negation;
  negation.parts.push_back(parse_negation());
  return negation;
}

// A chain `a < b < c` is `a < b and b < c`, as in Python.
Node Parser::parse_comparison() {
  std::size_t at = token_.at;
  Node left = parse_operand();
  Node chain;
  chain.kind = Node::Kind::all;
  while (chain.parts.empty() || !chain.parts.back().has_list) {
    const auto op = take_operator();
    if (!op) break;
    Node comparison;
    comparison.kind = Node::Kind::comparison;
    comparison.op = *op;
    comparison.terms.push_back(chain.parts.empty() ? as_term(left, at)
                                                   : chain.parts.back().terms[1]);
    parse_right(comparison);
    check_levels(comparison);
    chain.parts.push_back(std::move(comparison));
  }
  if (chain.parts.empty()) return left;
  if (chain.parts.size() > 1) return chain;
  return std::move(chain.parts[0]);
}

std::optional<Operator> Parser::take_operator() {
  if (take("in")) return Operator::in;
  if (take("not")) {
    if (!take("in")) refuse("'in' after 'not'");
    return Operator::not_in;
  }
  if (token_.kind != Token::Kind::symbol) return std::nullopt;
  const auto* found =
      std::ranges::find(kOperators, token_.text, [](const auto& pair) { return pair.first; });
  if (found == kOperators.end()) return std::nullopt;
  advance();
  return found->second;
}

// What is behind an operator: a term, or behind `in` a list of literals.
void Parser::parse_right(Node& comparison) {
  const bool is_in = comparison.op == Operator::in || comparison.op == Operator::not_in;
  const bool is_tuple = token_.is("(");
  if (!is_in || (!is_tuple && !token_.is("["))) {
    const std::size_t at = token_.at;
    comparison.terms.push_back(as_term(parse_operand(), at));
    return;
  }
  const std::string_view close = is_tuple ? ")" : "]";
  advance();
  bool has_comma = false;
  while (!token_.is(close)) {
    auto item = parse_literal();
    if (!item) refuse("a literal in this list");
    comparison.terms.push_back(std::move(*item));
    if (token_.is(close)) break;
    if (!token_.is(",")) refuse("',' or '" + std::string(close) + "'");
    advance();
    has_comma = true;
  }
  // ('abc') is a text and (1) a number, as in Python; only a comma makes a tuple of one.
  const bool is_one = is_tuple && !has_comma && comparison.terms.size() == 2;
  if (is_one && comparison.terms[1].value.tag != Tag::str) {
    refuse("',', which makes a tuple of one");
  }
  comparison.has_list = !is_one;
  advance();
}

Node Parser::parse_operand() {
  const Token token = token_;
  if (token.is("(")) {
    const Level level(*this);
    advance();
    Node node = parse_any();
    if (!take(")")) refuse("an operator or ')'");
    return node;
  }
  Node node;
  if (auto literal = parse_literal()) {
    node.terms.push_back(std::move(*literal));
  } else if (token.kind == Token::Kind::name &&
             std::ranges::find(kKeywords, token.text) == std::end(kKeywords)) {
    node.terms.push_back(parse_name());
  } else {
    refuse("a name, a literal or '('");
  }
  return node;
}

const Term& Parser::as_term(const Node& node, std::size_t at) {
  if (node.kind == Node::Kind::term) return node.terms[0];
  throw SyntaxError{at, "expected a name or a literal to compare, found an expression"};
}

Term Parser::parse_name() {
  Term term;
  term.column = token_.at;
  const auto* reserved =
      std::ranges::find(kReserved, token_.text, [](const auto& pair) { return pair.first; });
  if (reserved != kReserved.end()) {
    term.kind = reserved->second;
  } else {
    term.kind = Term::Kind::field;
    const auto [known, is_new] = fields_.try_emplace(token_.text, tree_.fields.size());
    term.field = known->second;
    if (is_new) tree_.fields.emplace_back(token_.text);
  }
  advance();
  return term;
}

std::optional<Term> Parser::parse_literal() {
  Term term;
  term.column = token_.at;
  const bool is_negative = token_.is("-");
  if (is_negative || token_.is("+")) {
    advance();
    if (token_.kind != Token::Kind::number) refuse("a number behind the sign");
  }
  if (token_.kind == Token::Kind::number) {
    term.value = read_number(token_, is_negative, term.text);
  } else if (token_.kind == Token::Kind::string) {
    term.value.tag = Tag::str;
    term.text = read_string(token_);
  } else if (token_.is("True")) {
    term.value.tag = Tag::true_;
  } else if (token_.is("False")) {
    term.value.tag = Tag::false_;
  } else if (!token_.is("None")) {
    return std::nullopt;
  }
  advance();
  return term;
}

// A level that is misspelt, or a number, would just never match.
void Parser::check_levels(const Node& comparison) {
  const auto& terms = comparison.terms;
  const bool is_part =
      !comparison.has_list && (comparison.op == Operator::in || comparison.op == Operator::not_in);
  const auto is_level = [](const Term& term) { return term.kind == Term::Kind::level; };
  if (is_part || std::ranges::none_of(terms, is_level)) return;
  for (const Term& term : terms) {
    const bool is_known = term.value.tag == Tag::none || level_of(term.text).has_value();
    if (term.kind == Term::Kind::literal && !is_known) {
      throw SyntaxError{term.column,
                        "a level is 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"};
    }
  }
}

}  // namespace

std::optional<Tree> parse(std::string_view text, std::string& complaint) {
  try {
    if (text.size() > kLongest) {
      throw SyntaxError{kLongest, "expected the end; an expression has " +
                                      std::to_string(kLongest) + " bytes at most"};
    }
    return Parser(text).parse();
  } catch (const SyntaxError& error) {
    const auto column = 1 + std::ranges::count_if(text.substr(0, error.at), starts_code_point);
    complaint = "at column " + std::to_string(column) + ": " + error.what;
    return std::nullopt;
  }
}

}  // namespace attolog::expression
