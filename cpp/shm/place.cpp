#include "shm/place.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "core/checksum.hpp"
#include "core/folder.hpp"

namespace attolog {

namespace {

constexpr const char* kShm = "/dev/shm";
// Below this a few loggers, or the program's own shared memory, fill it.
constexpr std::uint64_t kSmall = std::uint64_t{128} << 20;
// The room that must be free for the rings of a program's first threads.
constexpr std::uint64_t kRoom = std::uint64_t{32} << 20;

#if defined(__linux__)

// The number of one of this process's namespaces; 0 where the kernel does not say.
std::uint64_t space(const char* which) {
  struct stat info{};
  return ::stat((std::string("/proc/self/ns/") + which).c_str(), &info) == 0 ? info.st_ino : 0;
}

// The numbers that the kernel gives those that it starts with (include/linux/proc_ns.h). That of
// mounts was the first one free before Linux 6.18.
constexpr std::uint64_t kFirstProcesses = 0xEFFFFFFC;
constexpr std::uint64_t kFirstMounts = 0xEFFFFFF8;
constexpr std::uint64_t kFirstFree = 0xF0000000;

// Whether the mount of /dev/shm is passed on to other mount namespaces, or was passed on to this
// one. systemd gives its services mounts of their own, which show the machine's file systems.
bool is_shm_passed_on() {
  std::istringstream mounts(read_system_file("/proc/self/mountinfo"));
  bool is_passed_on = false;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string field;
    std::string target;
    for (int i = 0; i < 5; ++i) fields >> target;
    if (target != kShm) continue;
    is_passed_on = false;  // the last one hides those before it
    fields >> field;       // options
    while (fields >> field && field != "-") {
      if (field.starts_with("shared:") || field.starts_with("master:")) is_passed_on = true;
    }
  }
  return is_passed_on;
}

// A container's processes are not the machine's first ones, or their mounts are not.
bool is_shm_the_machines() {
  if (space("pid") != kFirstProcesses) return false;
  const std::uint64_t mounts = space("mnt");
  return mounts == kFirstMounts || mounts == kFirstFree || mounts == kFirstFree + 1 ||
         is_shm_passed_on();
}

// Whether processes of other machines may write there: then neither mappings nor, perhaps, locks
// are seen by all of them.
bool is_remote(const std::string& folder) {
  constexpr std::uint32_t kRemote[] = {NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC,  AFS_SUPER_MAGIC,
                                       AFS_FS_MAGIC,     CODA_SUPER_MAGIC, V9FS_MAGIC,
                                       CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, CEPH_SUPER_MAGIC};
  struct statfs info{};
  if (::statfs(folder.c_str(), &info) != 0) return false;
  return std::ranges::find(kRemote, static_cast<std::uint32_t>(info.f_type)) != std::end(kRemote);
}

bool is_memory(const char* path) {
  struct statfs info{};
  return ::statfs(path, &info) == 0 && (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
}

#else

bool is_shm_the_machines() {
  return true;
}
bool is_remote(const std::string&) {
  return false;
}
bool is_memory(const char*) {
  return false;
}

#endif

}  // namespace

Shm inspect_shm() {
  if (!is_memory(kShm)) return Shm::none;
  if (!is_shm_the_machines()) return Shm::contained;
  struct statvfs info{};
  if (::statvfs(kShm, &info) != 0) return Shm::none;
  if (info.f_blocks * info.f_frsize < kSmall) return Shm::small;
  return info.f_bavail * info.f_frsize < kRoom ? Shm::full : Shm::good;
}

std::string_view describe(Shm shm) {
  switch (shm) {
    case Shm::good: return "/dev/shm lasts as long as the machine runs";
    case Shm::none: return "there is no memory at /dev/shm";
    case Shm::contained: return "/dev/shm may be a container's own, and end with it";
    case Shm::small: return "/dev/shm is small";
    case Shm::full: return "/dev/shm is full";
  }
  return "";
}

std::vector<RingPlace> places_of(const std::string& log_path, const std::string& ring_dir) {
  return places_of(log_path, ring_dir, ring_dir.empty() ? inspect_shm() : Shm::none);
}

std::vector<RingPlace> places_of(const std::string& log_path, const std::string& ring_dir,
                                 Shm shm) {
  if (!ring_dir.empty()) return {{user_folder(ring_dir)}};
  const std::string folder = log_path.substr(0, log_path.rfind('/'));
  const RingPlace beside{folder + "/.attolog-" + std::to_string(::geteuid()), true};
  const RingPlace memory{user_folder(kShm)};
  if (!is_memory(kShm)) return {beside};
  if (shm == Shm::good || is_remote(folder)) return {memory, beside};
  return {beside, memory};
}

FileId known_in(const RingPlace& place, FileId id) {
  if (place.is_beside) id.device = 0;
  return id;
}

RingPlace place_of(const std::string& folder) {
  const std::string home = folder.substr(0, folder.rfind('/'));
  return {home, home.substr(home.rfind('/') + 1).starts_with('.')};
}

std::string folder_end(const RingPlace& place, const FileId& id) {
  return "-" + hex(hash_of(known_in(place, id)));
}

std::string log_folder(const RingPlace& place, std::string_view name, const FileId& id,
                       bool create) {
  const std::string end = folder_end(place, id);
  // The name is for people: the file may have had another one when its folder was made.
  for (const std::string& known : list_files(place.home, end)) {
    if (const std::string folder = private_folder(place.home, known, false); !folder.empty())
      return folder;
  }
  return private_folder(place.home, plain_name(name) + end, create);
}

LockedFolder lock_log_folder(const RingPlace& place, std::string_view name, const FileId& id) {
  for (;;) {
    std::string folder = log_folder(place, name, id, true);
    try {
      File lock = stay_in_folder(folder);
      return {std::move(folder), std::move(lock)};
    } catch (const std::system_error& error) {
      if (error.code().value() != ENOENT) throw;  // else its last user has just removed it
    }
  }
}

std::vector<std::string> log_folders(const RingPlace& place) {
  std::vector<std::string> folders;
  for (const std::string& name : list_files(place.home, "")) {
    const std::size_t dash = name.rfind('-');
    if (dash == std::string::npos || name.size() - dash != 17) continue;
    try {
      const std::string folder = private_folder(place.home, name, false);
      if (!folder.empty()) folders.push_back(folder);
    } catch (const std::exception&) {
      continue;  // not ours
    }
  }
  return folders;
}

}  // namespace attolog
