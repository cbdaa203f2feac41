# One line for what attolog cannot be built with, in place of a compiler's pages.
if(NOT CMAKE_SYSTEM_NAME MATCHES "^(Linux|Darwin)$")
  message(FATAL_ERROR "attolog needs Linux or macOS; this is ${CMAKE_SYSTEM_NAME}")
endif()
if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8 OR CMAKE_CXX_BYTE_ORDER STREQUAL "BIG_ENDIAN")
  message(FATAL_ERROR "attolog needs a 64-bit little-endian machine; this compiler builds for another one")
endif()

# Of all that is needed, compilers and their libraries learnt this last.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles("
#include <charconv>
#include <compare>
#include <span>
int main() {
  const char text[] = {'1', '2'};
  const std::span<const char> all(text);
  double value = 0;
  std::from_chars(all.data(), all.data() + all.size(), value);
  return std::strong_order(value, 12.0) == 0 ? 0 : 1;
}" ATTOLOG_HAS_CXX20)
if(NOT ATTOLOG_HAS_CXX20)
  message(FATAL_ERROR "attolog needs a C++20 compiler with a library to match: gcc 12, or clang 14 with gcc 12's "
                      "library, or clang 20; this is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
endif()
