// What the MTA must do for a policy domain: the one place where memory, configuration and the three kinds of "we do not
// know" become an instruction (R16, R17, R20, R22, R26-R28).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cache_entry.h"
#include "core/lookup.h"

namespace mtasts {

enum class WhenUnknown { kNoPolicy, kDefer };

// `[[policy.override]]`: for the domain and everything below it; the longest suffix wins.
struct Override {
  Domain domain;
  Mode mode;  // kEnforce: a testing policy is enforced; kTesting: an enforce policy is only watched; kNone: exempt
};

struct DecisionRules {
  WhenUnknown on_deadline = WhenUnknown::kDefer;
  WhenUnknown on_dns_failure = WhenUnknown::kNoPolicy;
  std::vector<Override> overrides;
  bool ask_dane = false;  // the lookup was to ask (LookupRules)
};

struct Decision {
  enum class Kind {
    kPolicy,    // `mode` is kEnforce or kTesting and the fields below hold
    kNoPolicy,  // the MTA's ordinary behaviour, untouched (R28): no policy, or mode none
    kDefer,     // not now: the message stays in the queue
  };
  Kind kind = Kind::kNoPolicy;
  Mode mode = Mode::kNone;      // after overrides
  std::string domain;           // policy domain, empty where there can be none
  std::vector<std::string> mx;  // patterns (R24)
  std::string id;
  std::optional<WallTime> fetched;
  std::optional<WallTime> expires;
  std::chrono::seconds max_age{0};
  std::string body;  // the policy file, for TLSRPT
  bool from_cache = true;
  std::optional<DaneState> dane;  // of a policy, where it was asked: which MX hosts DANE judges, and it alone (R29)
  std::string dane_reason;
  std::vector<std::string> dane_hosts;  // DaneFinding::hosts
  std::string reason;                   // one sentence, why so
  bool temporary = false;               // that is not known now; `kind` is what to do until it is
  bool observed = false;                // only_observed() made it harmless
  std::optional<Error> failure;         // the policy failure behind it, for TLSRPT and the log (R32)
};

Decision decide(const Outcome& outcome, const DecisionRules& rules, WallTime now);

// R29: DANE takes precedence over a policy. Callers that asked for it must defer while it is unknown, or whoever makes
// DNS fail could choose the weaker of the two.
bool must_defer_for_dane(const Decision& decision);

// The fault is here, not with the domain, and nothing is known of it: mail waits until the fault is corrected.
Decision defer(const Domain& domain, const Error& error);

// Observe mode: what would be enforced is watched as a policy in testing is (R27), and mail that would be deferred goes
// out as without a policy.
Decision only_observed(Decision decision);

// For a next hop that can have no policy (policy_domain() gave nullopt).
Decision no_policy(std::string reason);

}  // namespace mtasts
