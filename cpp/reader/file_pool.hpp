// Files that are opened when something is read from them. Only those used last stay open: so a
// journal of thousands of parts is read with few descriptors.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/mapping.hpp"

namespace attolog {

class PooledFile;

// One for each reader. A pool for the whole process would have a mutex that a fork can leave
// locked.
class FilePool {
 public:
  FilePool();

 private:
  friend class PooledFile;
  std::mutex mutex_;
  std::list<PooledFile*> open_;  // the one used last at the end
  std::size_t most_;             // of descriptors: a share of what the process may have
};

// A regular file, known by device and inode. Safe to use by several threads.
class PooledFile {
 public:
  // Opens the file. Throws std::system_error, also where it is no regular one.
  PooledFile(std::shared_ptr<FilePool> pool, std::string path);
  // A file that is open already. It needs no name, and stays open.
  PooledFile(std::string name, int fd);
  PooledFile(const PooledFile&) = delete;
  PooledFile& operator=(const PooledFile&) = delete;
  ~PooledFile();

  std::string path() const;
  dev_t device() const { return device_; }
  ino_t inode() const { return inode_; }
  // Tells that the file has got another name.
  void rename(std::string path);

  // Its size now; nothing where it is closed, and no longer under its name.
  std::optional<std::uint64_t> size() const;

  // Reads up to `size` bytes at `offset`; returns how many there were, 0 where the file is closed
  // and no longer under its name. Throws std::system_error.
  std::size_t read(std::uint64_t offset, char* bytes, std::size_t size) const;

 private:
  std::shared_ptr<const File> open() const;
  std::shared_ptr<const File> open_already() const;
  std::unique_lock<std::mutex> lock() const;
  File open_now() const;

  std::shared_ptr<FilePool> pool_;  // null: it stays open
  dev_t device_ = 0;
  ino_t inode_ = 0;
  // Under the pool's mutex:
  std::string path_;
  mutable std::shared_ptr<const File> file_;
  mutable std::list<PooledFile*>::iterator place_;  // in FilePool::open_, while file_ is set
};

}  // namespace attolog
