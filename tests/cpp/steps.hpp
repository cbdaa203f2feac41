// Expressions as the steps that Python hands over, written much as in Python: name("n") > 5.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/buffer.hpp"
#include "core/codec.hpp"

namespace steps {

inline std::string encoded(std::string_view text) {
  attolog::Buffer out;
  attolog::encode_str(out, text);
  return std::string(out.view());
}
inline std::string encoded(std::int64_t number) {
  attolog::Buffer out;
  attolog::encode_int(out, number);
  return std::string(out.view());
}
inline std::string encoded(attolog::Tag tag, std::string_view payload = {}) {
  attolog::Buffer out;
  out.push(static_cast<char>(tag));
  if (!payload.empty()) {
    out.clear();
    attolog::encode_sized(out, tag, payload);
  }
  return std::string(out.view());
}

// A literal, as it stands in a list.
struct Literal {
  Literal(const char* text) : bytes(encoded(std::string_view(text))) {}
  Literal(std::string_view text) : bytes(encoded(text)) {}
  Literal(std::same_as<bool> auto truth)
      : bytes(encoded(truth ? attolog::Tag::true_ : attolog::Tag::false_)) {}
  Literal(std::signed_integral auto number) : bytes(encoded(std::int64_t{number})) {}
  Literal(double number) {
    attolog::Buffer out;
    attolog::encode_float(out, number);
    bytes = out.view();
  }
  Literal(std::nullptr_t) : bytes(encoded(attolog::Tag::none)) {}
  explicit Literal(attolog::Tag tag, std::string_view digits) : bytes(encoded(tag, digits)) {}

  std::string bytes;
};

// An int beyond 64 bits.
inline Literal big(std::string_view digits) {
  return Literal(attolog::Tag::bigint, digits);
}

// A node or a term.
struct Steps {
  template <class T>
    requires std::constructible_from<Literal, T>
  Steps(T literal) : Steps(Literal(literal)) {}
  Steps(Literal literal) : bytes(encoded("value") + literal.bytes) {}
  explicit Steps(std::string whole) : bytes(std::move(whole)) {}

  std::string bytes;
};

inline Steps name(std::string_view field) {
  return Steps(encoded("name") + encoded(field));
}

inline Steps binary(std::string_view op, const Steps& left, const Steps& right) {
  return Steps(encoded(op) + left.bytes + right.bytes);
}
inline Steps operator==(const Steps& left, const Steps& right) {
  return binary("==", left, right);
}
inline Steps operator!=(const Steps& left, const Steps& right) {
  return binary("!=", left, right);
}
inline Steps operator<(const Steps& left, const Steps& right) {
  return binary("<", left, right);
}
inline Steps operator<=(const Steps& left, const Steps& right) {
  return binary("<=", left, right);
}
inline Steps operator>(const Steps& left, const Steps& right) {
  return binary(">", left, right);
}
inline Steps operator>=(const Steps& left, const Steps& right) {
  return binary(">=", left, right);
}
inline Steps in(const Steps& left, const Steps& right) {
  return binary("in", left, right);
}
inline Steps not_in(const Steps& left, const Steps& right) {
  return binary("not in", left, right);
}

inline Steps list(const std::vector<Literal>& items) {
  std::string bytes = encoded("list") + encoded(static_cast<std::int64_t>(items.size()));
  for (const Literal& item : items) bytes += item.bytes;
  return Steps(std::move(bytes));
}

inline Steps series(std::string_view op, std::initializer_list<Steps> parts) {
  std::string bytes = encoded(op) + encoded(static_cast<std::int64_t>(parts.size()));
  for (const Steps& part : parts) bytes += part.bytes;
  return Steps(std::move(bytes));
}
inline Steps operator&&(const Steps& left, const Steps& right) {
  return series("and", {left, right});
}
inline Steps operator||(const Steps& left, const Steps& right) {
  return series("or", {left, right});
}
inline Steps operator!(const Steps& part) {
  return Steps(encoded("not") + part.bytes);
}

}  // namespace steps
