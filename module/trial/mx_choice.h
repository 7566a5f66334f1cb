// The MX hosts of a domain, tried. OpenSMTPD is named one of them: it takes a relay host without a second one to fall
// back to, so that whoever names it has to know whether it would pass. Of policies that are only observed all are
// tried.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/domain.h"
#include "core/ports.h"
#include "module/trial/probes.h"

namespace mtasts {

// Everything passed to the constructor must outlive the object, and the object what it has begun. One thread.
class MxChoice {
 public:
  struct Deps {
    EventLoop& loop;
    Resolver& resolver;
    Probes* probes;  // nullptr: none is tried, the most preferred is taken
    // What is known of a host under a domain's policy and until when, each time that somebody wants to know it; of
    // hosts that the policy does not name and that are not tried for it, that they are not named. May be empty.
    std::function<void(const Domain& domain, const std::string& host, const MxTrial& trial, SteadyTime until)> report;
  };
  // The host, or why there is none.
  using Done = std::function<void(const Result<std::string>& host)>;
  // All hosts are known: those to which an enforced policy would let no mail go, and why.
  struct Failure {
    std::string host;
    Error error;
  };
  struct Findings {
    std::vector<Failure> failures;
    std::size_t hosts = 0;  // that there are; 0: DNS names none
  };
  using AllProbed = std::function<void(const Findings& findings)>;

  explicit MxChoice(Deps deps);
  ~MxChoice();
  MxChoice(const MxChoice&) = delete;
  MxChoice& operator=(const MxChoice&) = delete;

  // `patterns`: of the policy; empty: there is none, every MX is permitted, nothing is reported. `done` is called
  // exactly once, never from inside this call, at the latest after `deadline`: then with the host of the best prospect,
  // because smtpd will itself deliver to no host that does not pass.
  void choose(const Domain& domain, const std::vector<std::string>& patterns, std::chrono::milliseconds deadline,
              Done done);
  // Tries all MX hosts of a domain, of which the policy permits some; with probes only. `done` is called exactly once,
  // when all have been tried, with none where DNS does not name them.
  void probe_all(const Domain& domain, const std::vector<std::string>& patterns, AllProbed done);

 private:
  struct Choice;
  struct ProbeRun;

  void end(Choice& choice, const Result<std::string>& host);
  [[nodiscard]] Findings findings_of(const ProbeRun& run) const;
  enum class Moment { kHostKnown, kDeadline };
  void look_at(Choice& choice, Moment moment);
  // Reports what is known of the host for `report_for`, or probes it, reports and calls `done`; true: it has to be
  // waited for.
  bool probe_or_report(const std::optional<Domain>& report_for, const std::string& host,
                       const std::function<void()>& done) const;
  void report(const std::optional<Domain>& domain, const std::string& host) const;
  void report_not_named(const Domain& domain, const std::string& host) const;

  Deps deps_;
  std::mt19937 random_;
  std::list<std::shared_ptr<Choice>> choices_;  // that have not ended; callbacks have weak pointers to them
};

}  // namespace mtasts
