#include <sys/statvfs.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "check.hpp"
#include "shm/ring_budget.hpp"
#include "temp.hpp"

using namespace attolog;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kRing = 4 * kMiB;

std::uint64_t free_in(const std::string& folder) {
  struct statvfs info{};
  check::equal(::statvfs(folder.c_str(), &info), 0);
  return info.f_bavail * info.f_frsize;
}

}  // namespace

static const check::Test share{
    "rings take no more than a share of what their file system has free", [] {
      const temp::Folder folder;
      // Others write there meanwhile: half and twice the share are sure.
      const std::uint64_t free = free_in(folder.path());
      check::that(!may_take(folder.path(), free / 2, free, Growth::needed));
      check::that(may_take(folder.path(), free / 8, free, Growth::needed));
      check::that(!may_take(folder.path(), free / 8, free, Growth::early));
      check::that(may_take(folder.path(), free / 64, free, Growth::early));
      check::that(!may_take(folder.path(), free, kRing, Growth::none));
    }};

static const check::Test together{
    "the rings of a process are counted together, as long as they live", [] {
      const auto may_grow = [] { return may_take("", kRing, kRing, Growth::needed); };
      {
        const RingBytes most(0, 255 * kMiB);
        check::that(!may_grow());
        // A first ring is small, and always made; a busy thread has no less than before.
        check::that(may_take("", 16 * 1024, kRing, Growth::none));
        check::that(may_take("", 256 * 1024, kRing, Growth::needed));
        check::that(!may_take("", 256 * 1024, kRing, Growth::early));
        RingBytes moved_from(0, kMiB);
        const RingBytes moved(std::move(moved_from));
      }
      check::that(may_grow());
      const RingBytes some(0, 64 * kMiB);
      check::that(may_grow());
      check::that(!may_take("", kRing, kRing, Growth::early));
    }};

static const check::Test apart{"rings in one file system are not counted in another one", [] {
                                 const RingBytes elsewhere(12'345, 254 * kMiB);
                                 check::that(may_take("", kRing, kRing, Growth::needed));
                               }};

static const check::Test huge{"one ring may be as large as was asked for", [] {
                                const std::size_t size = std::size_t{1} << 30;
                                const RingBytes before(0, size / 16);
                                check::that(may_take("", size, size, Growth::needed));
                                const RingBytes first(0, size);
                                check::that(!may_take("", size, size, Growth::needed));
                              }};

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
