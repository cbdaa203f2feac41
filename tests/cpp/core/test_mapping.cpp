#include "core/mapping.hpp"

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#endif
#include <unistd.h>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "check.hpp"

using namespace attolog;

namespace {

constexpr std::size_t kHeader = 65536;
constexpr std::size_t kCapacity = 65536;

// Whether what is written behind the end of the ring stands at its start.
bool is_mirrored(const Mapping& mapping) {
  char* const ring = mapping.data() + kHeader;
  std::memcpy(ring + kCapacity - 2, "abcd", 4);
  return std::memcmp(ring, "cd", 2) == 0 && std::memcmp(ring + kCapacity, "cd", 2) == 0;
}

const check::Test mirrored{"memory is mirrored", [] {
                             check::that(is_mirrored(Mapping::mirrored_memory(kHeader, kCapacity)));
                           }};

#if defined(__linux__)
const check::Test emulated{
    "memory is mirrored where mremap maps nothing twice, as under qemu", [] {
      const pid_t child = ::fork();
      if (child == 0) {
        sock_filter steps[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const sock_fprog filter{.len = 4, .filter = steps};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
          ::_exit(0);  // a system without filters
        }
        ::_exit(is_mirrored(Mapping::mirrored_memory(kHeader, kCapacity)) ? 0 : 1);
      }
      int status = -1;
      ::waitpid(child, &status, 0);
      check::that(status == 0);
    }};
#endif

}  // namespace

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
