#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "check.hpp"
#include "core/codec.hpp"

using namespace attolog;
using namespace std::string_literals;

namespace {

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string tagged(Tag tag, const std::string& payload = "") {
  return std::string(1, static_cast<char>(tag)) + payload;
}
std::string sized(Tag tag, const std::string& payload) {
  return tagged(tag, raw(static_cast<std::uint32_t>(payload.size())) + payload);
}

// Decodes from a heap block of exactly that size, so that a read past its end is found.
struct Decoded {
  explicit Decoded(const std::string& bytes) : bytes_(bytes.begin(), bytes.end()) {
    bytes_.shrink_to_fit();
    is_whole = decode_values({bytes_.data(), bytes_.size()}, arena_, values);
  }
  const Value& only() const {
    check::equal(values.size(), 1u);
    return values.empty() ? kNone : values[0];
  }

  bool is_whole = false;
  std::vector<Value> values;

 private:
  inline static const Value kNone{};
  std::vector<char> bytes_;
  Arena arena_;
};

std::string text_of(const std::string& bytes) {
  const Decoded decoded(bytes);
  check::that(decoded.is_whole);
  check::equal(static_cast<int>(decoded.only().tag), static_cast<int>(Tag::str));
  return std::string(decoded.only().text);
}

// One value of every kind, as Python's encoder or this one writes it.
std::vector<std::string> samples() {
  return {
      tagged(Tag::none),
      tagged(Tag::false_),
      tagged(Tag::true_),
      tagged(Tag::int64, raw(std::int64_t{-7})),
      tagged(Tag::float64, raw(2.5)),
      sized(Tag::str, "gr\xc3\xbc\xc3\x9f"),
      tagged(Tag::ascii,
             "\x03"
             "abc"),
      sized(Tag::long_ascii, std::string(300, 'x')),
      sized(Tag::latin1, "gr\xfc\xdf"),
      sized(Tag::ucs2, "\x3a\x26"s),
      sized(Tag::ucs4, "\x00\xf6\x01\x00"s),
      sized(Tag::bytes, "\x00\xff"s),
      sized(Tag::bigint, "36893488147419103232"),
      tagged(Tag::datetime, raw(std::int64_t{1})),
      tagged(Tag::datetime_utc, raw(std::int64_t{2}) + raw(std::int32_t{3600})),
      tagged(Tag::date, raw(std::int64_t{3})),
      tagged(Tag::time, raw(std::int64_t{4})),
      tagged(Tag::duration, raw(std::int64_t{5})),
      tagged(Tag::int8, raw(std::int64_t{-128})),
      tagged(Tag::int16, raw(std::int64_t{6})),
      tagged(Tag::int32, raw(std::int64_t{7})),
      tagged(Tag::uint8, raw(std::int64_t{8})),
      tagged(Tag::uint16, raw(std::int64_t{9})),
      tagged(Tag::uint32, raw(std::int64_t{10})),
      tagged(Tag::uint64, raw(std::int64_t{-1})),
      tagged(Tag::float32, raw(0.5)),
      sized(Tag::formatted, "<7>") + tagged(Tag::int64, raw(std::int64_t{7})),
      sized(Tag::nested, raw(std::uint32_t{4}) + "(1,)[1]"),
  };
}

const check::Test classes{"each value that is decoded has a class", [] {
                            for (const std::string& bytes : samples()) {
                              const Decoded decoded(bytes);
                              check::that(decoded.only().kind() != ValueClass::encoded);
                            }
                            check::that(class_of(Tag::end) == ValueClass::encoded);
                            check::that(class_of(Tag::ascii) == ValueClass::encoded);
                            check::that(class_of(Tag::uint64) == ValueClass::whole);
                          }};

}  // namespace

