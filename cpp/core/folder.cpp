#include "core/folder.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>

#include "core/mapping.hpp"

namespace attolog {

namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  return hash;
}

std::string hex(std::uint64_t value) {
  std::string digits(16, '0');
  for (std::size_t i = digits.size(); i-- > 0; value >>= 4)
    digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

// Ours alone, or refused: whoever owns the folder could read and write every record. False: there
// is none (any more).
bool check_private(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    fail(path);
  }
  if (!S_ISDIR(info.st_mode)) throw std::runtime_error(path + " is not a folder");
  if (info.st_uid != ::geteuid()) throw std::runtime_error(path + " belongs to another user");
  if ((info.st_mode & 077) != 0) throw std::runtime_error(path + " is open to other users");
  return true;
}

bool make_private(const std::string& path, bool create) {
  for (;;) {
    if (create && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail(path);
    // Its last user may remove it between the two.
    if (check_private(path)) return true;
    if (!create) return false;
  }
}

// The folder `name` among the user's own; "" where it is not to be made and does not exist.
std::string private_folder(const std::string& root, const std::string& name, bool create) {
  const std::string ours = root + "/attolog-" + std::to_string(::geteuid());
  const std::string folder = ours + "/" + name;
  return make_private(ours, create) && make_private(folder, create) ? folder : "";
}

}  // namespace

std::string default_ring_root() {
  struct stat info{};
  if (::stat("/dev/shm", &info) == 0 && S_ISDIR(info.st_mode)) return "/dev/shm";
  const char* temporary = std::getenv("TMPDIR");
  return temporary != nullptr && *temporary == '/' ? temporary : "/tmp";
}

std::string ring_root_of(const char* given) {
  return given == nullptr ? default_ring_root() : given;
}

std::string real_log_path(const std::string& path) {
  const std::filesystem::path given(path);
  const std::filesystem::path folder = given.has_parent_path() ? given.parent_path() : ".";
  return (std::filesystem::canonical(folder) / given.filename()).string();
}

std::string log_folder(const std::string& root, const std::string& real_path, bool create) {
  std::string name = std::filesystem::path(real_path).filename().string().substr(0, 64);
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '.'; }, '_');
  return private_folder(root, name + "-" + hex(fnv1a(real_path)), create);
}

std::string control_folder(const std::string& root, bool create) {
  return private_folder(root, "control", create);
}

std::string random_hex() {
  std::random_device random;
  return hex(std::uint64_t{random()} << 32 | random());
}

std::vector<std::string> list_files(const std::string& folder, std::string_view suffix) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), ::closedir);
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
