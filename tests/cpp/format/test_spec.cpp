// Examples of every rule; tests/property/test_format.py compares with CPython at large.
#include "format/spec.hpp"

#include <limits>
#include <string>

#include "check.hpp"

using namespace attolog;

namespace {

Value of(double f) {
  Value value;
  value.tag = Tag::float64;
  value.f = f;
  return value;
}
Value of(bool b) {
  Value value;
  value.tag = b ? Tag::true_ : Tag::false_;
  return value;
}
Value of(int i) {
  return Value::of_int(i);
}
Value of(const char* text) {
  return Value::of_str(text);
}

template <class T>
std::string format(std::string_view spec, T value) {
  const Spec parsed(spec);
  const Value given = of(value);
  if (!parsed.native(given.tag)) return "NOT NATIVE";
  Buffer out;
  parsed.format(out, given);
  return std::string(out.view());
}

const check::Test texts{
    "texts: width and precision count code points", [] {
      check::equal(format("", "abc"), "abc");
      check::equal(format("5", "abc"), "abc  ");
      check::equal(format(">5", "abc"), "  abc");
      check::equal(format("^6", "abc"), " abc  ");
      check::equal(format("*^6s", "abc"), "*abc**");
      check::equal(format("05", "abc"), "abc00");
      check::equal(format(".2", "abc"), "ab");
      check::equal(format("é>4.2", "漢字x"), "éé漢字");
      check::equal(format("3", "\xed\xa0\x80"), "\xed\xa0\x80  ");
      for (const char* spec : {"+", "=5", ",", "#", "d", ".2f", "z", "5x5", "."})
        check::equal(format(spec, "abc"), "NOT NATIVE");
    }};

const check::Test ints{"ints: sign, base, prefix, groups", [] {
                         check::equal(format("", 5), "5");
                         check::equal(format("d", -5), "-5");
                         check::equal(format("+", 5), "+5");
                         check::equal(format(" ", 5), " 5");
                         check::equal(format("5", -5), "   -5");
                         check::equal(format("05", -5), "-0005");
                         check::equal(format("<05", 5), "50000");
                         check::equal(format("*=5", -5), "-***5");
                         check::equal(format("^5", 5), "  5  ");
                         check::equal(format("x", 255), "ff");
                         check::equal(format("#X", 255), "0XFF");
                         check::equal(format("#010b", 5), "0b00000101");
                         check::equal(format("o", 8), "10");
                         check::equal(format(",", 1234567), "1,234,567");
                         check::equal(format("_x", 0x1234567), "123_4567");
                         check::equal(format("08,", 1234), "0,001,234");
                         check::equal(format("09,", 1234), "0,001,234");
                         check::equal(format("010,", 1234), "00,001,234");
                         check::equal(format(".2f", 3), "3.00");
                         check::equal(format("%", 1), "100.000000%");
                         for (const char* spec : {".2", "s", "c", "n", "z", ",x", ",_", "_,",
                                                  "4097", "99999999999999"})
                           check::equal(format(spec, 5), "NOT NATIVE");
                       }};

const check::Test limits{"the ends of int64 in every base", [] {
                           const auto text = [](std::string_view spec, std::int64_t value) {
                             Buffer out;
                             Spec(spec).format(out, Value::of_int(value));
                             return std::string(out.view());
                           };
                           const std::int64_t least = std::numeric_limits<std::int64_t>::min();
                           check::equal(text("x", least), "-8000000000000000");
                           check::equal(text("#_b", -1), "-0b1");
                           check::equal(text("b", least), "-1" + std::string(63, '0'));
                           check::equal(text(",", least), "-9,223,372,036,854,775,808");
                         }};

const check::Test floats{
    "floats: every type", [] {
      check::equal(format("", 1e16), "1e+16");
      check::equal(format("8", 1.5), "     1.5");
      check::equal(format(".3", 1234567.0), "1.23e+06");
      check::equal(format(".3", 100.0), "1e+02");
      check::equal(format(".4", 100.0), "100.0");
      check::equal(format(".3f", 0.0005), "0.001");
      check::equal(format(".0f", 2.5), "2");
      check::equal(format("#.0f", 2.5), "2.");
      check::equal(format(".1e", 12345.0), "1.2e+04");
      check::equal(format("E", 1e100), "1.000000E+100");
      check::equal(format("g", 1e-5), "1e-05");
      check::equal(format("g", 0.0001), "0.0001");
      check::equal(format("#g", 1.0), "1.00000");
      check::equal(format(".1%", 0.256), "25.6%");
      check::equal(format("010.2f", -3.14159), "-000003.14");
      check::equal(format("012,.2f", 1234.5), "0,001,234.50");
      check::equal(format("z.0f", -0.4), "0");
      check::equal(format(".0f", -0.4), "-0");
      check::equal(format("z.1f", -0.06), "-0.1");
      check::equal(format("06", std::numeric_limits<double>::infinity()), "000inf");
      check::equal(format("F", -std::numeric_limits<double>::infinity()), "-INF");
      check::equal(format("+", std::numeric_limits<double>::quiet_NaN()), "+nan");
      check::equal(format(".4096f", 1.0).size(), std::size_t{4098});
      check::equal(format(".4096f", 1e308).size(), std::size_t{309 + 1 + 4096});
      for (const char* spec : {"d", "x", "s", "n", "c", ".", ".4097f", "5 "})
        check::equal(format(spec, 1.5), "NOT NATIVE");
    }};

const check::Test bools{"bools are ints, but for the empty spec", [] {
                          check::equal(format("", true), "True");
                          check::equal(format("5", true), "    1");
                          check::equal(format("d", false), "0");
                          check::equal(format(".1f", true), "1.0");
                          check::equal(format("s", true), "NOT NATIVE");
                        }};

const check::Test others{"None goes without a spec, other kinds not at all", [] {
                           check::that(Spec().native(Tag::none));
                           check::that(!Spec(">5").native(Tag::none));
                           Buffer out;
                           Spec().format(out, Value());
                           check::equal(out.view(), "None");
                           for (const Tag tag : {Tag::bytes, Tag::bigint, Tag::datetime, Tag::int8,
                                                 Tag::uint64, Tag::float32})
                             check::that(!Spec().native(tag));
                         }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
