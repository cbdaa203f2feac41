#include "reader/nested_cursor.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include "core/codec.hpp"

namespace attolog {
namespace {

bool take(std::string_view& from, std::string_view word) {
  if (!from.starts_with(word)) return false;
  from.remove_prefix(word.size());
  return true;
}

bool is_number(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace

NestedCursor::Read NestedCursor::next() {
  value_ = Value{};
  if (has_stopped_ || json_.empty()) {
    stop();
    return Read::stopped;
  }
  last_ = json_.front();
  const bool is_list = last_ == '[';
  if (is_list || last_ == '{') {
    json_.remove_prefix(1);
    if (take(shown_, is_list ? "[" : "{") || (is_list && take(shown_, "("))) {
      return is_list ? Read::list : Read::dict;
    }
  } else if (read_scalar()) {
    return Read::scalar;
  }
  stop();
  return Read::stopped;
}

bool NestedCursor::next_item() {
  switch (step('[', ']')) {
    case Step::next: return true;
    case Step::end:
      if (take(shown_, "]") || take(shown_, ")") || take(shown_, ",)")) return false;
      [[fallthrough]];
    case Step::stopped: stop();
  }
  return false;
}

bool NestedCursor::next_key() {
  switch (step('{', '}')) {
    case Step::next:
      if (take_literal() && take(shown_, ": ") && take_text(key_) && take(json_, ":")) return true;
      break;
    case Step::end:
      if (take(shown_, "}")) return false;
      break;
    case Step::stopped: break;
  }
  stop();
  return false;
}

// Goes over what stands before, between or behind the values of a list or a dict.
NestedCursor::Step NestedCursor::step(char open, char close) {
  if (has_stopped_ || json_.empty()) return Step::stopped;
  const bool is_first = last_ == open;
  last_ = json_.front();
  if (last_ == close) {
    json_.remove_prefix(1);
    return Step::end;
  }
  if (is_first) return Step::next;
  return take(json_, ",") && take(shown_, ", ") ? Step::next : Step::stopped;
}

bool NestedCursor::read_scalar() {
  if (last_ != '"') {
    take_shown();  // a numpy scalar is shown otherwise
    if (take(json_, "null")) return true;
    value_.tag = Tag::true_;
    if (take(json_, "true")) return true;
    value_.tag = Tag::false_;
    return take(json_, "false") || read_number();
  }
  if (!take_text(value_.text)) return false;
  value_.tag = Tag::str;
  return take_literal() || read_special_float(take_shown());
}

// JSON has them as texts.
bool NestedCursor::read_special_float(std::string_view shown) {
  if (shown.ends_with(')')) {  // np.float64(nan)
    shown.remove_suffix(1);
    shown.remove_prefix(std::min(shown.find('(') + 1, shown.size()));
  }
  using Limits = std::numeric_limits<double>;
  const std::string_view name = std::exchange(value_.text, {});
  value_.tag = Tag::float64;
  if (shown == "nan" && name == "NaN") {
    value_.f = Limits::quiet_NaN();
  } else if (shown == "inf" && name == "Infinity") {
    value_.f = Limits::infinity();
  } else if (shown == "-inf" && name == "-Infinity") {
    value_.f = -Limits::infinity();
  } else {
    return false;
  }
  return true;
}

bool NestedCursor::read_number() {
  std::size_t size = 0;
  bool is_float = false;
  for (; size < json_.size() && is_number(json_[size]); ++size) {
    const char c = json_[size];
    is_float = is_float || c == '.' || c == 'e' || c == 'E';
  }
  const std::string_view digits = json_.substr(0, size);
  json_.remove_prefix(size);
  const char* const end = digits.data() + size;
  value_.tag = is_float ? Tag::float64 : Tag::int64;
  const auto [stop, error] = is_float ? std::from_chars(digits.data(), end, value_.f)
                                      : std::from_chars(digits.data(), end, value_.i);
  if (size == 0 || stop != end) return false;
  if (error == std::errc::result_out_of_range && !is_float) {
    value_.tag = Tag::bigint;
    value_.text = digits;
    return true;
  }
  return error == std::errc{};
}

// A text of the JSON; one without escapes is not copied.
bool NestedCursor::take_text(std::string_view& text) {
  if (!take(json_, "\"")) return false;
  text_.clear();
  for (;;) {
    const std::size_t end = json_.find_first_of("\"\\");
    if (end == std::string_view::npos) return false;
    const bool is_escape = json_[end] == '\\';
    text = json_.substr(0, end);
    if (is_escape || !text_.empty()) text_.append(text);
    json_.remove_prefix(end + 1);
    if (is_escape && !take_escape()) return false;
    if (is_escape) continue;
    if (!text_.empty()) text = text_.view();
    return true;
  }
}

bool NestedCursor::take_escape() {
  if (json_.empty()) return false;
  const char c = json_.front();
  json_.remove_prefix(1);
  switch (c) {
    case '"':
    case '\\':
    case '/': text_.push(c); return true;
    case 'b': text_.push('\b'); return true;
    case 'f': text_.push('\f'); return true;
    case 'n': text_.push('\n'); return true;
    case 'r': text_.push('\r'); return true;
    case 't': text_.push('\t'); return true;
    case 'u': {
      std::uint32_t unit = 0;
      if (!take_unit(unit)) return false;
      const std::string_view behind = json_;
      std::uint32_t low = 0;
      const bool is_high = unit >= 0xD800 && unit < 0xDC00;
      if (is_high && take(json_, "\\u") && take_unit(low) && low >= 0xDC00 && low < 0xE000) {
        unit = 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF);
      } else {
        json_ = behind;
      }
      text_.advance_to(put_code_point(text_.room(4), unit));
      return true;
    }
    default: return false;
  }
}

bool NestedCursor::take_unit(std::uint32_t& unit) {
  if (json_.size() < 4) return false;
  const char* const end = json_.data() + 4;
  const auto [stop, error] = std::from_chars(json_.data(), end, unit, 16);
  if (error != std::errc{} || stop != end) return false;
  json_.remove_prefix(4);
  return true;
}

// The repr() of a text.
bool NestedCursor::take_literal() {
  if (!shown_.starts_with('\'') && !shown_.starts_with('"')) return false;
  const char quote = shown_.front();
  for (std::size_t i = 1; i < shown_.size(); ++i) {
    if (shown_[i] == quote) {
      shown_.remove_prefix(i + 1);
      return true;
    }
    if (shown_[i] == '\\') ++i;
  }
  return false;
}

// The repr() of another scalar: up to the comma or the bracket behind it.
std::string_view NestedCursor::take_shown() {
  std::size_t depth = 0;
  std::size_t i = 0;
  for (; i < shown_.size(); ++i) {
    const char c = shown_[i];
    if (depth == 0 && (c == ',' || c == ']' || c == ')' || c == '}')) break;
    if (c == '(') ++depth;
    if (c == ')') --depth;
  }
  const std::string_view taken = shown_.substr(0, i);
  shown_.remove_prefix(i);
  return taken;
}

}  // namespace attolog
