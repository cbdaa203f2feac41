#include "format/template.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "format/value_text.hpp"

namespace attolog {
namespace {

constexpr std::string_view kReserved[] = {"time",   "event",  "level", "message",
                                          "weight", "thread", "text"};

constexpr std::string_view kTraceback = "exception";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Near enough to Python's identifiers: any non-ASCII character counts as a letter.
bool is_identifier(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  return !name.empty() && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

bool is_index(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_digit);
}

// Names of fields, to be found by what a hole calls them: a reserved name has an underscore as a
// field. In a table, since both may be many.
class FieldTable {
 public:
  explicit FieldTable(std::span<const std::string> names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto [known, is_new] = places_.try_emplace(names[i], Places{i, i});
      known->second.last = i;
    }
  }
  std::optional<std::size_t> find(std::string_view name) const {
    if (const auto same = places_.find(name); same != places_.end()) return same->second.first;
    if (std::ranges::find(kReserved, name) == std::end(kReserved)) return std::nullopt;
    const auto escaped = places_.find(std::string(name) + '_');
    return escaped == places_.end() ? std::nullopt : std::optional(escaped->second.last);
  }

 private:
  struct Places {
    std::size_t first;
    std::size_t last;
  };
  std::unordered_map<std::string_view, Places> places_;
};

}  // namespace

bool Hole::native(Tag tag) const {
  if (access || nested) return false;
  if (conversion == '\0') return spec.native(tag);
  // str(), repr() and ascii() are equal for these tags; for text, only str() is simple.
  const bool simple = tag == Tag::none || tag == Tag::true_ || tag == Tag::false_ ||
                      tag == Tag::int64 || tag == Tag::float64 ||
                      (tag == Tag::str && conversion == 's');
  return simple && spec.native(Tag::str);
}

void Hole::format(Buffer& out, const Value& value) const {
  if (conversion == '\0') return spec.format(out, value);
  Buffer text;
  Spec().format(text, value);
  spec.format_text(out, text.view());
}

Template Template::parse(std::string_view text, std::size_t n_positional,
                         std::span<const std::string> keyword_names) {
  Template result;
  result.text_ = text;
  result.settle({n_positional, keyword_names, n_positional});
  return result;
}

Template Template::of(const Site& site) {
  Template result;
  result.text_ = site.name;
  const auto fields = site.own_fields();
  const auto message = std::ranges::find(fields, "message");
  if (message != fields.end())
    result.message_field_ = static_cast<std::size_t>(message - fields.begin());
  // Which of the fields were keywords is not known here, nor needed: keywords have their own names.
  std::size_t first_bound = fields.size();
  for (std::size_t n_bound = 0; first_bound > 0 && n_bound < site.bound;)
    if (--first_bound != result.message_field_) ++n_bound;
  result.settle({first_bound, fields, 0});
  std::vector<bool> is_shown(fields.size());
  for (const Hole& hole : result.holes_)
    if (result.ok_ && hole.value < is_shown.size()) is_shown[hole.value] = true;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool is_text = i == result.message_field_ || fields[i] == kTraceback;
    const bool is_in_text = i < first_bound && is_shown[i];
    if (!is_text && !is_in_text) result.beside_.push_back(i);
    if (fields[i] == kTraceback) result.has_traceback_ = true;
  }
  return result;
}

bool Template::shows(std::size_t value) const {
  return ok_ && std::any_of(holes_.begin(), holes_.end(),
                            [value](const Hole& hole) { return hole.value == value; });
}

bool Template::is_direct() const {
  const bool is_text_alone = ok_ && !whole_at_call_ && !message_field_;
  return is_text_alone && !has_traceback_ && beside_.empty() &&
         std::ranges::all_of(holes_, &Hole::is_plain);
}

void Template::settle(const Names& names) {
  ok_ = split(text_, 0) && bind(names);
  std::unordered_map<std::size_t, std::string_view> rests;  // by value: that of its first hole
  for (const Hole& hole : holes_) {
    const auto first = rests.try_emplace(hole.value, hole.rest).first;
    if (hole.nested || first->second != hole.rest) whole_at_call_ = true;
  }
  if (!ok_) whole_at_call_ = false;
}

// Cuts `text` into literals and holes. A spec (depth 1) contributes only its holes.
bool Template::split(std::string_view text, int depth) {
  std::string literal;
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    const bool brace = c == '{' || c == '}';
    if (brace && !text.empty() && text[0] == c) {
      text.remove_prefix(1);
    } else if (c == '{') {
      const std::size_t hole = holes_.size();
      if (!parse_hole(text, depth)) return false;
      if (depth == 0) segments_.push_back({std::move(literal), hole});
      literal.clear();
      continue;
    } else if (brace) {
      return false;
    }
    literal += c;
  }
  if (depth == 0) segments_.push_back({std::move(literal), Segment::kNone});
  return true;
}

