#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "check.hpp"
#include "journal_file.hpp"
#include "reader/arrow.hpp"
#include "reader/columns.hpp"
#include "tables.hpp"

using namespace journal_test;
using namespace tables;
using attolog::ArrowArray;
using attolog::ArrowArrayStream;
using attolog::ArrowSchema;
using attolog::Batch;
using attolog::Type;

namespace {

std::string names(const std::vector<attolog::Field>& fields) {
  std::string all;
  for (const auto& field : fields) all += (all.empty() ? "" : " ") + field.name;
  return all;
}

// The type of a column that holds these values, and the note on it.
std::pair<Type, std::string> typed(const std::vector<Value>& values) {
  static const Site one = site(16, "T", {"v"});
  Records records;
  for (const Value& value : values) records.push_back({&one, 0, {value}});
  const attolog::Field field = table(records, "T")->fields().at(1);
  return {field.type, field.note};
}

void is(Type type, const std::vector<Value>& values, bool has_note = false,
        const std::source_location& where = std::source_location::current()) {
  const auto [actual, note] = typed(values);
  check::equal(static_cast<int>(actual), static_cast<int>(type), where);
  check::equal(!note.empty(), has_note, where);
}

}  // namespace

static const check::Test alone{"a column of one type has that type", [] {
                                 is(Type::null, {none()});
                                 is(Type::boolean, {of_bool(true), none(), of_bool(false)});
                                 is(Type::int64, {Value::of_int(INT64_MIN), none()});
                                 is(Type::float64, {of_float(0.5)});
                                 is(Type::text, {Value::of_str("x")});
                                 is(Type::binary, {of_text(Tag::bytes, "x")});
                                 is(Type::timestamp_us_utc, {of(Tag::datetime_utc, 1, 3600)});
                                 is(Type::timestamp_us, {of(Tag::datetime, 1)});
                                 is(Type::date, {of(Tag::date, -1)});
                                 is(Type::time_us, {of(Tag::time, 1)});
                                 is(Type::duration_us, {of(Tag::duration, -1)});
                                 is(Type::int8, {of(Tag::int8, -128)});
                                 is(Type::uint64, {of(Tag::uint64, -1)});
                                 is(Type::float32, {of_float(0.5, Tag::float32)});
                               }};

static const check::Test mixed{
    "mixed types follow the table of the design", [] {
      const std::int64_t exact = std::int64_t{1} << 53;
      is(Type::float64, {Value::of_int(exact), of_float(0.5)});
      is(Type::text, {Value::of_int(exact + 1), of_float(0.5)}, true);
      is(Type::int64, {Value::of_int(exact + 1), of(Tag::int8, 1), of(Tag::uint64, 5)});
      is(Type::text, {Value::of_int(1), of(Tag::uint64, -1)}, true);
      is(Type::float64, {of(Tag::int16, 1), of_float(0.5, Tag::float32)});
      is(Type::float64, {of_float(0.5), of_float(0.5, Tag::float32)});
      is(Type::text, {of_text(Tag::bigint, "9223372036854775808")}, true);
      is(Type::text, {Value::of_int(1), of_text(Tag::bigint, "9223372036854775808")}, true);
      is(Type::text, {of_bool(true), Value::of_int(1)}, true);
      is(Type::text, {Value::of_str("x"), Value::of_int(1)}, true);
      is(Type::text, {of(Tag::datetime, 1), of(Tag::datetime_utc, 1)}, true);
      check::equal(typed({Value::of_str("x"), Value::of_int(1)}).second, "holds int, str");
    }};

static const check::Test forged{"values that their tag cannot have widen the column", [] {
                                  is(Type::int64, {of(Tag::int8, 128)});
                                  is(Type::float64, {of_float(0.1, Tag::float32)});
                                  is(Type::text, {of(Tag::date, std::int64_t{1} << 40)}, true);
                                  is(Type::text, {of(Tag::time, -1)}, true);
                                }};

