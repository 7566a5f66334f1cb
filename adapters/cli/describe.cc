#include "adapters/cli/describe.h"

#include <nlohmann/json.hpp>

#include "adapters/cli/durations.h"
#include "core/timestamp.h"

namespace mtasts::cli {
namespace {

using Json = nlohmann::ordered_json;
using State = RecordMemory::State;

std::string painted(const std::string& mode, bool colour) {
  if (!colour) return mode;
  const char* code = mode == "enforce" ? "32" : mode == "testing" ? "33" : mode == "unknown" ? "31" : "2";
  return std::string("\x1b[") + code + "m" + mode + "\x1b[0m";
}

std::string row(const std::string& name, const std::string& value) {
  constexpr std::size_t kWidth = 10;
  return value.empty() ? "" : "  " + name + std::string(kWidth - std::min(kWidth - 1, name.size()), ' ') + value + "\n";
}

std::string rows(const std::string& name, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += row(text.empty() ? name : "", value);
  return text;
}

std::string source(const Decision& decision) { return decision.from_cache ? "cache" : "fetch"; }

std::string dane_word(DaneState state) {
  switch (state) {
    case DaneState::kNone:
      return "none";
    case DaneState::kUsable:
      return "all";
    case DaneState::kPartly:
      return "some";
    case DaneState::kFailed:
      return "unknown";
  }
  return {};
}

std::string cached_until(WallTime until, WallTime now) {
  return " (cached until " + rfc3339(until) + ", " + relative_text(until, now) + ")";
}

std::string record_state(const RecordMemory& record, WallTime now) {
  const std::string until = cached_until(record.until, now);
  switch (record.state) {
    case State::kUnknown:
      return "never asked for";
    case State::kAbsent:
      return "none" + until;
    case State::kInvalid:
      return "invalid: " + record.detail + until;
    case State::kFailed:
      return "could not be asked for: " + record.detail + until;
    case State::kFound:
      return "id " + record.id + until;
  }
  return {};
}

std::string entry_mode(const CacheEntry& entry, WallTime now) {
  const StoredPolicy* policy = entry.policy_in_force(now);
  return std::string(policy != nullptr ? mode_name(policy->policy.mode) : "none");
}

std::string_view state_name(State state) {
  switch (state) {
    case State::kAbsent:
      return "absent";
    case State::kInvalid:
      return "invalid";
    case State::kFound:
      return "found";
    case State::kFailed:
      return "failed";
    case State::kUnknown:
      break;
  }
  return "unknown";
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string mode_word(const Decision& decision) {
  if (decision.temporary) return "unknown";
  return std::string(mode_name(decision.kind == Decision::Kind::kPolicy ? decision.mode : Mode::kNone));
}

std::string to_json(const Decision& decision) {
  const bool has_policy = decision.fetched.has_value();
  Json json;
  json["domain"] = decision.domain;
  json["mode"] = decision.temporary ? Json() : Json(mode_word(decision));
  json["mx"] = decision.mx;
  json["max_age"] = has_policy ? Json(decision.max_age.count()) : Json();
  json["id"] = has_policy ? Json(decision.id) : Json();
  json["fetched"] = has_policy ? Json(rfc3339(*decision.fetched)) : Json();
  json["expires"] = decision.expires ? Json(rfc3339(*decision.expires)) : Json();
  json["source"] = source(decision);
  json["dane"] = decision.dane ? Json(dane_word(*decision.dane)) : Json();
  json["reason"] = decision.reason;
  json["temporary"] = decision.temporary;
  return dumped(json);
}

std::string to_json(const CacheEntry& entry, WallTime now) {
  const StoredPolicy* policy = entry.policy_in_force(now);
  Json json;
  json["domain"] = entry.domain.text();
  json["mode"] = entry_mode(entry, now);
  json["mx"] = policy != nullptr ? Json(policy->policy.mx) : Json::array();
  json["max_age"] = policy != nullptr ? Json(policy->policy.max_age.count()) : Json();
  json["id"] = policy != nullptr ? Json(policy->id) : Json();
  json["fetched"] = policy != nullptr ? Json(rfc3339(policy->fetched)) : Json();
  json["expires"] = policy != nullptr ? Json(rfc3339(policy->expires())) : Json();
  const RecordMemory& record = entry.record;
  json["record"] = {{"state", state_name(record.state)},
                    {"id", record.id.empty() ? Json() : Json(record.id)},
                    {"detail", record.detail},
                    {"until", record.state == State::kUnknown ? Json() : Json(rfc3339(record.until))}};
  json["failure"] = Json();
  if (entry.failure)
    json["failure"] = {{"error", error_name(entry.failure->reported().code)},
                       {"id", entry.failure->id},
                       {"count", entry.failure->count},
                       {"retry_at", rfc3339(entry.failure->retry_at)},
                       {"detail", entry.failure->error.detail}};
  json["dane"] = Json();
  if (entry.dane)
    json["dane"] = {
        {"state", dane_word(entry.dane->state)}, {"until", rfc3339(entry.dane->until)}, {"detail", entry.dane->detail}};
  return dumped(json);
}

std::string to_json(const SweepSummary& summary, const std::string& reason) {
  Json json{{"refreshed", summary.refreshed},
            {"due", summary.due},
            {"in_force", summary.in_force},
            {"forgotten", summary.forgotten},
            {"damaged", summary.damaged},
            {"failures", Json::array()},
            {"reason", reason}};
  for (const auto& [domain, why] : summary.failures)
    json["failures"].push_back({{"domain", domain.text()}, {"reason", why}});
  return dumped(json);
}

std::string to_text(const Decision& decision, WallTime now, bool colour) {
  std::string text = decision.domain + ": " + painted(mode_word(decision), colour) +
                     (decision.temporary ? ", could not be found out now" : "") + "\n";
  text += rows("mx", decision.mx);
  if (decision.fetched) {
    text += row("id", decision.id);
    text += row("max_age", std::to_string(decision.max_age.count()) + " s (" + duration_text(decision.max_age) + ")");
    text += row("fetched", time_text(*decision.fetched, now));
  }
  if (decision.expires) text += row("expires", time_text(*decision.expires, now));
  if (decision.dane) text += row("dane", dane_word(*decision.dane) + ": " + decision.dane_reason);
  if (decision.temporary)
    text += row("mail", decision.kind == Decision::Kind::kDefer ? "deferred until it is known"
                        : decision.failure                      ? "delivered as without MTA-STS"
                                           : "delivered as without MTA-STS (engine.on_dns_failure)");
  return text + row("source", source(decision)) + row("reason", decision.reason);
}

std::string to_text(const CacheEntry& entry, WallTime now, bool colour) {
  std::string text = entry.domain.text() + ": " + painted(entry_mode(entry, now), colour) + "\n";
  text += row("record", record_state(entry.record, now));
  if (entry.policy) {
    const bool in_force = entry.policy_in_force(now) != nullptr;
    text +=
        row("policy", "id " + entry.policy->id + ", fetched " + time_text(entry.policy->fetched, now) +
                          (in_force ? ", in force until " : ", expired at ") + time_text(entry.policy->expires(), now));
    text += rows("", policy_strings(entry.policy->body));
  }
  if (entry.failure) {
    text += row("failure", std::string(error_name(entry.failure->reported().code)) + " (id " + entry.failure->id +
                               ", " + std::to_string(entry.failure->count) + " in a row, next try after " +
                               time_text(entry.failure->retry_at, now) + "): " + entry.failure->error.detail);
  }
  if (entry.dane)
    text +=
        row("dane", dane_word(entry.dane->state) + cached_until(entry.dane->until, now) + ": " + entry.dane->detail);
  return text;
}

std::string one_line(const CacheEntry& entry, WallTime now, bool colour) {
  std::string line = entry.domain.text() + "  " + painted(entry_mode(entry, now), colour);
  if (const StoredPolicy* policy = entry.policy_in_force(now)) {
    return line + "  until " + time_text(policy->expires(), now) + "  id " + policy->id;
  }
  return line + "  record: " + record_state(entry.record, now);
}

}  // namespace mtasts::cli
