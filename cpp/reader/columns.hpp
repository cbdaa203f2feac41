// Tables: records as typed columns, batch by batch, laid out as Arrow has them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer.hpp"
#include "reader/catalog.hpp"
#include "reader/records.hpp"

namespace attolog {

enum class Type : std::uint8_t {
  null,  // nothing but nulls
  boolean,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  text,
  binary,
  timestamp_ns,      // UTC
  timestamp_us_utc,  // of aware datetimes
  timestamp_us,      // of naive ones
  date,
  time_us,
  duration_us,
  duration_ns,
  list,       // of one inner field, its items
  structure,  // of inner fields, the keys of dicts
};

struct Field {
  std::string name;  // valid UTF-8 without NUL
  Type type = Type::null;
  std::string note;  // why a column is text that was not written as text; empty otherwise
  std::vector<Field> inner;
};

// A column of a batch. Buffers are empty where the type has none; `validity` is empty without
// nulls.
struct ColumnData {
  std::int64_t rows = 0;
  std::int64_t nulls = 0;
  Buffer validity;  // one bit a row, 0 for null
  Buffer values;
  Buffer offsets;  // text, binary: rows + 1 int64 into `values`; list: into the inner column
  std::vector<ColumnData> inner;
};

struct Batch {
  std::int64_t rows = 0;
  std::vector<ColumnData> columns;  // one for each field
};

// A table, once through. Fields are known before the first batch.
class BatchStream {
 public:
  virtual ~BatchStream() = default;
  virtual const std::vector<Field>& fields() const = 0;
  // The next batch, of some million rows at most and at least one; false at the end.
  virtual bool next(Batch& batch) = 0;
};

// The type of a column that has held `kinds` (see `holds`); `note` is set where Field has one.
Type type_of(std::uint32_t kinds, std::string& note);

// Adds text as valid UTF-8: a lone surrogate becomes \udXXX, a byte that is no UTF-8 \xXX.
void append_utf8(Buffer& out, std::string_view text);

// Text as a schema has it: valid UTF-8, without the NUL that would end it.
std::string schema_text(std::string_view text);

// Which columns of a table have so few values that they are put together into one column; empty
// where none are. A table takes memory by its rows x columns: where each record has names of its
// own, that grows by the square, and is nearly all nulls. So a table may have 2^24 nulls or, if
// that is more, 64 for each value. Beyond that the columns with the fewest values are put together,
// all those with equally few.
std::vector<bool> rare_columns(const TableInfo& table);

// The column that they are put together in: `more`, or `more_` where a field is called so.
std::string name_of_rare(const TableInfo& table);

// Whether a table ends with the columns that tell where its records come from: file, line,
// function, thread (its name, or its id if it has none), pid, run. A field of such a name gets a _.
enum class Origin : std::uint8_t { without, with };

// Whether lists and dicts of one shape are lists and structs.
enum class Nested : std::uint8_t { text, typed };

// Which columns of a table are wanted, and how.
struct TableColumns {
  Origin origin = Origin::without;
  Nested nested = Nested::typed;
  std::vector<std::string> names = {};  // as the schema has them, in this order; empty: all
};

class UnknownColumn : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;  // the column's name
};

class TableStream : public BatchStream {
 public:
  // Goes on with other records of the catalog's.
  virtual void restart(std::unique_ptr<RecordStream> records) = 0;
};

// All fields that the table at `index` of catalog.tables() has; the names that are wanted do not
// matter.
std::vector<Field> fields_of_table(const Catalog& catalog, std::size_t index,
                                   const TableColumns& columns = {});

// The table at `index` of catalog.tables(): `time`, in a message's table `level`, then its columns.
// Where rare ones are put together they are the last one, a JSON object by row.
// `records` must be among those that the catalog was made from. Throws UnknownColumn.
std::unique_ptr<TableStream> open_table(const Catalog& catalog, std::size_t index,
                                        std::unique_ptr<RecordStream> records,
                                        const TableColumns& columns = {});

// Writes a record's message as text (WTF-8).
using RenderText = std::function<void(const Record&, Buffer&)>;

// The view "*", all records of all tables: time, event, level, text, thread, pid; with the origin
// also file, line, function and run. LOG, PRINT, DROPPED and CLOCK count as events. Event is null
// for a message, and level for all others.
std::unique_ptr<BatchStream> open_all(std::unique_ptr<RecordStream> records, RenderText render,
                                      Origin origin = Origin::without);

// How a run's id is shown: as ATTOLOG_RUN_ID has it.
std::string run_name(std::uint64_t run_id);

}  // namespace attolog
