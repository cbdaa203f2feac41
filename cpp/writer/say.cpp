#include "writer/say.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <system_error>

namespace attolog {

void say(std::string_view line) noexcept {
  // In one piece, and without memory: that there is none is often what is to be said.
  static constexpr std::string_view kStart = "attolog: ";
  const auto piece = [](std::string_view text) {
    return iovec{const_cast<char*>(text.data()), text.size()};
  };
  const iovec pieces[] = {piece(kStart), piece(line), piece("\n")};
  [[maybe_unused]] const ssize_t n = ::writev(STDERR_FILENO, pieces, 3);
}

std::string describe_errno(int error) {
  return std::generic_category().message(error);
}

}  // namespace attolog
