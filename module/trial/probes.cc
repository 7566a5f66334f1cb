#include "module/trial/probes.h"

#include <utility>

#include "core/tls_result.h"

namespace mtasts {
namespace {

using std::chrono::minutes;

constexpr minutes kPassedFor{10};
constexpr minutes kFailedFor{2};  // less than smtpd waits before it tries again
constexpr std::size_t kMaxCached = 10'000;

// Did TLS come to nothing that would have come to something with SNI? A host that is busy, or without STARTTLS now,
// says nothing of that.
bool is_for_want_of_sni(ErrorCode code) {
  return code != ErrorCode::kStartTlsNotSupported && tls_result(code).has_value();
}

}  // namespace

Probes::Probes(Deps deps, Sni sni) : deps_(std::move(deps)), sni_(sni), findings_(kMaxCached) {}

const Probes::Known* Probes::known(const std::string& host) const { return findings_.find(host, deps_.clock()); }

Prospect Probes::prospect(const std::string& host) const {
  const Known* last = findings_.find(host);
  if (last == nullptr) return Prospect::kUnknown;
  const bool counts = known(host) != nullptr;
  if (!last->value.passes) return counts ? Prospect::kFails : Prospect::kFailedBefore;
  if (last->value.needs_sni) return Prospect::kNeedsSni;  // a matter of its configuration: it does not pass by itself
  return counts ? Prospect::kPasses : Prospect::kUnknown;
}

void Probes::probe(const std::string& host, Done done) {
  auto& waiting = waiting_[host];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  deps_.resolver.addresses(host, [this, host](const Result<DnsAnswer<std::string>>& addresses) {
    if (!addresses) return ended(host, {tl::unexpected(addresses.error())});
    if (addresses->records.empty()) return ended(host, {fail(ErrorCode::kUnreachable, host + " has no address")});
    try_with_sni(host, addresses->records);
  });
}

void Probes::try_with_sni(const std::string& host, const Addresses& addresses) {
  deps_.prober.probe(host, addresses, MxProber::Sni::kSent, [this, host](const MxTrial& trial) {
    if (trial.result && sni_ == Sni::kPerhapsNotSent) return try_without_sni(host, trial);
    ended(host, trial);
  });
}

// At the address that passed: another one may be another machine.
void Probes::try_without_sni(const std::string& host, const MxTrial& with_sni) {
  deps_.prober.probe(host, {with_sni.mx_address}, MxProber::Sni::kLeftOut,
                     [this, host, with_sni](const MxTrial& trial) { judge_need_of_sni(host, with_sni, trial.result); });
}

// Where it cannot be said now, what was found the last time counts, for a short time.
void Probes::judge_need_of_sni(const std::string& host, const MxTrial& with_sni, const Result<void>& without) {
  if (without) {
    cache(host, {with_sni, true, false}, kPassedFor);
  } else if (is_for_want_of_sni(without.error().code)) {
    deps_.log.write(LogLevel::kInfo, LogLine("mx-needs-sni")
                                         .field("mx", host)
                                         .field("error", error_name(without.error().code))
                                         .text("detail", without.error().detail)
                                         .text("effect", "OpenSMTPD 6.8, which sends no SNI, refuses it"));
    cache(host, {with_sni, true, true}, kPassedFor);
  } else {
    const Known* before = findings_.find(host);
    cache(host, {with_sni, true, before != nullptr && before->value.needs_sni}, kFailedFor);
  }
}

void Probes::ended(const std::string& host, const MxTrial& trial) {
  const Result<void>& result = trial.result;
  // What was not tried, for a reason of our own, is not held against the host: smtpd will try it.
  const bool tried = result || !is_ours(result.error().code);
  if (!result)
    deps_.log.write(LogLevel::kInfo, LogLine(tried ? "mx-failed" : "mx-not-tried")
                                         .field("mx", host)
                                         .field("error", error_name(result.error().code))
                                         .text("detail", result.error().detail));
  cache(host, {trial, result || !tried, false}, result ? kPassedFor : kFailedFor);
}

void Probes::cache(const std::string& host, Finding finding, minutes time) {
  findings_.put(host, std::move(finding), deps_.clock() + time);
  const auto waiting = std::move(waiting_.at(host));
  waiting_.erase(host);
  for (const auto& done : waiting) done();
}

}  // namespace mtasts
