// How the values of records compare with each other, as far as Python compares them.
#pragma once

#include <compare>

#include "core/value.hpp"

namespace attolog {

// Numbers compare by value, exactly, whatever their kinds (True is 1); text by code points. Bytes,
// dates and times compare with their own kind by value, and with text as the text that write_plain
// shows of them. All else is unordered, which is neither equal nor less nor greater.
std::partial_ordering order_of(const Value& left, const Value& right);

// Whether `right` contains `text`; false where one of them is no text and, by order_of, shows none.
bool contains(const Value& right, const Value& text);

// As bool() in Python.
bool is_truthy(const Value& value);

}  // namespace attolog
