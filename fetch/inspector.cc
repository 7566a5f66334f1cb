#include "fetch/inspector.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <utility>

#include "core/address_rule.h"
#include "fetch/admission.h"
#include "fetch/certificates.h"
#include "fetch/multi.h"
#include "fetch/mx_session.h"
#include "fetch/network_places.h"
#include "fetch/transfer.h"
#include "fetch/trust.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

// Some hosts serve browsers something else: a page, a redirect, a challenge.
constexpr const char* kBrowser =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
constexpr seconds kSecondFetch{20};

// Has this machine a way to such addresses? No packet is sent. Many have no IPv6.
bool has_route(const IpAddress& address) {
  const int family = address.is_ipv4() ? AF_INET : AF_INET6;
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  constexpr std::uint16_t kAnyPort = 9;
  v4.sin_port = v6.sin6_port = htons(kAnyPort);
  const std::string_view octets = address.octets();
  if (address.is_ipv4())
    std::memcpy(&v4.sin_addr, octets.data(), octets.size());
  else
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
  const int connected = address.is_ipv4() ? ::connect(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
                                          : ::connect(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  ::close(fd);
  return connected == 0;
}

struct PolicyHostJob {
  Admission::Ticket ticket;
  Domain domain;
  IpAddress address;
  HostInspector::PolicyHostDone done;
  PolicyAddressFact fact{};
  std::unique_ptr<Transfer> transfer{};
};

struct MxHostJob {
  Admission::Ticket ticket;
  Domain host;
  IpAddress address;
  std::vector<TlsaRecord> tlsa;
  HostInspector::MxHostDone done;
  TlsFact tls{};
  std::optional<bool> matches_tlsa{};
  std::unique_ptr<MxSession> session{};
};

class CurlInspector final : public HostInspector {
 public:
  CurlInspector(EventLoop& loop, FetcherConfig policy_hosts, ProberConfig mx_hosts, AddressRule rule, ZoneOf zone_of)
      : policy_hosts_(std::move(policy_hosts)),
        mx_hosts_(std::move(mx_hosts)),
        rule_(std::move(rule)),
        zone_of_(std::move(zone_of)),
        multi_(loop),
        fetches_(loop, std::max(1U, policy_hosts_.max_in_flight), policy_hosts_.timeout),
        sessions_(loop, std::max(1U, mx_hosts_.max_in_flight), mx_hosts_.timeout * kQueueTimeoutFactor) {}
  ~CurlInspector() override;
  CurlInspector(const CurlInspector&) = delete;
  CurlInspector& operator=(const CurlInspector&) = delete;

  [[nodiscard]] bool is_usable() const { return multi_.is_usable(); }
  void policy_host(const Domain& domain, const std::string& address, PolicyHostDone done) override;
  void mx_host(const Domain& host, const std::string& address, const std::vector<TlsaRecord>& tlsa,
               MxHostDone done) override;

 private:
  using PolicyHost = std::list<PolicyHostJob>::iterator;
  using MxHost = std::list<MxHostJob>::iterator;
  static constexpr int kQueueTimeoutFactor = 3;  // nobody's mail waits: a turn may take longer than a session

  template <typename Fact>
  struct Target {
    std::optional<IpAddress> address;  // where it may be connected to
    Fact fact;                         // why not
  };
  template <typename Fact>
  Target<Fact> target(const std::string& address) const;

  void start(PolicyHostJob job);
  enum class As { kSender, kBrowser };  // a server may answer them differently
  Result<void> fetch(PolicyHost job, As agent);
  bool look(PolicyHost job);
  void fetched(PolicyHost job, int curl_code);
  void fetched_again(PolicyHost job, int curl_code);
  void finish(PolicyHost job);

  void start(MxHostJob job);
  Result<void> connect(MxHost job);
  void look(MxHost job);
  void session_ended(MxHost job, int curl_code);
  void finish(MxHost job, MxAddressFact fact);

  // Null: it cannot be read; the fault is in `problem_`.
  const Authorities* authorities();
  CertificateFact judge(const Chain& chain, const std::string& host, const SanRule& rule);

  const FetcherConfig policy_hosts_;
  const ProberConfig mx_hosts_;
  const AddressRule rule_;
  const ZoneOf zone_of_;
  CurlMulti multi_;
  Admission fetches_;
  Admission sessions_;
  std::unique_ptr<Authorities> authorities_;
  std::list<PolicyHostJob> policy_host_jobs_;
  std::list<MxHostJob> mx_host_jobs_;
};

CurlInspector::~CurlInspector() {
  for (const auto& job : policy_host_jobs_)
    if (job.transfer) multi_.remove(job.transfer->easy());
  for (const auto& job : mx_host_jobs_)
    if (job.session) multi_.remove(job.session->easy());
}

template <typename Fact>
CurlInspector::Target<Fact> CurlInspector::target(const std::string& address) const {
  Target<Fact> target{{}, {.address = address}};
  const auto sorted = rule_.sort({address});
  if (!sorted.refused.empty())
    target.fact.error = refusal(sorted.refused.front());
  else if (sorted.allowed.empty())
    target.fact.error = "\"" + escaped(address) + "\" is no address";
  else if (!has_route(sorted.allowed.front()))
    target.fact.not_tried = std::string("this machine has no route to ") + address +
                            (sorted.allowed.front().is_ipv4() ? "" : ": no IPv6 here");
  else
    target.address = sorted.allowed.front();
  return target;
}

void CurlInspector::policy_host(const Domain& domain, const std::string& address, PolicyHostDone done) {
  auto where = target<PolicyAddressFact>(address);
  auto groups = where.address ? network_groups(*where.address, policy_hosts_.max_per_address)
                              : std::vector<AdmissionQueue::Group>{};
  const auto begin = [this, domain, where, done](Admission::Ticket ticket) {
    if (where.address) return start(PolicyHostJob{ticket, domain, *where.address, done, where.fact});
    fetches_.leave(ticket);
    done(where.fact);
  };
  fetches_.join({zone_of_(domain.text()), Priority::kOther, std::move(groups)}, begin, [where, done]() mutable {
    where.fact.not_tried = "too many fetches are under way";
    done(std::move(where.fact));
  });
}

void CurlInspector::start(PolicyHostJob job) {
  const auto active = policy_host_jobs_.insert(policy_host_jobs_.end(), std::move(job));
  if (authorities() == nullptr) {
    active->fact.not_tried = "the trusted authorities cannot be read: set fetch.ca_file in mtasts.toml";
    return finish(active);
  }
  if (const auto begun = fetch(active, As::kSender); !begun) {
    active->fact.not_tried = begun.error().detail;
    finish(active);
  }
}

Result<void> CurlInspector::fetch(PolicyHost job, As agent) {
  const bool is_second = agent == As::kBrowser;
  FetcherConfig config = policy_hosts_;
  Transfer::Manner manner;
  if (is_second) {
    manner.user_agent = kBrowser;
    config.timeout = std::min(config.timeout, kSecondFetch);
  } else {
    manner.look = [this, job] { return look(job); };
  }
  auto transfer = Transfer::make(config, job->domain, {{job->address}, {}}, std::move(manner));
  if (!transfer) return tl::unexpected(transfer.error());
  job->transfer = std::move(*transfer);
  auto added = multi_.add(job->transfer->easy(), [this, job, is_second](int curl_code) {
    is_second ? fetched_again(job, curl_code) : fetched(job, curl_code);
  });
  if (!added) job->transfer.reset();
  return added;
}

// Nothing is asked for where the certificate is bad.
bool CurlInspector::look(PolicyHost job) {
  const auto shown = shown_tls(job->transfer->easy());
  if (!shown) return false;
  job->fact.tls.version = shown->version;
  job->fact.tls.certificate = judge(shown->chain, job->domain.policy_host(), job->transfer->connection().san_rule());
  return job->fact.tls.certificate->is_good();
}

CertificateFact CurlInspector::judge(const Chain& chain, const std::string& host, const SanRule& rule) {
  CertificateFact fact = authorities()->judge(chain, host);
  if (!rule.refusal()) return fact;
  fact.is_untrusted = true;
  fact.detail = "the certificate " + rule.refusal()->text;
  return fact;
}

void CurlInspector::fetched(PolicyHost job, int curl_code) {
  Transfer& transfer = *job->transfer;
  PolicyAddressFact& fact = job->fact;
  fact.not_tried = transfer.connection().local_fault(curl_code);
  fact.is_connected = transfer.connection().was_connected(curl_code);
  const std::string why = transfer.connection().where() + ": " + transfer.connection().error_text(curl_code);
  const HttpFact answer = transfer.fact(curl_code);
  if (fact.tls.certificate) {
    if (fact.tls.certificate->is_good()) fact.http = answer;
  } else if (!fact.is_connected) {
    fact.error = answer.error.empty() ? why : answer.error;
  } else {
    fact.tls.is_too_old = transfer.connection().is_tls_too_old(curl_code);
    if (!fact.tls.is_too_old) fact.tls.error = answer.error.empty() ? why : answer.error;
  }
  multi_.remove(transfer.easy());
  job->transfer.reset();
  if (fact.http.status == 0 || !fact.http.error.empty() || !fetch(job, As::kBrowser)) finish(job);
}

void CurlInspector::fetched_again(PolicyHost job, int curl_code) {
  job->fact.other_agent = job->transfer->fact(curl_code);
  finish(job);
}

void CurlInspector::finish(PolicyHost job) {
  if (job->transfer) multi_.remove(job->transfer->easy());
  const auto done = std::move(job->done);
  auto fact = std::move(job->fact);
  fetches_.leave(job->ticket);
  policy_host_jobs_.erase(job);
  done(std::move(fact));
}

void CurlInspector::mx_host(const Domain& host, const std::string& address, const std::vector<TlsaRecord>& tlsa,
                            MxHostDone done) {
  auto where = target<MxAddressFact>(address);
  auto groups =
      where.address ? network_groups(*where.address, mx_hosts_.max_per_address) : std::vector<AdmissionQueue::Group>{};
  const auto begin = [this, host, where, tlsa, done](Admission::Ticket ticket) {
    if (where.address) return start(MxHostJob{ticket, host, *where.address, tlsa, done});
    sessions_.leave(ticket);
    done(where.fact);
  };
  sessions_.join({zone_of_(host.text()), Priority::kOther, std::move(groups)}, begin, [where, done]() mutable {
    where.fact.not_tried = "too many sessions are under way";
    done(std::move(where.fact));
  });
}

void CurlInspector::start(MxHostJob job) {
  const auto active = mx_host_jobs_.insert(mx_host_jobs_.end(), std::move(job));
  MxAddressFact fact;
  if (authorities() == nullptr) {
    fact.not_tried = "the trusted authorities cannot be read: set fetch.ca_file in mtasts.toml";
    return finish(active, std::move(fact));
  }
  if (const auto begun = connect(active); !begun) {
    fact.not_tried = begun.error().detail;
    finish(active, std::move(fact));
  }
}

Result<void> CurlInspector::connect(MxHost job) {
  auto session = MxSession::make(mx_hosts_, {job->host, job->address, MxProber::Sni::kSent, [this, job] { look(job); }},
                                 mx_hosts_.timeout);
  if (!session) return tl::unexpected(session.error());
  job->session = std::move(*session);
  auto added = multi_.add(job->session->easy(), [this, job](int curl_code) { session_ended(job, curl_code); });
  if (!added) job->session.reset();
  return added;
}

void CurlInspector::look(MxHost job) {
  const auto shown = shown_tls(job->session->easy());
  if (!shown) return;
  job->tls.version = shown->version;
  job->tls.certificate = judge(shown->chain, job->host.text(), job->session->connection().san_rule());
  job->matches_tlsa = matches_tlsa(job->tlsa, shown->chain, job->host.text());
}

void CurlInspector::session_ended(MxHost job, int curl_code) {
  MxAddressFact fact = job->session->fact(curl_code);
  if (curl_code == 0) job->session->quit();
  if (job->tls.certificate) {
    fact.tls = job->tls;
    fact.matches_tlsa = job->matches_tlsa;
  }
  finish(job, std::move(fact));
}

void CurlInspector::finish(MxHost job, MxAddressFact fact) {
  if (job->session) multi_.remove(job->session->easy());
  const auto done = std::move(job->done);
  fact.address = job->address.text();
  sessions_.leave(job->ticket);
  mx_host_jobs_.erase(job);
  done(std::move(fact));
}

const Authorities* CurlInspector::authorities() {
  if (!authorities_) {
    auto loaded = load_authorities(policy_hosts_.ca_file, policy_hosts_.crl_file);
    if (loaded) authorities_ = std::move(*loaded);
  }
  return authorities_.get();
}

}  // namespace

Result<std::unique_ptr<HostInspector>> make_inspector(EventLoop& loop, const FetcherConfig& policy_hosts,
                                                      const ProberConfig& mx_hosts, ZoneOf zone_of) {
  if (const auto trust = check_trust(policy_hosts.ca_file, policy_hosts.crl_file); !trust)
    return tl::unexpected(trust.error());
  auto rule = AddressRule::make(policy_hosts.allow_private);
  if (!rule) return tl::unexpected(rule.error());
  auto inspector = std::make_unique<CurlInspector>(loop, policy_hosts, mx_hosts, std::move(*rule), std::move(zone_of));
  if (!inspector->is_usable()) return fail(ErrorCode::kLocalFault, "libcurl gives no handle");
  return inspector;
}

}  // namespace mtasts
