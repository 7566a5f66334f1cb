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
  const std::string domain = " domain=" + outcome.entry.domain.text();
  if (const auto& fault = outcome.fault) {
    const std::string name(error_name(fault->code));
    if (!throttle.is_due(name, kWarnedAgain)) return;
    log.write(LogLevel::kWarning,
              "event=lookup-not-tried" + domain + " error=" + name + " detail=" + log_quoted(fault->detail) +
                  " effect=" + log_quoted(effect_of(fault->code)) + " action=" + log_quoted(action_of(fault->code)));
  } else if (outcome.entry.record.state == RecordMemory::State::kFailed &&
             throttle.is_due("dns-failure", kWarnedAgain)) {
    log.write(LogLevel::kWarning, "event=dns-failure" + domain + " detail=" + log_quoted(outcome.entry.record.detail) +
                                      " action=\"check the resolver; see on_dns_failure for what happens to mail "
                                      "meanwhile\"");
  }
}

void log_ad_verdict(SharedThrottle& throttle, Log& log, const ResolverConfig::AdVerdict& verdict) {
  if (!throttle.is_due(verdict.counts ? "ad-counts" : "ad-ignored", kVerdictAgain)) return;
  std::string line = "event=resolver-ad resolver=" + verdict.resolver + " counts=" + (verdict.counts ? "yes" : "no");
  line += " detail=" + log_quoted(verdict.reason);
  if (!verdict.counts) line += " effect=\"what DNSSEC signs is taken for unsigned: DANE does not go before a policy\"";
  log.write(verdict.counts ? LogLevel::kInfo : LogLevel::kWarning, line);
}

}  // namespace mtasts
