#include "format/number.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "check.hpp"

using namespace attolog;

namespace {

std::string of_int(std::int64_t value) {
  char text[kNumberRoom];
  return {text, write_int(text, value)};
}
std::string of_double(double value) {
  char text[kNumberRoom];
  return {text, write_double(text, value)};
}
std::string seconds(std::int64_t ns, int digits) {
  char text[kNumberRoom];
  return {text, write_seconds(text, ns, digits)};
}

const check::Test ints{
    "ints of every length, and the ends of the range", [] {
      check::equal(of_int(0), "0");
      check::equal(of_int(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
      check::equal(of_int(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
      char text[kNumberRoom];
      check::equal(std::string(text, write_uint(text, UINT64_MAX)), "18446744073709551615");
      std::uint64_t power = 1;
      for (int i = 0; i < 19; ++i, power *= 10) {
        for (const std::uint64_t value : {power - 1, power, power + 1}) {
          check::equal(std::string(text, write_uint(text, value)), std::to_string(value));
          const auto negative = -static_cast<std::int64_t>(value);
          check::equal(of_int(negative), std::to_string(negative));
        }
      }
    }};

const check::Test reprs{"doubles as Python's repr writes them", [] {
                          const std::pair<double, const char*> cases[] = {
                              {0.0, "0.0"},
                              {-0.0, "-0.0"},
                              {5.0, "5.0"},
                              {-1.5, "-1.5"},
                              {0.1, "0.1"},
                              {0.1 + 0.2, "0.30000000000000004"},
                              {100000.0, "100000.0"},
                              {1e15, "1000000000000000.0"},
                              {9999999999999998.0, "9999999999999998.0"},
                              {1e16, "1e+16"},
                              {1.5e16, "1.5e+16"},
                              {123456789012345680.0, "1.2345678901234568e+17"},
                              {1e100, "1e+100"},
                              {0.0001, "0.0001"},
                              {0.00012, "0.00012"},
                              {0.00001, "1e-05"},
                              {0.0000123, "1.23e-05"},
                              {5e-324, "5e-324"},
                              {1.7976931348623157e308, "1.7976931348623157e+308"},
                              {1707234567.123456, "1707234567.123456"},
                              {12345.678901234, "12345.678901234"},
                              {999999.999999999, "999999.999999999"},
                              {1e6, "1000000.0"},
                              {1e22, "1e+22"},
                              {std::numeric_limits<double>::infinity(), "inf"},
                              {-std::numeric_limits<double>::infinity(), "-inf"},
                              {std::numeric_limits<double>::quiet_NaN(), "nan"},
                              {-std::numeric_limits<double>::quiet_NaN(), "nan"},
                          };
                          for (const auto& [value, text] : cases)
                            check::equal(of_double(value), text);
                        }};

const check::Test shortest{"the quick way writes the digits that the general way finds", [] {
                             std::mt19937_64 random(7);
                             const auto check_one = [](double value) {
                               const std::string text = of_double(value);
                               double back = 0;
                               std::from_chars(text.data(), text.data() + text.size(), back);
                               check::that(back == value);
                               char digits[64];
                               char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
                               std::string expected(digits, end);
                               if (expected.find('e') == expected.npos) {
                                 if (expected.find('.') == expected.npos) expected += ".0";
                                 if (value < 1e16 && value >= 1e-4) check::equal(text, expected);
                               }
                             };
                             for (int i = 0; i < 200000; ++i) {
                               const auto n = static_cast<double>(random() % 1000000000000000);
                               check_one(n / 1e9);
                               check_one(std::nextafter(n / 1e9, 1e300));
                               check_one(n / 1e6);
                               const std::uint64_t bits = random() >> 2;
                               double any;
                               std::memcpy(&any, &bits, sizeof any);
                               check_one(any);
                               // Of any size between 2^-14 and 2^53, with few bits or many.
                               const auto size = static_cast<int>(random() % 67) - 66;
                               const std::uint64_t kept = ~std::uint64_t{0} << random() % 53;
                               const auto mantissa = (random() | 1ULL << 63) >> 11 & kept;
                               check_one(std::ldexp(static_cast<double>(mantissa), size));
                             }
                           }};

const check::Test stamps{
    "seconds of a time stamp are exact", [] {
      check::equal(seconds(1707234567123456789, 6), "1707234567.123456");
      check::equal(seconds(1707234567123456789, 9), "1707234567.123456789");
      check::equal(seconds(0, 6), "0.000000");
      check::equal(seconds(5, 9), "0.000000005");
      check::equal(seconds(-1500000000, 6), "-1.500000");
      check::equal(seconds(-1, 9), "-0.000000001");
      check::equal(seconds(-1, 6), "-0.000001");
      check::equal(seconds(-1000, 6), "-0.000001");
      check::equal(seconds(std::numeric_limits<std::int64_t>::min(), 9), "-9223372036.854775808");
      check::equal(seconds(std::numeric_limits<std::int64_t>::min(), 6), "-9223372036.854776");
      check::equal(seconds(std::numeric_limits<std::int64_t>::max(), 6), "9223372036.854775");
    }};

const check::Test stamps_in_a_row{
    "time stamps of one writer are those of write_seconds", [] {
      constexpr std::int64_t kSecond = 1'000'000'000;
      std::mt19937_64 random(9);
      for (const int digits : {6, 9}) {
        Seconds writer(digits);
        std::int64_t ns = 1'707'234'567'123'456'789;
        char text[kNumberRoom];
        const auto check_at = [&](std::int64_t at) {
          check::equal(std::string(text, writer.write(text, at)), seconds(at, digits));
        };
        for (int i = 0; i < 10'000; ++i) {
          check_at(ns);
          ns += static_cast<std::int64_t>(random() % (2 * kSecond)) - kSecond / 2;
        }
        for (const std::int64_t at :
             {std::numeric_limits<std::int64_t>::min(), -kSecond, std::int64_t{-1}, std::int64_t{0},
              kSecond - 1, kSecond, 2 * kSecond, std::numeric_limits<std::int64_t>::max()}) {
          check_at(at);
        }
      }
    }};

const check::Test fixed{"decimals are those of the exact value, to even in the middle", [] {
                          std::mt19937_64 random(10);
                          const auto check_of = [](double value, int decimals) {
                            char text[kNumberRoom], exact[400];
                            char* const end = write_fixed(text, value, decimals);
                            char* const exact_end =
                                std::to_chars(exact, exact + sizeof exact, value,
                                              std::chars_format::fixed, decimals)
                                    .ptr;
                            if (end == nullptr) return 0;
                            check::equal(std::string(text, end), std::string(exact, exact_end));
                            return 1;
                          };
                          int n_written = 0;
                          for (int i = 0; i < 200'000; ++i) {
                            const int decimals = i % 10;
                            const double any = std::bit_cast<double>(random());
                            const auto whole = static_cast<double>(random() % 2'000'000);
                            const double power = std::pow(10.0, decimals);
                            check_of(std::fabs(any), decimals);
                            n_written += check_of(whole / 1024, decimals);  // middles among them
                            n_written += check_of((whole + 0.5) / power, decimals);  // near them
                            n_written += check_of(std::nextafter(whole / power, 0), decimals);
                          }
                          check::equal(n_written, 600'000);
                          for (const double left : {-1.0, -0.0, 1e300, HUGE_VAL, std::nan("")})
                            check::equal(check_of(left, 3), 0);
                        }};

const check::Test padding{"padded numbers keep their zeros", [] {
                            char text[kNumberRoom];
                            check::equal(std::string(text, write_padded(text, 7, 1)), "7");
                            check::equal(std::string(text, write_padded(text, 7, 2)), "07");
                            check::equal(std::string(text, write_padded(text, 42, 9)), "000000042");
                          }};

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
