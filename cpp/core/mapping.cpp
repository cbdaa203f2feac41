#include "core/mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace attolog {

void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void allocate(int fd, std::size_t from, std::size_t size) {
#if defined(__APPLE__)
  const int error = ::ftruncate(fd, static_cast<off_t>(from + size)) == 0 ? 0 : errno;
#else
  int error = EINTR;
  while (error == EINTR) {
    error = ::posix_fallocate(fd, static_cast<off_t>(from), static_cast<off_t>(size));
  }
#endif
  if (error != 0) {
    errno = error;
    fail("allocating " + std::to_string(size) + " bytes");
  }
}

bool read_at(int fd, char* to, std::size_t size, std::uint64_t from) {
  while (size != 0) {
    const ssize_t n = ::pread(fd, to, size, static_cast<off_t>(from));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    size -= static_cast<std::size_t>(n);
    from += static_cast<std::uint64_t>(n);
  }
  return true;
}

File create_file(const std::string& path, std::size_t size) {
  File file = File::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (!file) fail(path);
  ::fchmod(file.fd(), 0600);  // whatever the process's mask takes away
  try {
    if (size != 0) allocate(file.fd(), 0, size);
  } catch (const std::system_error& error) {
    ::unlink(path.c_str());
    throw std::system_error(error.code(), path);
  }
  return file;
}

File open_file(const std::string& path, int flags) {
  // Nonblocking: a FIFO in the place of a file is not waited for.
  File file = File::open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (!file) fail(path);
  return file;
}

File memory_file(std::size_t size) {
#if defined(__linux__)
  File file = File::open_by([] { return ::memfd_create("attolog", MFD_CLOEXEC); });
#else
  std::string name = "/tmp/attolog-XXXXXX";
  File file = File::open_by([&] { return ::mkstemp(name.data()); });
  if (file) ::unlink(name.c_str());
#endif
  if (!file) fail("memory for a ring");
  if (size != 0) allocate(file.fd(), 0, size);
  return file;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Mapping Mapping::of(int fd, std::size_t size, bool writable) {
  void* data =
      ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) fail("mapping a file");
  return {data, size};
}

Mapping Mapping::private_of(int fd, std::size_t size, bool writable) {
  Mapping mapping = of(fd, size, writable);
#if defined(__linux__)
  ::madvise(mapping.data(), size, MADV_DONTFORK);
#else
  ::minherit(mapping.data(), size, VM_INHERIT_NONE);
#endif
  return mapping;
}

Mapping Mapping::mirrored(int fd, std::size_t header, std::size_t capacity, bool writable) {
  const int access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const std::size_t once = header + capacity;
  void* room = ::mmap(nullptr, once + capacity, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (room == MAP_FAILED) fail("mapping a ring");
  Mapping mapping(room, once + capacity);
  if (::mmap(mapping.data(), once, access, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
      ::mmap(mapping.data() + once, capacity, access, MAP_SHARED | MAP_FIXED, fd,
             static_cast<off_t>(header)) == MAP_FAILED) {
    fail("mapping a ring");
  }
  return mapping;
}

Mapping Mapping::memory(std::size_t size) {
#if defined(MAP_NORESERVE)
  constexpr int kFlags = MAP_SHARED | MAP_ANON | MAP_NORESERVE;
#else
  constexpr int kFlags = MAP_SHARED | MAP_ANON;
#endif
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (data == MAP_FAILED) fail("memory for a ring");
  return {data, size};
}

Mapping Mapping::mirrored_memory(std::size_t header, std::size_t capacity) {
#if defined(__linux__)
  // No descriptor and no file size are needed, which the process may have run out of.
  const Mapping once = memory(header + capacity);
  void* room = ::mmap(nullptr, header + 2 * capacity, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (room == MAP_FAILED) fail("mapping a ring");
  Mapping mapping(room, header + 2 * capacity);
  constexpr int kFlags = MREMAP_MAYMOVE | MREMAP_FIXED;
  // A shared mapping of the old size 0 is mapped once more. Emulators of Linux (qemu) refuse that.
  if (::mremap(once.data(), 0, header + capacity, kFlags, mapping.data()) != MAP_FAILED &&
      ::mremap(once.data() + header, 0, capacity, kFlags, mapping.data() + header + capacity) !=
          MAP_FAILED) {
    return mapping;
  }
#endif
  return mirrored(memory_file(header + capacity).fd(), header, capacity, true);
}

}  // namespace attolog