static const check::Test union_of_sites{
    "an event's sites share a table; what is absent is null", [] {
      const Site a = site(16, "GEN", {"model", "n"});
      const Site b = site(17, "GEN", {"n", "extra"});
      const Records records{{&a, 1, {Value::of_str("x"), Value::of_int(1)}},
                            {&b, 2, {Value::of_int(2), of_bool(true)}},
                            {&a, 3, {Value::of_str("y")}},
                            {&a, 4, {Value::of_str("z"), Value::of_int(4), Value::of_int(5)}}};
      const auto gen = table(records, "GEN");
      check::equal(names(gen->fields()), "time model n extra v3");
      Batch batch;
      check::that(gen->next(batch));
      check::equal(batch.rows, 4);
      check::equal(batch.columns[0].nulls, 0);
      check::equal(at<std::int64_t>(batch.columns[0].values, 3), 4);
      check::equal(text_at(batch.columns[1], 1), "null");
      check::equal(text_at(batch.columns[1], 3), "z");
      check::equal(at<std::int64_t>(batch.columns[2].values, 1), 2);
      check::equal(batch.columns[2].nulls, 1);
      check::equal(static_cast<int>(batch.columns[2].validity.data()[0]), 0b1011);
      check::equal(static_cast<int>(batch.columns[3].validity.data()[0]), 0b0010);
      check::equal(static_cast<int>(batch.columns[3].values.data()[0]), 0b0010);
      check::equal(batch.columns[4].nulls, 3);
      check::that(!gen->next(batch));
    }};

static const check::Test names_apart{
    "column names are unique, whatever the fields are called", [] {
      const Site odd = site(16, "ODD", {"a", "a", "time", "a_2", "a", std::string("b\0c", 3)});
      const Records records{{&odd, 1, std::vector<Value>(8)}};
      check::equal(names(table(records, "ODD")->fields()),
                   "time a a_2 time_ a_2_2 a_3 b\\x00c v7 v8");
      const Site v = site(17, "V", {"v2"});
      const Records extra{{&v, 1, std::vector<Value>(2)}};
      check::equal(names(table(extra, "V")->fields()), "time v2 v2_2");
    }};

static const check::Test kinds{
    "messages, text, print, losses and clock jumps have tables", [] {
      const Site message = site(16, "{model} took {dt}", {"model", "dt"}, SiteKind::message, 30);
      const Site text = site(1, "", {}, SiteKind::text);
      const Site print = site(2, "", {}, SiteKind::print);
      const Site dropped = site(3, "", {}, SiteKind::dropped);
      const Site clock = site(4, "", {}, SiteKind::clock);
      const Records records{{&message, 1, {Value::of_str("x"), of_float(0.5)}},
                            {&text, 2, {Value::of_str("hello")}},
                            {&print, 3, {Value::of_str("hi\n")}},
                            {&dropped, 4, {Value::of_int(5), Value::of_int(77)}},
                            {&clock, 5, {Value::of_int(-9)}}};
      check::equal(names(table(records, "{model} took {dt}")->fields()), "time level model dt");
      check::equal(names(table(records, "LOG")->fields()), "time text");
      check::equal(names(table(records, "PRINT")->fields()), "time text");
      const auto losses = table(records, "DROPPED");
      check::equal(names(losses->fields()), "time n since");
      check::that(losses->fields()[2].type == Type::timestamp_ns);
      const auto jumps = table(records, "CLOCK");
      check::equal(names(jumps->fields()), "time jump");
      check::that(jumps->fields()[1].type == Type::duration_ns);
      Batch batch;
      table(records, "{model} took {dt}")->next(batch);
      check::equal(text_at(batch.columns[1], 0), "WARNING");
    }};

static const check::Test inlined{
    "names that travel in the record make the same tables", [] {
      const Site event = site(5, "", {}, SiteKind::inline_event);
      const Site message = site(7, "", {}, SiteKind::inline_message, 10);
      const Site gen = site(16, "GEN", {"n"});
      const Records records{
          {&gen, 1, {Value::of_int(1)}},
          {&event,
           2,
           {Value::of_str("GEN"), Value::of_str("n"), Value::of_int(2), Value::of_str("n"),
            Value::of_int(3)}},
          {&event, 3, {Value::of_str("GEN"), Value::of_str("n"), Value::of_int(4)}},
          {&message, 4, {Value::of_str("took {}"), of_float(0.5)}},
          {&event, 5, {}}};
      const auto table_of_gen = table(records, "GEN");
      check::equal(names(table_of_gen->fields()), "time n n_2");
      Batch batch;
      table_of_gen->next(batch);
      check::equal(at<std::int64_t>(batch.columns[1].values, 2), 4);
      check::equal(names(table(records, "took {}")->fields()), "time level v1");
    }};

