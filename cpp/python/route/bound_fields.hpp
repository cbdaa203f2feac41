// Fields that bind() adds to each record.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/buffer.hpp"

namespace attolog::python {

// Their names are part of each site, their values of each record.
struct BoundFields {
  std::vector<std::string> names;
  std::string values;             // encoded
  std::vector<std::size_t> ends;  // of each value in `values`

  // Names and values, for a record that carries its names.
  void append_named(Buffer& out) const;
};

}  // namespace attolog::python
