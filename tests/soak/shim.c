/* LD_PRELOAD of the soak, for the programs under test alone:
 *
 * SOAK_CLOCK=FILE  a wall clock that the tester moves: FILE holds, in the machine's byte order, the 64-bit number of
 *                  seconds to add. The kernel's stamps on files that are made or written follow it, as they would if
 *                  the machine's clock had been moved.
 * SOAK_DIE_AT=N    the process kills itself just before its N-th step that changes the file system; a forked child and
 *                  a program that is started count on. So every point at which a writer can die is reached.
 *
 * SOAK_DAEMON=1    does nothing; it is how the soak knows mtastsd's own helper from the others.
 *
 * The lookup helper is started with an empty environment; it gets this one's variables all the same.
 *
 * The monotonic clock is left alone: nobody can set it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;
static long die_at;
static long steps;

/* The next definition of `name`: libc's. ISO C knows no cast from dlsym's pointer to a function's. */
#define REAL(name)               \
  static __typeof__(&name) real; \
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("SOAK_CLOCK");
  const char *at = getenv("SOAK_DIE_AT");
  if (at != NULL) die_at = strtol(at, NULL, 10);
  if (file == NULL) return;
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) abort(); /* a test whose clock does not move would prove nothing */
  void *page = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page == MAP_FAILED) abort();
  offset = page;
}

static void step(void) {
  if (die_at <= 0 || ++steps != die_at) return;
  tgkill(getpid(), gettid(), SIGKILL); /* the helper's filter of system calls lets no other call kill */
  abort();                             /* a writer that lives on would prove nothing */
}

static int is_regular(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL(clock_gettime);
  const int result = real(clock, now);
  if (result == 0 && offset != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    now->tv_sec += *offset;
  return result;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now); /* time(2) is as coarse, and so are the stamps of files */
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec precise;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

/* "Now" is the moved clock's. */
static struct timespec moved(struct timespec wanted) {
  if (wanted.tv_nsec == UTIME_NOW) clock_gettime(CLOCK_REALTIME, &wanted);
  return wanted;
}

int futimens(int fd, const struct timespec times[2]) {
  REAL(futimens);
  step();
  const struct timespec both[2] = {moved(times[0]), moved(times[1])};
  return real(fd, both);
}

/* What the kernel has just stamped with its own clock. */
static void stamp(int fd) {
  REAL(futimens);
  if (offset == NULL || *offset == 0 || !is_regular(fd)) return;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  const struct timespec times[2] = {now, now};
  real(fd, times); /* fails on a file of somebody else's: then its stamp stays */
}

int openat(int folder, const char *path, int flags, ...) {
  REAL(openat);
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? (mode_t)va_arg(more, int) : 0;
  va_end(more);
  if ((flags & O_CREAT) == 0) return real(folder, path, flags, mode);
  step();
  const int fd = real(folder, path, flags, mode);
  if (fd >= 0 && (flags & O_EXCL) != 0) stamp(fd);
  return fd;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(write);
  if ((die_at == 0 && offset == NULL) || !is_regular(fd)) return real(fd, bytes, size);
  step();
  const ssize_t written = real(fd, bytes, size);
  if (written > 0) stamp(fd);
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t place) {
  REAL(pwrite);
  step();
  const ssize_t written = real(fd, bytes, size, place);
  if (written > 0) stamp(fd);
  return written;
}

int mkdirat(int folder, const char *path, mode_t mode) {
  REAL(mkdirat);
  step();
  return real(folder, path, mode);
}

int fchmod(int fd, mode_t mode) {
  REAL(fchmod);
  step();
  return real(fd, mode);
}

int fsync(int fd) {
  REAL(fsync);
  step();
  return real(fd);
}

int renameat(int from, const char *old, int to, const char *new) {
  REAL(renameat);
  step();
  return real(from, old, to, new);
}

int unlinkat(int folder, const char *path, int flags) {
  REAL(unlinkat);
  step();
  return real(folder, path, flags);
}

/* What the environment says of `name`, with its name, or NULL. */
static char *variable(char *text, size_t size, const char *name) {
  const char *value = getenv(name);
  if (value == NULL || snprintf(text, size, "%s=%s", name, value) >= (int)size) return NULL;
  return text;
}

int posix_spawn(pid_t *restrict process, const char *restrict path, const posix_spawn_file_actions_t *restrict actions,
                const posix_spawnattr_t *restrict attributes, char *const arguments[restrict],
                char *const environment[restrict]) {
  REAL(posix_spawn);
  char preload[4096];
  char file[4096];
  char daemon[64];
  char at[64];
  char *extended[64];
  size_t count = 0;
  for (; environment != NULL && environment[count] != NULL && count < 60; ++count) extended[count] = environment[count];
  if ((extended[count] = variable(preload, sizeof preload, "LD_PRELOAD")) != NULL) ++count;
  if ((extended[count] = variable(file, sizeof file, "SOAK_CLOCK")) != NULL) ++count;
  if ((extended[count] = variable(daemon, sizeof daemon, "SOAK_DAEMON")) != NULL) ++count;
  if (die_at > 0) {
    snprintf(at, sizeof at, "SOAK_DIE_AT=%ld", die_at - steps);
    extended[count++] = at;
  }
  extended[count] = NULL;
  return real(process, path, actions, attributes, arguments, extended);
}