static const check::Test samples{
    "a weight is a column of float64, and the table says how it was sampled", [] {
      const Site plain = site(16, "GEN", {"n"});
      const Site some = sampled(site(17, "GEN", {"n"}), "sample:0.5");
      const Site every = sampled(site(18, "GEN", {"n"}), "every:4");
      const Site travels = sampled(site(19, "", {}, SiteKind::inline_event), "cap:9");
      const Site message = sampled(site(20, "", {}, SiteKind::inline_message, 10), "every:4");
      const Site odd = sampled(site(21, "ODD", {"weight"}), "every:4");
      const Site sentence = sampled(site(22, "", {}, SiteKind::text), "every:4");
      const Records records{{&plain, 1, {Value::of_int(1)}},
                            {&some, 2, {Value::of_int(2), of_float(2)}},
                            {&every, 3, {Value::of_int(3), Value::of_int(8), of_float(4)}},
                            {&travels,
                             4,
                             {Value::of_str("GEN"), Value::of_str("n"), Value::of_int(5),
                              Value::of_str("weight"), of_float(1)}},
                            {&message, 5, {Value::of_str("{}"), Value::of_int(1), of_float(4)}},
                            {&odd, 6, {Value::of_int(1), of_float(4)}},
                            {&sentence, 6, {Value::of_str("x"), of_float(4)}},
                            {&some, 7, {Value::of_int(6)}}};
      const auto gen = table(records, "GEN");
      check::equal(names(gen->fields()), "time n weight v2");
      check::that(gen->fields()[2].type == Type::float64);
      Batch batch;
      gen->next(batch);
      check::equal(batch.columns[2].nulls, 2);
      check::equal(at<double>(batch.columns[2].values, 1), 2.0);
      check::equal(at<double>(batch.columns[2].values, 2), 4.0);
      check::equal(at<double>(batch.columns[2].values, 3), 1.0);
      check::equal(at<std::int64_t>(batch.columns[3].values, 2), 8);
      check::equal(names(table(records, "{}")->fields()), "time level v1 weight");
      check::equal(names(table(records, "ODD")->fields()), "time weight weight_2");
      check::equal(names(table(records, "LOG")->fields()), "time text weight");

      const Catalog catalog = catalog_of(records);
      const std::set<std::string> expected{"cap:9", "every:4", "sample:0.5"};
      check::that(catalog.tables()[catalog.find("GEN")].sampling == expected);
      check::that(catalog_of({records[0]}).tables()[0].sampling.empty());
    }};

