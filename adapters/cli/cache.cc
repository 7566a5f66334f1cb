// What is remembered: the store that Exim and the other adapters read.
#include <algorithm>
#include <vector>

#include "adapters/cli/command.h"
#include "adapters/cli/describe.h"

namespace mtasts::cli {
namespace {

using State = RecordMemory::State;

Result<std::vector<CacheEntry>> all_entries(FileStore& store) {
  std::vector<CacheEntry> entries;
  const auto visited = store.for_each([&](const CacheEntry& entry) { entries.push_back(entry); });
  if (!visited) return tl::unexpected(visited.error());
  std::ranges::sort(entries, {}, &CacheEntry::domain);
  return entries;
}

// Of most domains that mail goes to nothing is remembered but that they have no record.
bool is_worth_a_line(const CacheEntry& entry) {
  return entry.policy || entry.failure || entry.record.state != State::kAbsent;
}

// Why a policy was not fetched again; empty: it was, or there was nothing to fetch it for.
std::string why_not_refreshed(const Decision& decision, const std::optional<CacheEntry>& entry, Time begin) {
  if (decision.kind == Decision::Kind::kDefer) return decision.reason;
  if (decision.failure) return std::string(error_name(decision.failure->code)) + ": " + decision.failure->detail;
  if (entry && entry->policy && entry->policy->fetched >= begin) return {};
  if (!entry) return "it is no longer remembered";
  switch (entry->record.state) {
    case State::kAbsent:
      return "the domain has no MTA-STS record any more";
    case State::kInvalid:
    case State::kFailed:
      return "the record cannot be read: " + entry->record.detail;
    default:
      return "no answer came in time, or the lookup could not be made";
  }
}

// Longer than a delivery would wait: there is nobody who waits.
std::chrono::milliseconds patience(const Config& config) {
  return config.network.fetch.timeout + 3 * config.network.dns.timeout;
}

// True if the policy was fetched again; the administrator is told if not (R21).
bool refresh_one(Client& client, const Domain& domain, const Surroundings& surroundings) {
  const Time begin = now();
  const Decision decision = client.lookup(domain.text(), Lookup::Effort::kRefresh, patience(client.config()));
  const std::string why = why_not_refreshed(decision, client.store().get(domain), begin);
  if (why.empty()) return true;
  surroundings.err << "mtasts: warning: the policy of " << domain.text() << " was not refreshed: " << why << "\n";
  return false;
}

// The domains to refresh: the one named, or those with a policy that still counts.
Result<std::vector<Domain>> to_refresh(Client& client, const std::optional<Domain>& named) {
  if (named) return std::vector{*named};
  const auto entries = all_entries(client.store());
  if (!entries) return tl::unexpected(entries.error());
  std::vector<Domain> domains;
  for (const CacheEntry& entry : *entries) {
    if (entry.policy_in_force(now()) != nullptr) domains.push_back(entry.domain);
  }
  return domains;
}

std::string policies(std::size_t count) { return std::to_string(count) + (count == 1 ? " policy" : " policies"); }

}  // namespace

int cache_list(Client& client, const Surroundings& surroundings) {
  const auto entries = all_entries(client.store());
  if (!entries) return complain(surroundings, entries.error().detail, kTemporary);
  for (const CacheEntry& entry : *entries) {
    if (is_worth_a_line(entry)) surroundings.out << one_line(entry, now(), surroundings.colour) << "\n";
  }
  return kApplies;
}

int cache_show(Client& client, const std::string& words, const Surroundings& surroundings) {
  int code = kApplies;
  const auto domain = domain_of(words, surroundings, code);
  if (!domain) return code;
  const auto entry = client.store().get(*domain);
  if (!entry) return complain(surroundings, "nothing is remembered of " + domain->text(), kNone);
  surroundings.out << to_text(*entry, now(), surroundings.colour);
  return kApplies;
}

int cache_refresh(Client& client, const std::string& words, const Surroundings& surroundings) {
  int code = kApplies;
  std::optional<Domain> named;
  if (!words.empty() && !(named = domain_of(words, surroundings, code))) return code;
  if (!named) client.store().tidy(now());
  const auto domains = to_refresh(client, named);
  if (!domains) return complain(surroundings, domains.error().detail, kTemporary);
  std::size_t done = 0;
  for (const Domain& domain : *domains) done += refresh_one(client, domain, surroundings) ? 1 : 0;
  surroundings.out << "refreshed " << done << " of " << policies(domains->size()) << "\n";
  // One domain's trouble is no failure of the timer that runs this for all.
  return done == 0 && !domains->empty() ? kTemporary : kApplies;
}

int cache_purge(Client& client, const std::string& words, const Surroundings& surroundings) {
  int code = kApplies;
  std::vector<Domain> domains;
  if (!words.empty()) {
    const auto named = domain_of(words, surroundings, code);
    if (!named) return code;
    domains.push_back(*named);
  } else {
    const auto entries = all_entries(client.store());
    if (!entries) return complain(surroundings, entries.error().detail, kTemporary);
    for (const CacheEntry& entry : *entries) domains.push_back(entry.domain);
  }
  std::size_t removed = 0;
  for (const Domain& domain : domains) {
    const auto gone = client.store().remove(domain);
    if (!gone) return complain(surroundings, gone.error().detail, kTemporary);
    removed += *gone ? 1 : 0;
  }
  surroundings.out << "removed " << removed << (removed == 1 ? " domain" : " domains") << "\n";
  return removed == 0 && !words.empty() ? kNone : kApplies;
}

}  // namespace mtasts::cli
