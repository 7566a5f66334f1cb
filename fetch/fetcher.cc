#include "fetch/fetcher.h"

#include <algorithm>
#include <list>
#include <utility>

#include "core/address_rule.h"
#include "core/stall_meter.h"
#include "fetch/admission.h"
#include "fetch/multi.h"
#include "fetch/network_places.h"
#include "fetch/san_rule.h"
#include "fetch/transfer.h"
#include "fetch/trust.h"

namespace mtasts {
namespace {

class CurlFetcher final : public Fetcher {
 public:
  CurlFetcher(EventLoop& loop, FetcherConfig config, AddressRule rule, ZoneOf zone_of);
  ~CurlFetcher() override;
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;

  [[nodiscard]] bool is_usable() const { return multi_.is_usable(); }
  void fetch(const Domain& domain, const std::vector<std::string>& addresses, Priority priority,
             Callback done) override;

 private:
  struct Active {
    Admission::Ticket ticket;
    std::unique_ptr<Transfer> transfer;
    Callback done;
    StallMeter::Span span;
  };

  void start(Admission::Ticket ticket, const Domain& domain, const AddressRule::Sorted& addresses,
             const Callback& done);
  void finish(std::list<Active>::iterator active, int curl_code);

  const FetcherConfig config_;
  const AddressRule rule_;
  const ZoneOf zone_of_;
  CurlMulti multi_;
  Admission admission_;
  StallMeter stalls_;
  std::list<Active> active_;
};

CurlFetcher::CurlFetcher(EventLoop& loop, FetcherConfig config, AddressRule rule, ZoneOf zone_of)
    : config_(std::move(config)),
      rule_(std::move(rule)),
      zone_of_(std::move(zone_of)),
      multi_(loop),
      admission_(loop, std::max(1U, config_.max_in_flight), config_.timeout),
      stalls_(loop, &std::chrono::steady_clock::now) {}

CurlFetcher::~CurlFetcher() {
  for (const auto& active : active_) multi_.remove(active.transfer->easy());
}

void CurlFetcher::fetch(const Domain& domain, const std::vector<std::string>& addresses, Priority priority,
                        Callback done) {
  const auto sorted = rule_.sort(addresses);
  const auto begin = [this, domain, sorted, done](Admission::Ticket ticket) { start(ticket, domain, sorted, done); };
  auto groups = network_groups(first_of_families(sorted.allowed), config_.max_per_address);
  admission_.join({zone_of_(domain.text()), priority, std::move(groups)}, begin, [this, domain, done] {
    // Not tried: nothing was found out about this policy host.
    done(fail(ErrorCode::kNotTried, domain.policy_host() + ": too many fetches are under way, waited " +
                                        std::to_string(config_.timeout.count()) + " s"));
  });
}

void CurlFetcher::start(Admission::Ticket ticket, const Domain& domain, const AddressRule::Sorted& addresses,
                        const Callback& done) {
  NetworkPlaces places(admission_, ticket, config_.max_per_address);
  Transfer::Manner manner;
  manner.has_room = [places](const IpAddress& address) mutable { return places.move_to(address); };
  auto transfer = Transfer::make(config_, domain, addresses, std::move(manner));
  Result<void> begun = transfer ? Result<void>{} : tl::unexpected(transfer.error());
  if (begun) {
    void* easy = (*transfer)->easy();
    const auto active = active_.insert(active_.end(), {ticket, std::move(*transfer), done, StallMeter::Span(stalls_)});
    begun = multi_.add(easy, [this, active](int curl_code) { finish(active, curl_code); });
    if (begun) return;
    active_.erase(active);
  }
  admission_.leave(ticket);
  done(tl::unexpected(begun.error()));
}

void CurlFetcher::finish(std::list<Active>::iterator active, int curl_code) {
  auto result = active->transfer->verdict(curl_code, active->span.stalled());
  const auto done = std::move(active->done);
  multi_.remove(active->transfer->easy());
  admission_.leave(active->ticket);
  active_.erase(active);
  done(std::move(result));
}

}  // namespace

Result<std::unique_ptr<Fetcher>> make_fetcher(EventLoop& loop, const FetcherConfig& config, ZoneOf zone_of) {
  if (config.proxy.starts_with("https:"))
    return fail(ErrorCode::kConfig, "an https:// proxy cannot be used: write http:// or socks5h://");
  if (const auto trust = check_trust(config.ca_file, config.crl_file); !trust) return tl::unexpected(trust.error());
  auto rule = AddressRule::make(config.allow_private);
  if (!rule) return tl::unexpected(rule.error());
  auto fetcher = std::make_unique<CurlFetcher>(loop, config, std::move(*rule), std::move(zone_of));
  if (!fetcher->is_usable()) return fail(ErrorCode::kLocalFault, "libcurl gives no handle");
  return fetcher;
}

const char* fetcher_tls_library() { return tls_library(); }

}  // namespace mtasts
