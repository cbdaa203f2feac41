#include "core/folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "core/mapping.hpp"

namespace attolog {

namespace {

bool exists(const std::string& folder) {
  struct stat info{};
  return ::stat(folder.c_str(), &info) == 0;
}

// Refuses a folder that is not ours alone: its owner could read and write every record. False:
// there is none (any more).
bool check_private(const std::string& path, bool repair) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    fail(path);
  }
  if (!S_ISDIR(info.st_mode)) throw std::runtime_error(path + " is not a folder");
  if (info.st_uid != ::geteuid()) throw std::runtime_error(path + " belongs to another user");
  if ((info.st_mode & 077) != 0) throw std::runtime_error(path + " is open to other users");
  // A process whose mask takes its own rights away has made it.
  if (repair && (info.st_mode & 0700) != 0700) ::chmod(path.c_str(), 0700);
  return true;
}

bool make_private(const std::string& path, bool create) {
  for (;;) {
    if (create && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail(path);
    // Its last user may remove it between the two.
    if (check_private(path, create)) return true;
    if (!create) return false;
  }
}

}  // namespace

std::string default_ring_root() {
  struct stat info{};
  if (::stat("/dev/shm", &info) == 0 && S_ISDIR(info.st_mode)) return "/dev/shm";
  const char* temporary = std::getenv("TMPDIR");
  return temporary != nullptr && *temporary == '/' ? temporary : "/tmp";
}

std::string user_folder(const std::string& root) {
  return root + "/attolog-" + std::to_string(::geteuid());
}

std::string real_log_path(const std::string& path) {
  const std::filesystem::path given(path);
  const std::filesystem::path folder = given.has_parent_path() ? given.parent_path() : ".";
  return (std::filesystem::canonical(folder) / given.filename()).string();
}

std::string private_folder(const std::string& home, const std::string& name, bool create) {
  const std::string folder = home + "/" + name;
  for (;;) {
    try {
      return make_private(home, create) && make_private(folder, create) ? folder : "";
    } catch (const std::system_error& error) {
      // The last user of the outer one may have removed it just now.
      if (!create || error.code().value() != ENOENT || !exists(home.substr(0, home.rfind('/'))))
        throw;
    }
  }
}

namespace {

File open_folder(const std::string& folder) {
  return File::open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

// Whether it still has its name: a lock on what was removed keeps nobody out.
bool is_linked(const File& file) {
  struct stat info{};
  return ::fstat(file.fd(), &info) == 0 && info.st_nlink != 0;
}

}  // namespace

File stay_in_folder(const std::string& folder) {
  for (;;) {
    File file = open_folder(folder);
    if (!file) fail(folder);
    if (file.try_lock_shared() && is_linked(file)) return file;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

File have_folder_alone(const std::string& folder, std::chrono::milliseconds patience) {
  File file = open_folder(folder);
  return file && file.lock(patience) && is_linked(file) ? std::move(file) : File();
}

std::string control_folder(const std::string& root, bool create) {
  return private_folder(user_folder(root), "control", create);
}

std::string plain_name(std::string_view name) {
  std::string plain(name.substr(0, 64));
  std::ranges::replace_if(
      plain, [](unsigned char c) { return std::isalnum(c) == 0 && c != '.'; }, '_');
  return plain;
}

std::string hex(std::uint64_t value) {
  std::string digits(16, '0');
  for (std::size_t i = digits.size(); i-- > 0; value >>= 4)
    digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

std::string random_hex() {
  std::random_device random;
  return hex(std::uint64_t{random()} << 32 | random());
}

std::vector<std::string> list_files(const std::string& folder, std::string_view suffix) {
  std::vector<std::string> names;
  const Directory directory = open_directory(folder);
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    if (name.ends_with(suffix)) names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

void remove_if_empty(const std::string& folder) {
  ::rmdir(folder.c_str());
}

}  // namespace attolog
