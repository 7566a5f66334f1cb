#include "module/service.h"

#include <random>
#include <utility>

#include "module/io/wall_clock.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::hours kBetweenRounds{1};
constexpr milliseconds kFirstRound{60'000};
constexpr unsigned kFirstRoundSpreadMs = 540'000;

milliseconds first_round() {
  std::random_device random;
  return kFirstRound + milliseconds(random() % kFirstRoundSpreadMs);
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(Config config, EventLoop& loop, Log& log, LogTarget log_target) {
  std::unique_ptr<Service> service(new Service(std::move(config), loop, log));
  auto helper = HelperClient::open(service->config_, {loop, service->store_, log, log_target});
  if (!helper) return tl::unexpected(helper.error());
  service->helper_ = std::move(*helper);
  service->cached_lookups_.emplace(CachedLookups::Deps{loop, service->store_, *service->helper_, now},
                                   service->config_.lookup);
  service->helper_->on_idle([self = service.get()] { self->consider_ending(); });
  return service;
}

Service::Service(Config config, EventLoop& loop, Log& log)
    : config_(std::move(config)), loop_(loop), log_(log), store_(config_.cache_directory, log_) {}

void Service::begin_rounds(RoundEnded ended) {
  told_ = std::move(ended);
  next_round_in(first_round());
}

void Service::next_round_in(milliseconds delay) {
  next_round_ = loop_.after(delay, [this] { run_round(); });
}

void Service::run_round() {
  round_.emplace(Sweep::Deps{loop_, *helper_, store_, now}, config_.sweep, config_.round_lookup_timeout());
  round_->run([this](const SweepSummary& summary) { round_ended(summary); });
}

void Service::round_ended(const SweepSummary& summary) {
  told_(summary);
  log_.write(LogLevel::kInfo, LogLine("refresh-round").text("summary", summary_line(summary)));
  for (const auto& [domain, why] : summary.failures)
    log_.write(LogLevel::kWarning, LogLine("refresh-failed")
                                       .field("domain", domain.text())
                                       .text("detail", why)
                                       .text("effect", "the cached policy stays in force until it expires"));
  round_.reset();
  idle_ ? consider_ending() : next_round_in(kBetweenRounds);
}

void Service::retire(std::function<void()> idle) {
  idle_ = std::move(idle);
  next_round_.reset();
  consider_ending();
}

// Later, because whoever calls may be a part of what ends.
void Service::consider_ending() {
  if (idle_ && helper_->is_idle() && !round_) idle_soon_ = loop_.after(milliseconds(0), idle_);
}

}  // namespace mtasts
