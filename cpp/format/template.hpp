// Message templates: Python's format strings, whose holes are bound to the values of a record.
//
// Holes are bound by these rules.
// - `{k}`: the keyword (or bound field) of that name; `{0}`: that positional value.
// - The holes left, `{name}` and `{}`, take the positional values that no `{0}` has taken, in order
//   of first appearance.
// - Holes of one name have one value, which takes its column name from the hole. A name that is
//   read at the call then gets the _2. A hole's name must be an identifier.
// - As in Python, `{}` and `{0}` do not go together. `{time}` and the other reserved names find the
//   field `time_`.
// Values are numbered [positional..., keyword..., bound...], which is the order of Site::fields.
//
// Values whose kind the hole does not format natively carry their text (Value::formatted). That is
// one text for each value. So two kinds of templates need Python as a whole: a spec inside a spec
// (`{:{width}}`), and one value shown in two ways. Python then formats the complete message at the
// call, and adds it to the values as the field `message`. No other field can have that name. A
// message record with such a field shows its text, whatever the template. If there is such a field
// and no text in it, the template cannot be filled with these values. (With str.format: the values
// of `{}` holes, or where there is `{0}` all positional ones, as positional arguments; the values
// of named holes as keywords.)
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "core/site_cache.hpp"
#include "format/spec.hpp"

namespace attolog {

struct Hole {
  std::size_t value = 0;   // index into the record's values
  std::string name;        // without access: `a` of {a.b!r:>5}; empty for {}
  std::string rest;        // what follows the name: `.b!r:>5`
  char conversion = '\0';  // s, r, a
  bool access = false;     // {a.b}, {a[0]}
  bool nested = false;     // a hole in the spec
  bool is_plain = false;   // a name alone, if that
  Spec spec;

  // Whether values of this kind are formatted here. If not, the record must carry the value's text.
  bool native(Tag tag) const;
  // Formats a value that is native.
  void format(Buffer& out, const Value& value) const;
};

class Template {
 public:
  // A template with more holes than this cannot be filled.
  static constexpr std::size_t kMostHoles = 1000;

  struct Segment {
    std::string literal;
    std::size_t hole = kNone;  // index into holes()
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  };

  // `keyword_names` in the order of the values, bound ones last.
  static Template parse(std::string_view text, std::size_t n_positional,
                        std::span<const std::string> keyword_names);
  // The template of a message site, bound by the names of its fields: to the values that parse()
  // binds, wherever it can be filled. Here and below, fields and values are those of the call
  // itself: a sample's weight is none of them.
  static Template of(const Site& site);

  // False if the template is not well formed or has holes without a value.
  bool ok() const { return ok_; }
  // Whether Python must format the complete message (see above).
  bool whole_at_call() const { return whole_at_call_; }
  // In order of appearance, those inside a spec behind the hole they belong to.
  const std::vector<Hole>& holes() const { return holes_; }
  // The text in pieces, each with the hole behind it.
  const std::vector<Segment>& segments() const { return segments_; }
  // Where among the fields the complete message stands, if it does.
  std::optional<std::size_t> message_field() const { return message_field_; }
  // Whether a hole shows the value at this index.
  bool shows(std::size_t value) const;
  // Which fields stand behind the text where a format has the text only: those that no hole shows,
  // and those of bind(). Not the complete message, nor the field that render_with_traceback shows.
  const std::vector<std::size_t>& beside() const { return beside_; }

  // Whether the message is the literals and, between them, values as they are: no hole has a
  // format, and nothing stands beside it.
  bool is_direct() const;

  // Adds the message and returns true. A template that cannot be filled is not ok, misses a value,
  // or has one that is not native and without text. Then render adds the template as it is, with `
  // name=value` for every value, and returns false.
  bool render(Buffer& out, std::span<const std::string> fields,
              std::span<const Value> values) const;

  // As render(), and adds on lines of its own the field `exception` of log.exception, where no hole
  // shows it: for formats that have a text and no fields.
  bool render_with_traceback(Buffer& out, std::span<const std::string> fields,
                             std::span<const Value> values) const;

  // Adds the template with its holes filled from `values` alone; false, with a part of it added, if
  // one of them cannot be.
  bool fill(Buffer& out, std::span<const Value> values) const;

 private:
  struct Names {
    std::size_t n_positional;
    std::span<const std::string> names;
    std::size_t first;  // the value of names[0]
  };

  bool split(std::string_view text, int depth);
  bool parse_hole(std::string_view& text, int depth);
  bool bind(const Names& names);
  void settle(const Names& names);

  std::string text_;
  bool ok_ = false;
  bool whole_at_call_ = false;
  std::optional<std::size_t> message_field_;
  bool has_traceback_ = false;  // a field is one
  std::vector<std::size_t> beside_;
  std::vector<Segment> segments_;
  std::vector<Hole> holes_;
};

// The templates of a sink, each parsed once.
class Templates {
 public:
  // The template of a message record. It lives until the next call; `inline_template` says that the
  // record's site is a passing one (see InlineRecord).
  const Template& of(const Record& record, bool inline_template);

 private:
  // The most that is kept of templates that come with the record: a megabyte.
  static constexpr std::size_t kMostInline = 256;
  static constexpr std::size_t kLongestInline = 4096;
  SiteCache<Template> by_site_;
  std::unordered_map<std::string, Template> by_text_;
  Template passing_;
};

}  // namespace attolog
