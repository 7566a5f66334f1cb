#include "adapters/socketmap/service.h"

#include <utility>

#include "module/client.h"
#include "module/engine_library.h"

namespace mtasts::socketmap {
namespace {

constexpr std::chrono::hours kBetweenRounds{1};

// These hosts ask before they know whether DANE will judge a connection (R29).
Config with_dane(Config config) {
  config.lookup.ask_dane = config.decision.ask_dane = config.dane;
  return config;
}

// Longer than a delivery would wait: nobody waits for a round.
std::chrono::milliseconds patience(const Config& config) {
  return config.network.fetch.timeout + 3 * config.network.dns.timeout;
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(Config config, EventLoop& loop, Log& log, Metrics& metrics) {
  auto network = open_network(config, &loop);
  if (!network) return tl::unexpected(network.error());
  return std::unique_ptr<Service>(new Service(with_dane(std::move(config)), std::move(*network), loop, log, metrics));
}

Service::Service(Config config, std::unique_ptr<Network> network, EventLoop& loop, Log& log, Metrics& metrics)
    : config_(std::move(config)),
      loop_(loop),
      log_(log),
      metrics_(metrics),
      store_(config_.cache_directory, log_),
      network_(std::move(network)),
      engine_(loop_, network_->resolver(), network_->fetcher(), store_, log_, config_.lookup, now),
      answers_({engine_, store_, log_, metrics_, now}, config_) {
  engine_.on_idle([this] { consider_ending(); });
}

void Service::begin_rounds(std::chrono::milliseconds first) {
  next_round_ = loop_.after(first, [this] { run_round(); });
}

void Service::run_round() {
  round_.emplace(UpkeepRound::Parts{loop_, engine_, store_, now}, config_.upkeep, patience(config_));
  round_->run([this](const UpkeepSummary& summary) { round_ended(summary); });
}

void Service::round_ended(const UpkeepSummary& summary) {
  metrics_.round_ended(summary);
  log_.write(LogLevel::kInfo, "event=refresh-round summary=" + quoted(summary_line(summary)));
  for (const auto& [domain, why] : summary.failures)
    log_.write(LogLevel::kWarning, "event=refresh-failed domain=" + domain.text() + " detail=" + quoted(why) +
                                       " effect=\"the policy remembered stays in force until it expires\"");
  round_.reset();
  idle_ ? consider_ending() : begin_rounds(kBetweenRounds);
}

void Service::retire(std::function<void()> idle) {
  idle_ = std::move(idle);
  next_round_.reset();
  consider_ending();
}

// Later, because whoever calls may be a part of what ends.
void Service::consider_ending() {
  if (idle_ && engine_.is_idle() && !round_) idle_soon_ = loop_.after(std::chrono::milliseconds(0), idle_);
}

}  // namespace mtasts::socketmap
