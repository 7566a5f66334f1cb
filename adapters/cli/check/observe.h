// Looks at domains from outside, for `mtasts check` and `mtasts publish`. Strangers' bytes are read by the lookup
// helper (docs/adr/0010, 0012), never in this process.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "adapters/cli/check/facts.h"
#include "adapters/cli/check/observation.h"
#include "module/config/config.h"
#include "module/helper/client.h"
#include "module/io/log.h"
#include "module/store/policy_store.h"

namespace mtasts::check {

// One thread. `log` must outlive it. Whoever opens it is the user that lookups belong to.
class Observer {
 public:
  using Done = std::function<void(Facts)>;
  // How many of all have been looked at.
  using Progress = std::function<void(std::size_t seen, std::size_t all)>;
  struct Wishes {
    unsigned jobs = 1;  // domains at a time
    WithoutRecord without_record = WithoutRecord::kStop;
    std::chrono::seconds time{180};  // for one domain
  };

  // Starts the helper. Error kLocalFault, or what the helper says is missing.
  static Result<std::unique_ptr<Observer>> open(const Config& config, Log& log);

  // Returns when all have been looked at. `done` is called in the order of the domains; of those that wait for an
  // earlier one to be called there are a few times `jobs`. MX hosts are looked at once in the life of the observer.
  void observe(std::span<const Domain> domains, const Wishes& wishes, const Done& done, const Progress& progress = {});

 private:
  Observer(const Config& config, Log& log) : store_(config.cache_directory, log) {}

  FileStore store_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<HelperClient> helper_;
  std::unique_ptr<MxHosts> mx_hosts_;
};

}  // namespace mtasts::check
