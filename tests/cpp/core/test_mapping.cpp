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

#include "check.hpp"

using namespace attolog;

namespace {

constexpr std::size_t kHeader = 65536;
constexpr std::size_t kCapacity = 65536;

// Whether the bytes written behind the end of the ring stand at its start. They are volatile, since
// a compiler takes the two for different memory.
bool is_mirrored(const Mapping& mapping) {
  volatile char* const ring = mapping.data() + kHeader;
  ring[kCapacity] = 'a';
  ring[kCapacity + 1] = 'b';
  return ring[0] == 'a' && ring[1] == 'b';
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
