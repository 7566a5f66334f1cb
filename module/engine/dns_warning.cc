#include "module/engine/dns_warning.h"

#include <chrono>
#include <string>

namespace mtasts {
namespace {

constexpr std::chrono::minutes kWarnedAgain{1};
constexpr std::chrono::hours kVerdictAgain{1};

const char* effect_of(ErrorCode code) {
  return code == ErrorCode::kNotTried ? "mail to domains that are not cached is deferred, see engine.on_deadline"
                                      : "mail to domains without a cached policy is deferred";
}

const char* action_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotTried:
      return "if this lasts: see which domains are asked for, or raise dns.max_in_flight and fetch.max_in_flight";
    case ErrorCode::kLocalFault:
      return "correct what the detail names on this machine";
    default:
      return "report it to the maintainers of mtasts: this is a defect";
  }
}

}  // namespace

void warn_of_dns_failure(SharedThrottle& throttle, Log& log, const Outcome& outcome) {
  const std::string& domain = outcome.entry.domain.text();
  if (const auto& fault = outcome.fault) {
    const std::string name(error_name(fault->code));
    if (!throttle.is_due(name, kWarnedAgain)) return;
    log.write(LogLevel::kWarning, LogLine("lookup-not-tried")
                                      .field("domain", domain)
                                      .field("error", name)
                                      .text("detail", fault->detail)
                                      .text("effect", effect_of(fault->code))
                                      .text("action", action_of(fault->code)));
  } else if (outcome.entry.record.state == RecordMemory::State::kFailed &&
             throttle.is_due("dns-failure", kWarnedAgain)) {
    log.write(LogLevel::kWarning,
              LogLine("dns-failure")
                  .field("domain", domain)
                  .text("detail", outcome.entry.record.detail)
                  .text("action", "check the resolver; see on_dns_failure for what happens to mail meanwhile"));
  }
}

void log_ad_verdict(SharedThrottle& throttle, Log& log, const ResolverConfig::AdVerdict& verdict) {
  if (!throttle.is_due(verdict.counts ? "ad-counts" : "ad-ignored", kVerdictAgain)) return;
  LogLine line("resolver-ad");
  line.field("resolver", verdict.resolver)
      .field("counts", verdict.counts ? "yes" : "no")
      .text("detail", verdict.reason);
  if (!verdict.counts) line.text("effect", "what DNSSEC signs is taken for unsigned: DANE does not go before a policy");
  log.write(verdict.counts ? LogLevel::kInfo : LogLevel::kWarning, line);
}

}  // namespace mtasts
