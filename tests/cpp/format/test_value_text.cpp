#include "format/value_text.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"

using namespace attolog;
using namespace std::string_view_literals;

namespace {

constexpr std::int64_t kDay = 86400000000;

std::string plain(const Value& value) {
  Buffer out;
  write_plain(out, value);
  return std::string(out.view());
}
Value of(Tag tag, std::int64_t i = 0, std::int32_t offset = 0) {
  Value value;
  value.tag = tag;
  value.i = i;
  value.offset_seconds = offset;
  return value;
}
Value of_text(Tag tag, std::string_view text) {
  Value value = Value::of_str(text);
  value.tag = tag;
  return value;
}
Value of_float(Tag tag, double f) {
  Value value;
  value.tag = tag;
  value.f = f;
  return value;
}
std::string pair(const Value& value) {
  Buffer out;
  write_pair(out, "x", value);
  return std::string(out.view());
}

const check::Test scalars{
    "numbers, truth values and None", [] {
      check::equal(plain(of(Tag::none)), "");
      check::equal(plain(of(Tag::true_)), "True");
      check::equal(plain(of(Tag::false_)), "False");
      for (const Tag tag : {Tag::int64, Tag::int8, Tag::int16, Tag::int32})
        check::equal(plain(of(tag, -7)), "-7");
      for (const Tag tag : {Tag::uint8, Tag::uint16, Tag::uint32})
        check::equal(plain(of(tag, 7)), "7");
      check::equal(plain(of(Tag::uint64, -1)), "18446744073709551615");
      check::equal(plain(of_float(Tag::float64, 1e16)), "1e+16");
      check::equal(plain(of_float(Tag::float32, 0.10000000149011612)), "0.10000000149011612");
      check::equal(plain(of_text(Tag::bigint, "1180591620717411303424")), "1180591620717411303424");
      check::equal(plain(Value::of_str("a, b")), "a, b");
    }};

const check::Test bytes{"bytes as Python's repr", [] {
                          check::equal(plain(of_text(Tag::bytes, "")), "b''");
                          check::equal(plain(of_text(Tag::bytes, "a\0\x1f\x7f\xff\n\r\t\\z"sv)),
                                       "b'a\\x00\\x1f\\x7f\\xff\\n\\r\\t\\\\z'");
                          check::equal(plain(of_text(Tag::bytes, "it's")), "b\"it's\"");
                          check::equal(plain(of_text(Tag::bytes, "say \"it's\"")),
                                       "b'say \"it\\'s\"'");
                        }};

const check::Test datetimes{
    "dates and times as isoformat() writes them", [] {
      check::equal(plain(of(Tag::datetime, 0)), "1970-01-01T00:00:00");
      check::equal(plain(of(Tag::datetime, -1)), "1969-12-31T23:59:59.999999");
      check::equal(plain(of(Tag::datetime, 1707234567123456)), "2024-02-06T15:49:27.123456");
      check::equal(plain(of(Tag::datetime, -62135596800000000)), "0001-01-01T00:00:00");
      check::equal(plain(of(Tag::datetime, 253402300799999999)), "9999-12-31T23:59:59.999999");
      check::equal(plain(of(Tag::datetime_utc, 0, 0)), "1970-01-01T00:00:00+00:00");
      check::equal(plain(of(Tag::datetime_utc, 0, 19800)), "1970-01-01T05:30:00+05:30");
      check::equal(plain(of(Tag::datetime_utc, 0, -12601)), "1969-12-31T20:29:59-03:30:01");
      check::equal(plain(of(Tag::date, 19782)), "2024-02-29");
      check::equal(plain(of(Tag::date, 19783)), "2024-03-01");
      check::equal(plain(of(Tag::date, 11016)), "2000-02-29");
      check::equal(plain(of(Tag::date, -25508)), "1900-03-01");
      check::equal(plain(of(Tag::time, 0)), "00:00:00");
      check::equal(plain(of(Tag::time, kDay - 1)), "23:59:59.999999");
      check::equal(plain(of(Tag::time, 3723000001)), "01:02:03.000001");
    }};

const check::Test durations{"durations as pandas' Timedelta.isoformat() writes them", [] {
                              check::equal(plain(of(Tag::duration, 0)), "P0DT0H0M0S");
                              check::equal(plain(of(Tag::duration, kDay + 7384500000)),
                                           "P1DT2H3M4.5S");
                              check::equal(plain(of(Tag::duration, 1)), "P0DT0H0M0.000001S");
                              check::equal(plain(of(Tag::duration, -1000000)), "P-1DT23H59M59S");
                            }};

const check::Test damaged{
    "values that no program can have logged are written all the same", [] {
      for (const std::int64_t i :
           {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        for (const std::int32_t offset :
             {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}) {
          for (const Tag tag :
               {Tag::datetime, Tag::datetime_utc, Tag::date, Tag::time, Tag::duration})
            check::that(!plain(of(tag, i, offset)).empty());
        }
      }
    }};

const check::Test pairs{"pairs can be told apart", [] {
                          check::equal(pair(of(Tag::int64, 7)), " x=7");
                          check::equal(pair(of(Tag::none)), " x=None");
                          check::equal(pair(Value::of_str("ResNet50")), " x=ResNet50");
                          check::equal(pair(Value::of_str("")), " x=\"\"");
                          check::equal(pair(Value::of_str("a b")), " x=\"a b\"");
                          check::equal(pair(Value::of_str("a=b")), " x=\"a=b\"");
                          check::equal(pair(Value::of_str("say \"it's\"")),
                                       " x=\"say \"\"it's\"\"\"");
                        }};

const check::Test names{"values beyond the fields are named by position", [] {
                          const std::vector<std::string> fields{"a", "b"};
                          check::equal(field_name(fields, 1), "b");
                          check::equal(field_name(fields, 2), "v3");
                        }};

const check::Test levels{"levels have the standard library's names", [] {
                           check::equal(level_name(0), "DEBUG");
                           check::equal(level_name(10), "DEBUG");
                           check::equal(level_name(20), "INFO");
                           check::equal(level_name(30), "WARNING");
                           check::equal(level_name(40), "ERROR");
                           check::equal(level_name(50), "CRITICAL");
                         }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
