#include <string>
#include <vector>

#include "check.hpp"
#include "journal_file.hpp"
#include "reader/arrow.hpp"
#include "reader/columns.hpp"
#include "tables.hpp"

using namespace journal_test;
using namespace tables;
using attolog::Batch;
using attolog::ColumnData;
using attolog::Field;
using attolog::Type;

namespace {

std::string name_of(const Field& field) {
  switch (field.type) {
    case Type::null: return "null";
    case Type::boolean: return "bool";
    case Type::int64: return "int";
    case Type::float64: return "float";
    case Type::text: return "text";
    case Type::list: return "[" + name_of(field.inner.at(0)) + "]";
    case Type::structure: break;
    default: return "?";
  }
  std::string names;
  for (const Field& inner : field.inner) {
    names += (names.empty() ? "" : " ") + inner.name + ":" + name_of(inner);
  }
  return "{" + names + "}";
}

std::string cell(const Field& field, const ColumnData& column, std::size_t row) {
  if (field.type == Type::null) return "-";
  if (column.nulls != 0 && (column.validity.data()[row / 8] >> (row % 8) & 1) == 0) return "-";
  std::string all;
  switch (field.type) {
    case Type::boolean: return (column.values.data()[row / 8] >> (row % 8) & 1) != 0 ? "T" : "F";
    case Type::int64: return std::to_string(at<std::int64_t>(column.values, row));
    case Type::float64: return std::to_string(at<double>(column.values, row)).substr(0, 4);
    case Type::text: return text_at(column, row);
    case Type::list:
      for (auto i = at<std::int64_t>(column.offsets, row);
           i < at<std::int64_t>(column.offsets, row + 1); ++i) {
        all += (all.empty() ? "" : " ") +
               cell(field.inner.at(0), column.inner.at(0), static_cast<std::size_t>(i));
      }
      return "[" + all + "]";
    default:
      for (std::size_t i = 0; i < field.inner.size(); ++i) {
        all += (all.empty() ? "" : " ") + cell(field.inner[i], column.inner.at(i), row);
      }
      return "{" + all + "}";
  }
}

// What a value of Python's shows: this JSON, with its quotes and its separators.
Value nested(const std::string& json) {
  std::string shown;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json.compare(i, 4, "null") == 0 || json.compare(i, 4, "true") == 0) {
      shown += json[i] == 'n' ? "None" : "True";
      i += 3;
    } else {
      shown += json[i] == '"' ? '\'' : json[i];
      if (json[i] == ',' || json[i] == ':') shown += ' ';
    }
  }
  return of_nested(shown, json);
}

Records records_of(const std::vector<Value>& values) {
  static const Site one = site(16, "T", {"v"});
  Records records;
  for (const Value& value : values) records.push_back({&one, 0, {value}});
  return records;
}

// The type of the column that holds these values, and its cells.
std::string column_of(const std::vector<Value>& values) {
  const Records records = records_of(values);
  const auto stream = table(records, "T");
  const Field field = stream->fields().at(1);
  std::string all = name_of(field);
  Batch batch;
  if (!stream->next(batch)) return all;
  check::equal(batch.columns.at(1).rows, batch.rows);
  for (std::size_t row = 0; row < values.size(); ++row) {
    all += " " + cell(field, batch.columns.at(1), row);
  }
  return all;
}

// Why a column of these lists and dicts is one of texts.
std::string note_of(const std::vector<Value>& values) {
  const Records records = records_of(values);
  const auto stream = table(records, "T");
  const Field& field = stream->fields().at(1);
  check::equal(name_of(field), "text");
  return field.note;
}

const std::string kNoShape = "holds lists or dicts whose shapes have too little in common";

std::string repeated(const std::string& piece, std::size_t n) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += (i == 0 ? "" : ",") + piece;
  return all;
}

std::string dict_of(std::size_t first, std::size_t last) {
  std::string all;
  for (std::size_t i = first; i < last; ++i) {
    all += (all.empty() ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
  }
  return "{" + all + "}";
}

}  // namespace

