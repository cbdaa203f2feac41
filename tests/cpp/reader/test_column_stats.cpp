#include "reader/column_stats.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "check.hpp"
#include "journal_file.hpp"

using namespace journal_test;
using attolog::ColumnStats;
using Kind = ColumnStats::Kind;

namespace {

ColumnStats stats_of(const std::vector<Value>& values) {
  ColumnStats stats;
  for (const Value& each : values) stats.add(each, 1);
  return stats;
}

}  // namespace

static const check::Test wholes{"the bounds of ints are exact", [] {
                                  const ColumnStats stats = stats_of(
                                      {Value::of_int(INT64_MAX), none(), Value::of_int(INT64_MIN),
                                       of(Tag::int8, -3), of(Tag::uint64, 7)});
                                  check::that(stats.kind() == Kind::number && stats.is_whole);
                                  check::equal(stats.values, 4u);
                                  check::equal(stats.numbers, 4u);
                                  check::equal(stats.least_whole, INT64_MIN);
                                  check::equal(stats.greatest_whole, INT64_MAX);
                                }};

static const check::Test reals{
    "floats that are none are counted apart", [] {
      using Limits = std::numeric_limits<double>;
      const ColumnStats stats =
          stats_of({of_float(0.5), Value::of_int(2), of_float(Limits::quiet_NaN()),
                    of_float(-Limits::infinity()), of_float(1.25, Tag::float32)});
      check::that(stats.kind() == Kind::number && !stats.is_whole);
      check::equal(stats.values, 5u);
      check::equal(stats.not_finite, 2u);
      check::equal(stats.least, 0.5);
      check::equal(stats.greatest, 2.0);
      check::equal(stats.sum.value(), 3.75);
      check::equal(stats.mean(), 1.25);
      check::that(std::abs(stats.quantile(0.5) - 1.25) <= 0.0125);
      check::equal(stats.quantile(1), 2.0);
    }};

static const check::Test huge{"ints beyond 64 bits are floats", [] {
                                const ColumnStats stats = stats_of({of(Tag::uint64, -1),
                                                                    of_text(Tag::bigint,
                                                                            "-1000000000000"
                                                                            "000000000000"),
                                                                    of_text(Tag::bigint, "0xffff"),
                                                                    of_text(Tag::bigint, "")});
                                check::that(stats.kind() == Kind::number && !stats.is_whole);
                                check::equal(stats.least, -1e24);
                                check::equal(stats.greatest, 18446744073709551615.0);
                                check::equal(stats.not_finite, 2u);
                              }};

static const check::Test sums{"sums are rounded once", [] {
                                ColumnStats stats;
                                ColumnStats other;
                                for (int i = 0; i < 1000; ++i) {
                                  stats.add(of_float(0.1), 1);
                                  other.add(of_float(1e17), 1);
                                  other.add(of_float(-1e17), 1);
                                }
                                stats.merge(other);
                                check::equal(stats.sum.value(), 100.0);
                              }};

static const check::Test kinds{
    "values of several kinds are of none, and keep their figures", [] {
      check::that(stats_of({}).kind() == Kind::other);
      check::that(stats_of({of_bool(true), none()}).kind() == Kind::boolean);
      check::that(stats_of({Value::of_str("a")}).kind() == Kind::text);
      check::that(stats_of({of_nested("[1]", "[1]")}).kind() == Kind::other);
      check::that(stats_of({of(Tag::date, 1)}).kind() == Kind::other);
      const ColumnStats mixed = stats_of(
          {Value::of_str("a"), of_bool(false), Value::of_int(3), of_text(Tag::bytes, "x")});
      check::that(mixed.kind() == Kind::other);
      check::equal(mixed.values, 4u);
      check::equal(mixed.greatest_whole, 3);
      check::equal(mixed.falses, 1.0);
      check::equal(mixed.texts.distinct(), 1u);
    }};

static const check::Test weights{
    "weights count in sums, means and quantiles, and in no number of values", [] {
      ColumnStats stats;
      stats.add(Value::of_int(1), 99);
      stats.add(Value::of_int(101), 1);
      stats.add(Value::of_str("a"), 10);
      stats.add(of_bool(true), 2.5);
      check::equal(stats.values, 4u);
      check::equal(stats.mean(), 2.0);
      check::that(std::abs(stats.quantile(0.5) - 1) <= 0.01);
      check::equal(stats.texts.top(1)[0].second, 10.0);
      check::equal(stats.trues, 2.5);
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
