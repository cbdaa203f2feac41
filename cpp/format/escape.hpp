// Escaping: how text gets into a cell, a JSON string or a line without breaking out of it.
//
// Text comes as WTF-8. Each function keeps the file valid UTF-8: a lone surrogate becomes the six
// characters \udXXX, which JSON reads back as the surrogate; in CSV and raw text they are only
// text.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/buffer.hpp"

namespace attolog {

// A CSV cell after RFC 4180: in quotes if it contains a comma, a quote or a control character (line
// ends and NUL among them), the quotes inside doubled.
void csv_cell(Buffer& out, std::string_view text);

// The inside of a JSON string (RFC 8259), without its quotes. What ends a line or steers a terminal
// (C0, DEL, C1, U+2028, U+2029) is escaped, so that one record stays one line.
void json_text(Buffer& out, std::string_view text);

// Text for one physical line, escaped as Python's repr does: \\ \n \r \t \xXX \u2028 \u2029 \udXXX
// for the backslash, line ends, all other C0 and C1 controls and DEL. It can be undone exactly.
void line_text(Buffer& out, std::string_view text);
// Whether line_text() would leave the text as it is. Of text beyond ASCII it says no.
bool is_line_text(std::string_view text);

// A line's text for a terminal: escaped as line_text() does, and so are marks that turn the
// direction of text (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). Bytes that are no WTF-8,
// which only a damaged file has, stand as \\xXX.
void terminal_text(Buffer& out, std::string_view text);

// How many bytes the character at `at` has: 0 where none stands there. A lone surrogate is one, of
// 3 bytes.
std::size_t character_size(std::string_view text, std::size_t at);

// The text as it is, with lone surrogates escaped.
void raw_text(Buffer& out, std::string_view text);

// Text as a stream of Python's writes it. A lone surrogate that stands for a byte (PEP 383) becomes
// that byte, as with the error handler surrogateescape; all others are escaped.
void stream_text(Buffer& out, std::string_view text);

// RFC 4648, with padding.
void base64(Buffer& out, std::string_view bytes);

}  // namespace attolog
