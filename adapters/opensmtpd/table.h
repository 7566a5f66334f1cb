// What the table says: `domain` - does the policy of this recipient domain demand protection? - and `relayhost` - to
// which of its MX hosts shall such mail go? (docs/opensmtpd.md)
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "adapters/opensmtpd/codec.h"
#include "core/decision.h"
#include "module/config/config.h"
#include "module/engine/lookups.h"
#include "module/io/short_memory.h"
#include "module/store/policy_store.h"
#include "module/tlsrpt/tlsrpt.h"
#include "module/trial/mx_choice.h"

namespace mtasts::opensmtpd {

// Everything passed to the constructor must outlive the table, and the table what it has begun. One thread.
class Table {
 public:
  using Done = std::function<void(const Answer&)>;
  struct Deps {
    EventLoop& loop;
    Resolver& resolver;
    MxProber& prober;
    Lookups& lookups;
    FileStore& store;
    Log& log;
    std::function<WallTime()> clock;
    Probes::Clock steady_clock;
    bool smtpd_may_lack_sni;
    TlsReports* reports = nullptr;  // nullptr: nothing is reported
  };

  Table(Deps deps, const Config& config);

  // `done` is called exactly once, never from inside this call, at the latest after `[opensmtpd] wait_s` and a moment.
  void answer(const Request& request, Done done);

 private:
  void check_domain(const std::string& key, Done done);
  // Also when observing: the mail was queued for a policy before, and smtpd stays strict with it.
  void name_relay_host(const std::string& key, Done done);
  void choose(const Domain& domain, const Decision& decision, std::chrono::milliseconds left, Done done);
  // What is known of the domain within the time that smtpd may be held. nullopt: it can have no policy.
  void find_out(const std::optional<Domain>& domain, const DecisionRules& rules,
                std::function<void(const Decision&)> done);
  void look_ahead(const Domain& domain, const Decision& decision);
  void report_testing(const Domain& domain, const std::vector<MxChoice::Failure>& failures);
  [[nodiscard]] Decision observed(const Decision& decision) const;
  void later(std::function<void()> step);

  Deps deps_;
  const Config& config_;
  DecisionRules rules_of_waiting_;  // for mail that was queued for a policy
  std::unique_ptr<Probes> probes_;
  MxChoice choice_;
  std::set<std::string> watched_;   // domains whose hosts are being tried ahead
  ShortMemory<bool> testing_told_;  // domains; not in the store, where strangers could leave any number of files
  std::unique_ptr<EventLoop::Watch> step_;
};

}  // namespace mtasts::opensmtpd
