// The record as it lies in a ring:
//
//   u32 size, a multiple of 8 | u32 flags and site | u64 ticks | [i64 ns] | values | zeros
//
// A value is its tag and the payload that value.hpp gives for it, unaligned, one behind the other.
// The encoder for Python's objects is python/encode.hpp; here are the decoder, and the encoder for
// what C++ itself logs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/arena.hpp"
#include "core/buffer.hpp"
#include "core/clock.hpp"
#include "core/value.hpp"

namespace attolog {

struct RecordHead {
  std::uint32_t size;
  std::uint32_t site;  // low 24 bits; flags above
  Ticks ticks;
};
static_assert(sizeof(RecordHead) == 16);

inline constexpr std::uint32_t kSiteMask = 0x00ff'ffff;
// The time was set by the program (set_time) and follows the head; ticks still give the order.
inline constexpr std::uint32_t kStamped = 0x8000'0000;
// The values lie in a spill file: u64 its number, u64 its length follow.
inline constexpr std::uint32_t kSpilled = 0x4000'0000;
// It is on the screen already: no echo shows it.
inline constexpr std::uint32_t kShown = 0x2000'0000;

struct RingRecord {
  RecordHead head{};
  std::int64_t stamp = 0;          // if kStamped
  std::string_view values;         // encoded; empty if spilled
  std::uint64_t spill_number = 0;  // if kSpilled
  std::uint64_t spill_size = 0;

  std::uint32_t site() const { return head.site & kSiteMask; }
};

// Takes the record at the start of `bytes` apart. False: no whole record is there.
bool parse_record(std::string_view bytes, RingRecord& record);

// Decodes values into `values`; texts point into `bytes` or `arena`. False: they are damaged (the
// values before the damage are there).
bool decode_values(std::string_view bytes, Arena& arena, std::vector<Value>& values);

// Writes a code point as WTF-8 (surrogates like any other), up to four bytes; returns their end.
char* put_code_point(char* out, std::uint32_t code_point);

// Encoding of what is known in C++.
void encode_int(Buffer& out, std::int64_t value);
void encode_float(Buffer& out, double value);
void encode_str(Buffer& out, std::string_view wtf8);  // also used for any text Python made
void encode_sized(Buffer& out, Tag tag, std::string_view payload);
void encode_nested_text(Buffer& out, std::string_view text, std::string_view json);
// Puts head and padding around `values`.
void encode_record(Buffer& out, std::uint32_t site, Ticks ticks, std::string_view values);
// The record that says whose the following ones are.
void encode_thread(Buffer& out, Ticks ticks, std::uint64_t id, std::string_view name);

}  // namespace attolog
