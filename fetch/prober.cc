#include "fetch/prober.h"

#include <algorithm>
#include <deque>
#include <list>
#include <utility>

#include "core/address_rule.h"
#include "core/stall_meter.h"
#include "core/time.h"
#include "fetch/admission.h"
#include "fetch/multi.h"
#include "fetch/mx_session.h"
#include "fetch/network_places.h"
#include "fetch/trust.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxAddresses = 8;  // of one host; a foreign zone may name any number, anybody's

// One MX host on trial: a session at one address after the other.
struct Probe {
  Admission::Ticket ticket;
  NetworkPlaces places;
  Domain host;
  MxProber::Sni sni;
  std::deque<IpAddress> addresses;  // not tried yet
  MxProber::Callback done;
  SteadyTime end;                // of the whole probe
  milliseconds time_to_connect;  // what is left of it
  StallMeter::Span span;         // of the session
  bool was_crowded = false;      // an address was left out for want of room
  SteadyTime begun{};            // of the session
  milliseconds share{};          // to connect in
  std::string own_address{};     // of the last connection
  std::string mx_address{};
  std::string mx_helo{};
  std::unique_ptr<MxSession> session{};
  std::unique_ptr<EventLoop::Watch> connect_timer{};
};

// This process, for so long that what passed of a time limit says nothing of the host.
bool stood_still(const Probe& probe) {
  const SteadyTime::duration limit = probe.session->is_connected() ? probe.end - probe.begun : probe.share;
  return probe.span.stalled() > limit / 2;
}

bool may_go_on(const Probe& probe) {
  return !probe.addresses.empty() && probe.time_to_connect > milliseconds{0} && steady_clock::now() < probe.end;
}

class CurlProber final : public MxProber {
 public:
  CurlProber(EventLoop& loop, ProberConfig config, AddressRule rule, ZoneOf zone_of);
  ~CurlProber() override;
  CurlProber(const CurlProber&) = delete;
  CurlProber& operator=(const CurlProber&) = delete;

  [[nodiscard]] bool is_usable() const { return multi_.is_usable(); }
  void probe(const std::string& host, const std::vector<std::string>& addresses, Sni sni, Callback done) override;

 private:
  using Active = std::list<Probe>::iterator;

  void start(Probe probe);
  void refuse(Admission::Ticket ticket, const Error& error, const Callback& done);
  // After the error `last`: tries addresses until a session is under way, or ends the probe when that is of no use.
  void try_next(Active probe, Result<void> last);
  Result<void> begin_session(Active probe);
  void session_ended(Active probe, int curl_code);
  void look_at_connection(Active probe);
  void leave_session(Active probe);
  void finish(Active probe, Result<void> result);

  EventLoop& loop_;
  const ProberConfig config_;
  const AddressRule rule_;
  const ZoneOf zone_of_;
  CurlMulti multi_;
  Admission admission_;
  StallMeter stalls_;
  std::list<Probe> active_;
};

CurlProber::CurlProber(EventLoop& loop, ProberConfig config, AddressRule rule, ZoneOf zone_of)
    : loop_(loop),
      config_(std::move(config)),
      rule_(std::move(rule)),
      zone_of_(std::move(zone_of)),
      multi_(loop),
      admission_(loop, std::max(1U, config_.max_in_flight), config_.timeout),
      stalls_(loop, &steady_clock::now) {}

CurlProber::~CurlProber() {
  for (const auto& probe : active_)
    if (probe.session) multi_.remove(probe.session->easy());
}

