#include "adapters/cli/publish/show.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/timestamp.h"

namespace mtasts::publish {
namespace {

using Json = nlohmann::ordered_json;
using Kind = Action::Kind;

bool has(const std::vector<Action>& actions, Kind kind) {
  return std::ranges::any_of(actions, [&](const Action& action) { return action.kind == kind; });
}

bool has_trouble(const Shown& shown) {
  return !shown.plan.refused.empty() || !shown.plan.unasked.empty() || !shown.verdict.critical.empty();
}

std::string_view mark(const Action& action, Done done) {
  switch (action.kind) {
    case Kind::kFile:
      return done.is_applied ? "done    " : "file    ";
    case Kind::kRecord:
      return "record  ";
    case Kind::kPerson:
      break;
  }
  return "you     ";
}

std::string stage_of(const DomainPlan& plan) {
  return plan.next ? std::string(stage_name(plan.next->stage)) : "not published";
}

void show_domain(std::ostream& stream, const Shown& shown, Done done) {
  const DomainPlan& plan = shown.plan;
  const bool has_id = plan.next && !plan.next->id.empty();
  const bool is_quiet = plan.actions.empty() && !has_trouble(shown);
  stream << plan.name << ": " << stage_of(plan) << (has_id ? ", id " + plan.next->id : "")
         << (is_quiet ? ", nothing to do" : "") << "\n";
  for (const Action& action : plan.actions) stream << "  " << mark(action, done) << action.text << "\n";
  for (const std::string& text : shown.verdict.critical) stream << "  critical " << text << "\n";
  for (const std::string& note : plan.notes) stream << "  " << note << "\n";
  if (!plan.refused.empty()) stream << "  refused: see below\n";
}

Json json_of(const Shown& shown, Done done) {
  const DomainPlan& plan = shown.plan;
  Json actions = Json::array();
  for (const Action& action : plan.actions) actions.push_back(action.text);
  Json json = {
      {"name", plan.name},
      {"stage", plan.next ? Json(stage_name(plan.next->stage)) : Json()},
      {"id", plan.next && !plan.next->id.empty() ? Json(plan.next->id) : Json()},
      {"actions", std::move(actions)},
      {"waits_until", plan.waits_until ? Json(rfc3339(*plan.waits_until)) : Json()},
      {"refused", plan.refused.empty() ? Json() : Json(plan.refused)},
      {"notes", plan.notes},
  };
  if (!done.is_verified) return json;
  json["critical"] = shown.verdict.critical;
  json["unknown"] = shown.verdict.unknown;
  return json;
}

}  // namespace

void show_text(std::ostream& stream, const std::vector<Shown>& domains, Done done, const std::string& out) {
  bool has_files = false;
  bool has_records = false;
  bool has_any = false;
  for (const Shown& shown : domains) {
    show_domain(stream, shown, done);
    has_files = has_files || has(shown.plan.actions, Kind::kFile);
    has_records = has_records || has(shown.plan.actions, Kind::kRecord);
    has_any = has_any || !shown.plan.actions.empty();
  }
  if (!has_any) {
    if (std::ranges::none_of(domains, has_trouble)) stream << "Nothing to do.\n";
    return;
  }
  if (has_files && !done.is_applied) stream << "Nothing was written. The same command with --apply writes the files.\n";
  if (!has_records) return;
  if (out.empty())
    stream << "Records are yours to change; --out DIR writes them as zone lines and as scripts for nsupdate.\n";
  else
    stream << "Records are yours to change: " << out << "/nsupdate/DOMAIN.txt for nsupdate -k KEYFILE, or the lines in "
           << out << "/zone/DOMAIN.zone" << (done.is_applied ? ".\n" : ", once --apply has written them.\n");
}

void show_json(std::ostream& stream, const std::vector<Shown>& domains, Done done) {
  Json all = Json::array();
  for (const Shown& shown : domains) all.push_back(json_of(shown, done));
  stream << Json{{"domains", std::move(all)}}.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

void show_trouble(std::ostream& stream, const std::vector<Shown>& domains) {
  for (const auto& [plan, verdict] : domains) {
    const std::string begin = "mtasts: " + plan.name + ": ";
    if (!plan.refused.empty()) stream << begin << plan.refused << "\n";
    for (const std::string& risk : plan.risks) stream << begin << "forced: " << risk << "\n";
    if (!plan.unasked.empty()) stream << begin << plan.unasked << "; try again\n";
    for (const std::string& text : verdict.critical) stream << begin << text << "\n";
    for (const std::string& text : verdict.unknown) stream << begin << "could not be looked at: " << text << "\n";
  }
}

}  // namespace mtasts::publish
