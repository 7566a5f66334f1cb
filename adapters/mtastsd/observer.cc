#include "adapters/mtastsd/observer.h"

#include "module/trial/observed.h"

namespace mtasts::mtastsd {

Observer::Observer(Service& service, EventLoop& loop, Log& log)
    : log_(log),
      probes_({service.resolver(), service.prober(), log, std::chrono::steady_clock::now}, Probes::Sni::kSent),
      choice_({loop, service.resolver(), &probes_, {}}) {}

void Observer::watch(const Domain& domain, const Decision& decision, std::string_view server) {
  if (watched_.size() == kMaxWatched || !watched_.insert(domain.text()).second) return;
  choice_.probe_all(domain, decision.mx, [this, decision, server](const MxChoice::Findings& findings) {
    watched_.erase(decision.domain);
    if (findings_.take(std::chrono::steady_clock::now())) log_observed(log_, decision, server, findings);
  });
}

}  // namespace mtasts::mtastsd
