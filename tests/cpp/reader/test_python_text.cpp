#include "reader/python_text.hpp"

#include <string>

#include "check.hpp"
#include "journal_file.hpp"

using namespace journal_test;

namespace {

std::string shown_value(const Value& value) {
  Buffer out;
  attolog::write_python_value(out, value);
  return std::string(out.view());
}

bool reads(const std::string& shown, const std::string& json) {
  return attolog::reads_as_shown(of_nested(shown, json));
}

}  // namespace

static const check::Test read_back{
    "a nested value whose JSON is read as it was shown", [] {
      check::that(reads("[]", "[]"));
      check::that(reads("{}", "{}"));
      check::that(reads("[1, -2.5, True, False, None]", "[1,-2.5,true,false,null]"));
      check::that(reads("{'a': {'b': [1e+16]}}", "{\"a\":{\"b\":[1e+16]}}"));
      check::that(reads(R"(['it\'s "', "it's"])", R"(["it's \"","it's"])"));
      check::that(reads(R"(['\n\\\x07\x85\u2028'])", R"(["\n\\\u0007\u0085\u2028"])"));
      check::that(reads("['\xc3\xa9']", "[\"\xc3\xa9\"]"));
      check::that(reads(R"(['\U000e0001'])", "[\"\xf3\xa0\x80\x81\"]"));
      check::that(reads("['\xf0\x9f\x8e\x89']", R"(["\ud83c\udf89"])"));
      check::that(reads(R"(['\ud800'])", R"(["\ud800"])"));
    }};

static const check::Test not_read_back{
    "a nested value of which JSON has another one", [] {
      check::that(!reads("(1,)", "[1]"));
      check::that(!reads("{1: 2}", "{\"1\":2}"));
      check::that(!reads("[nan]", "[\"NaN\"]"));
      check::that(!reads("[datetime.date(2026, 1, 2)]", "[\"2026-01-02\"]"));
      check::that(!reads("[\"a\"]", "[\"a\"]"));  // Python has single quotes
      check::that(!reads("['a']", "[\"b\"]"));
      check::that(!reads("[1, 2]", "[1]"));
      check::that(!reads("[1]", "[1,2]"));
      check::that(!reads(R"(['\ud83c\udf89'])", R"(["\ud83c\udf89"])"));  // a pair becomes one
      const std::string digits(4301, '7');
      check::that(!reads("[" + digits + "]", "[" + digits + "]"));
    }};

static const check::Test damaged{
    "damaged JSON is compared to its end and not beyond", [] {
      for (const std::string json : {"[\"", "[\"\\", "[\"\\u", "[\"\\u12", "[\"\\q\"]",
                                     "[\"\xff\"]", "[", "]", "\"", "[\"\\ud800\\u", ",", ""}) {
        check::that(!reads("['", json));
        check::that(!reads("", json) || json.empty());
        check::that(!reads("['\\ud800", json));
      }
    }};

static const check::Test values{
    "values are shown as Python shows what it reads", [] {
      check::equal(shown_value(none()), std::string("None"));
      check::equal(shown_value(of_bool(true)), std::string("True"));
      check::equal(shown_value(of_float(0.1F, Tag::float32)), std::string("0.10000000149011612"));
      check::equal(shown_value(of_text(Tag::str, "two words")), std::string("\"two words\""));
      check::equal(shown_value(of_nested("(1, 2)", "[1,2]")), std::string("\"(1, 2)\""));
      check::equal(shown_value(of_nested("[1, 2]", "[1,2]")), std::string("[1, 2]"));
      check::equal(shown_value(of(Tag::datetime, 60)), std::string("1970-01-01 00:00:00.000060"));
      check::equal(shown_value(of(Tag::datetime_utc, 0, -5400)),
                   std::string("1969-12-31 22:30:00-01:30"));
      check::equal(shown_value(of(Tag::duration, -500'000)),
                   std::string("-1 day, 23:59:59.500000"));
    }};

static const check::Test beyond_python{
    "values that Python does not have are their numbers", [] {
      constexpr std::int64_t kFirst = -62'135'596'800'000'000;
      check::equal(shown_value(of(Tag::datetime, kFirst)), std::string("0001-01-01 00:00:00"));
      check::equal(shown_value(of(Tag::datetime, kFirst - 1)), std::to_string(kFirst - 1));
      check::equal(shown_value(of(Tag::datetime_utc, kFirst, -1)),
                   std::string("0001-01-01 00:00:00+00:00"));
      check::equal(shown_value(of(Tag::datetime_utc, 0, 86'400)),
                   std::string("1970-01-01 00:00:00+00:00"));
      check::equal(shown_value(of(Tag::date, 2'932'896)), std::string("9999-12-31"));
      check::equal(shown_value(of(Tag::date, 2'932'897)), std::string("2932897"));
      check::equal(shown_value(of(Tag::time, 86'400'000'000)), std::string("86400000000"));
      check::equal(shown_value(of(Tag::time, -1)), std::string("-1"));
    }};

static const check::Test big{
    "a hexadecimal int is decimal as long as Python writes it so", [] {
      const auto shown_int = [](const std::string& digits) {
        return shown_value(of_text(Tag::bigint, digits));
      };
      check::equal(shown_int("-18446744073709551616"), std::string("-18446744073709551616"));
      check::equal(shown_int("0x10000000000000000"), std::string("18446744073709551616"));
      check::equal(shown_int("-0xde0b6b3a7640000000000"),
                   std::string("-16777216") + "000000000000000000");
      const std::string large = "0x1" + std::string(3572, '0');
      check::equal(shown_int(large), large);
      check::equal(shown_int("0x"), std::string("0x"));
      check::equal(shown_int("no int"), std::string("\"no int\""));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
