#include <string>

#include "check.hpp"
#include "sink_records.hpp"
#include "sinks/sink.hpp"

using namespace sink_records;

static const check::Test csv_rows{
    "CSV: a row for each kind of record", [] {
      const auto sink = make_csv_sink({});
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5\n");
      check::equal(written(*sink, kMessage, kMessageValues),
                   "1707234567.123456,DEBUG,\"a,b took 0.013s\",17\n");
      check::equal(written(*sink, kText, {of("a \"sentence\"\nof two lines")}),
                   "1707234567.123456,LOG,\"a \"\"sentence\"\"\nof two lines\"\n");
      for (const Site* site : {&kPrint, &kErrorPrint})
        check::equal(written(*sink, *site, {of("hello\n")}), "1707234567.123456,PRINT,hello\n");
      check::equal(written(*sink, kPrint, {of("hello\n\n")}),
                   "1707234567.123456,PRINT,\"hello\n\"\n");
      check::equal(written(*sink, kDropped, {of(3), of(Tag::int64, kNow - 1000000000)}),
                   "1707234567.123456,DROPPED,3,1707234566.123456\n");
      check::equal(written(*sink, kClock, {of(Tag::int64, -1500000000)}),
                   "1707234567.123456,CLOCK,-1.500000\n");
      check::equal(written(*sink, kThreadSiteOf, {of(1), of("name")}), "");
      check::equal(
          written(*sink, kGen, {of(Tag::none), of(Tag::true_), of_text(Tag::bytes, "a,b")}),
          "1707234567.123456,GEN,,True,\"b'a,b'\"\n");
    }};

static const check::Test csv_digits{
    "CSV: nanoseconds on request", [] {
      const auto sink = make_csv_sink({.digits = 9, .columns = 0, .pattern = ""});
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456789,GEN,ResNet50,7,0.5\n");
    }};

static const check::Test csv_columns{
    "CSV: the first use of an event fixes the order of its columns", [] {
      const auto sink = make_csv_sink({});
      const Site other = site_of(SiteKind::event, "GEN", {"arrival", "queue", "model"});
      const Site fewer = site_of(SiteKind::event, "GEN", {"task_id"});
      written(*sink, kGen, kGenValues);
      check::equal(sink->memory(), "GEN\tmodel\nGEN\ttask_id\nGEN\tarrival\n");
      check::equal(written(*sink, other, {of(0.5), of(3), of("m")}),
                   "1707234567.123456,GEN,m,,0.5,3\n");
      check::equal(sink->memory(), "GEN\tqueue\n");
      check::equal(written(*sink, fewer, {of(1)}), "1707234567.123456,GEN,,1,,\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5,\n");
      check::equal(written(*sink, kGen, {of("m"), of(1)}), "1707234567.123456,GEN,m,1,,\n");
      check::equal(written(*sink, kGen, {of("m"), of(1), of(2), of(9)}),
                   "1707234567.123456,GEN,m,1,2,,9\n");
      check::equal(sink->memory(), "GEN\tv4\n");
      check::equal(sink->memory(), "");
    }};

static const check::Test csv_memory{
    "CSV: the order is kept from process to process", [] {
      const auto sink = make_csv_sink({});
      sink->remember("GEN\tarrival\nnonsense\nGEN\tmodel\nGEN\ttask_id\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,0.5,ResNet50,7\n");
      check::equal(sink->memory(), "");
      const Site odd = site_of(SiteKind::event, "ODD", {"a\tb\nc\\d", "e"});
      const auto first = make_csv_sink({});
      written(*first, odd, {of(1), of(2)});
      const std::string memory = first->memory();
      check::equal(memory, "ODD\ta\\tb\\nc\\\\d\nODD\te\n");
      const auto second = make_csv_sink({});
      second->remember(memory);
      check::equal(written(*second, odd, {of(1), of(2)}), "1707234567.123456,ODD,1,2\n");
      check::equal(second->memory(), "");
    }};

static const check::Test csv_duplicates{
    "CSV: no value is lost to a second field of the same name", [] {
      const auto sink = make_csv_sink({});
      const Site twice = site_of(SiteKind::event, "E", {"a", "a", "a_2"});
      check::equal(written(*sink, twice, {of(1), of(2), of(3)}), "1707234567.123456,E,1,2,3\n");
      check::equal(sink->memory(), "E\ta\nE\ta_2\nE\ta_2_2\n");
    }};

