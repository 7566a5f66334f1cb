// Observe mode for Postfix and Sendmail: they do not tell what became of a session, so the MX hosts of domains whose
// policy would be enforced are tried aside.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "module/io/log_budget.h"
#include "module/service.h"
#include "module/trial/mx_choice.h"
#include "module/trial/probes.h"

namespace mtasts::mtastsd {

// Everything passed to the constructor must outlive the object, and the object what it has begun. One thread.
class Observer {
 public:
  Observer(Service& service, EventLoop& loop, Log& log);

  // For a delivery that `server` makes. What comes while the hosts of that domain are being tried counts as one.
  void watch(const Domain& domain, const Decision& decision, std::string_view server);

 private:
  static constexpr std::size_t kMaxWatched = 1000;  // domains at the same time; more are not tried

  static constexpr std::size_t kMaxLogged = 600;  // findings a minute: whoever may ask can cause them

  Log& log_;
  LogBudget findings_{kMaxLogged};
  Probes probes_;
  MxChoice choice_;
  std::set<std::string> watched_;
};

}  // namespace mtasts::mtastsd
