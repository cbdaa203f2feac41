#include "core/file_id.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#endif

#include "core/mapping.hpp"

namespace attolog {

namespace {

#if defined(__linux__)
std::optional<FileId> read_id(int folder, const char* name, int flags) {
  struct statx info{};
  // Not by the C library's function, which musl has from 1.2.5 on.
  const int mask = STATX_INO | STATX_BTIME;
  if (::syscall(SYS_statx, folder, name, flags, mask, &info) != 0) return std::nullopt;
  const bool has_birth = (info.stx_mask & STATX_BTIME) != 0;
  return FileId{makedev(info.stx_dev_major, info.stx_dev_minor), info.stx_ino,
                has_birth ? info.stx_btime.tv_sec * 1'000'000'000 + info.stx_btime.tv_nsec : 0};
}
#else
constexpr int AT_EMPTY_PATH = 0;

std::optional<FileId> read_id(int folder, const char* name, int flags) {
  struct stat info{};
  const bool is_there =
      *name == '\0' ? ::fstat(folder, &info) == 0 : ::fstatat(folder, name, &info, flags) == 0;
  if (!is_there) return std::nullopt;
  return FileId{static_cast<std::uint64_t>(info.st_dev), info.st_ino,
                info.st_birthtimespec.tv_sec * 1'000'000'000 + info.st_birthtimespec.tv_nsec};
}
#endif

}  // namespace

FileId file_id(int fd) {
  const auto id = read_id(fd, "", AT_EMPTY_PATH);
  if (!id) fail("looking at a file");
  return *id;
}

std::optional<FileId> file_id(const std::string& path) {
  return read_id(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
}

std::uint64_t hash_of(const FileId& id) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const std::uint64_t word : {id.device, id.inode, static_cast<std::uint64_t>(id.born)}) {
    for (int shift = 0; shift < 64; shift += 8) {
      hash = (hash ^ (word >> shift & 0xff)) * 1099511628211U;
    }
  }
  return hash;
}

std::string find_file(const std::string& folder,
                      const std::function<bool(const std::string& path)>& is_it,
                      std::uint64_t inode) {
  const Directory directory = open_directory(folder);
  if (directory == nullptr) return "";
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string path = folder + "/" + entry->d_name;
    if (entry->d_ino == inode && is_it(path)) return path;
  }
  return "";
}

}  // namespace attolog
