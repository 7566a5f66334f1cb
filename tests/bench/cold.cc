// What cold lookups cost: looks up m0.many.test and so on, of tests/lab/fixtures.py, each once, so many at a time.
//
//     bench_cold STORE ENGINES TLS DOMAINS AT_ONCE     (inside tests/lab/loopback.py)
//
// Prints "seconds cpu_seconds peak_kib private_kib answered".
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "module/client.h"
#include "module/engine/engine.h"
#include "module/helper/engine_library.h"
#include "module/io/wall_clock.h"
#include "tests/bench/memory.h"

namespace {

std::string lab(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    std::fprintf(stderr, "bench_cold: run it inside tests/lab/loopback.py\n");
    std::exit(64);
  }
  return value;
}

mtasts::Config configuration(char* argv[]) {
  mtasts::Config config;
  config.network.dns.resolvers = {lab("MTASTS_LAB_RESOLVER")};
  config.network.fetch.port = static_cast<std::uint16_t>(std::stoi(lab("MTASTS_LAB_POLICY_PORT")));
  config.network.fetch.ca_file = lab("MTASTS_BENCH_CA");
  config.network.fetch.allow_private = {"127.0.0.0/8"};
  config.cache_directory = argv[1];
  config.engine_directory = argv[2];
  config.tls = std::string(argv[3]) == "gnutls" ? mtasts::TlsLibrary::kGnuTls : mtasts::TlsLibrary::kOpenSsl;
  return config;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 6) return 64;
  const mtasts::Config config = configuration(argv);
  const int domains = std::atoi(argv[4]);
  const int at_once = std::atoi(argv[5]);
  const auto log = mtasts::make_stderr_log();
  mtasts::FileStore store(config.cache_directory, *log);
  const auto network = mtasts::EngineLibrary::load(mtasts::helper_settings(config, mtasts::LogTarget::kStderr))
                           .and_then([&](const auto& library) { return library.open(config.network); });
  if (!network) {
    std::fprintf(stderr, "bench_cold: %s\n", network.error().detail.c_str());
    return 1;
  }
  mtasts::EventLoop& loop = (*network)->loop();
  mtasts::Engine engine(loop, (*network)->resolver(), (*network)->fetcher(), store, *log, config.lookup, mtasts::now);
  int started = 0;
  int ended = 0;
  int answered = 0;
  std::function<void()> next = [&] {
    if (started == domains) return;
    const auto domain = mtasts::Domain::parse("m" + std::to_string(started++) + ".many.test");
    engine.lookup(*domain, mtasts::Lookup::Effort::kNormal, std::chrono::minutes(5),
                  [&](const mtasts::Outcome& outcome) {
                    answered += outcome.entry.policy_in_force(mtasts::now()) != nullptr ? 1 : 0;
                    if (++ended == domains) loop.stop();
                    next();
                  });
  };
  struct rusage before {};
  ::getrusage(RUSAGE_SELF, &before);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < at_once; ++i) next();
  loop.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  struct rusage after {};
  ::getrusage(RUSAGE_SELF, &after);
  std::printf("%f %f %ld %ld %d\n", took.count(),
              seconds(after.ru_utime) + seconds(after.ru_stime) - seconds(before.ru_utime) - seconds(before.ru_stime),
              after.ru_maxrss, private_kib(), answered);
  return answered == domains ? 0 : 1;
}