static const check::Test text{
    "text is valid UTF-8; other types in a text column read as in CSV", [] {
      const Site one = site(16, "T", {"v"});
      const Records records{{&one, 1, {Value::of_str("a\xed\xb2\x80z")}},
                            {&one, 2, {Value::of_str("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")}},
                            {&one, 3, {Value::of_str("\xff\xc3")}},
                            {&one, 4, {of_bool(true)}},
                            {&one, 5, {none()}},
                            {&one, 6, {of_float(1e5)}}};
      Batch batch;
      table(records, "T")->next(batch);
      check::equal(text_at(batch.columns[1], 0), "a\\udc80z");
      check::equal(text_at(batch.columns[1], 1), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
      check::equal(text_at(batch.columns[1], 2), "\\xff\\xc3");
      check::equal(text_at(batch.columns[1], 3), "True");
      check::equal(text_at(batch.columns[1], 4), "null");
      check::equal(text_at(batch.columns[1], 5), "100000.0");
    }};

static const check::Test all{
    "the view of all records", [] {
      const Site event = site(16, "GEN", {"n"});
      const Site message = site(17, "hello {}", {"v1"}, SiteKind::message, 20);
      const Records records{{&event, 1, {Value::of_int(1)}}, {&message, 2, {Value::of_int(2)}}};
      const auto view = attolog::open_all(
          std::make_unique<List>(records),
          [](const Record& record, Buffer& out) { out.append("said " + record.site->name); });
      check::equal(names(view->fields()), "time event level text thread pid");
      Batch batch;
      view->next(batch);
      check::equal(text_at(batch.columns[1], 0), "GEN");
      check::equal(text_at(batch.columns[1], 1), "null");
      check::equal(text_at(batch.columns[2], 0), "null");
      check::equal(text_at(batch.columns[2], 1), "INFO");
      check::equal(text_at(batch.columns[3], 1), "said hello {}");
      check::equal(text_at(batch.columns[4], 0), "MainThread");
      check::equal(at<std::int64_t>(batch.columns[5].values, 1), 42);
    }};

static const check::Test chunks{
    "long tables come in batches", [] {
      const Site one = site(16, "N", {"n"});
      Journal journal;
      for (int i = 0; i < 1'000'001; ++i) journal.add(one, i, {Value::of_int(i)});
      const TemporaryFile file(journal.text());
      const auto reader = attolog::JournalReader::open({{file.path()}});
      const auto n = attolog::open_table(reader->catalog(), 0, reader->records());
      Batch batch;
      check::that(n->next(batch));
      check::equal(batch.rows, 1'000'000);
      check::that(n->next(batch));
      check::equal(batch.rows, 1);
      check::equal(at<std::int64_t>(batch.columns[1].values, 0), 1'000'000);
      check::that(!n->next(batch));
    }};

static const check::Test arrow{
    "arrow structs are released once, whatever was moved out of them", [] {
      const Site one = site(16, "T", {"a", "b"});
      const Records records{{&one, 1, {Value::of_str("x"), none()}},
                            {&one, 2, {Value::of_int(7), none()}}};
      ArrowArrayStream stream;
      attolog::export_stream(table(records, "T"), &stream);
      ArrowSchema schema;
      check::equal(stream.get_schema(&stream, &schema), 0);
      check::equal(std::string(schema.format), "+s");
      check::equal(schema.n_children, 3);
      check::equal(std::string(schema.children[0]->format), "tsn:UTC");
      check::equal(std::string(schema.children[1]->format), "U");
      check::equal(std::string(schema.children[2]->format), "n");
      check::that(std::memcmp(schema.children[1]->metadata,
                              "\1\0\0\0\x0c\0\0\0attolog.note\x0e\0\0\0holds int, str", 38) == 0);
      ArrowSchema moved_schema = *schema.children[1];
      schema.children[1]->release = nullptr;
      ArrowArray array;
      check::equal(stream.get_next(&stream, &array), 0);
      ArrowArray end;
      check::equal(stream.get_next(&stream, &end), 0);
      check::that(end.release == nullptr);
      stream.release(&stream);
      check::that(stream.release == nullptr);
      schema.release(&schema);
      check::that(schema.release == nullptr);
      check::equal(std::string(moved_schema.name), "a");
      moved_schema.release(&moved_schema);

      check::equal(array.length, 2);
      check::equal(array.n_children, 3);
      check::equal(array.children[2]->n_buffers, 0);
      ArrowArray moved = *array.children[1];
      array.children[1]->release = nullptr;
      array.release(&array);
      check::that(array.release == nullptr);
      check::equal(std::string(static_cast<const char*>(moved.buffers[2]), 2), "x7");
      moved.release(&moved);
      check::that(moved.release == nullptr);
    }};

static const check::Test arrow_error{
    "what fails in a stream is an error code and a text", [] {
      const Site one = site(16, "T", {});
      const Records records{{&one, 1, {}}};
      ArrowArrayStream stream;
      attolog::export_stream(
          attolog::open_all(std::make_unique<List>(records),
                            [](const Record&, Buffer&) { throw std::runtime_error("no text"); }),
          &stream);
      ArrowArray array;
      check::equal(stream.get_next(&stream, &array), EIO);
      check::equal(std::string(stream.get_last_error(&stream)), "no text");
      stream.release(&stream);
    }};

namespace {

// A record for each name, whose only field is called so.
struct Wide {
  explicit Wide(std::size_t n) {
    sites.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      sites.push_back(site(static_cast<std::uint32_t>(16 + i), "T", {"user_" + std::to_string(i)}));
    }
    for (std::size_t i = 0; i < n; ++i) {
      records.push_back(
          {&sites[i], static_cast<std::int64_t>(i), {Value::of_int(static_cast<std::int64_t>(i))}});
    }
  }
  std::vector<Site> sites;
  Records records;
};

std::vector<Batch> batches_of(BatchStream& stream) {
  std::vector<Batch> all;
  for (Batch batch; stream.next(batch); batch = {}) all.push_back(std::move(batch));
  return all;
}

}  // namespace

static const check::Test wide{
    "where each record has a name of its own, the names are keys of one column", [] {
      const Wide few(4000);
      check::equal(table(few.records, "T")->fields().size(), 4001u);
      Wide many(4200);
      static const Site often = site(9, "T", {"often", "more", "rare"});
      for (std::size_t i = 0; i < 300; ++i) {
        many.records.push_back({&often, 5000, {of_float(0.5), Value::of_int(1)}});
      }
      many.records.push_back({&often, 5000, {none(), Value::of_str("x"), Value::of_str("\"\n")}});
      const auto stream = table(many.records, "T");
      check::equal(names(stream->fields()), "time often more more_");
      check::equal(stream->fields().back().note, "holds 4201 columns of few values, as JSON");
      const std::vector<Batch> batches = batches_of(*stream);
      check::equal(batches.size(), 1u);
      check::equal(batches[0].rows, 4501);
      const attolog::ColumnData& rest = batches[0].columns.back();
      check::equal(text_at(rest, 0), "{\"user_0\":0}");
      check::equal(text_at(rest, 4199), "{\"user_4199\":4199}");
      check::equal(text_at(rest, 4200), "null");
      check::equal(text_at(rest, 4500), "{\"rare\":\"\\\"\\n\"}");
    }};

