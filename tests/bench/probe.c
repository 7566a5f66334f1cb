/* Loaded into Exim by ${dlfunc}: measures there, in nanoseconds, what an administrator's Exim pays. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef int exim_function(unsigned char **, int, unsigned char **);

__attribute__((visibility("default"))) exim_function probe_file, probe_answer;

static char answer[128];

static long long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* (path): opening, reading and closing one small file. */
int probe_file(unsigned char **yield, int argc, unsigned char *argv[]) {
  char text[4096];
  struct stat status;
  long long start = nanoseconds();
  int fd = argc == 1 ? open((char *)argv[0], O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0 || fstat(fd, &status) != 0 || read(fd, text, sizeof text) <= 0) return 1;
  close(fd);
  snprintf(answer, sizeof answer, "%lld", nanoseconds() - start);
  *yield = (unsigned char *)answer;
  return 0;
}

/* (module, domain): loading the module, the first answer and the second, for two domains that are cached. */
int probe_answer(unsigned char **yield, int argc, unsigned char *argv[]) {
  unsigned char *text = NULL;
  long long start = nanoseconds(), loaded, first;
  void *module = argc == 3 ? dlopen((char *)argv[0], RTLD_LAZY) : NULL;
  exim_function *route;
  if (module == NULL) return 1;
  *(void **)&route = dlsym(module, "mta_sts_route");
  loaded = nanoseconds();
  if (route == NULL || route(&text, 1, argv + 1) != 0 || text == NULL || text[0] != 'e') return 1;
  first = nanoseconds();
  if (route(&text, 1, argv + 2) != 0 || text[0] != 'e') return 1;
  snprintf(answer, sizeof answer, "%lld %lld %lld", loaded - start, first - loaded, nanoseconds() - first);
  *yield = (unsigned char *)answer;
  return 0;
}
