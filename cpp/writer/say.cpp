#include "writer/say.hpp"

#include <unistd.h>

#include <system_error>

namespace attolog {

void say(const std::string& line) {
  const std::string text = "attolog: " + line + "\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
}

std::string describe_errno(int error) {
  return std::generic_category().message(error);
}

}  // namespace attolog
