// Records as the text that print would have written.
#pragma once

#include "core/buffer.hpp"
#include "core/record.hpp"
#include "format/template.hpp"

namespace attolog {

// The stream that records of a site are shown on: 1, standard output, or from WARNING on 2,
// standard error.
int stream_of(const Site& site);

class PrintFormatter {
 public:
  // Adds the record's text, a line or print's exact bytes; nothing for a record of attolog's own.
  void append(const Record& record, Buffer& out);

 private:
  void compose(const Record& record, bool is_passing);

  Templates templates_;
  Buffer text_;  // of one record
};

}  // namespace attolog