static const check::Test lists{
    "lists whose items have one type are a column of lists", [] {
      check::equal(column_of({nested("[1,2]"), none(), nested("[]"), nested("[null,3]")}),
                   "[int] [1 2] - [] [- 3]");
      check::equal(column_of({nested("[1]"), nested("[0.5]")}), "[float] [1.00] [0.50]");
      check::equal(column_of({nested("[true,null]")}), "[bool] [T -]");
      check::equal(column_of({nested("[\"a\",\"\"]"), nested("[\"b\"]")}), "[text] [a ] [b]");
      check::equal(column_of({nested("[[1],[],null]"), nested("[]")}), "[[int]] [[1] [] -] []");
      check::equal(column_of({of_nested("(1,)", "[1]"), of_nested("()", "[]"), nested("[2]")}),
                   "[int] [1] [] [2]");
      check::equal(column_of({nested("[]"), none()}), "[null] [] -");
    }};

static const check::Test dicts{
    "dicts with the keys of one another are a column of structs, absent keys null", [] {
      check::equal(column_of({nested(R"({"a":1,"b":"x"})"), nested(R"({"b":"y"})"), none(),
                              nested(R"({"b":null,"a":2})"), nested("{}")}),
                   "{a:int b:text} {1 x} {- y} - {2 -} {- -}");
      check::equal(
          column_of({nested(R"([{"a":1,"b":[{"c":2}]},{"b":[]}])"), nested(R"([null,{"a":3}])")}),
          "[{a:int b:[{c:int}]}] [{1 [{2}]} {- []}] [- {3 -}]");
      check::equal(column_of({nested(R"({"a":null})")}), "{a:null} {-}");
    }};

static const check::Test different{
    "a column whose lists and dicts differ in shape is of their texts", [] {
      const std::vector<std::vector<std::string>> columns{
          {"[1,true]"},
          {"[1,\"x\"]"},
          {"[1]", "[\"x\"]"},
          {"[1,[2]]"},
          {"[[1]]", "[{\"a\":1}]"},
          {"[9007199254740993,0.5]"},
          {"[9223372036854775808]"},
          {"{\"a\":1}", "{\"a\":[1]}"},
          {"{\"a\":1,\"A\":2}"},
          {"{\"\":1}"},
          {"{}"},
          {"[{}]"},
          {"{\"a\":1,\"a\":2}"},
          {"[1"},
          {""},
      };
      for (const auto& column : columns) {
        std::vector<Value> values;
        for (const std::string& each : column) values.push_back(nested(each));
        check::equal(note_of(values), kNoShape);
      }
      check::equal(note_of({nested("[1]"), nested("{\"a\":1}")}), "holds list, dict");
      check::equal(note_of({nested("[1]"), Value::of_str("x")}), "holds str, list");
      check::equal(column_of({nested("[1]"), nested("[true]"), none()}), "text [1] [True] -");
      check::equal(note_of({of_nested("[datetime.date(1, 1, 1)]", "[\"0001-01-01\"]")}), kNoShape);
    }};

