// Values as text, exactly as Python's str() shows the object that a reader makes of them.
#pragma once

#include "core/buffer.hpp"
#include "core/value.hpp"

namespace attolog {

// Adds the value as it stands behind a name. A text stands in quotes where it has to (see
// write_quoted), and so does a nested value that is not what its JSON is read as, such as a tuple.
// Nothing is escaped.
void write_python_value(Buffer& out, const Value& value);

// Whether the str() of a nested value is that of what Python's json.loads makes of its JSON.
bool reads_as_shown(const Value& nested);

}  // namespace attolog
