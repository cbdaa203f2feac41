#include "format/number.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace attolog {
namespace {

// "00010203...99": two digits a step halves the divisions.
struct Pairs {
  char text[200];
  constexpr Pairs() : text() {
    for (int i = 0; i < 100; ++i) {
      text[2 * i] = static_cast<char>('0' + i / 10);
      text[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
  }
};
constexpr Pairs kPairs;

constexpr std::uint64_t kPowers[] = {1u,
                                     10u,
                                     100u,
                                     1000u,
                                     10000u,
                                     100000u,
                                     1000000u,
                                     10000000u,
                                     100000000u,
                                     1000000000u,
                                     10000000000u,
                                     100000000000u,
                                     1000000000000u,
                                     10000000000000u,
                                     100000000000000u,
                                     1000000000000000u,
                                     10000000000000000u,
                                     100000000000000000u,
                                     1000000000000000000u,
                                     10000000000000000000u};

template <class Value>
void write_digits(char* out, Value value, int width) {
  char* at = out + width;
  while (at - out >= 2) {
    at -= 2;
    std::memcpy(at, kPairs.text + 2 * (value % 100), 2);
    value /= 100;
  }
  if (at != out) *out = static_cast<char>('0' + value);
}

int digit_count(std::uint64_t value) {
  // 1233/4096 is just above log10(2): a guess that is at most one too small.
  const int guess = (64 - std::countl_zero(value | 1)) * 1233 >> 12;
  return guess + (value >= kPowers[guess] ? 1 : 0) + (value == 0 ? 1 : 0);
}

// Decimals with at most 15 digits belong to one double each. So if n has no more digits, and the
// value is the double nearest to n / 10^9, n is its shortest spelling. That holds for most floats
// of a log (times, sizes, rounded measures) and costs a quarter of the general way. Returns nullptr
// where it does not hold. `value` is positive, or 0.
char* write_short_decimal(char* out, double value) {
  if (!(value < 1e6 && value >= 1e-4)) return nullptr;
  const auto scaled = static_cast<std::uint64_t>(value * 1e9 + 0.5);
  if (static_cast<double>(scaled) / 1e9 != value) return nullptr;
  out = write_uint(out, scaled / 1000000000);
  std::uint64_t rest = scaled % 1000000000;
  int decimals = 9;
  for (; decimals > 3 && rest % 1000 == 0; decimals -= 3) rest /= 1000;
  for (; decimals > 1 && rest % 10 == 0; --decimals) rest /= 10;
  *out++ = '.';
  return write_padded(out, rest, decimals);
}

// The shortest decimal that reads back as `value`, by whole numbers alone. The value is m / 2^k,
// and all from (m - 1/2) / 2^k to (m + 1/2) / 2^k reads back as it. Numbers of `decimals` decimals
// are no further apart than that. A multiple of ten in between has fewer digits; without one, the
// nearest number is the shortest (R. Giulietti, "The Schubfach way to render doubles", 2020). Where
// k is from 1 to 60 all of it fits 128 bits, and the paper's table is not needed. Returns nullptr
// beyond that. `value` is positive.
char* write_by_fraction(char* out, double value) {
  __extension__ using Wide = unsigned __int128;
  constexpr int kMantissa = 52;
  constexpr int kBias = 1023;
  constexpr int kMost = 60;  // 10 * 2^60 and 10^19 fit 64 bits
  const auto bits = std::bit_cast<std::uint64_t>(value);
  constexpr std::uint64_t kHidden = std::uint64_t{1} << kMantissa;
  const int k = kBias + kMantissa - static_cast<int>(bits >> kMantissa);
  const std::uint64_t m = (bits & (kHidden - 1)) | kHidden;
  if (k < 1 || k > kMost || m == kHidden)
    return nullptr;  // doubles below a power of two are closer
  const std::uint64_t one = std::uint64_t{1} << k;
  int decimals = (k * 1233 >> 12) + 1;  // as in digit_count: k * log10(2), rounded up
  const std::uint64_t power = kPowers[decimals];
  const Wide scaled = Wide{m & (one - 1)} * power;
  std::uint64_t fraction = static_cast<std::uint64_t>(scaled >> k);
  const std::uint64_t rest = static_cast<std::uint64_t>(scaled) & (one - 1);
  const std::uint64_t last = fraction % 10;
  // In units of 1 / (2^k 10^decimals). The ends of the range read back as the value if m is even.
  const std::uint64_t reach = power / 2 + 1 - (m & 1);
  const std::uint64_t below = last * one + rest;
  const bool is_below = below < reach;
  const bool is_ten = is_below || 10 * one - below < reach;
  const bool is_up = rest > one / 2 || (rest == one / 2 && (fraction & 1) != 0);
  // No branch chooses: it would go wrong as often as digits are random.
  const std::uint64_t tens = fraction / 10 + (is_below ? 0 : 1);
  fraction = is_ten ? tens : fraction + (is_up ? 1 : 0);
  decimals -= is_ten ? 1 : 0;
  if (is_ten && fraction % 10 == 0) {
    for (; decimals > 1 && fraction % 10 == 0; --decimals) fraction /= 10;
    if (decimals == 0) decimals = 1;  // a whole number
  }
  out = write_uint(out, m >> k);
  *out++ = '.';
  return write_padded(out, fraction, decimals);
}

// Lays out digits * 10^(exponent - count + 1), the first digit standing for 10^exponent.
char* lay_out(char* out, const char* digits, int count, int exponent) {
  const auto put = [&out](const char* text, int n) {
    std::memcpy(out, text, static_cast<std::size_t>(n));
    out += n;
  };
  const auto zeros = [&out](int n) {
    std::memset(out, '0', static_cast<std::size_t>(n));
    out += n;
  };
  if (exponent < -4 || exponent >= 16) {
    *out++ = digits[0];
    if (count > 1) {
      *out++ = '.';
      put(digits + 1, count - 1);
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    const auto size = static_cast<std::uint64_t>(exponent < 0 ? -exponent : exponent);
    return size < 100 ? write_padded(out, size, 2) : write_uint(out, size);
  }
  if (exponent < 0) {
    put("0.", 2);
    zeros(-exponent - 1);
    put(digits, count);
  } else if (count <= exponent + 1) {
    put(digits, count);
    zeros(exponent + 1 - count);
    put(".0", 2);
  } else {
    put(digits, exponent + 1);
    *out++ = '.';
    put(digits + exponent + 1, count - exponent - 1);
  }
  return out;
}

}  // namespace

char* write_padded(char* out, std::uint64_t value, int width) {
  // A division of 32 bits is cheaper.
  if (value <= UINT32_MAX) {
    write_digits(out, static_cast<std::uint32_t>(value), width);
  } else {
    write_digits(out, value, width);
  }
  return out + width;
}

char* write_uint(char* out, std::uint64_t value) {
  return write_padded(out, value, digit_count(value));
}

namespace {

// As d.ddde+XX or de+XX stands in [text, end): closes up the digits and reads the exponent behind
// them.
char* lay_out_scientific(char* out, char* text, const char* end) {
  const char* e =
      static_cast<const char*>(std::memchr(text, 'e', static_cast<std::size_t>(end - text)));
  int exponent = 0;
  for (const char* at = e + 2; at != end; ++at) exponent = exponent * 10 + (*at - '0');
  if (e[1] == '-') exponent = -exponent;
  int count = 1;
  if (text[1] == '.') {
    text[1] = text[0];
    count = static_cast<int>(e - text) - 1;
  }
  return lay_out(out, count > 1 ? text + 1 : text, count, exponent);
}

}  // namespace

char* write_int(char* out, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0) return write_uint(out, bits);
  *out++ = '-';
  return write_uint(out, 0 - bits);
}

char* write_double(char* out, double value) {
  if (!std::isfinite(value)) {
    const char* text = std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    const std::size_t size = std::strlen(text);
    std::memcpy(out, text, size);
    return out + size;
  }
  if (std::signbit(value)) {
    *out++ = '-';
    value = -value;
  }
  if (char* end = write_short_decimal(out, value)) return end;
  if (char* end = write_by_fraction(out, value)) return end;
  if (value < 1e15 && value == std::floor(value)) {
    out = write_uint(out, static_cast<std::uint64_t>(value));
    std::memcpy(out, ".0", 2);
    return out + 2;
  }
  char text[kNumberRoom];
  const char* end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  return lay_out_scientific(out, text, end);
}

char* write_float(char* out, float value) {
  if (!std::isfinite(value) || value == 0) return write_double(out, value);
  if (value < 0) *out++ = '-';
  char text[kNumberRoom];
  const char* end =
      std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific).ptr;
  return lay_out_scientific(out, text, end);
}

// The product is rounded, and its error is a double: together they tell on which side of the middle
// between two numbers of so many decimals the value is (T. J. Dekker, "A floating-point technique
// for extending the available precision", 1971).
char* write_fixed(char* out, double value, int decimals) {
  constexpr double kMost = 1e15;  // below 2^52: fractions of the product are exact
  if (decimals < 0 || decimals > 9 || std::signbit(value)) return nullptr;
  const auto power = static_cast<double>(kPowers[decimals]);
  const double product = value * power;
  if (!(product < kMost)) return nullptr;
  const double error = std::fma(value, power, -product);
  auto scaled = static_cast<std::uint64_t>(product);
  const double over = product - static_cast<double>(scaled) - 0.5;
  const bool is_up = over != 0 ? over > 0 : error != 0 ? error > 0 : (scaled & 1) != 0;
  scaled += is_up ? 1 : 0;
  const std::uint64_t by = kPowers[decimals];
  out = write_uint(out, scaled / by);
  if (decimals == 0) return out;
  *out++ = '.';
  return write_padded(out, scaled % by, decimals);
}

char* write_seconds(char* out, std::int64_t ns, int digits) {
  if (digits != 9) ns = ns / 1000 - (ns % 1000 < 0 ? 1 : 0);
  auto size = static_cast<std::uint64_t>(ns);
  if (ns < 0) {
    *out++ = '-';
    size = 0 - size;
  }
  // Two branches, so that both divisors are constants.
  const std::uint64_t seconds = digits == 9 ? size / 1000000000 : size / 1000000;
  const std::uint64_t fraction = digits == 9 ? size % 1000000000 : size % 1000000;
  out = write_uint(out, seconds);
  *out++ = '.';
  return digits == 9 ? write_padded(out, fraction, 9) : write_padded(out, fraction, 6);
}

char* Seconds::write(char* out, std::int64_t ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto rest = static_cast<std::uint64_t>(ns) - static_cast<std::uint64_t>(start_);
  if (ns < start_ || rest >= kSecond) {
    if (ns < 0) return write_seconds(out, ns, digits_);
    start_ = ns - ns % kSecond;
    size_ = static_cast<std::size_t>(
        write_uint(text_, static_cast<std::uint64_t>(start_ / kSecond)) - text_);
    text_[size_++] = '.';
    return write(out, ns);
  }
  std::memcpy(out, text_, 16);
  out += size_;
  return digits_ == 9 ? write_padded(out, rest, 9) : write_padded(out, rest / 1000, 6);
}

}  // namespace attolog
