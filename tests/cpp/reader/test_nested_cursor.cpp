#include <cmath>
#include <string>

#include "check.hpp"
#include "journal_file.hpp"
#include "reader/nested_cursor.hpp"

using namespace journal_test;
using attolog::NestedCursor;
using Read = NestedCursor::Read;

namespace {

void add_value(NestedCursor& in, std::string& out, int depth) {
  if (depth == 100) return in.stop();
  switch (in.next()) {
    case Read::list:
      out += '[';
      while (in.next_item()) {
        add_value(in, out, depth + 1);
        out += ' ';
      }
      out += ']';
      return;
    case Read::dict:
      out += '{';
      while (in.next_key()) {
        out += std::string(in.key()) + '=';
        add_value(in, out, depth + 1);
        out += ' ';
      }
      out += '}';
      return;
    case Read::scalar: {
      const Value& value = in.value();
      out += std::to_string(static_cast<int>(value.tag)) + ':' + std::string(value.text);
      if (value.tag == Tag::int64) out += std::to_string(value.i);
      if (value.tag == Tag::float64) out += std::isnan(value.f) ? "nan" : std::to_string(value.f);
      return;
    }
    case Read::stopped: return;
  }
}

// All that the cursor reads, or "stopped".
std::string read(const std::string& shown, const std::string& json) {
  const Value value = of_nested(shown, json);
  NestedCursor in(value);
  std::string out;
  add_value(in, out, 0);
  return in.is_done() ? out : "stopped";
}

}  // namespace

static const check::Test whole{
    "a nested value is read piece by piece", [] {
      check::equal(read("[]", "[]"), "[]");
      check::equal(read("{}", "{}"), "{}");
      check::equal(read("[1, -2.5, None, True, False]", "[1,-2.5,null,true,false]"),
                   "[4:1 5:-2.500000 1: 3: 2: ]");
      check::equal(read("((), (1,), [[]])", "[[],[1],[[]]]"), "[[] [4:1 ] [[] ] ]");
      check::equal(read("{'a': {'b': [1]}, 'c': 2}", R"({"a":{"b":[1]},"c":2})"),
                   "{a={b=[4:1 ] } c=4:2 }");
      check::equal(read("[9223372036854775808]", "[9223372036854775808]"),
                   "[13:9223372036854775808 ]");
    }};

static const check::Test escapes{
    "texts are WTF-8, whatever their escapes", [] {
      check::equal(read(R"(['"\\\n', "'", '\'"'])", R"(["\"\\\n","'","'\""])"),
                   "[6:\"\\\n 6:' 6:'\" ]");
      check::equal(read("['x']", R"(["\u0041\u00e9\u20ac\ud83d\ude00\ud800\ud800x\/\b\f\r\t"])"),
                   "[6:A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\x80\xed\xa0\x80x/\b\f\r\t ]");
      check::equal(read(R"({'\n': 1})", R"({"\n":1})"), "{\n=4:1 }");
    }};

static const check::Test specials{
    "the str() tells which texts of the JSON were floats", [] {
      check::equal(read("[nan, 'NaN', inf, -inf]", R"(["NaN","NaN","Infinity","-Infinity"])"),
                   "[5:nan 6:NaN 5:inf 5:-inf ]");
      check::equal(read("[np.float64(nan), np.float32(0.5)]", R"(["NaN",0.5])"),
                   "[5:nan 5:0.500000 ]");
      check::equal(read("['Infinity']", R"(["Infinity"])"), "[6:Infinity ]");
    }};

static const check::Test others{
    "it stops where the JSON has another thing's text", [] {
      check::equal(read("[<E.NaN: 1>]", R"(["NaN"])"), "stopped");
      check::equal(read("[datetime.date(2020, 1, 2)]", R"(["2020-01-02"])"), "stopped");
      check::equal(read("[b'ab']", R"(["YWI="])"), "stopped");
      check::equal(read("{1: 2}", R"({"1":2})"), "stopped");
      check::equal(read("{None: 2}", R"({"null":2})"), "stopped");
    }};

static const check::Test damaged{
    "it stops where the value is damaged", [] {
      const std::string shown = R"({'a': [1, 2.5, nan, 'x"\n'], 'b': {'c': (True, None)}})";
      const std::string json = R"({"a":[1,2.5,"NaN","x\"\n\ud83d\ude00"],"b":{"c":[true,null]}})";
      check::that(read(shown, json) != "stopped");
      for (std::size_t i = 0; i < json.size(); ++i) {
        check::equal(read(shown, json.substr(0, i)), "stopped");
      }
      for (std::size_t i = 0; i < shown.size(); ++i) {
        check::equal(read(shown.substr(0, i), json), "stopped");
      }
      check::equal(read(shown + " ", json), "stopped");
      check::equal(read(shown, json + "]"), "stopped");
      for (const char* const each :
           {"[1,]", "[,1]", "[1 2]", "[1]]", "[--1]", "[1e999]", "[tru]", "[\"\\x\"]",
            "[\"\\ud8\"]", "[+1]", "[1.2.3]", "{\"a\"}", "{1:2}", "[1}", "x", ""}) {
        check::equal(read(each, each), "stopped");
      }
      const std::string deep(100'000, '[');
      check::equal(read(deep, deep), "stopped");
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
