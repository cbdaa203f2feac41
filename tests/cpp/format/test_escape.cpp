#include "format/escape.hpp"

#include <string>
#include <string_view>

#include "check.hpp"

using namespace attolog;
using namespace std::string_view_literals;

namespace {

template <class F>
std::string escaped(F escape, std::string_view text) {
  Buffer out;
  escape(out, text);
  return std::string(out.view());
}

}  // namespace

static const check::Test cells{
    "CSV cells are quoted where they must be", [] {
      check::equal(escaped(csv_cell, "plain text, long enough"), "\"plain text, long enough\"");
      check::equal(escaped(csv_cell, " plain text = "), " plain text = ");
      check::equal(escaped(csv_cell, "say \"x\""), "\"say \"\"x\"\"\"");
      check::equal(escaped(csv_cell, "a\r\nb"), "\"a\r\nb\"");
      check::equal(escaped(csv_cell, "a\0b"sv), "\"a\0b\""sv);
      check::equal(escaped(csv_cell, "漢字 한국"), "漢字 한국");
      check::equal(escaped(csv_cell, "x\xed\xb2\x80\"y"), "\"x\\udc80\"\"y\"");
      check::equal(escaped(csv_cell, "12345678,"), "\"12345678,\"");
    }};

static const check::Test jsons{
    "JSON text stays on its line and keeps every character", [] {
      check::equal(escaped(json_text, "a\"b\\c/d"), "a\\\"b\\\\c/d");
      check::equal(escaped(json_text, "\n\r\t\0\x1b\x7f"sv), "\\n\\r\\t\\u0000\\u001b\\u007f");
      check::equal(escaped(json_text, "\u0085\u009b\u00a0\u2028\u2029\u2030"),
                   "\\u0085\\u009b\u00a0\\u2028\\u2029\u2030");
      check::equal(escaped(json_text, "\xed\xa0\x80 \xed\x9f\xbf"), "\\ud800 \xed\x9f\xbf");
      check::equal(escaped(json_text, "12345678é漢😀 then ASCII again \n"),
                   "12345678é漢😀 then ASCII again \\n");
    }};

static const check::Test lines{"lines escape as Python's repr does, backslash included", [] {
                                 check::equal(escaped(line_text, "C:\\new \"x\""),
                                              "C:\\\\new \"x\"");
                                 check::equal(escaped(line_text, "\n\r\t\0\x1b\x7f\u0085\u2028"sv),
                                              "\\n\\r\\t\\x00\\x1b\\x7f\\x85\\u2028");
                                 check::equal(escaped(line_text, "\xed\xbf\xbf"), "\\udfff");
                                 // Cut-off sequences are kept, and nothing beyond them is read.
                                 for (const char* text : {"\xed", "\xed\xa0", "\xe2\x80", "\xc2"})
                                   check::equal(escaped(line_text, text), text);
                               }};

static const check::Test every_place{"what must be escaped is found wherever it stands", [] {
                                       for (std::size_t size = 1; size < 40; ++size) {
                                         for (std::size_t at = 0; at < size; ++at) {
                                           std::string text(size, 'x');
                                           text[at] = '\n';
                                           std::string expected = text;
                                           expected.replace(at, 1, "\\n");
                                           check::equal(escaped(json_text, text), expected);
                                           check::equal(escaped(line_text, text), expected);
                                           check::equal(escaped(csv_cell, text),
                                                        "\"" + text + "\"");
                                         }
                                       }
                                     }};

static const check::Test base64s{"base64 after RFC 4648", [] {
                                   check::equal(escaped(base64, ""), "");
                                   check::equal(escaped(base64, "f"), "Zg==");
                                   check::equal(escaped(base64, "fo"), "Zm8=");
                                   check::equal(escaped(base64, "foo"), "Zm9v");
                                   check::equal(escaped(base64, "\xff\xef\xbe"), "/+++");
                                 }};

static const check::Test terminals{
    "text for a terminal has no marks of direction and no bytes that are no characters", [] {
      check::equal(escaped(terminal_text, "plain \\ \n \x1b \u0085"), R"(plain \\ \n \x1b \x85)");
      check::equal(escaped(terminal_text, "\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u202f"),
                   "\u200d\\u200e\\u200f\\u2028\\u2029\\u202a\\u202e\u202f");
      check::equal(escaped(terminal_text, "\u2065\u2066\u2069\u206a"),
                   "\u2065\\u2066\\u2069\u206a");
      check::equal(escaped(line_text, "\u200e\u2066"), "\u200e\u2066");
      check::equal(escaped(terminal_text, "\xed\xa0\x80"), "\\ud800");
      check::equal(escaped(terminal_text, "é\xff\xed\xa0\x80\xe2\x82"),
                   "é\\\\xff\\\\xed\\\\xa0\\\\x80\\\\xe2\\\\x82");
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
