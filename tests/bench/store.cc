// What the store costs: fills an empty directory with DOMAINS entries, a twentieth of them with a policy, and measures.
//
//     bench_store DIRECTORY DOMAINS
//
// Prints one line "name value unit" for each figure.
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/sweep.h"
#include "module/client.h"
#include "module/io/wall_clock.h"
#include "module/store/policy_store.h"
#include "tests/bench/many_domains.h"
#include "tests/bench/memory.h"

namespace {

using mtasts::CacheEntry;
using mtasts::Domain;
using mtasts::bench::domain_name;
using mtasts::bench::entry_of;
using mtasts::bench::kOneInHasAPolicy;
using Clock = std::chrono::steady_clock;

constexpr int kSamples = 20'000;

Domain domain(int number) { return *Domain::parse(domain_name(number)); }

CacheEntry an_hours_entry(int number, mtasts::WallTime now) {
  return entry_of(number, now, now + std::chrono::hours(1));
}

double micros_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// The mean of many, in no order that a disk or a cache could like.
template <typename Action>
double mean_micros(int domains, bool with_policy, Action action, int samples = kSamples) {
  unsigned random = 1;
  const auto begin = Clock::now();
  for (int i = 0; i < samples; ++i) {
    random = random * 1'664'525U + 1'013'904'223U;
    const int number = static_cast<int>(random % static_cast<unsigned>(domains / kOneInHasAPolicy)) * kOneInHasAPolicy;
    action(number + (with_policy ? 0 : 1));
  }
  return micros_since(begin) / samples;
}

// A round as Sweep does it, without the network: how many are due, and how many are dropped.
void round(mtasts::FileStore& store, mtasts::WallTime now, const char* name) {
  const auto begin = Clock::now();
  long due = 0;
  long removed = 0;
  [[maybe_unused]] const auto listed = store.for_each([&](const CacheEntry& entry, mtasts::WallTime used) {
    const auto what = mtasts::sweep_action(entry, used, mtasts::SweepRules{}, now);
    due += what == mtasts::SweepAction::kRefresh ? 1 : 0;
    if (what == mtasts::SweepAction::kForget && store.remove(entry.domain)) ++removed;
  });
  std::printf("%s %.2f s\n%s.due %ld policies\n%s.let_go %ld domains\n", name, micros_since(begin) / 1e6, name, due,
              name, removed);
}

// What the files take on the disk, their directories included, and what of it holds the policies' texts.
void size_of(const char* directory, mtasts::FileStore& store) {
  std::uintmax_t blocks = 0;
  long files = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat status {};
    if (::lstat(item.path().c_str(), &status) != 0) continue;
    blocks += static_cast<std::uintmax_t>(status.st_blocks);
    ++files;
  }
  long policies = 0;
  const auto begin = Clock::now();
  [[maybe_unused]] const auto listed =
      store.for_each([&policies](const CacheEntry& entry, mtasts::WallTime) { policies += entry.policy ? 1 : 0; });
  std::printf("size %.1f MiB\nfiles %ld files\npolicies %ld policies\nlist %.2f s\n",
              static_cast<double>(blocks) * 512 / 1048576, files, policies, micros_since(begin) / 1e6);
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 3) return 64;
  const int domains = std::atoi(argv[2]);
  const auto log = mtasts::make_stderr_log();
  mtasts::FileStore store(argv[1], *log);
  const mtasts::WallTime now = mtasts::now();
  auto begin = Clock::now();
  for (int i = 0; i < domains; ++i) {
    if (!store.put(an_hours_entry(i, now))) return 1;
  }
  std::printf("fill %.1f us\n", micros_since(begin) / domains);
  size_of(argv[1], store);
  std::printf("get.policy %.2f us\n", mean_micros(domains, true, [&](int number) { store.use(domain(number)); }));
  std::printf("get.absence %.2f us\n", mean_micros(domains, false, [&](int number) { store.use(domain(number)); }));
  std::printf(
      "put.policy %.1f us\n",
      mean_micros(
          domains, true, [&](int number) { [[maybe_unused]] const auto put = store.put(an_hours_entry(number, now)); },
          kSamples / 10));
  std::printf("put.absence %.1f us\n", mean_micros(domains, false, [&](int number) {
                [[maybe_unused]] const auto put = store.put(an_hours_entry(number, now));
              }));
  round(store, now + std::chrono::hours(23), "round");
  round(store, now + std::chrono::hours(26), "purge");
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("peak_resident %ld KiB\nprivate %ld KiB\n", usage.ru_maxrss, private_kib());
  return 0;
}
