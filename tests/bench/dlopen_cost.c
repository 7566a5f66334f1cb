/* Prints the nanoseconds that loading the shared object named on the command line takes in this fresh process. */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static long long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char *argv[]) {
  long long start;
  if (argc != 2) return 64;
  start = nanoseconds();
  if (dlopen(argv[1], RTLD_LAZY) == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  printf("%lld\n", nanoseconds() - start);
  return 0;
}
