// What an adapter in a foreign or short-lived process uses: configuration, memory and, on a miss, the lookup helper. A
// cached answer costs one file read and no fork.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/decision.h"
#include "module/config/config.h"
#include "module/io/log.h"
#include "module/store/policy_store.h"

namespace mtasts {

class Client {
 public:
  // A person is told by the answer itself what failed: the warning of the minute is left to the mail servers' lookups.
  enum class Caller { kMailServer, kPerson };

  // Error kConfig as load_config. `log` is taken over and set to the configured level.
  static Result<std::unique_ptr<Client>> open(const std::string& config_path, std::unique_ptr<Log> log,
                                              Caller caller = Caller::kMailServer);

  // Never fails: what cannot be found out is a Decision too (kDefer or kNoPolicy with its reason). `next_hop`:
  // recipient domain or smarthost in the host's words (core/domain.h). Default deadline: the configured one. Where a
  // shorter one ends before the record is known, that says nothing of DNS: `on_deadline` decides, not `on_dns_failure`.
  Decision lookup(std::string_view next_hop, Lookup::Effort effort = Lookup::Effort::kNormal,
                  std::optional<std::chrono::milliseconds> deadline = std::nullopt);
  // The same, and whether DANE goes before the policy (R29): for who has no transport that finds that out by itself.
  // Without `[policy] dane` it is not asked.
  Decision lookup_with_dane(std::string_view next_hop, Lookup::Effort effort = Lookup::Effort::kNormal,
                            std::optional<std::chrono::milliseconds> deadline = std::nullopt);

  [[nodiscard]] const Config& config() const { return config_; }
  FileStore& store() { return store_; }
  Log& log() { return *log_; }

 private:
  Client(Config config, std::unique_ptr<Log> log);
  Decision lookup(const Config& config, std::string_view next_hop, Lookup::Effort effort,
                  std::chrono::milliseconds deadline);
  Outcome find_out(const Config& config, const Domain& domain, Lookup::Effort effort,
                   std::chrono::milliseconds deadline);

  Config config_;
  Config with_dane_;
  std::unique_ptr<Log> log_;
  FileStore store_;
};

}  // namespace mtasts
