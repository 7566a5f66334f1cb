// Which records there have to be now, for the domain and its aliases, and in which order.
#include <algorithm>

#include "adapters/cli/check/reading.h"
#include "adapters/cli/publish/steps.h"
#include "adapters/cli/publish/view.h"
#include "core/record.h"

namespace mtasts::publish {
namespace {

using check::Facts;

// What a domain has to have at its three names.
struct Wanted {
  bool has_host = true;
  bool has_record = true;
  bool has_tlsrpt = true;
};

Wanted wanted_in(const DomainState& state) {
  const bool is_gone = state.stage == Stage::kGone;
  const bool stays = !is_gone && !state.is_record_withdrawn;
  return {!is_gone, stays, stays};
}

std::string record_text(const std::string& id) { return "v=STSv1; id=" + id + ";"; }

std::vector<Record> records(const std::vector<std::string>& texts) {
  std::vector<Record> all;
  for (const auto& text : texts) all.push_back(txt_record(text));
  return all;
}

std::vector<Record> aliases_in(const NamePlan& plan) {
  std::vector<Record> all;
  std::ranges::copy_if(plan.seen, std::back_inserter(all), [](const auto& record) { return record.type == "CNAME"; });
  return all;
}

// What is at `plan` and of ours: records of MTA-STS, and an alias.
std::vector<Record> ours(const NamePlan& plan, const std::vector<std::string>& texts) {
  auto all = records(texts);
  const auto aliases = aliases_in(plan);
  all.insert(all.end(), aliases.begin(), aliases.end());
  return all;
}

// `data` as it is, or "" where the record gives the id already, whatever else it says and wherever it is.
NamePlan plan_record(const Facts& facts, const std::vector<Record>& wanted, bool is_wanted, bool is_good,
                     const FileView& file) {
  NamePlan seen = seen_record(facts);
  const auto present = ours(seen, check::sts_records(facts.record));
  if (!is_wanted) return with(std::move(seen), {}, present);
  if (is_good) return seen;
  if (file.kind == FileView::Kind::kServed) return with(std::move(seen), wanted, present);
  seen.waits_for = "first the policy file has to be served at every address; " + file.why;
  return seen;
}

NamePlan plan_host(const Facts& facts, const std::vector<Record>& wanted, bool is_wanted) {
  NamePlan seen = seen_host(facts);
  if (!is_wanted) return with(seen, {}, wanted);
  return wanted.empty() ? seen : with(seen, wanted, seen.seen);
}

std::vector<Record> host_records(const ListedDomain& listed) {
  if (listed.host) return {cname_record(*listed.host)};
  std::vector<Record> all;
  for (const auto& address : listed.addresses) all.push_back({address.is_ipv4() ? "A" : "AAAA", address.text()});
  return all;
}

NamePlan plan_tlsrpt(const Facts& facts, const ListedDomain& listed, bool is_wanted) {
  NamePlan seen = seen_tlsrpt(facts);
  if (!listed.rua || listed.rua->empty()) return seen;
  const auto wanted = txt_record("v=TLSRPTv1; rua=" + *listed.rua);
  return is_wanted ? with(seen, {wanted}, records(check::tlsrpt_records(facts.tlsrpt))) : with(seen, {}, {wanted});
}

// DNS shows what the alias leads to, not whether it is one: where there is something already, it is left alone.
NamePlan plan_alias_tlsrpt(const Facts& facts, const ListedDomain& listed, bool is_wanted) {
  NamePlan seen = seen_tlsrpt(facts);
  const auto target = Domain::parse("_smtp._tls." + listed.name.text());
  const bool has_target = listed.rua && !listed.rua->empty() && target;
  if (!has_target || is_wanted != seen.seen.empty()) return seen;
  if (is_wanted) return with(seen, {cname_record(*target)}, {});
  if (seen.seen != std::vector{txt_record("v=TLSRPTv1; rua=" + *listed.rua)}) return seen;
  seen.seen = {cname_record(*target)};
  return with(seen, {}, seen.seen);
}

bool leads_to(const NamePlan& plan, const Record& target) {
  return std::ranges::find(plan.seen, target) != plan.seen.end();
}

ZonePlan plan_own_zone(const Facts& facts, const Situation& situation, const DomainState& next) {
  const Wanted wanted = wanted_in(next);
  const bool is_gone = next.stage == Stage::kGone;  // whatever is published now is no longer our business
  const auto& listed = *situation.listed;
  const bool is_good = view_record(facts, next.id).kind == RecordView::Kind::kPublished;
  return {listed.name,
          {plan_host(facts, host_records(listed), wanted.has_host),
           is_gone ? seen_record(facts)
                   : plan_record(facts, {txt_record(record_text(next.id))}, wanted.has_record, is_good,
                                 view_file(facts, next.body)),
           is_gone ? seen_tlsrpt(facts) : plan_tlsrpt(facts, listed, wanted.has_tlsrpt)}};
}

ZonePlan plan_alias_zone(const Facts& facts, const Situation& situation, const DomainState& next) {
  const Wanted wanted = wanted_in(next);
  const bool is_gone = next.stage == Stage::kGone;  // whatever is published now is no longer our business
  const auto& listed = *situation.listed;
  const auto host = cname_record(*Domain::parse(listed.name.policy_host()));
  const auto record = cname_record(*Domain::parse(listed.name.record_name()));
  const bool is_good = leads_to(seen_record(facts), record);
  return {facts.domain,
          {plan_host(facts, {host}, wanted.has_host),
           is_gone ? seen_record(facts)
                   : plan_record(facts, {record}, wanted.has_record, is_good, view_file(facts, next.body)),
           is_gone ? seen_tlsrpt(facts) : plan_alias_tlsrpt(facts, listed, wanted.has_tlsrpt)}};
}

// Address, certificate, file, record: no sender finds a record before there is what it leads to.
class Actions {
 public:
  Actions(const ZonePlan& zone, const Facts& facts, const DomainState& next, DomainPlan& plan)
      : zone_(zone),
        host_(facts.domain.policy_host()),
        file_(view_file(facts, next.body)),
        untried_(untried_addresses(facts)),
        plan_(plan) {}