void CurlProber::probe(const std::string& host, const std::vector<std::string>& addresses, Sni sni, Callback done) {
  const auto name = Domain::parse(host);
  const auto sorted = rule_.sort(addresses);
  std::deque<IpAddress> some(sorted.allowed.begin(), sorted.allowed.end());
  while (some.size() > kMaxAddresses) some.pop_back();
  auto groups =
      some.empty() ? std::vector<AdmissionQueue::Group>{} : network_groups(some.front(), config_.max_per_address);
  const auto begin = [this, name, sni, sorted, some, done](Admission::Ticket ticket) {
    const NetworkPlaces places(admission_, ticket, config_.max_per_address);
    if (!name) return refuse(ticket, name.error(), done);
    // Nothing is found out about the host then; who has mail for it will.
    if (some.empty() && !sorted.refused.empty())
      return refuse(ticket, {ErrorCode::kNotTried, name->text() + ": " + refusal(sorted.refused.front())}, done);
    start({ticket, places, *name, sni, some, done, steady_clock::now() + config_.timeout, config_.connect_timeout,
           StallMeter::Span(stalls_)});
  };
  admission_.join({zone_of_(name ? name->text() : host), Priority::kFirstContact, std::move(groups)}, begin,
                  [this, host, done] {
                    done({fail(ErrorCode::kNotTried, escaped(host) + ": too many probes are under way, waited " +
                                                         std::to_string(config_.timeout.count()) + " s")});
                  });
}

void CurlProber::refuse(Admission::Ticket ticket, const Error& error, const Callback& done) {
  admission_.leave(ticket);
  done({tl::unexpected(error)});
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
  // One of those that were left out might have passed.
  if (last.error().code == ErrorCode::kUnreachable && probe->was_crowded) last.error().code = ErrorCode::kNotTried;
  finish(probe, std::move(last));
}

Result<void> CurlProber::begin_session(Active probe) {
  const auto now = steady_clock::now();
  // What is left of the time to connect is shared by the addresses that are left.
  const milliseconds share = probe->time_to_connect / static_cast<long>(probe->addresses.size());
  const IpAddress address = probe->addresses.front();
  probe->addresses.pop_front();
  if (!probe->places.move_to(address)) {
    probe->was_crowded = true;
    return fail(ErrorCode::kUnreachable,
                probe->host.text() + ": too many probes are under way at and around " + address.text());
  }
  auto session =
      MxSession::make(config_, {probe->host, address, probe->sni}, std::chrono::ceil<milliseconds>(probe->end - now));
  if (!session) return tl::unexpected(session.error());
  auto added = multi_.add((*session)->easy(), [this, probe](int curl_code) { session_ended(probe, curl_code); });
  if (!added) return added;
  probe->session = std::move(*session);
  probe->begun = now;
  probe->share = share;
  probe->span.begin_anew();
  probe->connect_timer = loop_.after(share, [this, probe] { look_at_connection(probe); });
  return {};
}

void CurlProber::look_at_connection(Active probe) {
  if (probe->session->is_connected()) return;
  Result<void> result = stood_still(*probe)
                            ? fail(ErrorCode::kNotTried, probe->session->where() + ": this process stood still")
                            : fail(ErrorCode::kUnreachable, probe->session->where() + ": no connection in time");
  leave_session(probe);
  try_next(probe, std::move(result));
}

void CurlProber::session_ended(Active probe, int curl_code) {
  auto result = probe->session->verdict(curl_code, stood_still(*probe));
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
  probe->mx_helo = probe->session->helo();
  multi_.remove(probe->session->easy());
  probe->connect_timer.reset();
  probe->session.reset();
}

void CurlProber::finish(Active probe, Result<void> result) {
  const Callback done = std::move(probe->done);
  const MxTrial trial{std::move(result), std::move(probe->own_address), std::move(probe->mx_address),
                      std::move(probe->mx_helo)};
  admission_.leave(probe->ticket);
  active_.erase(probe);
  done(trial);
}

}  // namespace

Result<std::unique_ptr<MxProber>> make_prober(EventLoop& loop, const ProberConfig& config, ZoneOf zone_of) {
  if (const auto trust = check_trust(config.ca_file, config.crl_file); !trust) return tl::unexpected(trust.error());
  auto rule = AddressRule::make(config.allow_private);
  if (!rule) return tl::unexpected(rule.error());
  auto prober = std::make_unique<CurlProber>(loop, config, std::move(*rule), std::move(zone_of));
  if (!prober->is_usable()) return fail(ErrorCode::kLocalFault, "libcurl gives no handle");
  return prober;
}

}  // namespace mtasts
