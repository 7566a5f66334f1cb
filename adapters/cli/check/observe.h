// Looks at domains from outside, for `mtasts check` and `mtasts publish`. Strangers' bytes are read by the lookup
// helper (docs/adr/0010, 0012), never in this process.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>

#include "adapters/cli/check/check.h"
#include "adapters/cli/check/observation.h"
#include "adapters/cli/check/paced_inspector.h"
#include "module/config/config.h"
#include "module/helper/client.h"
#include "module/io/log.h"
#include "module/store/policy_store.h"

namespace mtasts::check {

// One thread. `log` must outlive it. Whoever opens it is the user that lookups belong to.
class Observer {
 public:
  struct Limits {
    std::size_t jobs = 1;            // domains at a time
    std::chrono::seconds time{180};  // for one domain
    WithoutRecord without_record = WithoutRecord::kStop;
  };

  // Starts the helper. Error kLocalFault, or what the helper says is missing.
  static Result<std::unique_ptr<Observer>> open(Config config, Log& log);

  // As an Observe (check.h). MX hosts are looked at once in the life of the observer.
  void observe(std::span<const Domain> domains, const Limits& limits, const Seen& seen);

 private:
  Observer(const Config& config, Log& log) : store_(config.cache_directory, log) {}

  FileStore store_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<HelperClient> helper_;
  std::unique_ptr<PacedInspector> inspector_;
  std::unique_ptr<MxHosts> mx_hosts_;
};

}  // namespace mtasts::check