static const check::Test csv_packed{
    "CSV: columns=5 makes every row five cells", [] {
      const auto sink = make_csv_sink({.digits = 6, .columns = 5, .pattern = ""});
      const std::int64_t time = 1707234567200000000;
      const Site sched =
          site_of(SiteKind::event, "SCHED", {"model", "batch_id", "exit", "batch_size"});
      check::equal(written(*sink, sched, {of("ResNet50"), of(42), of("layer1"), of(8)}, time),
                   "1707234567.200000,SCHED,ResNet50,42,\"layer1,8\"\n");
      check::equal(written(*sink, sched, {of("ResNet50"), of(42), of("a,b"), of(8)}, time),
                   "1707234567.200000,SCHED,ResNet50,42,\"\"\"a,b\"\",8\"\n");
      check::equal(written(*sink, kGen, kGenValues, time),
                   "1707234567.200000,GEN,ResNet50,7,0.5\n");
      check::equal(written(*sink, kText, {of("x")}, time), "1707234567.200000,LOG,x,,\n");
      check::equal(written(*sink, kClock, {of(0)}, time), "1707234567.200000,CLOCK,0.000000,,\n");
      const auto two = make_csv_sink({.digits = 6, .columns = 2, .pattern = ""});
      check::equal(written(*two, kGen, kGenValues, time),
                   "1707234567.200000,\"GEN,ResNet50,7,0.5\"\n");
    }};

static const check::Test csv_weight{
    "CSV: a weight is shown on request, as the row's last cell", [] {
      const Site& gen = sampled(kGen);
      const Site& message = sampled(kMessage);
      const Site& text = sampled(site_of(SiteKind::text, "", {"text", "request"}, 1));
      const Values named{of("GEN"), of("task_id"), of(7), of("weight"), of(100.0)};
      const auto plain = make_csv_sink({});
      check::equal(written(*plain, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,0.5\n");
      check::equal(plain->memory(), "GEN\tmodel\nGEN\ttask_id\nGEN\tarrival\n");
      check::equal(written(*plain, message, weighted(kMessageValues)),
                   "1707234567.123456,DEBUG,\"a,b took 0.013s\",17\n");
      check::equal(written(*plain, text, weighted({of("x"), of(17)})),
                   "1707234567.123456,LOG,x,17\n");
      check::equal(written(*plain, sampled(kInlineEvent), named), "1707234567.123456,GEN,,7,\n");

      SinkOptions options;
      options.weight = true;
      const auto sink = make_csv_sink(options);
      check::equal(written(*sink, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,0.5,100.0\n");
      check::equal(sink->memory(), "GEN\tmodel\nGEN\ttask_id\nGEN\tarrival\n");
      check::equal(written(*sink, message, weighted(kMessageValues)),
                   "1707234567.123456,DEBUG,\"a,b took 0.013s\",17,100.0\n");
      check::equal(written(*sink, text, weighted({of("x"), of(17)})),
                   "1707234567.123456,LOG,x,17,100.0\n");
      check::equal(written(*sink, sampled(kInlineEvent), named),
                   "1707234567.123456,GEN,,7,,100.0\n");
      check::equal(written(*sink, sampled(kInlineMessage), weighted({of("{}!"), of(1)})),
                   "1707234567.123456,INFO,1!,100.0\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5\n");
      // Later columns stand before it, and so do values beyond the fields.
      check::equal(written(*sink, gen, weighted({of("m"), of(1), of(2), of(9)})),
                   "1707234567.123456,GEN,m,1,2,9,100.0\n");
      check::equal(sink->memory(), "GEN\tv4\n");
      check::equal(written(*sink, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,0.5,,100.0\n");

      options.columns = 5;
      const auto packed = make_csv_sink(options);
      check::equal(written(*packed, gen, weighted(kGenValues)),
                   "1707234567.123456,GEN,ResNet50,7,\"0.5,100.0\"\n");
      check::equal(written(*packed, sampled(kInlineMessage), weighted({of("{}!"), of(1)})),
                   "1707234567.123456,INFO,1!,100.0,\n");
    }};

static const check::Test csv_inline{
    "CSV: names that travel in the record find their columns", [] {
      const auto sink = make_csv_sink({});
      written(*sink, kGen, kGenValues);
      check::equal(
          written(*sink, kInlineEvent,
                  {of("GEN"), of("arrival"), of(0.5), of("model"), of("m"), of("new"), of(1)}),
          "1707234567.123456,GEN,m,,0.5,1\n");
      check::equal(written(*sink, kInlineMessage, {of("{} of {n}"), of(1), of(2)}),
                   "1707234567.123456,INFO,1 of 2\n");
      check::equal(written(*sink, kGen, kGenValues), "1707234567.123456,GEN,ResNet50,7,0.5,\n");
      check::equal(written(*sink, kInlineEvent, {}), "1707234567.123456,\n");
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
