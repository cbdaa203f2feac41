#include "python/reading/summarize.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "core/arena.hpp"
#include "core/codec.hpp"
#include "format/value_text.hpp"
#include "python/reading/query_arguments.hpp"
#include "python/values/objects.hpp"
#include "python/values/text.hpp"
#include "python/without_gil.hpp"
#include "reader/figures.hpp"

namespace attolog::python {

namespace {

// How long handlers of signals, such as Ctrl-C's, are kept waiting.
constexpr std::chrono::milliseconds kPatience{50};
constexpr std::size_t kTopValues = 10;
constexpr Py_ssize_t kMostBins = 100'000;
constexpr Py_ssize_t kMostGroupBins = 1'000;  // each group has them

PyRef none() {
  return PyRef(Py_NewRef(Py_None));
}
PyRef whole(std::uint64_t number) {
  return PyRef(PyLong_FromUnsignedLongLong(number));
}
PyRef signed_whole(std::int64_t number) {
  return PyRef(PyLong_FromLongLong(number));
}
PyRef real(double number) {
  return PyRef(PyFloat_FromDouble(number));
}
// A sum of weights: an int where it is whole.
PyRef calls(double number) {
  const bool is_int = std::floor(number) == number && number < kWholeDoubles;
  return is_int ? PyRef(PyLong_FromDouble(number)) : real(number);
}

// Puts an item that was just made; false with an exception set, also where it could not be made.
bool put(PyObject* dict, const char* key, const PyRef& item) {
  return item != nullptr && PyDict_SetItemString(dict, key, item.get()) == 0;
}
bool append(PyObject* list, const PyRef& item) {
  return item != nullptr && PyList_Append(list, item.get()) == 0;
}

PyRef pair(PyRef first, PyRef second) {
  if (first == nullptr || second == nullptr) return nullptr;
  return PyRef(PyTuple_Pack(2, first.get(), second.get()));
}

const char* name_of(ColumnStats::Kind kind) {
  switch (kind) {
    case ColumnStats::Kind::number: return "number";
    case ColumnStats::Kind::boolean: return "bool";
    case ColumnStats::Kind::text: return "text";
    default: return "other";
  }
}

// The most frequent values, with the calls that have them.
PyRef top_of(const ColumnStats& column) {
  PyRef list(PyList_New(0));
  if (list == nullptr) return nullptr;
  std::vector<std::pair<bool, double>> bools{{true, column.trues}, {false, column.falses}};
  if (column.falses > column.trues) std::swap(bools[0], bools[1]);
  for (const auto& [value, count] : bools) {
    if (count == 0) continue;
    if (!append(list.get(), pair(PyRef(PyBool_FromLong(value ? 1 : 0)), calls(count)))) {
      return nullptr;
    }
  }
  const auto left = kTopValues - static_cast<std::size_t>(PyList_GET_SIZE(list.get()));
  for (const auto& [text, count] : column.texts.top(left)) {
    if (!append(list.get(), pair(PyRef(from_wtf8(text)), calls(count)))) return nullptr;
  }
  return list;
}

bool put_numbers(PyObject* dict, const ColumnStats& column) {
  const bool has_numbers = column.numbers != 0;
  const bool is_int = has_numbers && column.is_whole;
  const auto figure = [&](double number) { return has_numbers ? real(number) : none(); };
  return put(dict, "min", is_int ? signed_whole(column.least_whole) : figure(column.least)) &&
         put(dict, "max", is_int ? signed_whole(column.greatest_whole) : figure(column.greatest)) &&
         put(dict, "sum", figure(column.sum.value())) && put(dict, "mean", figure(column.mean())) &&
         put(dict, "p50", has_numbers ? real(column.quantile(0.5)) : none()) &&
         put(dict, "p99", has_numbers ? real(column.quantile(0.99)) : none()) &&
         put(dict, "not_finite", whole(column.not_finite));
}

PyRef column_dict(const std::string& name, const ColumnStats& column) {
  PyRef dict(PyDict_New());
  if (dict == nullptr) return nullptr;
  const std::size_t distinct =
      column.texts.distinct() + (column.trues != 0 ? 1 : 0) + (column.falses != 0 ? 1 : 0);
  const bool has_top = distinct != 0;
  const bool is_done =
      put(dict.get(), "name", PyRef(from_wtf8(name))) &&
      put(dict.get(), "kind", PyRef(PyUnicode_FromString(name_of(column.kind())))) &&
      put(dict.get(), "count", whole(column.values)) && put_numbers(dict.get(), column) &&
      put(dict.get(), "top", top_of(column)) &&
      put(dict.get(), "distinct", has_top ? whole(distinct) : none()) &&
      put(dict.get(), "exact", PyRef(PyBool_FromLong(column.texts.is_exact() ? 1 : 0)));
  return is_done ? std::move(dict) : nullptr;
}

PyRef histogram_of(const RecordStats& stats, std::size_t bins) {
  PyRef list(PyList_New(0));
  for (std::size_t i = 0; list != nullptr && i < bins; ++i) {
    if (!append(list.get(), calls(stats.histogram.empty() ? 0 : stats.histogram[i]))) list.reset();
  }
  return list;
}

PyRef levels_of(const RecordStats& stats) {
  PyRef dict(PyDict_New());
  if (dict == nullptr) return nullptr;
  for (const auto& [level, count] : stats.levels) {
    const PyRef name(from_wtf8(level_name(level)));
    const PyRef number = calls(count);
    if (name == nullptr || number == nullptr ||
        PyDict_SetItem(dict.get(), name.get(), number.get()) != 0) {
      return nullptr;
    }
  }
  return dict;
}

// The columns of a table that are in its figures, with the bins of its histogram.
struct Shape {
  std::vector<std::string> names;
  TimeBins bins;
};

PyRef record_dict(const RecordStats& stats, const Shape& shape) {
  PyRef dict(PyDict_New());
  PyRef columns(PyList_New(0));
  if (dict == nullptr || columns == nullptr) return nullptr;
  const ColumnStats empty;
  for (std::size_t i = 0; i < shape.names.size(); ++i) {
    const ColumnStats& column = i < stats.columns.size() ? stats.columns[i] : empty;
    if (!append(columns.get(), column_dict(shape.names[i], column))) return nullptr;
  }
  const bool has_rows = stats.rows != 0;
  const bool is_done =
      put(dict.get(), "rows", whole(stats.rows)) &&
      put(dict.get(), "weight", calls(stats.weight)) &&
      put(dict.get(), "first", has_rows ? signed_whole(stats.first_ns) : none()) &&
      put(dict.get(), "last", has_rows ? signed_whole(stats.last_ns) : none()) &&
      put(dict.get(), "bytes", whole(stats.bytes)) && put(dict.get(), "levels", levels_of(stats)) &&
      put(dict.get(), "histogram", histogram_of(stats, shape.bins.bins)) &&
      put(dict.get(), "span",
          has_rows ? pair(signed_whole(shape.bins.first_ns), signed_whole(shape.bins.last_ns))
                   : none()) &&
      put(dict.get(), "columns", columns);
  return is_done ? std::move(dict) : nullptr;
}

// The value that a group has in common.
PyRef value_of(const std::string& by) {
  Arena arena;
  std::vector<Value> values;
  if (!decode_values(by, arena, values) || values.size() != 1) return none();
  return PyRef(to_object(values[0]));
}

// Puts a group's figures. Where values of two types are equal for a dict, as 1 and True, the key of
// the later one is its text.
bool put_group(PyObject* groups, PyRef key, const PyRef& stats) {
  if (key == nullptr || stats == nullptr) return false;
  for (int is_taken = PyDict_Contains(groups, key.get()); is_taken != 0;
       is_taken = PyDict_Contains(groups, key.get())) {
    if (is_taken < 0) return false;
    key.reset(PyUnicode_FromFormat(PyUnicode_Check(key.get()) ? "%S_" : "%S", key.get()));
    if (key == nullptr) return false;
  }
  return PyDict_SetItem(groups, key.get(), stats.get()) == 0;
}

PyRef groups_dict(const TableStats& table, const Shape& shape) {
  PyRef groups(PyDict_New());
  if (groups == nullptr) return nullptr;
  for (const TableStats::Group& each : table.groups()) {
    if (!put_group(groups.get(), value_of(each.by), record_dict(*each.stats, shape))) {
      return nullptr;
    }
  }
  const RecordStats* const others = table.others();
  if (others == nullptr) return groups;
  const PyRef stats = record_dict(*others, shape);
  if (!put_group(groups.get(), PyRef(PyUnicode_FromString("(others)")), stats)) return nullptr;
  return groups;
}

PyRef table_dict(const JournalReader& journal, const Figures& figures, std::size_t index,
                 bool has_groups) {
  const TableInfo& info = journal.catalog().tables()[index];
  Shape shape{{}, figures.bins_of(index)};
  for (const std::size_t column : figures.columns_of(index)) {
    shape.names.push_back(info.columns[column].name);
  }
  const TableStats& table = *figures.tables()[index];
  PyRef dict = record_dict(table.all(), shape);
  if (dict == nullptr) return nullptr;
  if (has_groups && !put(dict.get(), "groups", groups_dict(table, shape))) return nullptr;
  return dict;
}

// Passes over the records; null with an exception set.
std::unique_ptr<Figures> run(const std::shared_ptr<JournalReader>& journal,
                             const FiguresQuery& query) {
  std::unique_ptr<Figures> figures;
  try {
    outside_gil([&] { figures = std::make_unique<Figures>(journal, query); });
    for (bool is_done = false; !is_done;) {
      if (PyErr_CheckSignals() != 0) {
        outside_gil([&] { figures.reset(); });  // its threads end their stretches
        return nullptr;
      }
      outside_gil([&] { is_done = figures->go_on(kPatience); });
    }
    return figures;
  } catch (const UnknownColumn& error) {
    const PyRef unknown(from_wtf8(error.what()));
    if (unknown != nullptr) PyErr_SetObject(PyExc_KeyError, unknown.get());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
  }
  return nullptr;
}

bool take_bins(Py_ssize_t given, bool has_groups, std::size_t& bins) {
  const Py_ssize_t most = has_groups ? kMostGroupBins : kMostBins;
  if (given < 0 || given > most) {
    PyErr_Format(PyExc_ValueError, "a histogram has 0 to %zd bins", most);
    return false;
  }
  bins = static_cast<std::size_t>(given);
  return true;
}

bool take_by(PyObject* given, std::optional<std::string>& by) {
  if (given == Py_None) return true;
  if (!PyUnicode_Check(given)) {
    PyErr_SetString(PyExc_TypeError, "a column's name is a str");
    return false;
  }
  by = to_wtf8(given);
  return true;
}

}  // namespace

PyObject* summarize(const std::shared_ptr<JournalReader>& journal, PyObject* args,
                    PyObject* kwargs) {
  static const char* const keywords[] = {"table", "columns", "where", "since",
                                         "until", "bins",    "by",    nullptr};
  PyObject* name = nullptr;
  PyObject* columns = Py_None;
  PyObject* by = Py_None;
  Py_ssize_t bins = 0;
  QueryArguments arguments;
  FiguresQuery query;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|$OOOOnO:summarize",
                                   const_cast<char**>(keywords), &name, &columns, &arguments.where,
                                   &arguments.since, &arguments.until, &bins, &by)) {
    return nullptr;
  }
  std::vector<std::string> names;
  if (!arguments.read(query.records) || !take_by(by, query.by) ||
      !take_bins(bins, query.by.has_value(), query.bins) ||
      !take_table(journal->catalog(), name, query.records.selection.table) ||
      !take_names(columns, names)) {
    return nullptr;
  }
  if (columns != Py_None) query.columns = std::move(names);
  const auto figures = run(journal, query);
  if (figures == nullptr) return nullptr;
  return table_dict(*journal, *figures, query.records.selection.table, query.by.has_value())
      .release();
}

PyObject* summarize_all(const std::shared_ptr<JournalReader>& journal, PyObject* args,
                        PyObject* kwargs) {
  static const char* const keywords[] = {"where", "since", "until", "bins", nullptr};
  Py_ssize_t bins = 0;
  QueryArguments arguments;
  FiguresQuery query;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOn:summarize_all",
                                   const_cast<char**>(keywords), &arguments.where, &arguments.since,
                                   &arguments.until, &bins) ||
      !arguments.read(query.records) || !take_bins(bins, false, query.bins)) {
    return nullptr;
  }
  const auto figures = run(journal, query);
  PyRef list(figures == nullptr ? nullptr : PyList_New(0));
  for (std::size_t i = 0; list != nullptr && i < figures->tables().size(); ++i) {
    if (!append(list.get(), table_dict(*journal, *figures, i, false))) list.reset();
  }
  return list.release();
}

}  // namespace attolog::python
