#include <cstdint>
#include <string>

#include "check.hpp"
#include "sink_records.hpp"
#include "sinks/sink.hpp"

using namespace sink_records;

static const check::Test whole_messages{
    "a message made at the call is no field", [] {
      const Site site =
          site_of(SiteKind::message, "{x} {x:.2f}", {"x", "request", "message"}, 1, kWarning);
      const Values values{of(1), of(17), of("1 1.00")};
      const auto csv = make_csv_sink({}), jsonl = make_jsonl_sink({}), text = make_text_sink({});
      check::equal(written(*csv, site, values), "1707234567.123456,WARNING,1 1.00,17\n");
      check::equal(
          written(*jsonl, site, values),
          "{\"time\":1707234567.123456,\"level\":\"WARNING\",\"message\":\"1 1.00\",\"x\":1,"
          "\"request\":17}\n");
      check::equal(written(*text, site, values),
                   "2024-02-06T15:49:27.123456Z WARNING  1 1.00 request=17\n");
    }};

static const check::Test suffixes{
    "the suffix of a path names its format, whatever the folders are called", [] {
      check::that(format_of("run.csv") == Format::csv);
      check::that(format_of("a.b/run.jsonl") == Format::jsonl);
      check::that(format_of("run.2024.log") == Format::text);
      check::that(format_of("/x/run.txt") == Format::text);
      check::that(format_of("run.atto") == Format::journal);
      for (const char* path : {"", "run", "run.CSV", "run.csv.gz", "a.csv/run"})
        check::that(!format_of(path).has_value());
    }};

static const check::Test formats{
    "a session's log file has the sink of its format, with its options", [] {
      const auto row_of = [](Format format) {
        LogTarget target{};
        target.format = static_cast<std::uint8_t>(format);
        target.digits = 9;
        target.pattern = "{message}!";
        return written(*make_sink(target), kText, {of("x")});
      };
      check::equal(row_of(Format::csv), "1707234567.123456789,LOG,x\n");
      check::equal(row_of(Format::jsonl), "{\"time\":1707234567.123456789,\"text\":\"x\"}\n");
      check::equal(row_of(Format::summary), "1707234567.123:  text=x\n");
      check::equal(row_of(Format::text), "x\n");
      check::that(row_of(Format::journal).find("worker") != std::string::npos);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
