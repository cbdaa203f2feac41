#include "reader/arrow.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace attolog {
namespace {

constexpr std::int64_t kNullable = 2;  // ARROW_FLAG_NULLABLE

// The memory that a schema points to. A consumer may move a child out and release it on its own, so
// each has an owner of its own; the parent's owns the children's structs.
struct SchemaOwner {
  std::string name;
  std::string metadata;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};

struct ArrayOwner {
  ColumnData data;
  std::array<const void*, 3> buffers{};
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
};

// Releases what the consumer has not moved elsewhere, then the owner. A released struct has no
// release function, by which a second release is known.
template <class Struct, class Owner>
void release(Struct* self) {
  if (self->release == nullptr) return;
  const std::unique_ptr<Owner> owner(static_cast<Owner*>(self->private_data));
  for (Struct& child : owner->children) {
    if (child.release != nullptr) child.release(&child);
  }
  self->release = nullptr;
  self->private_data = nullptr;
}

template <class Struct, class Owner>
void adopt(Struct& self, std::unique_ptr<Owner> owner) {
  owner->pointers.reserve(owner->children.size());
  for (Struct& child : owner->children) owner->pointers.push_back(&child);
  self.n_children = static_cast<std::int64_t>(owner->children.size());
  self.children = owner->pointers.data();
  self.release = &release<Struct, Owner>;
  self.private_data = owner.release();
}

// Children of a parent that is not finished: released if it never is.
template <class Struct>
class Children {
 public:
  explicit Children(std::size_t count) { list_.reserve(count); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (Struct& child : list_) child.release(&child);
  }
  void add(const Struct& child) { list_.push_back(child); }
  std::vector<Struct> take() { return std::exchange(list_, {}); }

 private:
  std::vector<Struct> list_;
};

// Key-value pairs as the ABI has them: int32 count, then length and bytes of each key and value.
std::string metadata_of(const std::string& note) {
  std::string bytes;
  const auto number = [&bytes](std::size_t n) {
    const auto value = static_cast<std::int32_t>(n);
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof raw);
  };
  const std::string key = "attolog.note";
  number(1);
  number(key.size());
  bytes += key;
  number(note.size());
  bytes += note;
  return bytes;
}

ArrowSchema make_schema(const Field& field) {
  Children<ArrowSchema> children(field.inner.size());
  for (const Field& inner : field.inner) children.add(make_schema(inner));
  auto owner = std::make_unique<SchemaOwner>();
  owner->name = field.name;
  if (!field.note.empty()) owner->metadata = metadata_of(field.note);
  owner->pointers.reserve(field.inner.size());
  owner->children = children.take();
  ArrowSchema schema{};
  schema.format = format_of(field.type);
  schema.name = owner->name.c_str();
  schema.metadata = field.note.empty() ? nullptr : owner->metadata.data();
  schema.flags = kNullable;
  adopt(schema, std::move(owner));
  return schema;
}

ArrowSchema make_schema(const std::vector<Field>& fields) {
  Children<ArrowSchema> children(fields.size());
  for (const Field& field : fields) children.add(make_schema(field));
  auto owner = std::make_unique<SchemaOwner>();
  owner->pointers.reserve(fields.size());
  owner->children = children.take();
  ArrowSchema schema{};
  schema.format = "+s";
  schema.name = owner->name.c_str();
  adopt(schema, std::move(owner));
  return schema;
}