static const check::Test numbers{
    "numbers, dates and times keep their kind and value", [] {
      const Decoded number(tagged(Tag::int64, raw(std::int64_t{-7})));
      check::equal(number.only().i, -7);
      const Decoded real(tagged(Tag::float64, raw(-0.0)));
      check::equal(raw(real.only().f), raw(-0.0));
      const Decoded moment(
          tagged(Tag::datetime_utc, raw(std::int64_t{2}) + raw(std::int32_t{-3600})));
      check::equal(moment.only().i, 2);
      check::equal(moment.only().offset_seconds, -3600);
      const Decoded large(tagged(Tag::uint64, raw(~std::uint64_t{0})));
      check::equal(static_cast<std::uint64_t>(large.only().i), ~std::uint64_t{0});
    }};

static const check::Test all_tags{"every tag has a sample here, and its sample decodes", [] {
                                    check::equal(samples().size(), std::size_t{kLastTag});
                                    for (const std::string& sample : samples()) {
                                      const Decoded decoded(sample);
                                      check::that(decoded.is_whole);
                                      check::equal(decoded.values.size(), 1u);
                                    }
                                  }};

static const check::Test nested_value{
    "a nested value is its str(), and its JSON stands behind it", [] {
      const Decoded decoded(sized(Tag::nested, raw(std::uint32_t{4}) + "(1,)[1]"));
      check::that(decoded.only().tag == Tag::str && decoded.only().is_nested);
      check::equal(decoded.only().text, "(1,)");
      check::equal(decoded.only().json(), "[1]");
      // A length that is too large, and none.
      check::that(!Decoded(sized(Tag::nested, raw(std::uint32_t{8}) + "(1,)[1]")).is_whole);
      check::that(!Decoded(sized(Tag::nested, "\x01")).is_whole);
    }};

static const check::Test texts{
    "all widths of text become WTF-8, lone surrogates included", [] {
      check::equal(text_of(tagged(Tag::ascii,
                                  "\x03"
                                  "abc")),
                   "abc");
      check::equal(text_of(sized(Tag::long_ascii, std::string(300, 'x'))), std::string(300, 'x'));
      check::equal(text_of(sized(Tag::str, "gr\xc3\xbc\xc3\x9f")), "gr\xc3\xbc\xc3\x9f");
      check::equal(text_of(sized(Tag::latin1, "a\x7f\x80\xff")), "a\x7f\xc2\x80\xc3\xbf");
      check::equal(text_of(sized(Tag::ucs2, "a\0\xff\x07\0\x08\0\xd8\xff\xff"s)),
                   "a\xdf\xbf\xe0\xa0\x80\xed\xa0\x80\xef\xbf\xbf");
      check::equal(
          text_of(sized(Tag::ucs4, raw(std::uint32_t{0x1f600}) + raw(std::uint32_t{0x10ffff}))),
          "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf");
      check::equal(text_of(sized(Tag::latin1, "")), "");
    }};

static const check::Test own{"what C++ encodes is decoded again", [] {
                               Buffer values;
                               encode_int(values, -1);
                               encode_str(values, "text");
                               encode_sized(values, Tag::bytes, "raw");
                               const Decoded decoded(std::string(values.view()));
                               check::that(decoded.is_whole);
                               check::equal(decoded.values.size(), 3u);
                               check::equal(decoded.values[0].i, -1);
                               check::equal(decoded.values[1].text, "text");
                               check::equal(decoded.values[2].text, "raw");
                             }};

static const check::Test formatted{
    "a formatted value keeps both value and text", [] {
      const Decoded decoded(sized(Tag::formatted, "<7>") +
                            tagged(Tag::int64, raw(std::int64_t{7})));
      check::that(decoded.only().is_formatted);
      check::equal(decoded.only().formatted, "<7>");
      check::equal(decoded.only().i, 7);
    }};

static const check::Test nested{
    "texts of texts are damage and do not recurse, however many", [] {
      std::string bytes;
      for (int i = 0; i < 1'000'000; ++i) bytes += sized(Tag::formatted, "");
      check::that(!Decoded(bytes).is_whole);
      check::that(!Decoded(sized(Tag::formatted, "x")).is_whole);
      check::that(!Decoded(sized(Tag::formatted, "x") + "\0"s).is_whole);
    }};

