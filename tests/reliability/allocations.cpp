// Preloaded into a program under test: the Nth allocation of attolog fails, and as many behind it as
// wanted. Allocations are operator new in all its forms, and the calls by which the module gets
// mapped memory, files and their space. Armed by allocations_arm().
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

std::atomic<long> wanted{-1};  // which one, from 0; negative: none
std::atomic<long> times{1};
std::atomic<long> seen{0};

bool is_hit() {
  const long first = wanted.load(std::memory_order_relaxed);
  if (first < 0) return false;
  const long n = seen.fetch_add(1, std::memory_order_relaxed);
  return n >= first && n < first + times.load(std::memory_order_relaxed);
}

// Whether the module itself calls: Python and the C library have ways of their own.
bool is_hit_from(const void* caller) {
  if (wanted.load(std::memory_order_relaxed) < 0) return false;
  Dl_info info{};
  if (dladdr(caller, &info) == 0 || std::strstr(info.dli_fname, "attolog/_core") == nullptr) {
    return false;
  }
  return is_hit();
}

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (is_hit()) return nullptr;
  if (size == 0) size = 1;
  if (alignment == 0) return std::malloc(size);
  void* place = nullptr;
  return posix_memalign(&place, alignment, size) == 0 ? place : nullptr;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment = 0) {
  void* const place = allocate(size, alignment);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}

}  // namespace

extern "C" {

void allocations_arm(long nth, long how_many) {
  seen = 0;
  times = how_many;
  wanted = nth;
}
long allocations_seen() {
  return seen;
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (is_hit_from(__builtin_return_address(0))) {
    errno = EMFILE;
    return -1;
  }
  return real<int(const char*, int, ...)>("open")(path, flags, mode);
}

void* mmap(void* at, size_t size, int access, int flags, int fd, off_t offset) noexcept {
  if (is_hit_from(__builtin_return_address(0))) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return real<void*(void*, size_t, int, int, int, off_t)>("mmap")(at, size, access, flags, fd,
                                                                   offset);
}

int ftruncate(int fd, off_t size) noexcept {
  if (is_hit_from(__builtin_return_address(0))) {
    errno = ENOSPC;
    return -1;
  }
  return real<int(int, off_t)>("ftruncate")(fd, size);
}

int posix_fallocate(int fd, off_t from, off_t size) {
  if (is_hit_from(__builtin_return_address(0))) return ENOSPC;
  return real<int(int, off_t, off_t)>("posix_fallocate")(fd, from, size);
}

int memfd_create(const char* name, unsigned flags) noexcept {
  if (is_hit_from(__builtin_return_address(0))) {
    errno = EMFILE;
    return -1;
  }
  return real<int(const char*, unsigned)>("memfd_create")(name, flags);
}
}

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, std::align_val_t to) {
  return allocate_or_throw(size, static_cast<std::size_t>(to));
}
void* operator new[](std::size_t size, std::align_val_t to) {
  return allocate_or_throw(size, static_cast<std::size_t>(to));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t to, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(to));
}
void* operator new[](std::size_t size, std::align_val_t to, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(to));
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete[](void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t) noexcept { std::free(place); }
void operator delete(void* place, std::align_val_t) noexcept { std::free(place); }
void operator delete[](void* place, std::align_val_t) noexcept { std::free(place); }
void operator delete(void* place, std::size_t, std::align_val_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t, std::align_val_t) noexcept { std::free(place); }
void operator delete(void* place, const std::nothrow_t&) noexcept { std::free(place); }
void operator delete[](void* place, const std::nothrow_t&) noexcept { std::free(place); }
