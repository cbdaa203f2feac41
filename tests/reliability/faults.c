// Preloaded into a program under test: lets one of its system calls on chosen files fail, fall short or
// be its last. Armed by FAULT="part of the path|call or any|which one|action|how often", or, in a process
// that tries many, by fault_arm().
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char part[512];    // of the path: calls on other files are not touched
static char call[32];     // "any" or the name of one
static char action[32];   // kill, kill_after, stop, half (write a half, then die), short, errno:N
static long wanted = -1;  // which of the matching calls, from 0
static long times = 1;    // how many from there on
static long seen;

void fault_arm(const char* text) {
  seen = 0;
  wanted = -1;
  times = 1;
  if (text != NULL) sscanf(text, "%511[^|]|%31[^|]|%ld|%31[^|]|%ld", part, call, &wanted, action, &times);
}

long fault_seen(void) { return seen; }

__attribute__((constructor)) static void arm_from_environment(void) { fault_arm(getenv("FAULT")); }

static int is_hit(const char* name, const char* path) {
  if (wanted < 0 || path == NULL || strstr(path, part) == NULL) return 0;
  if (strcmp(call, "any") != 0 && strcmp(call, name) != 0) return 0;
  const long n = __atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
  return n >= wanted && n < wanted + times;
}

static int is_hit_fd(const char* name, int fd) {
  if (wanted < 0) return 0;
  char link[64];
  char path[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = '\0';
  return is_hit(name, path);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int is(const char* what) { return strcmp(action, what) == 0; }

// Before the call: 1 if it must not be made, with errno set.
static int before(void) {
  if (is("kill")) die();
  if (is("stop")) raise(SIGSTOP);
  if (strncmp(action, "errno:", 6) != 0) return 0;
  errno = atoi(action + 6);
  return 1;
}

#define REAL(name, type, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

#define WRAP(name, hit, parameters, arguments, ...)             \
  int name parameters {                                         \
    const int is_wanted = hit;                                  \
    if (is_wanted && before()) return -1;                       \
    const int result = REAL(name, int, __VA_ARGS__) arguments;  \
    if (is_wanted && is("kill_after")) die();                   \
    return result;                                              \
  }

WRAP(unlink, is_hit("unlink", path), (const char* path), (path), const char*)
WRAP(rmdir, is_hit("rmdir", path), (const char* path), (path), const char*)
WRAP(mkdir, is_hit("mkdir", path), (const char* path, mode_t mode), (path, mode), const char*, mode_t)
WRAP(rename, is_hit("rename", to), (const char* from, const char* to), (from, to), const char*, const char*)
WRAP(ftruncate, is_hit_fd("ftruncate", fd), (int fd, off_t size), (fd, size), int, off_t)
WRAP(flock, is_hit_fd("flock", fd), (int fd, int kind), (fd, kind), int, int)
WRAP(fdatasync, is_hit_fd("fdatasync", fd), (int fd), (fd), int)

int posix_fallocate(int fd, off_t from, off_t size) {
  const int is_wanted = is_hit_fd("posix_fallocate", fd);
  if (is_wanted && before()) return errno;
  const int result = REAL(posix_fallocate, int, int, off_t, off_t)(fd, from, size);
  if (is_wanted && is("kill_after")) die();
  return result;
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  const int is_wanted = is_hit("open", path);
  if (is_wanted && before()) return -1;
  const int result = REAL(open, int, const char*, int, ...)(path, flags, mode);
  if (is_wanted && is("kill_after")) die();
  return result;
}

ssize_t write(int fd, const void* bytes, size_t n) {
  const int is_wanted = is_hit_fd("write", fd);
  if (is_wanted && before()) return -1;
  if (is_wanted && (is("half") || is("short"))) n = (n + 1) / 2;
  const ssize_t result = REAL(write, ssize_t, int, const void*, size_t)(fd, bytes, n);
  if (is_wanted && (is("half") || is("kill_after"))) die();
  return result;
}
