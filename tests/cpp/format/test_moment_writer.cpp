#include "format/moment_writer.hpp"

#include <cstdint>
#include <string>

#include "check.hpp"

namespace {

std::string written(attolog::MomentWriter& writer, std::int64_t ns) {
  attolog::Buffer out;
  writer.write(ns, out);
  return std::string(out.view());
}

}  // namespace

static const check::Test moments{
    "times are written with 6 or 9 digits, of this second or another", [] {
      attolog::MomentWriter six(6);
      attolog::MomentWriter nine(9);
      check::equal(written(six, 0), std::string("1970-01-01T00:00:00.000000Z"));
      check::equal(written(six, 999'999'999), std::string("1970-01-01T00:00:00.999999Z"));
      check::equal(written(six, 1'700'000'000'123'456'789),
                   std::string("2023-11-14T22:13:20.123456Z"));
      check::equal(written(nine, 1'700'000'000'123'456'789),
                   std::string("2023-11-14T22:13:20.123456789Z"));
      check::equal(written(six, 0), std::string("1970-01-01T00:00:00.000000Z"));
    }};

static const check::Test before_1970{
    "times before 1970 have the second that they are in", [] {
      attolog::MomentWriter writer(6);
      check::equal(written(writer, -1), std::string("1969-12-31T23:59:59.999999Z"));
      check::equal(written(writer, INT64_MIN), std::string("1677-09-21T00:12:43.145224Z"));
      check::equal(written(writer, INT64_MAX), std::string("2262-04-11T23:47:16.854775Z"));
    }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
