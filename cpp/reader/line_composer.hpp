// Records as lines, as `attolog cat` shows them: time, level, message.
#pragma once

#include <string>
#include <vector>

#include "core/buffer.hpp"
#include "core/site_cache.hpp"
#include "format/moment_writer.hpp"
#include "format/template.hpp"
#include "reader/columns.hpp"
#include "reader/records.hpp"

namespace attolog {

// 2026-11-23T06:24:35.123456Z EVENT    request user=ann ms=70
//
// A message has the text of its template; events have their values, each as Python's str() shows
// it. With the origin, the place of the call, thread, process and run follow. All is escaped, so
// that a record is one line and steers no terminal. attolog._cli.show.line makes the bytes of this
// line from a record of Python.
//
// Sites must outlive the composer; it is for one thread at a time.
class LineComposer {
 public:
  explicit LineComposer(Origin origin) : origin_(origin) {}

  // Adds the record's line, with its end.
  void append(const SourcedRecord& source, Buffer& out);

 private:
  // What all lines of a site have alike.
  struct Layout {
    std::string head;                // the level, and of an event its name
    std::vector<std::string> names;  // ` name=` of its own fields
    bool is_regular = true;          // no name stands for two values
    std::string place;               // of the call
  };

  static Layout make_layout(const Site& site, Origin origin);
  void append(const Record& record, const Layout& layout, bool passing, Buffer& out);
  void append_values(const Record& record, const Layout& layout, Buffer& out);
  void append_irregular(const Record& record, Buffer& out);
  void append_value(const Value& value, Buffer& out);
  void append_origin(const SourcedRecord& source, const Layout& layout, Buffer& out);
  void escape_from(std::size_t start, Buffer& out);

  Origin origin_;
  MomentWriter times_{6};
  SiteCache<Layout> layouts_;
  Templates templates_;
  Buffer unescaped_;
  std::uint64_t run_id_ = 0;
  std::string run_ = run_name(0);
};

}  // namespace attolog
