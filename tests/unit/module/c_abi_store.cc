// Fills a store for the C test, which cannot.
#include <filesystem>

#include "module/client.h"
#include "module/io/wall_clock.h"
#include "module/store/policy_store.h"
#include "module/tlsrpt/wishes.h"

extern "C" int put_policy(const char* store, const char* domain, const char* body) {
  using namespace mtasts;
  const auto log = make_stderr_log();
  const WallTime at = now();
  CacheEntry entry{*Domain::parse(domain),
                   {RecordMemory::State::kFound, at + std::chrono::seconds(300), "abc", {}},
                   std::nullopt,
                   std::nullopt};
  entry.policy = StoredPolicy{"abc", at, body, *parse_policy(body)};
  return FileStore(store, *log).put(entry) ? 0 : 1;
}

extern "C" int put_failure(const char* store, const char* domain, const char* error, const char* detail) {
  using namespace mtasts;
  const auto code = error_code(error);
  if (!code) return 1;
  const auto log = make_stderr_log();
  const WallTime at = now();
  CacheEntry entry{*Domain::parse(domain),
                   {RecordMemory::State::kFound, at + std::chrono::seconds(300), "abc", {}},
                   std::nullopt,
                   FetchFailure{"abc", 1, 1, at + std::chrono::seconds(300), {*code, detail}}};
  return FileStore(store, *log).put(entry) ? 0 : 1;
}

extern "C" int put_wish(const char* store, const char* domain) {
  using namespace mtasts;
  ReportWishes(store).put(*Domain::parse(domain),
                          {"v=TLSRPTv1; rua=mailto:r@example.com", now() + std::chrono::seconds(300)});
  return 0;
}

extern "C" int put_no_wish(const char* store, const char* domain) {
  using namespace mtasts;
  ReportWishes(store).put(*Domain::parse(domain), {std::nullopt, now() + std::chrono::seconds(300)});
  return 0;
}

extern "C" int forget_all(const char* store) {
  std::error_code error;
  std::filesystem::remove_all(store, error);
  return error ? 1 : 0;
}
