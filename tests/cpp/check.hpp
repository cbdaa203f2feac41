// The whole of a test framework: named tests, checks that say where they failed, a count at the
// end.
#pragma once

#include <concepts>
#include <functional>
#include <iostream>
#include <source_location>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace check {

struct Case {
  std::string name;
  std::function<void()> body;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
inline int& failures() {
  static int count = 0;
  return count;
}

// static const check::Test name{"what holds", [] { ... }};
struct Test {
  Test(std::string name, std::function<void()> body) {
    cases().push_back({std::move(name), std::move(body)});
  }
};

inline void fail(const std::string& what, const std::source_location& where) {
  ++failures();
  std::cerr << where.file_name() << ":" << where.line() << ": " << what << "\n";
}

inline void that(bool held, const std::source_location& where = std::source_location::current()) {
  if (!held) fail("does not hold", where);
}

template <class A, class B>
void equal(const A& actual, const B& expected,
           const std::source_location& where = std::source_location::current()) {
  if (actual == expected) return;
  std::ostringstream what;
  what << "got " << actual << ", expected " << expected;
  fail(what.str(), where);
}

// Runs every test, or those whose name contains an argument; returns the exit status.
inline int run(int argc, char** argv) {
  int ran = 0;
  for (const Case& test : cases()) {
    bool wanted = argc < 2;
    for (int i = 1; i < argc; ++i) wanted = wanted || test.name.find(argv[i]) != std::string::npos;
    if (!wanted) continue;
    const int before = failures();
    test.body();
    ++ran;
    if (failures() != before) std::cerr << "FAILED " << test.name << "\n";
  }
  std::cout << ran << " tests, " << failures() << " failed checks\n";
  return failures() == 0 && ran > 0 ? 0 : 1;
}

}  // namespace check
