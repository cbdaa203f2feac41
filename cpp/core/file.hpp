// Open files of attolog in somebody else's program. That may close descriptors that it did not
// open, as daemons do, and get their numbers for files of its own. So each file is known by device
// and inode besides, and its number is a high one: the program gets the lowest that are free.
#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace attolog {

// While a file is opened, by one thread at a time. 0, 1 and 2 are no numbers for it, not for a
// moment: what the program writes there must fail where it has closed them, and not get into a
// file of ours. So they are held meanwhile by what cannot be written to.
class Opening {
 public:
  Opening();
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening();
  // False: another thread takes too long, and is not waited for.
  bool has_turn() const { return has_turn_; }

 private:
  bool has_turn_;
  std::array<int, 3> held_{-1, -1, -1};
};

class File {
 public:
  File() = default;
  // Takes the descriptor, to another number where that is possible: 200 or more, or else as high as
  // the process may have. Never 0, 1 or 2: where the program has closed one of those, what is
  // written there must not get into a file of ours. Negative: none, and errno says why.
  explicit File(int fd);
  // The descriptor that a function opens; -1, and errno says why.
  template <class Open>
  static File open_by(const Open& open) {
    const Opening section;
    return File(open());
  }
  // With a descriptor from the reserve, where the process has used up its own.
  static File open(const std::string& path, int flags, mode_t mode = 0);
  // Opens a file that may be missing or foreign, to read it: then there is none. Throws
  // std::system_error where descriptors or memory are short, for the file may be there.
  static File open_if_there(const std::string& path);
  File(File&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        locker_(std::exchange(other.locker_, 0)),
        device_(other.device_),
        inode_(other.inode_) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(locker_, other.locker_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    // The old file was closed by the program, and opened again it has got its number.
    if (other.fd_ == fd_) other.fd_ = -1;
    return *this;
  }
  ~File() { close(); }

  int fd() const { return fd_; }
  // Whether it was opened, and not closed by us.
  explicit operator bool() const { return fd_ >= 0; }
  // Whether the number is still this file's. Who keeps a file asks before each use of it.
  bool is_intact() const;
  // Opens it again by its path where the number is not its own any more. False: the path has
  // another file, or none.
  bool restore(const std::string& path, int flags);
  dev_t device() const { return device_; }
  ino_t inode() const { return inode_; }
  // A number that is another file's by now is only forgotten.
  void close() noexcept;
  int release() noexcept;

  // flock on the whole file. False: somebody else holds it. It ends with this File, by an unlock: a
  // child that was forked meanwhile has the open file, too, and would hold the lock on.
  bool try_lock();
  bool try_lock_shared();
  // Waits for the lock, as long as `patience`: the process that holds it may be stopped.
  bool lock(std::chrono::milliseconds patience);
  void unlock() noexcept;
  // The process that holds the lock; 0 where the system does not say.
  int lock_holder() const;

  // Whether this number is that of a File now.
  static bool owns(int fd);

 private:
  bool acquire_lock(int kind);

  int fd_ = -1;
  pid_t locker_ = 0;  // the process that has locked it, 0 for none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Closes the numbers from `first` on, but not those of Files, up to the last of these before `end`.
// Returns the number behind it: from there on none is a File's.
int close_others(int first, int end);

// A thread that works on Files holds one: until it ends no other thread takes their numbers away.
// Between the look at a number and its use the number could become the program's.
class ScopedFileUse {
 public:
  ScopedFileUse();
  ScopedFileUse(const ScopedFileUse&) = delete;
  ScopedFileUse& operator=(const ScopedFileUse&) = delete;
  ~ScopedFileUse();
  static void forget_in_child();
};

// Held while the program takes a number for itself. Waits until nobody opens a File, and where it
// is a File's number, or a standard stream's, until nobody works on Files. It waits a second at
// most: a disk may be slow.
class ScopedNumberTransfer {
 public:
  // Whether a standard stream was taken within a quarter of a second, and is closed still: as a
  // daemon the program opens another file in its place, which must get its number.
  static bool is_stream_reopening();

  explicit ScopedNumberTransfer(int fd);
  ScopedNumberTransfer(const ScopedNumberTransfer&) = delete;
  ScopedNumberTransfer& operator=(const ScopedNumberTransfer&) = delete;
  ~ScopedNumberTransfer();

 private:
  int fd_;
  bool is_in_use_;
  bool has_turn_;
};

// Closes a directory by the number that it was opened under, if that is still its own.
struct CloseDirectory {
  File file;
  void operator()(DIR* directory);
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;
Directory open_directory(const std::string& path);  // null, and errno says why
// All that the system says in a file of /proc or /sys; "" where it does not.
std::string read_system_file(const std::string& path);

// Holds some descriptors in reserve from now on. They are lent to files that are opened once the
// process has used up its own, and taken back when files are closed.
void hold_reserve();

// While it lives this thread borrows none: what it does can wait, and others need them more.
class ScopedNoReserve {
 public:
  ScopedNoReserve();
  ScopedNoReserve(const ScopedNoReserve&) = delete;
  ScopedNoReserve& operator=(const ScopedNoReserve&) = delete;
  ~ScopedNoReserve();
};

}  // namespace attolog