  void add_address() {
    const NamePlan& host = zone_.names[0];
    if (host.is_changed()) add(Action::Kind::kRecord, describe(host));
    if (file_.kind == FileView::Kind::kNoAddress && !host.is_changed())
      add(Action::Kind::kPerson, "give " + host_ + " an address: this list names none for it");
  }
  void add_certificate() {
    for (const std::string& text : untried_) plan_.notes.push_back(host_ + ": " + text);
    if (file_.kind == FileView::Kind::kUnreached && plan_.unasked.empty())
      plan_.unasked = "the policy host " + host_ + " could not be asked: " + file_.why;
    if (file_.kind == FileView::Kind::kNoCertificate)
      add(Action::Kind::kPerson, "get a certificate for " + host_ + ": " + file_.why);
  }
  void add_serving() {
    if (file_.kind == FileView::Kind::kOther && !plan_.is_file_written)
      add(Action::Kind::kPerson,
          "serve the policy file as https://" + host_ + "/.well-known/mta-sts.txt: " + file_.why);
  }
  void add_other_records() {
    for (std::size_t i = 1; i < zone_.names.size(); ++i) {
      const NamePlan& name = zone_.names[i];
      if (name.is_changed()) add(Action::Kind::kRecord, describe(name));
      if (!name.waits_for.empty())
        add(Action::Kind::kRecord,
            "then publish the record at " + name.name + "., once the file is served at every address");
    }
  }

 private:
  void add(Action::Kind kind, std::string text) { plan_.actions.push_back({kind, std::move(text)}); }

  const ZonePlan& zone_;
  std::string host_;
  FileView file_;
  std::vector<std::string> untried_;
  DomainPlan& plan_;
};

void add_actions(const ZonePlan& zone, const Facts& facts, const DomainState& next, std::optional<Action> file,
                 DomainPlan& plan) {
  Actions actions(zone, facts, next, plan);
  const bool is_gone = next.stage == Stage::kGone;
  if (!is_gone) {
    actions.add_address();
    actions.add_certificate();
  }
  if (file) plan.actions.push_back(std::move(*file));
  if (!is_gone) actions.add_serving();
  if (is_gone && zone.names[0].is_changed()) plan.actions.push_back({Action::Kind::kRecord, describe(zone.names[0])});
  actions.add_other_records();
}

}  // namespace

void plan_records(const Situation& situation, const DomainState& next, std::optional<Action> file, DomainPlan& plan) {
  plan.zones.emplace();
  const Facts& facts = (*situation.seen)->facts;
  plan.zones->push_back(plan_own_zone(facts, situation, next));
  add_actions(plan.zones->back(), facts, next, std::move(file), plan);
  for (const auto& [alias, seen] : situation.aliases) {
    if (!seen) continue;
    plan.zones->push_back(plan_alias_zone(seen->facts, situation, next));
    add_actions(plan.zones->back(), seen->facts, next, std::nullopt, plan);
  }
}

}  // namespace mtasts::publish
