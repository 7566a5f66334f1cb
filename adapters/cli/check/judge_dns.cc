// The record, its aliases and its nameservers.
#include <algorithm>
#include <map>

#include "adapters/cli/check/judgement.h"
#include "adapters/cli/check/record_id.h"
#include "adapters/cli/check/sha256.h"
#include "core/timestamp.h"

namespace mtasts::check {
namespace {

using Outcome = DnsFact::Outcome;

// What one server says, as far as a sender looks at it: records and aliases, in order.
std::vector<std::string> relevant(const DnsFact& fact) {
  std::vector<std::string> values = sts_records(fact);
  for (const std::string& value : fact.values)
    if (value.starts_with("CNAME ")) values.push_back(value);
  std::ranges::sort(values);
  return values;
}

std::string server_text(const NameserverFact& server) {
  return escaped(server.name) + (server.address.empty() ? "" : " [" + escaped(server.address) + "]");
}

// The servers for each of the answers that were given; a dead server gives none.
using Answers = std::map<std::vector<std::string>, std::vector<std::string>>;

Answers server_answers(const std::vector<NameserverFact>& servers) {
  Answers answers;
  for (const NameserverFact& server : servers)
    if (server.record.outcome == Outcome::kFound || is_gone(server.record))
      answers[relevant(server.record)].push_back(server_text(server));
  return answers;
}

void judge_servers(Judgement& j, const Answers& answers) {
  if (answers.size() < 2) return;
  std::vector<std::string> parts;
  for (const auto& [values, servers] : answers) {
    std::vector<std::string> shown;
    for (const std::string& value : values) shown.push_back(in_quotes(value));
    parts.push_back(joined(servers) + (shown.empty() ? ": no record" : ": " + joined(shown)));
  }
  j.add("record-nameservers-differ", Severity::kCritical, j.facts.domain.record_name(),
        "the authoritative servers give different records (" + joined(parts, "; ") + ")",
        "Make every nameserver serve the same zone: look at the zone's serial and at transfers to the servers named");
}

std::string near_miss(const DnsFact& fact) {
  const auto found = std::ranges::find_if(fact.values, begins_as_record);
  return found == fact.values.end() ? "" : *found;
}

void judge_texts(Judgement& j) {
  const std::string name = j.facts.domain.record_name();
  const std::vector<std::string> records = sts_records(j.facts.record);
  if (records.size() > 1) {
    std::vector<std::string> shown;
    for (const std::string& record : records) shown.push_back(in_quotes(record));
    j.add("record-multiple", Severity::kCritical, name,
          std::to_string(records.size()) + " records begin with v=STSv1 (" + joined(shown) +
              "): senders act as if there were none",
          "Delete all but one of the TXT records at " + name);
  } else if (records.empty()) {
    j.add("record-invalid", Severity::kCritical, name,
          "a ';' is missing after v=STSv1 in " + in_quotes(near_miss(j.facts.record)), "Publish: " + j.new_record());
  } else if (j.reading.record.kind == RecordFinding::Kind::kInvalid) {
    j.add("record-invalid", Severity::kCritical, name, j.reading.record.reason, "Publish: " + j.new_record());
  }
}

void add_absent(Judgement& j) {
  const std::string name = j.facts.domain.record_name();
  std::string message = "no TXT record begins with v=STSv1: the domain has no MTA-STS";
  if (const auto domain = meant_domain(j.facts)) {
    j.add("record-absent", Severity::kWarning, name,
          message + ", and no MX record. " + j.facts.domain.text() + " is the policy host of " + domain->text() +
              "; did you mean " + domain->text() + "?",
          "Name the mail domain, what follows the @ of its addresses: mtasts check " + domain->text());
    return;
  }
  if (!j.facts.record.values.empty()) message += " (found: " + in_quotes(j.facts.record.values.front()) + ")";
  j.add("record-absent", Severity::kWarning, name, message,
        "Serve a policy at " + j.policy_url() + ", then publish: " + j.new_record());
}

bool body_is(const Facts& facts, auto holds) {
  return std::ranges::any_of(
      facts.host, [&](const PolicyAddressFact& address) { return serves_file(address) && holds(address.http.body); });
}

}  // namespace

std::optional<Domain> meant_domain(const Facts& facts) {
  const auto& seen = facts.policy_host_name;
  if (!seen || !is_gone(seen->mx)) return std::nullopt;
  const bool is_mail_domain = !sts_records(seen->parent_record).empty() || seen->parent_mx.outcome == Outcome::kFound;
  return is_mail_domain ? std::optional(seen->parent) : std::nullopt;
}

bool judge_alias(Judgement& j, const std::string& name, const AliasFact& alias) {
  const std::string chain = escaped(joined(alias.chain, " -> "), 400);
  if (alias.kind == AliasFact::Kind::kDangling) {
    const std::string target = alias.chain.empty() ? "its target" : escaped(alias.chain.back());
    j.add("record-cname-dangling", Severity::kCritical, name,
          "the CNAME leads to " + target + ", which does not exist: whoever registers that name owns the policy",
          "Delete the CNAME at " + name + ", or point it to a name that exists and is yours");
    return true;
  }
  if (alias.kind == AliasFact::Kind::kLoop) {
    j.add("record-cname-loop", Severity::kCritical, name, "the CNAME leads in a circle: " + chain,
          "Point the CNAME at " + name + " to the name that has the records, or replace it by them");
    return true;
  }
  return false;
}

bool judge_record(Judgement& j) {
  const std::string name = j.facts.domain.record_name();
  const Answers answers = server_answers(j.facts.record_servers);
  const Answers behind_alias = server_answers(j.facts.target_servers);
  const bool is_absent = is_gone(j.facts.record) || (j.facts.record.outcome == Outcome::kFound &&
                                                     std::ranges::none_of(j.facts.record.values, begins_as_record));
  bool has_record = true;
  if (judge_alias(j, name, j.facts.record_alias)) {
    // It stands in place of what the question for the record itself gives.
  } else if (j.facts.record.outcome == Outcome::kFailed) {
    j.add("record-dns-failure", Severity::kUnknown, name, "the record cannot be asked for: " + j.facts.record.error,
          "See whether the nameservers of the zone answer for TXT at " + name + ", and whether DNSSEC is in order");
  } else if (is_absent) {
    // Where servers differ it is chance that the resolver asked one without the record.
    has_record = answers.size() > 1 || behind_alias.size() > 1;
    if (!has_record) add_absent(j);
  } else if (j.facts.record.outcome == Outcome::kFound) {
    judge_texts(j);
  }
  if (!has_record) return false;
  judge_servers(j, answers);
  judge_servers(j, behind_alias);
  if (j.facts.is_record_wildcard)
    j.add("record-wildcard", Severity::kWarning, name,
          "a name beside it that nobody made has an MTA-STS record, too: it comes from a wildcard",
          "Publish " + name + " by itself and take the text that begins with v=STSv1 from the wildcard record");
  return true;
}

void judge_id(Judgement& j) {
  const std::string& id = j.reading.record.id;
  if (id.empty() || j.reading.source == nullptr) return;
  std::string message;
  if (carries_hash(id)) {
    if (!body_is(j.facts, [&](std::string_view body) { return is_id_of(id, body); }))
      message = "the id " + id + " carries the hash of another file than the one that is served";
  } else if (j.saved != nullptr && j.saved->id == id) {
    if (!body_is(j.facts, [&](std::string_view body) { return sha256_hex(body) == j.saved->body_sha256; }))
      message = "the policy was changed and the id " + id + " was not: it was seen with another file before";
  }
  if (message.empty()) return;
  j.add("id-stale", Severity::kCritical, j.facts.domain.record_name(),
        message + ", so senders that know it keep the policy they have", "Publish: " + j.new_record());
}

void judge_removal(Judgement& j) {
  if (j.saved == nullptr || j.saved->held_until <= j.facts.seen_at) return;
  const bool is_record_gone = j.has("record-absent") || j.facts.record_alias.kind == AliasFact::Kind::kDangling;
  const bool is_host_gone = is_gone(j.facts.host_addresses) || j.facts.host_alias.kind == AliasFact::Kind::kDangling;
  if (!is_record_gone && !is_host_gone) return;
  const std::string until = rfc3339(j.saved->held_until);
  const std::string what = is_record_gone && is_host_gone ? "the record and the policy host are"
                           : is_record_gone               ? "the record is"
                                                          : "the policy host is";
  j.add("removed-early", Severity::kCritical, j.facts.domain.text(),
        what + " gone, but senders may hold the policy (max_age " + std::to_string(j.saved->longest_max_age.count()) +
            ") until " + until,
        "Put back what is gone, serve a policy with mode none and max_age 86400, and remove it after " + until);
}

}  // namespace mtasts::check
