#include "module/engine/dane_lookup.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace mtasts {
namespace {

// One lookup; lives as long as one of its questions is under way.
class Asking : public std::enable_shared_from_this<Asking> {
 public:
  Asking(Resolver& resolver, const Domain& domain, Requester requester, std::function<void(DaneFinding)> done)
      : resolver_(resolver), domain_(domain), requester_(std::move(requester)), done_(std::move(done)) {}

  void start(EventLoop& loop) {
    timer_ = loop.after(kDaneTime, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_late();
    });
    resolver_.mx(
        domain_.text(), [self = shared_from_this()](const auto& mx) { self->on_mx(mx); }, requester_);
  }

 private:
  void on_mx(const Result<DnsAnswer<MxRecord>>& mx) {
    if (is_over()) return;
    auto next = mail_hosts(domain_, mx);
    if (auto* finding = std::get_if<DaneFinding>(&next)) return finish(std::move(*finding));
    asked_ = std::get<MailHosts>(std::move(next));
    for (const auto& name : asked_.names) {
      lookups_.emplace_back(name);
      hosts_.push_back(
          {.name = name, .kind = DaneHost::Kind::kFailed, .reason = "not asked in time", .not_tried = true});
    }
    ask_next();
  }

  void ask_next() {
    hosts_[next_].reason = "no answer in time";
    hosts_[next_].not_tried = false;
    resolver_.addresses(
        asked_.names[next_],
        [self = shared_from_this(), i = next_](const auto& addresses) {
          if (!self->is_over()) self->carry_out(i, self->lookups_[i].on_addresses(addresses));
        },
        requester_);
    ++next_;
  }

  void carry_out(std::size_t i, DaneHostLookup::Next next) {
    if (const auto* tlsa = std::get_if<DaneHostLookup::AskTlsa>(&next)) {
      resolver_.tlsa(
          tlsa->name,
          [self = shared_from_this(), i](const auto& answer) {
            if (!self->is_over()) self->carry_out(i, self->lookups_[i].on_tlsa(answer));
          },
          requester_);
    } else if (const auto* cname = std::get_if<DaneHostLookup::AskCname>(&next)) {
      resolver_.cname(
          cname->name,
          [self = shared_from_this(), i](const auto& answer) {
            if (!self->is_over()) self->carry_out(i, self->lookups_[i].on_cname(answer));
          },
          requester_);
    } else {
      hosts_[i] = std::get<DaneHost>(std::move(next));
      // Whoever does not wait long for a turn does not do so twenty times either.
      const bool is_enough = hosts_[i].not_tried && requester_.turn_timeout;
      if (is_enough || next_ == lookups_.size()) return finish(dane_finding(asked_, hosts_));
      ask_next();
    }
  }

  void on_late() {
    if (lookups_.empty()) {
      auto nothing = mail_hosts(domain_, fail(ErrorCode::kDnsTimeout, "its MX records did not come in time"));
      return finish(std::get<DaneFinding>(std::move(nothing)));
    }
    finish(dane_finding(asked_, hosts_));
  }

  // Answers may come after that.
  void finish(DaneFinding finding) {
    timer_.reset();
    std::exchange(done_, nullptr)(std::move(finding));
  }
  [[nodiscard]] bool is_over() const { return done_ == nullptr; }

  Resolver& resolver_;
  const Domain domain_;
  const Requester requester_;
  std::function<void(DaneFinding)> done_;
  std::unique_ptr<EventLoop::Watch> timer_;
  MailHosts asked_;
  std::vector<DaneHostLookup> lookups_;  // one a host, in the order of asked_
  std::vector<DaneHost> hosts_;          // what came of it, or would come of it now
  std::size_t next_ = 0;                 // the first that was not asked about
};

}  // namespace

void dane_lookup(EventLoop& loop, Resolver& resolver, const Domain& domain, const Requester& requester,
                 std::function<void(DaneFinding)> done) {
  std::make_shared<Asking>(resolver, domain, requester, std::move(done))->start(loop);
}

}  // namespace mtasts
