// What the table says: `domain` - does the policy of this recipient domain demand protection? - and `relayhost` - to
// which of its MX hosts shall such mail go? (docs/opensmtpd.md)
#pragma once

#include <functional>
#include <string>

#include "adapters/opensmtpd/codec.h"
#include "adapters/opensmtpd/mx_choice.h"
#include "core/decision.h"
#include "module/service.h"

namespace mtasts::opensmtpd {

// Everything passed to the constructor must outlive the table, and the table what it has begun. One thread.
class Table {
 public:
  using Done = std::function<void(const Answer&)>;

  Table(EventLoop& loop, Service& service, Log& log);

  // `done` is called exactly once, never from inside this call, at the latest after `[opensmtpd] wait_s` and a moment;
  // a relay host whose policy is not remembered takes up to twice that: first the policy, then the choice.
  void answer(const Request& request, Done done);

 private:
  void check_domain(const std::string& key, Done done);
  void name_relay_host(const std::string& key, Done done);
  // What is known of the domain within the time that smtpd may be held. nullopt: it can have no policy.
  void find_out(const std::optional<Domain>& domain, std::function<void(const Decision&)> done);
  void look_ahead(const Domain& domain, const Decision& decision);
  void report_testing(const Domain& domain, const std::vector<MxChoice::Failure>& failures);
  void later(std::function<void()> step);

  EventLoop& loop_;
  Service& service_;
  Log& log_;
  std::unique_ptr<Probes> probes_;
  MxChoice choice_;
  std::unique_ptr<EventLoop::Watch> step_;
};

}  // namespace mtasts::opensmtpd
