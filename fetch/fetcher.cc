#include "fetch/fetcher.h"

#include <algorithm>
#include <list>
#include <utility>

#include "fetch/multi.h"
#include "fetch/san_rule.h"
#include "fetch/transfer.h"
#include "fetch/trust.h"
#include "fetch/turns.h"

namespace mtasts {
namespace {

class CurlFetcher final : public Fetcher {
 public:
  CurlFetcher(EventLoop& loop, FetcherConfig config);
  ~CurlFetcher() override;
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;

  [[nodiscard]] bool is_usable() const { return multi_.is_usable(); }
  void fetch(const Domain& domain, const std::vector<std::string>& addresses, Callback done) override;

 private:
  struct Active {
    Turns::Ticket ticket;
    std::unique_ptr<Transfer> transfer;
    Callback done;
  };

  void start(Turns::Ticket ticket, const Domain& domain, const std::vector<std::string>& addresses,
             const Callback& done);
  void finish(std::list<Active>::iterator active, int curl_code);

  const FetcherConfig config_;
  CurlMulti multi_;
  Turns turns_;
  std::list<Active> active_;
};

CurlFetcher::CurlFetcher(EventLoop& loop, FetcherConfig config)
    : config_(std::move(config)),
      multi_(loop),
      turns_(loop, {std::max(1U, config_.max_in_flight), std::max(1U, config_.max_per_address), config_.timeout}) {}

CurlFetcher::~CurlFetcher() {
  for (const auto& active : active_) multi_.remove(active.transfer->easy());
}

void CurlFetcher::fetch(const Domain& domain, const std::vector<std::string>& addresses, Callback done) {
  const auto begin = [this, domain, addresses, done](Turns::Ticket ticket) { start(ticket, domain, addresses, done); };
  turns_.join(network_of(addresses), begin, [this, domain, done] {
    // Not tried: nothing was found out about this policy host.
    done(fail(ErrorCode::kNotTried, domain.policy_host() + ": too many fetches are under way, waited " +
                                        std::to_string(config_.timeout.count()) + " s"));
  });
}

void CurlFetcher::start(Turns::Ticket ticket, const Domain& domain, const std::vector<std::string>& addresses,
                        const Callback& done) {
  auto transfer = Transfer::make(config_, domain, addresses);
  Result<void> begun = transfer ? Result<void>{} : tl::unexpected(transfer.error());
  if (begun) {
    void* easy = (*transfer)->easy();
    const auto active = active_.insert(active_.end(), {ticket, std::move(*transfer), done});
    begun = multi_.add(easy, [this, active](int curl_code) { finish(active, curl_code); });
    if (begun) return;
    active_.erase(active);
  }
  turns_.leave(ticket);
  done(tl::unexpected(begun.error()));
}

void CurlFetcher::finish(std::list<Active>::iterator active, int curl_code) {
  auto result = active->transfer->verdict(curl_code);
  const auto done = std::move(active->done);
  multi_.remove(active->transfer->easy());
  turns_.leave(active->ticket);
  active_.erase(active);
  done(std::move(result));
}

}  // namespace

Result<std::unique_ptr<Fetcher>> make_fetcher(EventLoop& loop, const FetcherConfig& config) {
  if (config.proxy.starts_with("https:"))
    return fail(ErrorCode::kConfig, "an https:// proxy cannot be used: write http:// or socks5h://");
  if (const auto trust = check_trust(config.ca_file, config.crl_file); !trust) return tl::unexpected(trust.error());
  auto fetcher = std::make_unique<CurlFetcher>(loop, config);
  if (!fetcher->is_usable()) return fail(ErrorCode::kLocalFault, "libcurl gives no handle");
  return fetcher;
}

const char* fetcher_tls_library() { return tls_library(); }

}  // namespace mtasts