static const check::Test cut{
    "values cut at any byte give those before the cut, and say that they are damaged", [] {
      for (const std::string& sample : samples()) {
        const std::string before = tagged(Tag::int64, raw(std::int64_t{42}));
        for (std::size_t length = 1; length < sample.size(); ++length) {
          const Decoded decoded(before + sample.substr(0, length));
          check::that(!decoded.is_whole);
          check::equal(decoded.only().i, 42);
        }
      }
    }};

static const check::Test lengths{
    "a length that no memory holds is damage", [] {
      for (const Tag tag : {Tag::str, Tag::long_ascii, Tag::latin1, Tag::ucs2, Tag::ucs4,
                            Tag::bytes, Tag::bigint, Tag::formatted}) {
        for (const std::uint32_t length : {5u, 0x7fff'ffffu, 0xffff'ffffu}) {
          check::that(!Decoded(tagged(tag, raw(length) + "abcd")).is_whole);
        }
      }
      check::that(!Decoded(tagged(Tag::ascii,
                                  "\xff"
                                  "abcd"))
                       .is_whole);
    }};

static const check::Test unknown{
    "an unknown tag is damage; zeros end a record", [] {
      for (int tag = kLastTag + 1; tag < 256; ++tag) {
        check::that(!Decoded(std::string(32, static_cast<char>(tag))).is_whole);
      }
      const Decoded padded(tagged(Tag::true_) + std::string(7, '\0'));
      check::that(padded.is_whole);
      check::equal(padded.values.size(), 1u);
      check::that(Decoded("").is_whole);
    }};

static const check::Test odd_sizes{
    "wide text whose bytes are no whole number of letters ends with the last whole one", [] {
      check::equal(text_of(sized(Tag::ucs2, "a\0b"s)), "a");
      check::equal(text_of(sized(Tag::ucs4, "a\0\0\0b\0"s)), "a");
    }};

static const check::Test records{
    "a record is a multiple of 8 bytes long and is taken apart again", [] {
      for (std::size_t length = 0; length < 20; ++length) {
        const std::string values(length, '\x01');
        Buffer out;
        encode_record(out, 17, 1234, values);
        check::equal(out.size() % 8, 0u);
        RingRecord record;
        check::that(parse_record(out.view(), record));
        check::equal(record.head.size, out.size());
        check::equal(record.site(), 17u);
        check::equal(record.head.ticks, 1234u);
        check::equal(record.values.substr(0, length), values);
        check::that(record.values.find_first_not_of('\0', length) == std::string::npos);
      }
    }};

static const check::Test flags{"a record's own time and its spill file stand behind the head", [] {
                                 const std::string both =
                                     raw(RecordHead{40, 17 | kStamped | kSpilled, 1}) +
                                     raw(std::int64_t{-5}) + raw(std::uint64_t{3}) +
                                     raw(std::uint64_t{1000});
                                 RingRecord record;
                                 check::that(parse_record(both, record));
                                 check::equal(record.stamp, -5);
                                 check::equal(record.spill_number, 3u);
                                 check::equal(record.spill_size, 1000u);
                                 check::that(record.values.empty());
                                 check::equal(record.site(), 17u);
                               }};

static const check::Test heads{
    "a head that does not fit what is there is no record", [] {
      const auto parses = [](std::uint32_t size, std::uint32_t site, std::size_t there) {
        const std::string bytes =
            (raw(RecordHead{size, site, 0}) + std::string(64, '\0')).substr(0, there);
        const std::vector<char> exact(bytes.begin(), bytes.end());
        RingRecord record;
        return parse_record({exact.data(), exact.size()}, record);
      };
      check::that(parses(16, 0, 16));
      check::that(!parses(16, 0, 15));
      check::that(!parses(0, 0, 16));
      check::that(!parses(8, 0, 16));
      check::that(!parses(20, 0, 32));
      check::that(!parses(24, 0, 16));
      check::that(!parses(0xffff'fff8, 0, 80));
      check::that(!parses(16, kStamped, 16));
      check::that(!parses(24, kSpilled, 24));
      check::that(!parses(32, kStamped | kSpilled, 32));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
