// What the tests of the journal share: records that own what they point to, and files that go away.
#pragma once

#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/journal.hpp"
#include "reader/journal_reader.hpp"
#include "sinks/sink.hpp"

namespace journal_test {

using attolog::Buffer;
using attolog::Record;
using attolog::Site;
using attolog::SiteKind;
using attolog::Tag;
using attolog::Thread;
using attolog::Value;

inline Value of(Tag tag, std::int64_t i, std::int32_t offset_seconds = 0) {
  Value value = Value::of_int(i);
  value.tag = tag;
  value.offset_seconds = offset_seconds;
  return value;
}
inline Value of_float(double f, Tag tag = Tag::float64) {
  Value value;
  value.tag = tag;
  value.f = f;
  return value;
}
inline Value of_text(Tag tag, std::string_view text) {
  Value value = Value::of_str(text);
  value.tag = tag;
  return value;
}
inline Value of_bool(bool b) {
  return of(b ? Tag::true_ : Tag::false_, 0);
}
// A list, tuple or dict: its str() and its JSON, which live as long as the program.
inline Value of_nested(const std::string& shown, const std::string& json) {
  static std::deque<std::string> all;
  const std::string& both = all.emplace_back(shown + json);
  Value value = Value::of_str(std::string_view(both).substr(0, shown.size()));
  value.is_nested = true;
  value.i = static_cast<std::int64_t>(json.size());
  return value;
}
inline Value none() {
  return Value{};
}

inline Site site(std::uint32_t id, std::string name, std::vector<std::string> fields,
                 SiteKind kind = SiteKind::event, std::uint8_t level = 0) {
  Site made;
  made.id = id;
  made.kind = kind;
  made.level = level;
  made.name = std::move(name);
  made.fields = std::move(fields);
  return made;
}

// A site whose records were sampled: the last value is the weight.
inline Site sampled(Site site, std::string policy) {
  site.is_weighted = true;
  site.policy = std::move(policy);
  site.fields.emplace_back("weight");
  return site;
}

// Writes blocks; `text` is what the file holds.
class Journal {
 public:
  explicit Journal(std::uint32_t pid = 100) : sink_(attolog::make_journal_sink(7, pid)) {}

  void add(const Site& site, std::int64_t time_ns, const std::vector<Value>& values,
           const Thread& thread = main_thread()) {
    sink_->append(Record{&site, &thread, time_ns, values}, out_);
  }
  void end_block() { sink_->finish(out_); }
  std::string text() {
    end_block();
    return std::string(out_.view());
  }

  static const Thread& main_thread() {
    static const Thread thread{4711, "MainThread"};
    return thread;
  }

 private:
  std::unique_ptr<attolog::Sink> sink_;
  Buffer out_;
};

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) {
    const char* const folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : P_tmpdir) + "/attolog-test-XXXXXX";
    const int fd = ::mkstemp(path_.data());
    if (fd < 0) std::abort();
    ::close(fd);
    write(text);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }

  void write(std::string_view text) const {
    std::ofstream(path_, std::ios::binary)
        .write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A record in one line, so that tests compare and print it.
inline std::string shown(const Record& record) {
  std::string line =
      record.site->name + "@" + std::to_string(record.time_ns) + " " + record.thread->name + ":";
  if (record.site->is_weighted) line += " [" + record.site->policy + "]";
  for (const Value& value : record.values) {
    line += ' ' + std::to_string(static_cast<int>(value.tag)) + '=';
    if (value.is_formatted) line += '<' + std::string(value.formatted) + '>';
    line += std::string(value.text);
    if (value.is_nested) line += std::string(value.json());
    if (value.tag == Tag::float64 || value.tag == Tag::float32) {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%a", value.f);
      line += digits;
    } else if (value.tag != Tag::none && value.text.data() == nullptr) {
      line += std::to_string(value.i) + '/' + std::to_string(value.offset_seconds);
    }
  }
  return line;
}

struct Contents {
  std::vector<std::string> records;
  std::vector<std::string> problems;
};

inline Contents read_all(const std::vector<attolog::JournalPath>& paths) {
  const auto reader = attolog::JournalReader::open(paths);
  Contents contents;
  const auto records = reader->records();
  while (const attolog::SourcedRecord* const next = records->next()) {
    contents.records.push_back(shown(next->record));
  }
  contents.problems = reader->problems();
  return contents;
}

}  // namespace journal_test