static const check::Test dense{"a table whose columns have values keeps them, however wide it is",
                               [] {
                                 attolog::TableInfo info;
                                 info.rows = 10'000'000;
                                 info.columns.resize(100);
                                 // One of a hundred names in each record.
                                 for (auto& column : info.columns) column.values = 100'000;
                                 check::that(attolog::rare_columns(info).empty());
                                 info.columns.resize(65536);
                                 for (auto& column : info.columns) column.values = info.rows;
                                 check::that(attolog::rare_columns(info).empty());
                                 // The rarest go, and all that are as rare.
                                 for (std::size_t i = 100; i < info.columns.size(); ++i) {
                                   info.columns[i].values = i < 200 ? 1000 : 7;
                                 }
                                 const std::vector<bool> rare = attolog::rare_columns(info);
                                 check::equal(std::ranges::count(rare, true), 65536 - 200);
                                 check::that(!rare[199] && rare[200]);
                               }};

static const check::Test crowd{
    "beyond the limit the templates with the most records have tables, and each event", [] {
      constexpr std::uint32_t kRare = attolog::kMaxMessageTables + 100;
      std::vector<std::unique_ptr<Site>> sites;
      const auto add = [&](SiteKind kind, const std::string& name) -> const Site* {
        const auto id = static_cast<std::uint32_t>(16 + sites.size());
        sites.push_back(std::make_unique<Site>(site(id, name, {"template"}, kind)));
        return sites.back().get();
      };
      const Site inline_message = site(20, "", {}, SiteKind::inline_message);
      Records records;
      for (std::uint32_t i = 0; i < kRare; ++i) {
        records.push_back(
            {add(SiteKind::message, "rare " + std::to_string(i)), i, {Value::of_int(i)}});
      }
      const Site* const late = add(SiteKind::message, "late");
      const Site* const event = add(SiteKind::event, "DONE");
      for (int i = 0; i < 3; ++i) {
        records.push_back({late, kRare, {Value::of_int(i)}});
        records.push_back({event, kRare, {Value::of_int(i)}});
        records.push_back({&inline_message, kRare, {Value::of_str("inline"), Value::of_int(i)}});
      }
      const Catalog first = catalog_of(records);
      std::optional<Catalog> best = first.with_largest_tables();
      check::that(best.has_value());
      List list(records);
      while (const SourcedRecord* const next = list.next()) best->add(next->record);
      check::that(!best->with_largest_tables());
      check::equal(best->tables().size(), attolog::kMaxMessageTables + 2);
      for (const char* const name : {"late", "inline", "DONE"}) {
        check::equal(best->tables()[best->find(name)].rows, 3u);
      }
      check::that(best->find("rare 0") != Catalog::kNoTable);
      check::equal(best->find("rare " + std::to_string(kRare - 1)), Catalog::kNoTable);
      const std::size_t rest = best->find("other messages");
      const auto stream = attolog::open_table(*best, rest, std::make_unique<List>(records));
      check::equal(names(stream->fields()), "time level template template_");
      const std::vector<Batch> batches = batches_of(*stream);
      check::equal(batches.at(0).rows, 102);
      check::equal(text_at(batches[0].columns[2], 0), "rare " + std::to_string(kRare - 102));
    }};

static const check::Test fields{
    "the fields of a table are known without its rows", [] {
      const Site message = site(16, "{a}", {"a", "file"}, SiteKind::message);
      const Records records{{&message, 0, {Value::of_int(1)}},
                            {&message, 1, {of_float(0.5), none()}}};
      const Catalog catalog = catalog_of(records);
      const auto found = attolog::fields_of_table(catalog, 0, {.origin = attolog::Origin::with});
      check::equal(names(found), "time level a file_ file line function thread pid run");
      check::that(found[2].type == Type::float64);
      const auto stream = attolog::open_table(catalog, 0, std::make_unique<List>(records),
                                              {.origin = attolog::Origin::with});
      check::equal(names(stream->fields()), names(found));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
