#include "adapters/cli/check/mx_hosts.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "adapters/cli/check/alias.h"
#include "adapters/cli/check/dns_fact.h"
#include "core/dane.h"

namespace mtasts::check {

// One host: addresses, then at the same time its alias and its TLSA records, then a session at each address.
class MxHosts::Look : public std::enable_shared_from_this<Look> {
 public:
  Look(MxHosts& hosts, std::string host) : hosts_(hosts), dane_(host) { fact_.host = std::move(host); }

  void start() {
    hosts_.resolver_.addresses(fact_.host,
                               [self = shared_from_this()](const auto& answer) { self->on_addresses(answer); });
  }

 private:
  void on_addresses(const Result<DnsAnswer<std::string>>& answer) {
    fact_.addresses = text_fact(answer);
    open_ = 1;
    if (may_be_alias(fact_.host, answer)) {
      ++open_;
      follow_alias(hosts_.resolver_, fact_.host, [self = shared_from_this()](AliasFact alias) {
        self->fact_.alias = std::move(alias);
        self->on_part_done();
      });
    }
    carry_out(dane_.on_addresses(answer));
  }

  // DANE first (core/dane): whose TLSA records count, if any do.
  void carry_out(const DaneHostLookup::Next& next) {
    if (const auto* tlsa = std::get_if<DaneHostLookup::AskTlsa>(&next)) {
      hosts_.resolver_.tlsa(tlsa->name, [self = shared_from_this()](const auto& answer) {
        self->fact_.tlsa = tlsa_fact(answer);
        if (answer && answer->authenticated) self->tlsa_ = answer->records;
        self->carry_out(self->dane_.on_tlsa(answer));
      });
    } else if (const auto* cname = std::get_if<DaneHostLookup::AskCname>(&next)) {
      hosts_.resolver_.cname(cname->name, [self = shared_from_this()](const auto& answer) {
        self->carry_out(self->dane_.on_cname(answer));
      });
    } else {
      if (std::get<DaneHost>(next).kind != DaneHost::Kind::kUsable) tlsa_.clear();
      connect();
    }
  }

  void connect() {
    const auto host = Domain::parse(fact_.host);
    const auto& addresses = fact_.addresses.values;
    for (const auto& address : addresses) {
      if (fact_.sessions.size() == kMaxMxAddresses) break;
      fact_.sessions.push_back({.address = address});
      if (!host) fact_.sessions.back().error = host.error().detail;
    }
    if (host) {
      open_ += fact_.sessions.size();
      for (std::size_t i = 0; i < fact_.sessions.size(); ++i)
        hosts_.inspector_.mx_host(*host, addresses[i], tlsa_, [self = shared_from_this(), i](MxAddressFact session) {
          self->fact_.sessions[i] = std::move(session);
          self->on_part_done();
        });
    }
    on_part_done();
  }

  void on_part_done() {
    if (--open_ == 0) hosts_.complete(std::move(fact_));
  }

  MxHosts& hosts_;
  DaneHostLookup dane_;
  MxFact fact_;
  std::vector<TlsaRecord> tlsa_;
  std::size_t open_ = 0;
};

void MxHosts::look(const std::string& host, const Done& done) {
  const auto [found, is_new] = known_.try_emplace(host);
  if (found->second.is_complete) return done(found->second.fact);
  found->second.waiting.push_back(done);
  if (is_new) std::make_shared<Look>(*this, host)->start();
}

void MxHosts::complete(MxFact fact) {
  Known& known = known_.at(fact.host);
  known.fact = std::move(fact);
  known.is_complete = true;
  in_order_.push_back(known.fact.host);
  const MxFact told = known.fact;
  for (const auto& waiting : std::exchange(known.waiting, {})) waiting(told);
  while (in_order_.size() > kMaxKnownMxHosts) {
    known_.erase(in_order_.front());
    in_order_.pop_front();
  }
}

}  // namespace mtasts::check
