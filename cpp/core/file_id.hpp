// Which file it is, whatever its name: a log file keeps its identity when it is renamed, and a new
// file under an old name has another.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace attolog {

struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t born = 0;  // ns since 1970; inode numbers are used again at once. 0: not known

  friend bool operator==(const FileId&, const FileId&) = default;
};

// Throws std::system_error.
FileId file_id(int fd);
// Of what is under the name, links not followed; nothing where there is none, or no way to it.
std::optional<FileId> file_id(const std::string& path);

// For names of files and folders that belong to it.
std::uint64_t hash_of(const FileId& id);

// The path of a file in a folder that `is_it` says yes to, among those with that inode; "" where
// there is none.
std::string find_file(const std::string& folder,
                      const std::function<bool(const std::string& path)>& is_it,
                      std::uint64_t inode);

}  // namespace attolog
