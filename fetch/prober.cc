#include "fetch/prober.h"

#include <algorithm>
#include <deque>
#include <list>
#include <utility>

#include "fetch/multi.h"
#include "fetch/mx_session.h"
#include "fetch/queue.h"
#include "fetch/trust.h"
#include "fetch/turns.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxAddresses = 8;  // of one host; a foreign zone may name any number, anybody's

// One MX host on trial: a session at one address after the other.
struct Probe {
  Turns::Ticket ticket;
  Domain host;
  MxProber::Sni sni;
  std::deque<std::string> addresses;  // not tried yet
  MxProber::Callback done;
  steady_clock::time_point end;      // of the whole probe
  milliseconds time_to_connect;      // what is left of it
  steady_clock::time_point begun{};  // of the session
  std::string own_address{};         // of the last connection
  std::string mx_address{};
  std::unique_ptr<MxSession> session{};
  std::unique_ptr<EventLoop::Watch> connect_timer{};
};

bool may_go_on(const Probe& probe) {
  return !probe.addresses.empty() && probe.time_to_connect > milliseconds{0} && steady_clock::now() < probe.end;
}

class CurlProber final : public MxProber {
 public:
  CurlProber(EventLoop& loop, ProberConfig config);
  ~CurlProber() override;
  CurlProber(const CurlProber&) = delete;
  CurlProber& operator=(const CurlProber&) = delete;

  [[nodiscard]] bool is_usable() const { return multi_.is_usable(); }
  void probe(const std::string& host, const std::vector<std::string>& addresses, Sni sni, Callback done) override;

 private:
  using Active = std::list<Probe>::iterator;

  void start(Probe probe);
  // After the error `last`: tries addresses until a session is under way, or ends the probe when that is of no use.
  void try_next(Active probe, Result<void> last);
  Result<void> begin_session(Active probe);
  void session_ended(Active probe, int curl_code);
  void look_at_connection(Active probe);
  void leave_session(Active probe);
  void finish(Active probe, Result<void> result);

  EventLoop& loop_;
  const ProberConfig config_;
  CurlMulti multi_;
  Turns turns_;
  std::list<Probe> active_;
};

CurlProber::CurlProber(EventLoop& loop, ProberConfig config)
    : loop_(loop),
      config_(std::move(config)),
      multi_(loop),
      turns_(loop, {std::max(1U, config_.max_in_flight), std::max(1U, config_.max_per_address), config_.timeout}) {}

CurlProber::~CurlProber() {
  for (const auto& probe : active_)
    if (probe.session) multi_.remove(probe.session->easy());
}

void CurlProber::probe(const std::string& host, const std::vector<std::string>& addresses, Sni sni, Callback done) {
  const auto name = Domain::parse(host);
  std::deque<std::string> some(
      addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(std::min(addresses.size(), kMaxAddresses)));
  const auto begin = [this, name, sni, some, done](Turns::Ticket ticket) {
    if (name)
      return start({ticket, *name, sni, some, done, steady_clock::now() + config_.timeout, config_.connect_timeout});
    turns_.leave(ticket);
    done({tl::unexpected(name.error())});
  };
  turns_.join(network_of(addresses), begin, [this, host, done] {
    done({fail(ErrorCode::kNotTried, escaped(host) + ": too many probes are under way, waited " +
                                         std::to_string(config_.timeout.count()) + " s")});
  });
}

void CurlProber::start(Probe probe) {
  const auto active = active_.insert(active_.end(), std::move(probe));
  try_next(active, fail(ErrorCode::kUnreachable, active->host.text() + " has no address"));
}

void CurlProber::try_next(Active probe, Result<void> last) {
  while (last.error().code == ErrorCode::kUnreachable && may_go_on(*probe)) {
    last = begin_session(probe);
    if (last) return;
  }
  finish(probe, std::move(last));
}

Result<void> CurlProber::begin_session(Active probe) {
  const auto now = steady_clock::now();
  // What is left of the time to connect is shared by the addresses that are left.
  const milliseconds share = probe->time_to_connect / static_cast<long>(probe->addresses.size());
  const std::string address = std::move(probe->addresses.front());
  probe->addresses.pop_front();
  auto session =
      MxSession::make(config_, {probe->host, address, probe->sni}, std::chrono::ceil<milliseconds>(probe->end - now));
  if (!session) return tl::unexpected(session.error());
  auto added = multi_.add((*session)->easy(), [this, probe](int curl_code) { session_ended(probe, curl_code); });
  if (!added) return added;
  probe->session = std::move(*session);
  probe->begun = now;
  probe->connect_timer = loop_.after(share, [this, probe] { look_at_connection(probe); });
  return {};
}

void CurlProber::look_at_connection(Active probe) {
  if (probe->session->is_connected()) return;
  Result<void> result = fail(ErrorCode::kUnreachable, probe->session->where() + ": no connection in time");
  leave_session(probe);
  try_next(probe, std::move(result));
}

void CurlProber::session_ended(Active probe, int curl_code) {
  auto result = probe->session->verdict(curl_code);
  if (result) probe->session->quit();
  leave_session(probe);
  if (result) return finish(probe, {});
  try_next(probe, std::move(result));
}

void CurlProber::leave_session(Active probe) {
  if (!probe->session->is_connected())
    probe->time_to_connect -= std::chrono::floor<milliseconds>(steady_clock::now() - probe->begun);
  probe->own_address = probe->session->connection().own_address();
  probe->mx_address = probe->session->connection().peer_address();
  multi_.remove(probe->session->easy());
  probe->connect_timer.reset();
  probe->session.reset();
}

void CurlProber::finish(Active probe, Result<void> result) {
  const Callback done = std::move(probe->done);
  const MxTrial trial{std::move(result), std::move(probe->own_address), std::move(probe->mx_address)};
  turns_.leave(probe->ticket);
  active_.erase(probe);
  done(trial);
}

}  // namespace

Result<std::unique_ptr<MxProber>> make_prober(EventLoop& loop, const ProberConfig& config) {
  if (const auto trust = check_trust(config.ca_file, config.crl_file); !trust) return tl::unexpected(trust.error());
  auto prober = std::make_unique<CurlProber>(loop, config);
  if (!prober->is_usable()) return fail(ErrorCode::kLocalFault, "libcurl gives no handle");
  return prober;
}

}  // namespace mtasts
