#include "adapters/cli/check/observe.h"

#include <algorithm>
#include <map>
#include <utility>

#include "module/io/event_loop.h"

namespace mtasts::check {
namespace {

constexpr std::size_t kAhead = 4;  // times `jobs`: facts in memory while an earlier domain takes its time

// One call of observe().
class Run {
 public:
  Run(const Outside& outside, std::span<const Domain> domains, const Observer::Wishes& wishes,
      const Observer::Done& done, const Observer::Progress& progress)
      : outside_(outside), domains_(domains), wishes_(wishes), done_(done), progress_(progress) {}

  void start_some() {
    const std::size_t jobs = std::max(1U, wishes_.jobs);
    while (under_way_ < jobs && next_ < domains_.size() && next_ < told_ + kAhead * jobs) {
      ++under_way_;
      observe_domain(outside_, domains_[next_], wishes_.without_record, wishes_.time,
                     [this, i = next_](Facts facts) { on_facts(i, std::move(facts)); });
      ++next_;
    }
  }

 private:
  void on_facts(std::size_t i, Facts facts) {
    --under_way_;
    ++seen_;
    waiting_.emplace(i, std::move(facts));
    for (auto first = waiting_.begin(); first != waiting_.end() && first->first == told_; first = waiting_.begin()) {
      done_(std::move(first->second));
      waiting_.erase(first);
      ++told_;
    }
    if (progress_) progress_(seen_, domains_.size());
    if (told_ == domains_.size()) return outside_.loop.stop();
    start_some();
  }

  const Outside outside_;
  const std::span<const Domain> domains_;
  const Observer::Wishes wishes_;
  const Observer::Done& done_;
  const Observer::Progress& progress_;
  std::map<std::size_t, Facts> waiting_;
  std::size_t next_ = 0;
  std::size_t under_way_ = 0;
  std::size_t seen_ = 0;
  std::size_t told_ = 0;
};

}  // namespace

Result<std::unique_ptr<Observer>> Observer::open(const Config& config, Log& log) {
  std::unique_ptr<Observer> observer(new Observer(config, log));
  auto loop = make_event_loop();
  if (!loop) return tl::unexpected(loop.error());
  observer->loop_ = std::move(*loop);
  auto helper = HelperClient::open(config, {*observer->loop_, observer->store_, log, LogTarget::kSyslog});
  if (!helper) return tl::unexpected(helper.error());
  observer->helper_ = std::move(*helper);
  observer->mx_hosts_ = std::make_unique<MxHosts>(observer->helper_->resolver(), observer->helper_->inspector());
  return observer;
}

void Observer::observe(std::span<const Domain> domains, const Wishes& wishes, const Done& done,
                       const Progress& progress) {
  if (domains.empty()) return;
  const Outside outside{*loop_, {helper_->resolver(), helper_->servers()}, helper_->inspector(), *mx_hosts_};
  Run run(outside, domains, wishes, done, progress);
  run.start_some();
  loop_->run();
}

}  // namespace mtasts::check
