#include "module/tlsrpt/tlsrpt.h"

#include <algorithm>
#include <utility>

#include "core/mx_match.h"
#include "core/tlsrpt_record.h"
#include "module/tlsrpt/datagram.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxCached = 10'000;
constexpr std::size_t kMaxAsked = 20;    // domains, at a time
constexpr std::size_t kMaxWaiting = 20;  // sessions for one domain
constexpr seconds kShortest{60};         // how long an answer is cached
constexpr seconds kFailedFor{300};
constexpr seconds kNotAskedFor{10};
constexpr seconds kOneDelivery{60};
constexpr seconds kLongestListed{3600};
constexpr std::size_t kMaxMx = 20;

TlsrptLosses::Why why_lost(const Error& error) {
  return is_ours(error.code) ? TlsrptLosses::Why::kNotAsked : TlsrptLosses::Why::kDns;
}

}  // namespace

TlsReports::TlsReports(const Deps& deps, std::shared_ptr<TlsrptSocket> socket)
    : deps_(deps),
      // Far fewer questions than the resolver has places for: what mail waits for must not wait for these.
      most_asked_(std::clamp(deps.dns_places / 4, std::size_t{1}, kMaxAsked)),
      socket_(std::move(socket)),
      wishes_(deps.store_directory),
      told_failures_(deps.store_directory),
      told_(kMaxCached),
      wanted_(kMaxCached) {}

TlsReports::~TlsReports() {
  std::size_t unasked = mx_asked_;
  for (const auto& [domain, sessions] : waiting_) unasked += sessions.size();
  if (unasked > 0) socket_->lose(TlsrptLosses::Why::kNotAsked, {}, unasked);
  if (idle_) socket_->on_empty({});
}

void TlsReports::check_collector(When when) {
  if (when == When::kNow) return socket_->check();
  if (deps_.store.throttle().is_due("tlsrpt-check", std::chrono::hours(1))) socket_->remind();
}

void TlsReports::on_idle(std::function<void()> idle) {
  idle_ = std::move(idle);
  socket_->on_empty([this] {
    if (is_idle()) idle_();
  });
}

// And from now on it is.
bool TlsReports::is_told(const std::string& name, SteadyTime until) {
  if (told_.find(name, deps_.steady_clock()) != nullptr) return true;
  told_.put(name, true, until);
  return false;
}

// To route a message to a long list takes longer than a minute.
bool TlsReports::is_told(const Domain& domain, const char* what, const Delivery& delivery) {
  ShortMemory<bool>& deliveries = socket_->deliveries();
  const std::string name = domain.text() + "|" + what + "|" + delivery.process + "|" + delivery.message;
  const SteadyTime now = deps_.steady_clock();
  const bool is_told = deliveries.find(name, now) != nullptr;
  const bool is_known = !delivery.process.empty() || !delivery.message.empty();
  if (!is_told || is_known) deliveries.put(name, true, now + kOneDelivery);
  return is_told;
}

// Here first: the store cannot be written everywhere.
bool TlsReports::is_told(const TlsSession& failure) {
  ShortMemory<bool>& deliveries = socket_->deliveries();
  const std::string name = ToldFailures::name_of(failure);
  const SteadyTime now = deps_.steady_clock();
  if (deliveries.find(name, now) != nullptr || told_failures_.is_told(failure, deps_.clock())) return true;
  deliveries.put(name, true, now + ToldFailures::time_of(failure));
  return false;
}

// What can be called when this object is gone: the failure is told with the message's next attempt.
std::function<void()> TlsReports::forgets(const TlsSession& failure) const {
  return [socket = socket_.get(), told = told_failures_, failure] {
    socket->deliveries().put(ToldFailures::name_of(failure), true, SteadyTime{});
    told.forget(failure);
  };
}

void TlsReports::report(const Domain& domain, const std::string& mx_host, const MxTrial& trial, SteadyTime until) {
  const auto result = trial.result ? std::optional(TlsResult::kSuccess) : tls_result(trial.result.error().code);
  if (!result || is_told(domain.text() + ' ' + mx_host, until)) return;
  const auto cached = deps_.store.get(domain).value_or(std::nullopt);
  const StoredPolicy* policy = cached ? cached->binding_policy(deps_.clock()) : nullptr;
  if (policy == nullptr) return;
  TlsSession session = sts_session(domain, policy->body, policy->policy.mx);
  session.result = *result;
  session.own_address = trial.own_address;
  session.mx_host = mx_host;
  session.mx_address = trial.mx_address;
  session.mx_helo = trial.mx_helo;
  if (!trial.result) session.reason = trial.result.error().detail;
  report(session);
}

void TlsReports::report_policy_failure(const Domain& domain, const Error& failure, const Delivery& delivery) {
  auto session = policy_failure(domain, failure);
  if (!session || is_told(domain, "failure", delivery)) return;
  session->message = delivery.message;
  report(*session);
}

void TlsReports::report(const TlsSession& session) {
  if (const auto wanted = known(session.domain)) return send(session, *wanted);
  ask(session.domain, {session});
}

void TlsReports::learn(const Domain& domain) {
  if (!known(domain)) ask(domain, {});
}

