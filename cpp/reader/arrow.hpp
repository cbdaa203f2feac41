// The Arrow C data and stream interfaces: how polars, pyarrow, DuckDB and pandas take our tables
// without a copy and without our knowing them.
#pragma once

#include <cstdint>
#include <memory>

#include "reader/columns.hpp"

namespace attolog {

// These three are a published ABI (arrow.apache.org, "The Arrow C data interface"): only their
// layout matters, so their names may live in our namespace.
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

// Arrow's format string of a type.
const char* format_of(Type type);

// Fills `out` with a stream of record batches that owns `table` and is released by its consumer.
// Batches own their data: they outlive the stream. A field's note stands in its metadata, under
// "attolog.note".
void export_stream(std::unique_ptr<BatchStream> table, ArrowArrayStream* out);

}  // namespace attolog
