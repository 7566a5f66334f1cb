#include "adapters/cli/check/observe.h"

#include <algorithm>
#include <set>
#include <utility>

#include "module/io/event_loop.h"

namespace mtasts::check {
namespace {

// One call of observe().
class Run {
 public:
  Run(const Outside& outside, std::span<const Domain> domains, const Observer::Limits& limits, const Seen& seen)
      : outside_(outside),
        domains_(domains),
        limits_(limits),
        jobs_(std::max<std::size_t>(1, limits.jobs)),
        seen_(seen) {}

  void begin_some() {
    while (under_way_.size() < jobs_ && next_ < domains_.size() && next_ < oldest() + kWindow * jobs_) {
      under_way_.insert(next_);
      observe_domain(outside_, domains_[next_], limits_.without_record, limits_.time,
                     [this, place = next_](Facts facts) { on_facts(place, std::move(facts)); });
      ++next_;
    }
  }

 private:
  [[nodiscard]] std::size_t oldest() const { return under_way_.empty() ? next_ : *under_way_.begin(); }

  void on_facts(std::size_t place, Facts facts) {
    under_way_.erase(place);
    seen_(place, std::move(facts));
    if (under_way_.empty() && next_ == domains_.size()) return outside_.loop.stop();
    begin_some();
  }

  const Outside outside_;
  const std::span<const Domain> domains_;
  const Observer::Limits limits_;
  const std::size_t jobs_;
  const Seen& seen_;
  std::set<std::size_t> under_way_;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<Observer>> Observer::open(Config config, Log& log) {
  config.tries_mx_hosts = true;
  std::unique_ptr<Observer> observer(new Observer(config, log));
  auto loop = make_event_loop();
  if (!loop) return tl::unexpected(loop.error());
  observer->loop_ = std::move(*loop);
  auto helper = HelperClient::open(config, {*observer->loop_, observer->store_, log, LogTarget::kSyslog});
  if (!helper) return tl::unexpected(helper.error());
  observer->helper_ = std::move(*helper);
  observer->inspector_ = std::make_unique<PacedInspector>(*observer->loop_, observer->helper_->inspector());
  observer->mx_hosts_ = std::make_unique<MxHosts>(observer->helper_->resolver(), *observer->inspector_);
  return observer;
}

void Observer::observe(std::span<const Domain> domains, const Limits& limits, const Seen& seen) {
  if (domains.empty()) return;
  const Outside outside{*loop_, {helper_->resolver(), helper_->servers()}, *inspector_, *mx_hosts_};
  Run run(outside, domains, limits, seen);
  run.begin_some();
  loop_->run();
}

}  // namespace mtasts::check
