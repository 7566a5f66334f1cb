#include "module/client.h"

#include <utility>

#include "module/engine/cached_lookups.h"
#include "module/helper/call.h"
#include "module/io/wall_clock.h"

namespace mtasts {
namespace {

LogLine describe(const Decision& decision) {
  const std::string_view kind = decision.kind == Decision::Kind::kPolicy  ? mode_name(decision.mode)
                                : decision.kind == Decision::Kind::kDefer ? "defer"
                                                                          : "none";
  return LogLine("decision")
      .field("domain", decision.domain)
      .field("mode", kind)
      .field("source", decision.from_cache ? "cache" : "network")
      .text("reason", decision.reason);
}

}  // namespace

Client::Client(Config config, std::unique_ptr<Log> log)
    : config_(std::move(config)), with_dane_(config_), log_(std::move(log)), store_(config_.cache_directory, *log_) {
  with_dane_.lookup.ask_dane = with_dane_.decision.ask_dane = config_.dane;
  log_->set_threshold(config_.log_level);
}

Result<std::unique_ptr<Client>> Client::open(const std::string& config_path, std::unique_ptr<Log> log, Caller caller) {
  auto config = load_config(config_path);
  if (!config) return tl::unexpected(config.error());
  config->is_for_person = caller == Caller::kPerson;
  return std::unique_ptr<Client>(new Client(std::move(*config), std::move(log)));
}

Decision Client::lookup(std::string_view next_hop, Lookup::Effort effort,
                        std::optional<std::chrono::milliseconds> deadline) {
  return lookup(config_, next_hop, effort, deadline.value_or(config_.deadline));
}

Decision Client::lookup_with_dane(std::string_view next_hop, Lookup::Effort effort,
                                  std::optional<std::chrono::milliseconds> deadline) {
  return lookup(with_dane_, next_hop, effort, deadline.value_or(config_.deadline));
}

Decision Client::lookup(const Config& config, std::string_view next_hop, Lookup::Effort effort,
                        std::chrono::milliseconds deadline) {
  const auto domain = policy_domain(next_hop);
  if (!domain) return no_policy(domain.error().detail);
  if (!*domain) return no_policy("an address or a name without a dot has no policy");
  Outcome outcome = find_out(config, **domain, effort, deadline);
  if (deadline < config.deadline)
    outcome = without_blaming_dns(std::move(outcome),
                                  "the time that lookups may wait (engine.deadline_s) is used up; the lookup of " +
                                      (*domain)->text() + " goes on");
  Decision decision = decide(outcome, config.decision, now());
  log_->write(LogLevel::kDebug, describe(decision));
  return decision;
}

Outcome Client::find_out(const Config& config, const Domain& domain, Lookup::Effort effort,
                         std::chrono::milliseconds deadline) {
  if (auto cached = cached_outcome(store_, domain, effort, config.lookup, now())) return std::move(*cached);
  auto outcome = lookup_in_helper(config, domain, effort, deadline);
  if (outcome) return std::move(*outcome);
  log_->write(LogLevel::kError,
              LogLine("lookup-impossible").field("domain", domain.text()).text("detail", outcome.error().detail));
  return outcome_without_network(store_, domain, outcome.error(), now());
}

}  // namespace mtasts
