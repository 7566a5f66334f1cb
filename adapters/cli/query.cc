#include <nlohmann/json.hpp>

#include "adapters/cli/command.h"
#include "adapters/cli/describe.h"
#include "adapters/cli/progress.h"
#include "core/mx_match.h"
#include "module/io/wall_clock.h"

namespace mtasts::cli {
namespace {

// On a terminal it says meanwhile what it waits for.
Decision look_up(const std::string& domain, const Environment& environment, const std::function<Decision()>& lookup) {
  Progress progress(environment.err, environment.shows_progress, environment.width);
  progress.show("looking up " + domain);
  return lookup();
}

int exit_code(const Decision& decision) {
  if (decision.temporary) return kTemporary;
  return decision.kind == Decision::Kind::kPolicy ? kApplies : kNone;
}

}  // namespace

int query(Client& client, const QueryOptions& options, const Environment& environment) {
  if (const auto domain = policy_domain(options.domain); !domain) {
    return complain(environment, domain.error().detail, kUsage);
  }
  const auto effort = options.refresh ? Lookup::Effort::kRefresh : Lookup::Effort::kNormal;
  Decision decision =
      look_up(options.domain, environment, [&] { return client.lookup_with_dane(options.domain, effort); });
  if (decision.domain.empty()) decision.domain = options.domain;  // an address, a name without a dot
  environment.out << (options.json ? to_json(decision) + "\n" : to_text(decision, now(), environment.colour));
  return exit_code(decision);
}

namespace {

std::string match_json(const Decision& decision, const std::string& domain, const Domain& host, bool is_allowed) {
  nlohmann::ordered_json json;
  json["domain"] = domain;
  json["mx"] = host.text();
  json["allowed"] = decision.temporary ? nlohmann::ordered_json() : nlohmann::ordered_json(is_allowed);
  json["mode"] = decision.temporary ? nlohmann::ordered_json() : nlohmann::ordered_json(mode_word(decision));
  json["reason"] = decision.reason;
  json["temporary"] = decision.temporary;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

// "Allowed" is what the policy lists, in whichever mode: without a policy every host is.
int match(Client& client, const MatchOptions& options, const Environment& environment) {
  const auto& [domain, mx_host, json] = options;
  if (const auto named = policy_domain(domain); !named) return complain(environment, named.error().detail, kUsage);
  const auto host = Domain::parse(mx_host);
  if (!host) return complain(environment, "not an MX host name: " + host.error().detail, kUsage);
  const Decision decision = look_up(options.domain, environment, [&] { return client.lookup(options.domain); });
  const bool bound = decision.kind == Decision::Kind::kPolicy;
  const bool allowed = !bound || mx_allowed(decision.mx, host->text());
  if (json) {
    environment.out << match_json(decision, domain, *host, allowed) << "\n";
    return decision.temporary ? kTemporary : allowed ? kApplies : kNone;
  }
  if (decision.temporary)
    return complain(
        environment,
        "whether " + host->text() + " is allowed for " + domain + " could not be found out now: " + decision.reason,
        kTemporary);
  environment.out << host->text() << (allowed ? " is allowed for " : " is not allowed for ") << domain << ": "
                  << (!bound    ? decision.reason
                      : allowed ? "the policy lists it"
                                : "the policy does not list it")
                  << (bound ? " (mode " + mode_word(decision) + ")" : "") << "\n";
  return allowed ? kApplies : kNone;
}

}  // namespace mtasts::cli
