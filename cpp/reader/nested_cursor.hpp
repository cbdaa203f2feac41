// Nested values, read from their front to their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/buffer.hpp"
#include "core/value.hpp"

namespace attolog {

// Walks over the JSON of a nested value, and beside it over its str(), which tells what JSON does
// not: "1" may be a text or a key that was an int, and "NaN" a float. The value must outlive it.
// It does not recurse, and allocates for escapes in texts alone. It stops for good where the value
// is damaged, or where it holds what JSON has no form for but a text of it, as of dates.
class NestedCursor {
 public:
  explicit NestedCursor(const Value& nested) : json_(nested.json()), shown_(nested.text) {}

  enum class Read : std::uint8_t { scalar, list, dict, stopped };
  // Reads a scalar, or the bracket that opens a list or a dict: then its items, or its keys with
  // their values, are to be read up to its end. A tuple is a list.
  Read next();
  // After Read::scalar, until the next call: none, a bool, int64, bigint, float64 or str (WTF-8).
  const Value& value() const { return value_; }

  // Whether the list has one more item, whose value `next` reads.
  bool next_item();
  // Whether the dict has one more key, whose value `next` reads.
  bool next_key();
  // After next_key(), until the next call.
  std::string_view key() const { return key_; }

  void stop() { has_stopped_ = true; }
  bool has_stopped() const { return has_stopped_; }
  // Whether all of it has been read.
  bool is_done() const { return !has_stopped_ && json_.empty() && shown_.empty(); }

 private:
  enum class Step : std::uint8_t { next, end, stopped };
  Step step(char open, char close);
  bool read_scalar();
  bool read_special_float(std::string_view shown);
  bool read_number();
  bool take_text(std::string_view& text);
  bool take_escape();
  bool take_unit(std::uint32_t& unit);
  bool take_literal();
  std::string_view take_shown();

  std::string_view json_;   // what is left of it
  std::string_view shown_;  // and of the str()
  char last_ = '\0';        // of the JSON that was read
  bool has_stopped_ = false;
  Value value_;
  std::string_view key_;
  Buffer text_;  // the last text that had escapes
};

}  // namespace attolog
