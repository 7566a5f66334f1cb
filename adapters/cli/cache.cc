// What is cached: the store that Exim and the other adapters read.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "adapters/cli/command.h"
#include "adapters/cli/describe.h"
#include "adapters/cli/progress.h"
#include "module/engine/sweep.h"
#include "module/helper/client.h"
#include "module/io/event_loop.h"
#include "module/io/wall_clock.h"

namespace mtasts::cli {
namespace {

using State = RecordMemory::State;

// Of most domains that mail goes to nothing is cached but that they have no record.
bool is_worth_a_line(const CacheEntry& entry) {
  return entry.policy || entry.failure || entry.record.state != State::kAbsent;
}

// One round over everything, or over the domain named.
Result<SweepSummary> run_round(Client& client, const std::optional<Domain>& named, Progress& progress) {
  progress.show(named ? "looking up " + named->text() : "looking through the store");
  const Config& config = client.config();
  const auto loop = make_event_loop();
  if (!loop) return tl::unexpected(loop.error());
  const auto helper = HelperClient::open(config, {**loop, client.store(), client.log(), LogTarget::kSyslog});
  if (!helper) return tl::unexpected(helper.error());
  const auto show = [&](std::size_t answered, std::size_t all) {
    if (!named) progress.show(std::to_string(answered) + " of " + std::to_string(all) + " looked up");
  };
  Sweep round({**loop, **helper, client.store(), now, show}, config.sweep, config.round_lookup_timeout());
  SweepSummary summary;
  const auto done = [&](const SweepSummary& result) {
    summary = result;
    (*loop)->stop();
  };
  named ? round.refresh({*named}, done) : round.run(done);
  (*loop)->run();
  return summary;
}

std::string nothing_to_refresh(const Domain& domain, const SweepSummary& summary) {
  const std::string sentence = "there is nothing to refresh: " + domain.text() + " has no MTA-STS record";
  return summary.in_force == 0 ? sentence : sentence + " any more; the cached policy stays in force until it expires";
}

struct RefreshResult {
  ExitCode code;
  std::string reason;  // why there was nothing to refresh, or why this is not all
};

RefreshResult result_of(const SweepSummary& summary, const std::optional<Domain>& named) {
  if (named && summary.without_record > 0) return {kNone, nothing_to_refresh(*named, summary)};
  if (summary.unread) return {kTemporary, "this is not all: " + summary.unread->detail};
  // One domain's trouble is no failure of the timer that runs this for all.
  const bool everything = named || summary.due == summary.in_force;
  return {everything && summary.refreshed == 0 && summary.due > 0 ? kTemporary : kApplies, ""};
}

}  // namespace

int cache_list(Client& client, const CacheOptions& options, const Environment& environment) {
  std::vector<CacheEntry> entries;
  const auto all =
      client.store().for_each([&](const CacheEntry& entry, WallTime /*used*/) { entries.push_back(entry); });
  std::ranges::sort(entries, {}, &CacheEntry::domain);
  for (const CacheEntry& entry : entries) {
    if (!is_worth_a_line(entry)) continue;
    environment.out << (options.json ? to_json(entry, now()) : one_line(entry, now(), environment.colour)) << "\n";
  }
  return all ? kApplies : complain(environment, "this is not all: " + all.error().detail, kTemporary);
}

int cache_show(Client& client, const CacheOptions& options, const Environment& environment) {
  int code = kApplies;
  const auto domain = domain_of(options.domain, environment, code);
  if (!domain) return code;
  const auto cached = client.store().get(*domain);
  if (!cached) return complain(environment, cached.error().detail, kTemporary);
  const auto& entry = *cached;
  if (!entry) return complain(environment, "nothing is cached of " + domain->text(), kNone);
  environment.out << (options.json ? to_json(*entry, now()) + "\n" : to_text(*entry, now(), environment.colour));
  return kApplies;
}

int cache_refresh(Client& client, const CacheOptions& options, const Environment& environment) {
  int code = kApplies;
  std::optional<Domain> named;
  if (!options.domain.empty() && !(named = domain_of(options.domain, environment, code))) return code;
  if (const auto listed = client.store().can_be_listed(); !listed)
    return complain(environment, listed.error().detail, kTemporary);
  Progress progress(environment.err, environment.shows_progress, environment.width);
  const auto round = run_round(client, named, progress);
  progress.clear();
  if (!round) return complain(environment, round.error().detail, kTemporary);
  const RefreshResult result = result_of(*round, named);
  if (options.json) {
    environment.out << to_json(*round, result.reason) << "\n";
    return result.code;
  }
  if (result.code == kNone) return complain(environment, result.reason, result.code);
  for (const auto& [domain, why] : round->failures)
    environment.err << "mtasts: warning: the policy of " << domain.text() << " was not refreshed: " << why << "\n";
  environment.out << summary_line(*round) << "\n";
  return result.reason.empty() ? result.code : complain(environment, result.reason, result.code);
}

int cache_purge(Client& client, const CacheOptions& options, const Environment& environment) {
  int code = kApplies;
  std::optional<Domain> named;
  if (options.domain.empty() && !options.all)
    return complain(environment, "name the DOMAIN to forget, or forget everything that is cached with --all", kUsage);
  if (!options.all && !(named = domain_of(options.domain, environment, code))) return code;
  const auto number = [](FileStore::Removal removal) -> std::size_t {
    return removal == FileStore::Removal::kRemoved ? 1 : 0;
  };
  const auto removed = named ? client.store().remove(*named).map(number) : client.store().remove_all();
  if (!removed) return complain(environment, removed.error().detail, kTemporary);
  if (options.json)
    environment.out << nlohmann::json{{"removed", *removed}}.dump() << "\n";
  else
    environment.out << "removed " << *removed << (*removed == 1 ? " domain" : " domains") << "\n";
  return *removed == 0 && named ? kNone : kApplies;
}

}  // namespace mtasts::cli
