#include "writer/file_memory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "core/mapping.hpp"
#include "core/report.hpp"

namespace attolog {

namespace {

constexpr const char* kAttribute = "user.attolog.columns";

#if defined(__APPLE__)
ssize_t get_attribute(int fd, char* to, std::size_t size) {
  return ::fgetxattr(fd, kAttribute, to, size, 0, 0);
}
int set_attribute(int fd, const std::string& text) {
  return ::fsetxattr(fd, kAttribute, text.data(), text.size(), 0, 0);
}
#else
ssize_t get_attribute(int fd, char* to, std::size_t size) {
  return ::fgetxattr(fd, kAttribute, to, size);
}
int set_attribute(int fd, const std::string& text) {
  return ::fsetxattr(fd, kAttribute, text.data(), text.size(), 0);
}
#endif

bool replace_file(const std::string& path, const std::string& text) {
  const std::string fresh = path + "-";
  const File file = File::open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (!file || ::write(file.fd(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return false;
  return ::rename(fresh.c_str(), path.c_str()) == 0;
}

}  // namespace

std::string FileMemory::read(const Location& where) {
  stored_ = load(where);
  return stored_ + unstored_;
}

bool FileMemory::add(const Location& where, std::string_view text) {
  if (load(where) != stored_) return false;
  const std::string all = stored_ + unstored_ + std::string(text);
  if (store(where, all)) {
    stored_ = all;
    unstored_.clear();
  } else {
    unstored_ += text;
  }
  return true;
}

void FileMemory::clear(const Location& where) {
  store(where, "");
  stored_.clear();
  unstored_.clear();
}

// The file beside the ledger, where there is one, has all of the memory.
std::string FileMemory::load(const Location& where) {
  if (const File file = File::open(where.beside, O_RDONLY | O_CLOEXEC | O_NOFOLLOW); file) {
    struct stat info{};
    std::string text;
    if (::fstat(file.fd(), &info) == 0) text.resize(static_cast<std::size_t>(info.st_size));
    if (!text.empty() && read_at(file.fd(), text.data(), text.size(), 0)) return text;
  }
  std::string text;
  if (get_attribute(where.fd, nullptr, 0) <= 0) return text;  // as a rule
  text.resize(std::size_t{64} * 1024);
  const ssize_t n = get_attribute(where.fd, text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

bool FileMemory::store(const Location& where, const std::string& text) {
  const int result = set_attribute(where.fd, text);
  if (result == 0 || text.empty()) {
    if (!where.beside.empty()) ::unlink(where.beside.c_str());
    return result == 0;
  }
  if (errno != EBADF && !std::exchange(is_lack_reported_, true)) {
    report(where.log_path +
           (errno == EOPNOTSUPP ? ": its file system has no attribute for the order of columns"
                                : ": the order of its columns has no room in its attribute") +
           "; a later run may put values of an event in other columns");
  }
  return !where.beside.empty() && replace_file(where.beside, text);
}

}  // namespace attolog
