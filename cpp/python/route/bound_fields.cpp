#include "python/route/bound_fields.hpp"

#include <string_view>

#include "core/codec.hpp"

namespace attolog::python {

void BoundFields::append_named(Buffer& out) const {
  std::size_t at = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    encode_str(out, names[i]);
    out.append(std::string_view(values).substr(at, ends[i] - at));
    at = ends[i];
  }
}

}  // namespace attolog::python
