#include "adapters/opensmtpd/probes.h"

#include <utility>

namespace mtasts::opensmtpd {
namespace {

using std::chrono::minutes;

constexpr minutes kPassedFor{10};
constexpr minutes kFailedFor{2};  // less than smtpd waits before it tries again
constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

bool Probes::is_known(const std::string& host) const {
  const auto found = by_host_.find(host);
  return found != by_host_.end() && parts_.clock() < found->second->until;
}

Prospect Probes::prospect(const std::string& host) const {
  const auto found = by_host_.find(host);
  if (found == by_host_.end()) return Prospect::kUnknown;
  const Finding& last = *found->second;
  if (!is_known(host)) return last.result ? Prospect::kUnknown : Prospect::kFailedBefore;
  if (!last.result) return Prospect::kFails;
  return last.needs_sni ? Prospect::kNeedsSni : Prospect::kPasses;
}

const Error* Probes::failure(const std::string& host) const {
  return prospect(host) == Prospect::kFails ? &by_host_.at(host)->result.error() : nullptr;
}

void Probes::probe(const std::string& host, Done done) {
  auto& waiting = waiting_[host];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  parts_.resolver.addresses(host, [this, host](const Result<DnsAnswer<std::string>>& addresses) {
    if (!addresses) return ended(host, {tl::unexpected(addresses.error())});
    if (addresses->records.empty()) return ended(host, {fail(ErrorCode::kUnreachable, host + " has no address")});
    try_with_sni(host, addresses->records);
  });
}

void Probes::try_with_sni(const std::string& host, const Addresses& addresses) {
  parts_.prober.probe(host, addresses, MxProber::Sni::kSent, [this, host, addresses](const MxTrial& trial) {
    if (trial.result && also_without_sni_) return try_without_sni(host, addresses, trial);
    ended(host, trial);
  });
}

// That it fails in another way than over TLS says nothing of SNI.
void Probes::try_without_sni(const std::string& host, const Addresses& addresses, const MxTrial& with_sni) {
  parts_.prober.probe(host, addresses, MxProber::Sni::kLeftOut, [this, host, with_sni](const MxTrial& trial) {
    const bool needs_sni = !trial.result && !tlsrpt_result_type(trial.result.error().code).empty();
    if (needs_sni)
      parts_.log.write(LogLevel::kInfo, "event=mx-needs-sni mx=" + host +
                                            " error=" + std::string(error_name(trial.result.error().code)) +
                                            " detail=" + quoted(trial.result.error().detail) +
                                            " effect=\"OpenSMTPD 6.8, which sends no SNI, refuses it\"");
    ended(host, with_sni, needs_sni);
  });
}

void Probes::ended(const std::string& host, const MxTrial& trial, bool needs_sni) {
  const Result<void>& result = trial.result;
  // What was not tried, for a reason of our own, is not held against the host: smtpd will try it.
  const bool tried = result || result.error().code != ErrorCode::kEngine;
  if (!result)
    parts_.log.write(LogLevel::kInfo, (tried ? "event=mx-failed mx=" : "event=mx-not-tried mx=") + host +
                                          " error=" + std::string(error_name(result.error().code)) +
                                          " detail=" + quoted(result.error().detail));
  remember({host, tried ? result : Result<void>(), needs_sni, parts_.clock() + (result ? kPassedFor : kFailedFor)});
  const auto waiting = std::move(waiting_.at(host));
  waiting_.erase(host);
  for (const auto& done : waiting) done(trial);
}

void Probes::remember(Finding finding) {
  if (const auto old = by_host_.find(finding.host); old != by_host_.end()) {
    findings_.erase(old->second);
    by_host_.erase(old);
  }
  findings_.push_back(std::move(finding));
  by_host_.emplace(findings_.back().host, std::prev(findings_.end()));
  if (findings_.size() <= kMostRemembered) return;
  by_host_.erase(findings_.front().host);
  findings_.pop_front();
}

}  // namespace mtasts::opensmtpd
