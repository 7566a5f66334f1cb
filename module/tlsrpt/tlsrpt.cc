#include "module/tlsrpt/tlsrpt.h"

#include <algorithm>
#include <utility>

#include "core/tlsrpt_record.h"
#include "module/tlsrpt/datagram.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxRemembered = 10'000;
constexpr std::size_t kMaxAsked = 20;    // domains, at a time
constexpr std::size_t kMaxWaiting = 20;  // sessions for one domain
constexpr seconds kShortest{60};         // how long an answer is cached
constexpr seconds kLongest{86'400};
constexpr seconds kFailedFor{300};

}  // namespace

TlsReports::TlsReports(const Deps& deps, const std::string& socket)
    : deps_(deps),
      // Far fewer questions than the resolver has places for: what mail waits for must not wait for these.
      most_asked_(std::clamp(deps.dns_places / 4, std::size_t{1}, kMaxAsked)),
      socket_(deps.loop, deps.store.throttle(), deps.log, socket),
      told_(kMaxRemembered),
      wanted_(kMaxRemembered) {}

void TlsReports::report(const Domain& domain, const std::string& mx_host, const MxTrial& trial, SteadyTime until) {
  const auto now = deps_.steady_clock();
  const std::string name = domain.text() + ' ' + mx_host;
  if (!is_reported(trial) || told_.find(name, now) != nullptr) return;
  told_.put(name, true, until);
  if (const auto* wanted = wanted_.find(domain.text(), now)) return send(domain, {mx_host, trial}, wanted->value);
  ask(domain, {mx_host, trial});
}

// One question for a domain, whatever waits for it.
void TlsReports::ask(const Domain& domain, Session session) {
  const auto place = waiting_.find(domain.text());
  const bool is_full = place == waiting_.end() ? waiting_.size() >= most_asked_ : place->second.size() >= kMaxWaiting;
  if (is_full) return socket_.lose(TlsrptSocket::Loss::kDns);
  if (place != waiting_.end()) return place->second.push_back(std::move(session));
  waiting_[domain.text()].push_back(std::move(session));
  deps_.resolver.txt("_smtp._tls." + domain.text(),
                     [this, domain](const Result<DnsAnswer<std::string>>& answer) { answered(domain, answer); });
}

// Where DNS fails nobody knows whether a report is wanted.
void TlsReports::answered(const Domain& domain, const Result<DnsAnswer<std::string>>& answer) {
  const Wanted wanted = answer ? tlsrpt_record(answer->records) : std::nullopt;
  const seconds time = answer ? std::clamp(answer->ttl, kShortest, kLongest) : kFailedFor;
  wanted_.put(domain.text(), wanted, deps_.steady_clock() + time);
  const auto sessions = std::move(waiting_.at(domain.text()));
  waiting_.erase(domain.text());
  for (const Session& session : sessions) send(domain, session, wanted);
}

void TlsReports::send(const Domain& domain, const Session& session, const Wanted& wanted) {
  if (!wanted) return;
  const auto remembered = deps_.store.get(domain).value_or(std::nullopt);
  const StoredPolicy* policy = remembered ? remembered->policy_in_force(deps_.clock()) : nullptr;
  if (policy == nullptr || policy->policy.mode == Mode::kNone) return;
  socket_.send(tlsrpt_datagram({domain, *policy, session.mx_host, session.trial}, *wanted));
}

}  // namespace mtasts