static const check::Test bounds{
    "depth, keys and their variety are bounded", [] {
      const auto deep = [](std::size_t n) {
        return nested(std::string(n, '[') + "1" + std::string(n, ']'));
      };
      check::equal(column_of({deep(8)}), "[[[[[[[[int]]]]]]]] [[[[[[[[1]]]]]]]]");
      check::equal(note_of({deep(9)}), kNoShape);
      check::equal(note_of({deep(100'000)}), kNoShape);
      check::equal(column_of({nested(dict_of(0, 256))}).substr(0, 8), "{k0:int ");
      check::equal(note_of({nested(dict_of(0, 257))}), kNoShape);
      std::vector<Value> ids;
      for (std::size_t i = 0; i < 4; ++i) ids.push_back(nested(dict_of(i, i + 1)));
      check::equal(column_of(ids).substr(0, 33), "{k0:int k1:int k2:int k3:int} {1 ");
      ids.push_back(nested(dict_of(4, 5)));
      check::equal(note_of(ids), kNoShape);
    }};

static const check::Test memory{
    "what would take much memory for few values stays text", [] {
      // 70,000 empty dicts beside one of 250 keys, and 70,000 rows without any.
      check::equal(note_of({nested("[" + dict_of(0, 250) + "," + repeated("{}", 70'000) + "]")}),
                   kNoShape);
      std::vector<Value> rows(70'000, none());
      rows.push_back(nested(dict_of(0, 250)));
      check::equal(note_of(rows), kNoShape);
      rows.erase(rows.begin(), rows.begin() + 60'000);
      check::equal(column_of(rows).substr(0, 8), "{k0:int ");
    }};

static const check::Test many_batches{
    "long lists end a batch, and the next one begins anew", [] {
      const Value list = nested("[" + repeated("1", 1'000'000) + "]");
      const Records records = records_of(std::vector<Value>(10, list));
      const auto stream = table(records, "T");
      std::int64_t rows = 0;
      int batches = 0;
      for (Batch batch; stream->next(batch); ++batches) {
        rows += batch.rows;
        const ColumnData& column = batch.columns.at(1);
        check::equal(at<std::int64_t>(column.offsets, 0), 0);
        check::equal(column.inner.at(0).rows, batch.rows * 1'000'000);
      }
      check::equal(rows, 10);
      check::that(batches > 1);
    }};

static const check::Test changed{
    "a file that has changed since gives nulls, and no wrong value", [] {
      const auto reading = [](const Value& learned, const Value& read) {
        const Records before = records_of({learned});
        const Records after = records_of({read, learned});
        const Catalog catalog = catalog_of(before);
        const auto stream =
            attolog::open_table(catalog, catalog.find("T"), std::make_unique<List>(after));
        Batch batch;
        check::that(stream->next(batch));
        const Field& field = stream->fields().at(1);
        return cell(field, batch.columns.at(1), 0) + " " + cell(field, batch.columns.at(1), 1);
      };
      const Value list = nested("[1,2]");
      check::equal(reading(list, nested("{\"a\":1}")), "- [1 2]");
      check::equal(reading(list, Value::of_str("x")), "- [1 2]");
      check::equal(reading(list, nested("[true,\"x\",0.5,3,[4],5]")), "[- - - 3] [1 2]");
      check::equal(reading(list, nested("[7,")), "[7] [1 2]");
      const Value dict = nested(R"({"a":[1],"b":"x"})");
      check::equal(reading(dict, nested(R"({"c":1,"b":"y"})")), "{- -} {[1] x}");
      check::equal(reading(dict, nested(R"({"b":"y","b":"z"})")), "{- y} {[1] x}");
      check::equal(reading(dict, nested(R"({"b":"y","a":{"x":1}})")), "{- y} {[1] x}");
      check::equal(reading(dict, nested(R"({"a":[7)")), "{[7] -} {[1] x}");
    }};

static const check::Test arrow{
    "inner structs of Arrow are released once, whatever was moved out of them", [] {
      const Records records = records_of({nested(R"([{"a":[5]},null])"), nested("[]")});
      attolog::ArrowArrayStream stream;
      attolog::export_stream(table(records, "T"), &stream);
      attolog::ArrowSchema schema;
      check::equal(stream.get_schema(&stream, &schema), 0);
      attolog::ArrowArray array;
      check::equal(stream.get_next(&stream, &array), 0);
      stream.release(&stream);
      attolog::ArrowSchema& list = *schema.children[1];
      check::equal(std::string(list.format), "+L");
      check::equal(std::string(list.children[0]->format), "+s");
      check::equal(std::string(list.children[0]->name), "item");
      check::equal(std::string(list.children[0]->children[0]->name), "a");
      attolog::ArrowArray& lists = *array.children[1];
      check::equal(lists.n_buffers, 2);
      attolog::ArrowArray& items = *lists.children[0];
      check::equal(items.length, 2);
      check::equal(items.null_count, 1);
      check::equal(items.n_buffers, 1);
      attolog::ArrowArray moved = *items.children[0];
      items.children[0]->release = nullptr;
      array.release(&array);
      schema.release(&schema);
      check::equal(moved.length, 2);
      check::equal(*static_cast<const std::int64_t*>(moved.children[0]->buffers[1]), 5);
      moved.release(&moved);
      check::that(moved.release == nullptr);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
