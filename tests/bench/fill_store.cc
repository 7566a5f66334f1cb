// Fills an empty store with DOMAINS entries for a bench of something else: many_domains.h, their records usable for a
// day.
//
//     bench_fill_store DIRECTORY DOMAINS
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "module/client.h"
#include "module/io/wall_clock.h"
#include "module/store/policy_store.h"
#include "tests/bench/many_domains.h"

// In place of libc's: nothing of it has to survive a power cut, and a million entries take minutes less.
extern "C" int fsync(int /*fd*/) { return 0; }

int main(int argc, char* argv[]) {
  if (argc != 3) return 64;
  const auto log = mtasts::make_stderr_log();
  mtasts::FileStore store(argv[1], *log);
  const mtasts::WallTime now = mtasts::now();
  for (int number = 0; number < std::atoi(argv[2]); ++number) {
    if (!store.put(mtasts::bench::entry_of(number, now, now + std::chrono::hours(24)))) return 1;
  }
  return 0;
}