ArrowArray make_array(const Field& field, ColumnData&& data) {
  Children<ArrowArray> children(data.inner.size());
  for (std::size_t i = 0; i < data.inner.size(); ++i) {
    children.add(make_array(field.inner[i], std::move(data.inner[i])));
  }
  auto owner = std::make_unique<ArrayOwner>();
  owner->data = std::move(data);
  owner->pointers.reserve(field.inner.size());
  owner->children = children.take();
  ArrowArray array{};
  array.length = owner->data.rows;
  array.null_count = owner->data.nulls;
  array.buffers = owner->buffers.data();
  // Buffers without content still have an address, except the validity of a column without nulls.
  static const std::int64_t kNothing = 0;
  const auto address = [](const Buffer& buffer) -> const void* {
    return buffer.data() != nullptr ? static_cast<const void*>(buffer.data()) : &kNothing;
  };
  const auto add = [&](const void* buffer) {
    owner->buffers[static_cast<std::size_t>(array.n_buffers++)] = buffer;
  };
  if (field.type != Type::null) {
    add(owner->data.nulls != 0 ? owner->data.validity.data() : nullptr);
    const bool is_text = field.type == Type::text || field.type == Type::binary;
    if (is_text || field.type == Type::list) add(address(owner->data.offsets));
    if (field.type != Type::list && field.type != Type::structure) {
      add(address(owner->data.values));
    }
  }
  adopt(array, std::move(owner));
  return array;
}

ArrowArray make_array(const std::vector<Field>& fields, Batch&& batch) {
  Children<ArrowArray> children(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    children.add(make_array(fields[i], std::move(batch.columns[i])));
  }
  auto owner = std::make_unique<ArrayOwner>();
  owner->pointers.reserve(fields.size());
  owner->children = children.take();
  ArrowArray array{};
  array.length = batch.rows;
  array.n_buffers = 1;  // a struct's validity: never null
  array.buffers = owner->buffers.data();
  adopt(array, std::move(owner));
  return array;
}

struct StreamOwner {
  std::unique_ptr<BatchStream> table;
  std::string error;

  // Runs `body`; turns what it throws into the ABI's error code and text.
  template <class Body>
  int run(const Body& body) noexcept {
    try {
      body();
      return 0;
    } catch (const std::bad_alloc&) {
      error.clear();
      return ENOMEM;
    } catch (const std::exception& e) {
      try {
        error = e.what();
      } catch (...) {
        error.clear();
      }
      return EIO;
    } catch (...) {
      error.clear();
      return EIO;
    }
  }
};

StreamOwner& owner_of(ArrowArrayStream* stream) {
  return *static_cast<StreamOwner*>(stream->private_data);
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  StreamOwner& owner = owner_of(stream);
  return owner.run([&] { *out = make_schema(owner.table->fields()); });
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  StreamOwner& owner = owner_of(stream);
  return owner.run([&] {
    Batch batch;
    *out = owner.table->next(batch) ? make_array(owner.table->fields(), std::move(batch))
                                    : ArrowArray{};  // no release function: the end
  });
}

const char* get_last_error(ArrowArrayStream* stream) {
  const std::string& error = owner_of(stream).error;
  return error.empty() ? nullptr : error.c_str();
}

void release_stream(ArrowArrayStream* stream) {
  if (stream->release == nullptr) return;
  const std::unique_ptr<StreamOwner> owner(&owner_of(stream));
  stream->release = nullptr;
  stream->private_data = nullptr;
}

}  // namespace

const char* format_of(Type type) {
  switch (type) {
    case Type::null: return "n";
    case Type::boolean: return "b";
    case Type::int8: return "c";
    case Type::int16: return "s";
    case Type::int32: return "i";
    case Type::int64: return "l";
    case Type::uint8: return "C";
    case Type::uint16: return "S";
    case Type::uint32: return "I";
    case Type::uint64: return "L";
    case Type::float32: return "f";
    case Type::float64: return "g";
    case Type::text: return "U";  // 64-bit offsets: no column is too long
    case Type::binary: return "Z";
    case Type::timestamp_ns: return "tsn:UTC";
    case Type::timestamp_us_utc: return "tsu:UTC";
    case Type::timestamp_us: return "tsu:";
    case Type::date: return "tdD";
    case Type::time_us: return "ttu";
    case Type::duration_us: return "tDu";
    case Type::duration_ns: return "tDn";
    case Type::list: return "+L";
    case Type::structure: return "+s";
  }
  return "n";
}

void export_stream(std::unique_ptr<BatchStream> table, ArrowArrayStream* out) {
  auto owner = std::make_unique<StreamOwner>();
  owner->table = std::move(table);
  *out = {get_schema, get_next, get_last_error, release_stream, owner.release()};
}

}  // namespace attolog