// nullopt: it has to be asked for. Where it could not be found out here, another process may have done so.
std::optional<TlsReports::Wanted> TlsReports::known(const Domain& domain) {
  const auto steady = deps_.steady_clock();
  const auto* wanted = wanted_.find(domain.text(), steady);
  if (wanted != nullptr && wanted->value) return wanted->value;
  const WallTime now = deps_.clock();
  auto wish = wishes_.find(domain, now);
  if (!wish) return wanted != nullptr ? std::optional(wanted->value) : std::nullopt;
  Wanted found = std::move(wish->record);
  if (wish->is_unknown) found = fail(ErrorCode::kDnsFailure, "DNS could not say whether reports are wanted");
  wanted_.put(domain.text(), found, steady + (wish->until - now));
  return found;
}

// One question for a domain, whatever waits for it.
void TlsReports::ask(const Domain& domain, std::vector<TlsSession> sessions) {
  const auto place = waiting_.find(domain.text());
  const bool is_full = place == waiting_.end() ? waiting_.size() >= most_asked_ : place->second.size() >= kMaxWaiting;
  if (is_full) return sessions.empty() ? void() : socket_->lose(TlsrptLosses::Why::kDns);
  if (place != waiting_.end()) {
    std::ranges::move(sessions, std::back_inserter(place->second));
    return;
  }
  waiting_.emplace(domain.text(), std::move(sessions));
  deps_.resolver.txt("_smtp._tls." + domain.text(),
                     [this, domain](const Result<DnsAnswer<std::string>>& answer) { answered(domain, answer); });
}

void TlsReports::answered(const Domain& domain, const Result<DnsAnswer<std::string>>& answer) {
  const auto sessions = std::exchange(waiting_.at(domain.text()), {});
  learnt(domain, answer);
  for (const TlsSession& session : sessions)
    answer ? send(session, tlsrpt_record(answer->records)) : socket_->lose(why_lost(answer.error()));
  waiting_.erase(domain.text());  // now: each that is sent may be taken for the last
  if (idle_ && !is_asking()) idle_();
}

// Where DNS fails nobody knows whether a report is wanted: not asked again soon, by any process. A limit or fault of
// our own says nothing of the domain.
void TlsReports::learnt(const Domain& domain, const Result<DnsAnswer<std::string>>& answer) {
  if (!answer && is_ours(answer.error().code))
    return wanted_.put(domain.text(), tl::unexpected(answer.error()), deps_.steady_clock() + kNotAskedFor);
  const Wanted wanted = answer ? Wanted(tlsrpt_record(answer->records)) : tl::unexpected(answer.error());
  const seconds time = answer ? std::clamp(answer->ttl, kShortest, ReportWishes::kLongest) : kFailedFor;
  wanted_.put(domain.text(), wanted, deps_.steady_clock() + time);
  wishes_.put(domain, {.record = wanted.value_or(std::nullopt), .until = deps_.clock() + time, .is_unknown = !answer});
}

void TlsReports::report_unlisted_once(TlsSession session, const Delivery& delivery) {
  if (is_told(session.domain, "unlisted", delivery)) return;
  session.message = delivery.message;
  report_unlisted(session);
}

// DNS is not asked about domains that want no reports, and not again where all hosts were found to be listed.
void TlsReports::report_unlisted(const TlsSession& session) {
  const auto wanted = known(session.domain);
  if (wanted && !*wanted) return socket_->lose(why_lost(wanted->error()));
  if (wanted && !**wanted) return;
  if (!wanted) learn(session.domain);
  const WallTime now = deps_.clock();
  const auto wish = wishes_.find(session.domain, now);
  if (wish && now < wish->listed_until && wish->listed_by == number_of(unrefused(session))) return;
  if (mx_asked_ >= most_asked_) return socket_->lose(TlsrptLosses::Why::kDns);
  ++mx_asked_;
  deps_.resolver.mx(session.domain.text(), [this, session](const Result<DnsAnswer<MxRecord>>& answer) {
    report_unlisted(session, answer);
    --mx_asked_;
    if (idle_ && !is_asking()) idle_();
  });
}

void TlsReports::report_unlisted(TlsSession session, const Result<DnsAnswer<MxRecord>>& answer) {
  if (!answer) return socket_->lose(why_lost(answer.error()));
  session.result = TlsResult::kValidationFailure;
  session.reason = "the policy does not list this MX";
  std::vector<MxRecord> records = answer->records;
  if (records.empty()) records.push_back({0, session.domain.text()});
  if (records.size() > kMaxMx) records.resize(kMaxMx);
  const auto patterns = unrefused(session);
  bool all_listed = true;
  for (const MxRecord& record : records) {
    const auto host = Domain::parse(record.host);
    if (!host || mx_allowed(patterns, host->text())) continue;
    all_listed = false;
    session.mx_host = host->text();
    report(session);
  }
  auto wish = wishes_.find(session.domain, deps_.clock());
  if (!all_listed || !wish) return;
  wish->listed_by = number_of(patterns);
  wish->listed_until = deps_.clock() + std::clamp(answer->ttl, kShortest, kLongestListed);
  wishes_.put(session.domain, *wish);
}

void TlsReports::send(const TlsSession& session, const Wanted& wanted) {
  if (!wanted) return socket_->lose(why_lost(wanted.error()));
  const bool is_once = !session.message.empty();
  if (!*wanted || (is_once && is_told(session))) return;
  socket_->send(tlsrpt_datagram(session, **wanted), is_once ? forgets(session) : std::function<void()>());
}

}  // namespace mtasts
