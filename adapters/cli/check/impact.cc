// What senders that honour MTA-STS will do, in one sentence.
#include <algorithm>

#include "adapters/cli/check/judgement.h"
#include "core/timestamp.h"

namespace mtasts::check {
namespace {

constexpr std::string_view kAsWithout = "deliver as without MTA-STS, where TLS can be stripped and nobody is verified";

struct Hosts {
  std::vector<std::string> good{};
  std::vector<std::string> refused{};
  std::vector<std::string> unknown{};
};

Hosts sorted_hosts(const Judgement& j) {
  Hosts hosts;
  for (const MxFact& mx : j.facts.mx) {
    const MxVerdict one = verdict(mx, j.reading);
    auto& list = one == MxVerdict::kGood ? hosts.good : one == MxVerdict::kRefused ? hosts.refused : hosts.unknown;
    list.push_back(escaped(mx.host));
  }
  return hosts;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMaxNamed = 5;
  if (names.size() <= kMaxNamed) return joined(names);
  const std::vector<std::string> first(names.begin(), names.begin() + kMaxNamed);
  return joined(first) + " and " + std::to_string(names.size() - kMaxNamed) + " more";
}

std::string unknown_part(const Hosts& hosts) {
  return hosts.unknown.empty() ? "" : "; " + listed(hosts.unknown) + " could not be looked at";
}

std::string in_enforce(const Judgement& j) {
  const Hosts hosts = sorted_hosts(j);
  if (j.facts.is_null_mx) return "The domain takes no mail, so the policy protects none";
  if (j.facts.mx.empty()) return "Senders enforce the policy, but the MX hosts could not be looked at";
  if (hosts.refused.empty() && hosts.good.empty())
    return "Senders enforce the policy, but none of the MX hosts could be looked at from here";
  if (hosts.refused.empty())
    return "Senders deliver over verified TLS only, to " + listed(hosts.good) + unknown_part(hosts);
  if (hosts.good.empty() && hosts.unknown.empty())
    return "Senders that enforce the policy deliver nothing: they refuse " + listed(hosts.refused) +
           ", and mail waits in their queues until it bounces";
  return "Senders refuse to deliver to " + listed(hosts.refused) +
         (hosts.good.empty() ? "" : " and use " + listed(hosts.good)) + unknown_part(hosts);
}

std::string in_testing(const Judgement& j) {
  const Hosts hosts = sorted_hosts(j);
  const std::string now = "Senders deliver all mail and only report failures, as the mode is testing";
  if (!hosts.refused.empty())
    return now + "; in enforce they would refuse " + listed(hosts.refused) + unknown_part(hosts);
  return now + (hosts.good.empty() ? "" : "; in enforce they would use " + listed(hosts.good)) + unknown_part(hosts);
}

std::string with_policy(const Judgement& j) {
  if (j.reading.is_none()) return "Senders treat the domain as one without MTA-STS, as mode none says";
  return j.reading.enforces() ? in_enforce(j) : in_testing(j);
}

// Senders come to any of the addresses.
std::string with_record(const Judgement& j) {
  const auto& host = j.facts.host;
  const auto serving = std::ranges::count_if(host, serves_policy);
  const auto untried = std::ranges::count_if(host, [](const auto& address) { return !address.not_tried.empty(); });
  const bool is_unknown =
      j.facts.host_addresses.outcome == DnsFact::Outcome::kFailed && j.facts.host_alias.kind != AliasFact::Kind::kLoop;
  if (serving == 0 && (is_unknown || untried > 0))
    return "What senders do could not be found out: the policy host could not be looked at from here";
  if (serving == 0) return "Senders get no valid policy and " + std::string(kAsWithout);
  const auto failing = static_cast<std::size_t>(serving + untried) < host.size();
  return with_policy(j) +
         (failing ? "; those that come to an address of the policy host that fails get no policy" : "");
}

bool has_no_valid_record(const Judgement& j) {
  return j.has("record-multiple") || j.has("record-invalid") ||
         j.facts.record_alias.kind == AliasFact::Kind::kDangling || j.facts.record_alias.kind == AliasFact::Kind::kLoop;
}

std::string sentence(const Judgement& j) {
  if (const auto domain = meant_domain(j.facts); domain && j.has("record-absent"))
    return "Senders look for a policy of the mail domain, " + domain->text() + ", and not of its policy host";
  if (j.has("record-absent")) return "Senders know of no policy and " + std::string(kAsWithout);
  if (has_no_valid_record(j))
    return "Senders find no valid record and " + std::string(kAsWithout) +
           "; those that hold a policy from earlier keep it until it expires";
  if (j.facts.record.outcome == DnsFact::Outcome::kFailed)
    return "What senders do could not be found out: DNS gives no answer for the record";
  if (j.has("record-nameservers-differ"))
    return "It depends on the nameserver that is asked which policy a sender finds, if any";
  return with_record(j);
}

}  // namespace

std::string impact(const Judgement& j) {
  std::string text = sentence(j);
  if (j.has("removed-early"))
    text += "; senders that hold the earlier policy apply it until " + rfc3339(j.saved->held_until);
  return text + ".";
}

}  // namespace mtasts::check
