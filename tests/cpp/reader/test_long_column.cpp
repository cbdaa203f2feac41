#include "reader/long_column.hpp"

#include <string>
#include <vector>

#include "check.hpp"
#include "tables.hpp"

using namespace journal_test;
using attolog::Batch;
using attolog::BatchStream;
using attolog::Catalog;
using attolog::LabelledTable;
using attolog::open_long_column;
using attolog::Type;
using attolog::UnknownColumn;
using tables::List;

namespace {

const Site train = site(16, "TRAIN", {"epoch", "loss", "lr"});
const Site valid = site(17, "VALID", {"loss", "epoch", "acc"});
const Site other = site(18, "OTHER", {"n"});

const tables::Records records{
    {&train, 10, {Value::of_int(1), of_float(0.5), of_float(0.1)}},
    {&other, 11, {Value::of_int(7)}},
    {&valid, 12, {Value::of_int(2), Value::of_int(1), of_float(0.9)}},
    {&train, 13, {Value::of_int(2), none(), of_float(0.1)}},
};

std::unique_ptr<BatchStream> open(const std::vector<std::string>& names,
                                  const std::string& column) {
  const Catalog catalog = tables::catalog_of(records);
  std::vector<LabelledTable> wanted;
  for (const std::string& name : names) wanted.push_back({catalog.find(name), "the " + name});
  return open_long_column(catalog, wanted, column, std::make_unique<List>(records));
}

bool is_refused(const std::vector<std::string>& names, const std::string& column) {
  try {
    open(names, column);
  } catch (const UnknownColumn&) {
    return true;
  }
  return false;
}

}  // namespace

static const check::Test rows{
    "a column of two tables comes in the order of time, with the columns that both have", [] {
      const auto stream = open({"TRAIN", "VALID"}, "loss");
      std::vector<std::string> names;
      for (const attolog::Field& field : stream->fields()) names.push_back(field.name);
      check::that(names == std::vector<std::string>{"time", "table", "loss", "epoch"});
      check::that(stream->fields()[2].type == Type::float64);  // of floats and ints

      Batch batch;
      check::that(stream->next(batch));
      check::equal(batch.rows, 3);
      check::equal(tables::at<std::int64_t>(batch.columns[0].values, 1), 12);
      check::equal(batch.columns[1].values.view(), "the TRAINthe VALIDthe TRAIN");
      check::equal(tables::at<double>(batch.columns[2].values, 0), 0.5);
      check::equal(tables::at<double>(batch.columns[2].values, 1), 2.0);
      check::equal(batch.columns[2].nulls, 1);
      check::equal(tables::at<std::int64_t>(batch.columns[3].values, 2), 2);
      check::that(!stream->next(batch));
    }};

static const check::Test alone{"a column of one table comes with all of its columns", [] {
                                 const auto stream = open({"VALID"}, "acc");
                                 check::equal(stream->fields().size(), 5U);
                                 check::equal(stream->fields()[2].name, "acc");
                               }};

static const check::Test unknown{"a column that one of the tables lacks is refused", [] {
                                   check::that(is_refused({"TRAIN", "VALID"}, "lr"));
                                   check::that(is_refused({"TRAIN"}, "time"));
                                   check::that(is_refused({}, "loss"));
                                   check::that(!is_refused({"TRAIN"}, "lr"));
                                 }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
