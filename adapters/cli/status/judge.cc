// What of a status is worth a person's attention.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "adapters/cli/durations.h"
#include "adapters/cli/status/status.h"

namespace mtasts::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kRoundOverdue = 3h;  // a timer runs it every hour
constexpr auto kExpiresSoon = 24h;

Problem critical(std::string text) { return {true, std::move(text)}; }
Problem warning(std::string text) { return {false, std::move(text)}; }

std::string remedy(const std::string& of_root) {
  return "; " + (::geteuid() == 0 ? of_root : "run mtasts status as root");
}

// What could not be looked at is no proof that nothing is wrong.
void judge_sight(const Status& status, std::vector<Problem>& problems) {
  for (const HostStatus& host : status.hosts) {
    if (!host.unread.empty())
      problems.push_back(warning("what " + host.host + " asks is not known: " + host.unread +
                                 remedy("make it a file that root can read")));
  }
  if (!status.resolver_fault.empty())
    problems.push_back(warning("whether the resolver validates DNSSEC is not known: " + status.resolver_fault +
                               "; make it a file that all users can read: lookups need it"));
  if (status.table_store && !status.table_store->unseen.empty())
    problems.push_back(warning("what table-mtasts has cached is not known: " + status.table_store->unseen +
                               remedy("let its owner read it")));
  if (!status.deliveries.fault.empty())
    problems.push_back(warning("deferrals are not all counted: " + status.deliveries.fault +
                               remedy("see that .events and .events.old there are files of the store's owner")));
}

void judge_daemon(const Status& status, std::vector<Problem>& problems) {
  for (const HostStatus& host : status.hosts) {
    if (!host.fault.empty())
      problems.push_back(critical(host.host + " asks mtastsd, which does not answer: " + host.fault));
  }
}

void judge_failing(const FailingDomain& failing, WallTime now, std::vector<Problem>& problems) {
  if (!failing.in_force_until) return;  // that domain has no policy now: nobody's mail waits for ever
  const bool is_urgent = *failing.in_force_until - now < kExpiresSoon;
  std::string text = "the policy of " + failing.domain + " cannot be refreshed and expires " +
                     relative_text(*failing.in_force_until, now) + ": " + failing.error.detail;
  problems.push_back(is_urgent ? critical(std::move(text)) : warning(std::move(text)));
}

// `action` of whoever refreshes what is there.
void judge_store(const StoreStatus& store, const std::string& action, WallTime now, std::vector<Problem>& problems) {
  if (!store.fault.empty()) problems.push_back(critical(store.fault));
  for (const FailingDomain& failing : store.failing) judge_failing(failing, now, problems);
  const std::size_t in_force = store.policies.at(Mode::kEnforce) + store.policies.at(Mode::kTesting);
  if (in_force == 0) return;
  const std::string where = "policies in " + store.directory;
  if (!store.last_round)
    problems.push_back(warning(where + " have never been refreshed; " + action));
  else if (now - *store.last_round > kRoundOverdue)
    problems.push_back(
        warning(where + " were last refreshed " + relative_text(*store.last_round, now) + "; " + action));
}

}  // namespace

std::vector<Problem> judge(const Status& status, WallTime now) {
  std::vector<Problem> problems;
  judge_daemon(status, problems);
  if (status.resolver == setup::ResolverState::kSilent)
    problems.push_back(critical(
        std::string("no resolver of ") +
        (status.names_resolvers ? "dns.resolvers in mtasts.toml answers over TCP" : "/etc/resolv.conf answers") +
        ": what is not cached is not found, and nothing is refreshed"));
  judge_store(status.store, "run mtasts cache refresh from the timer mtasts-refresh.timer or from cron every hour", now,
              problems);
  if (status.table_store)
    judge_store(*status.table_store, "table-mtasts does it every hour: see its log lines, and restart smtpd", now,
                problems);
  judge_sight(status, problems);
  if (status.has_old_exim_parts)
    problems.push_back(
        warning("what \"mtasts setup exim\" added to Exim's configuration is not that of this version; to "
                "replace it: mtasts setup exim --apply"));
  for (const Observing& one : status.observing) problems.push_back(warning(one.note));
  std::ranges::stable_partition(problems, &Problem::is_critical);
  return problems;
}

StatusExit status_exit(const Status& status) {
  if (status.problems.empty()) return kStatusOk;
  return std::ranges::any_of(status.problems, &Problem::is_critical) ? kStatusCritical : kStatusWarning;
}

}  // namespace mtasts::cli