// Takes the hole whose `{` was just taken off `text`, up to its `}`: CPython's parse_field.
bool Template::parse_hole(std::string_view& text, int depth) {
  if (holes_.size() == kMostHoles) return false;
  std::size_t at = 0;
  for (; at < text.size() && text[at] != '}' && text[at] != ':' && text[at] != '!'; ++at) {
    if (text[at] == '{') return false;
    if (text[at] == '[') {
      at = text.find(']', at);
      if (at == text.npos) return false;
    }
  }
  if (at == text.size()) return false;
  Hole hole;
  const std::string_view field = text.substr(0, at);
  const std::size_t root = std::min(field.find_first_of(".["), field.size());
  hole.name = field.substr(0, root);
  hole.access = root != field.size();
  if (text[at] == '!') {
    if (at + 2 >= text.size()) return false;
    hole.conversion = text[at + 1];
    if (std::string_view("sra").find(hole.conversion) == std::string_view::npos) return false;
    at += 2;
    if (text[at] != '}' && text[at] != ':') return false;
  }
  std::string_view spec;
  if (text[at] == ':') {
    const std::size_t start = ++at;
    for (int open = 1;; ++at) {
      if (at == text.size()) return false;
      if (text[at] == '{') {
        ++open;
        hole.nested = true;
      } else if (text[at] == '}' && --open == 0) {
        break;
      }
    }
    spec = text.substr(start, at - start);
  }
  hole.rest = text.substr(root, at - root);
  if (!hole.nested) hole.spec = Spec(spec);
  hole.is_plain = !hole.access && hole.conversion == '\0' && !hole.nested && spec.empty();
  const bool nested = hole.nested;
  holes_.push_back(std::move(hole));
  text.remove_prefix(at + 1);
  return !nested || (depth == 0 && split(spec, 1));
}

bool Template::bind(const Names& names) {
  constexpr std::size_t kUnbound = static_cast<std::size_t>(-1);
  const FieldTable fields(names.names);
  std::vector<bool> taken(names.n_positional);
  bool automatic = false;
  bool manual = false;
  for (Hole& hole : holes_) {
    hole.value = kUnbound;
    if (hole.name.empty()) {
      automatic = true;
    } else if (is_index(hole.name)) {
      manual = true;
      const char* end = hole.name.data() + hole.name.size();
      const auto read = std::from_chars(hole.name.data(), end, hole.value);
      if (read.ec != std::errc() || hole.value >= names.n_positional) return false;
    } else {
      if (const auto place = fields.find(hole.name)) hole.value = names.first + *place;
    }
    if (hole.value < taken.size()) taken[hole.value] = true;
  }
  if (automatic && manual) return false;
  if (message_field_ && *message_field_ < taken.size()) taken[*message_field_] = true;
  std::unordered_map<std::string_view, std::size_t> values;  // of names that are no field's
  auto next = taken.begin();
  for (Hole& hole : holes_) {
    if (hole.value != kUnbound) continue;
    if (!hole.name.empty()) {
      if (!is_identifier(hole.name)) return false;
      if (const auto same = values.find(hole.name); same != values.end()) {
        hole.value = same->second;
        continue;
      }
    }
    next = std::find(next, taken.end(), false);
    if (next == taken.end()) return false;
    *next = true;
    hole.value = static_cast<std::size_t>(next - taken.begin());
    if (!hole.name.empty()) values.emplace(hole.name, hole.value);
  }
  return true;
}

bool Template::render(Buffer& out, std::span<const std::string> fields,
                      std::span<const Value> values) const {
  const std::size_t start = out.size();
  if (message_field_) {
    if (*message_field_ < values.size() && values[*message_field_].tag == Tag::str) {
      out.append(values[*message_field_].text);
      return true;
    }
  } else if (ok_ && !whole_at_call_ && fill(out, values)) {
    return true;
  }
  out.truncate(start);
  out.append(text_);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i != message_field_) write_pair(out, field_name(fields, i), values[i]);
  return false;
}

bool Template::render_with_traceback(Buffer& out, std::span<const std::string> fields,
                                     std::span<const Value> values) const {
  if (!render(out, fields, values)) return false;  // it shows all fields
  if (!has_traceback_) return true;
  for (std::size_t i = 0; i < std::min(fields.size(), values.size()); ++i) {
    if (fields[i] != kTraceback || values[i].tag == Tag::none || shows(i)) continue;
    Value text = values[i];
    while (text.text.ends_with('\n')) text.text.remove_suffix(1);
    out.push('\n');
    write_plain(out, text);
  }
  return true;
}

bool Template::fill(Buffer& out, std::span<const Value> values) const {
  for (const Segment& segment : segments_) {
    out.append(segment.literal);
    if (segment.hole == Segment::kNone) continue;
    const Hole& hole = holes_[segment.hole];
    if (hole.value >= values.size()) return false;
    const Value& value = values[hole.value];
    if (hole.is_plain && !value.is_formatted && write_simple(out, value)) continue;
    if (value.is_formatted) {
      if (value.formatted == kUnfillable) return false;
      out.append(value.formatted);
    } else if (hole.native(value.tag)) {
      hole.format(out, value);
    } else {
      return false;
    }
  }
  return true;
}

const Template& Templates::of(const Record& record, bool inline_template) {
  const Site& site = *record.site;
  if (!inline_template) {
    if (const Template* known = by_site_.find(site)) return *known;
    return by_site_.put(site, Template::of(site));
  }
  if (site.name.size() > kLongestInline) return passing_ = Template::of(site);
  // The fields of such a site follow from their number and from whether the last one is `message`.
  const auto fields = site.own_fields();
  const bool whole = !fields.empty() && fields.back() == "message";
  std::string key = std::to_string(fields.size()) + (whole ? "!" : " ") + site.name;
  const auto known = by_text_.find(key);
  if (known != by_text_.end()) return known->second;
  if (by_text_.size() >= kMostInline) by_text_.clear();
  return by_text_.emplace(std::move(key), Template::of(site)).first->second;
}

}  // namespace attolog
