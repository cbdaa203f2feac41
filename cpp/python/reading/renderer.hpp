// Records as text.
#pragma once

#include <memory>

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "format/template.hpp"
#include "sinks/sink.hpp"

namespace attolog::python {

// A record's message, as in a text file, but not escaped.
class Renderer {
 public:
  // Appends the text to `out`.
  void operator()(const Record& record, Buffer& out);

 private:
  Templates templates_;
  std::unique_ptr<Sink> sink_ = make_text_sink({6, 0, "{message}"});
};

}  // namespace attolog::python
