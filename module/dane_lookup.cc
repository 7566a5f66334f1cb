#include "module/dane_lookup.h"

#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace mtasts {
namespace {

// One lookup; lives as long as one of its questions is under way.
class Asking : public std::enable_shared_from_this<Asking> {
 public:
  Asking(Resolver& resolver, Domain domain, std::function<void(DaneFinding)> done)
      : resolver_(resolver), domain_(std::move(domain)), done_(std::move(done)) {}

  void start() {
    resolver_.mx(domain_.text(), [self = shared_from_this()](const auto& mx) { self->on_mx(mx); });
  }

 private:
  void on_mx(const Result<DnsAnswer<MxRecord>>& mx) {
    auto next = mail_hosts(domain_, mx);
    if (auto* finding = std::get_if<DaneFinding>(&next)) return done_(std::move(*finding));
    asked_ = std::get<MailHosts>(std::move(next));
    for (const auto& name : asked_.names) lookups_.emplace_back(name);
    hosts_.resize(lookups_.size());
    open_ = lookups_.size();
    for (std::size_t i = 0; i < lookups_.size(); ++i)
      resolver_.addresses(asked_.names[i], [self = shared_from_this(), i](const auto& addresses) {
        self->carry_out(i, self->lookups_[i].on_addresses(addresses));
      });
  }

  void carry_out(std::size_t i, DaneHostLookup::Next next) {
    if (const auto* tlsa = std::get_if<DaneHostLookup::AskTlsa>(&next)) {
      resolver_.tlsa(tlsa->name, [self = shared_from_this(), i](const auto& answer) {
        self->carry_out(i, self->lookups_[i].on_tlsa(answer));
      });
    } else if (const auto* cname = std::get_if<DaneHostLookup::AskCname>(&next)) {
      resolver_.cname(cname->name, [self = shared_from_this(), i](const auto& answer) {
        self->carry_out(i, self->lookups_[i].on_cname(answer));
      });
    } else {
      hosts_[i] = std::get<DaneHost>(std::move(next));
      if (--open_ == 0) done_(dane_finding(asked_, hosts_));
    }
  }

  Resolver& resolver_;
  const Domain domain_;
  const std::function<void(DaneFinding)> done_;
  MailHosts asked_;
  std::vector<DaneHostLookup> lookups_;  // one a host, in the order of asked_
  std::vector<DaneHost> hosts_;          // what came of it
  std::size_t open_ = 0;
};

}  // namespace

void dane_lookup(Resolver& resolver, const Domain& domain, std::function<void(DaneFinding)> done) {
  std::make_shared<Asking>(resolver, domain, std::move(done))->start();
}

}  // namespace mtasts
