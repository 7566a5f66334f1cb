#include "adapters/cli/publish/records.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/ip_address.h"

namespace mtasts::publish {
namespace {

constexpr std::size_t kMaxString = 255;  // octets of one character string in a TXT record
constexpr const char* kTtl = "3600";

// RFC 1035 §5.1. No byte can end the string or the line.
std::string character_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (!ascii::is_printable(c)) {
      const std::string digits = std::to_string(value);
      out += "\\" + std::string(3 - digits.size(), '0') + digits;
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A target from DNS may hold any byte.
std::string name_data(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto value = static_cast<unsigned char>(c);
    if (ascii::is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '*') {
      out += c;
    } else {
      const std::string digits = std::to_string(value);
      out += "\\" + std::string(3 - digits.size(), '0') + digits;
    }
  }
  return out + ".";
}

std::vector<Record> texts_of(const check::DnsFact& fact) {
  std::vector<Record> records;
  for (const auto& text : fact.values) records.push_back(txt_record(text));
  return records;
}

bool has(const std::vector<Record>& records, const Record& record) {
  return std::ranges::find(records, record) != records.end();
}

std::string listed(const std::vector<Record>& records) {
  std::string text;
  for (const Record& record : records) text += (text.empty() ? "" : ", ") + record.type + " " + record.data;
  return text;
}

std::vector<Record> after(const NamePlan& plan) {
  std::vector<Record> records;
  for (const Record& record : plan.seen)
    if (!has(plan.removed, record)) records.push_back(record);
  records.insert(records.end(), plan.added.begin(), plan.added.end());
  return records;
}

// Nothing at the name, or exactly what was seen.
std::string prerequisites(const NamePlan& plan) {
  const bool is_alias = !plan.added.empty() && plan.added.front().type == "CNAME";
  if (plan.seen.empty() && is_alias) return "prereq nxdomain " + plan.name + ".\n";
  std::string text;
  for (const Record& record : plan.seen)
    text += "prereq yxrrset " + plan.name + ". " + record.type + " " + record.data + "\n";
  for (const Record& record : plan.added) {
    const auto is_same = [&](const Record& other) { return other.type == record.type; };
    const bool is_stated = std::ranges::any_of(plan.seen, is_same) ||
                           text.find("nxrrset " + plan.name + ". " + record.type + "\n") != std::string::npos;
    const bool takes_alias = record.type == "CNAME" ||
                             std::ranges::any_of(plan.seen, [](const Record& other) { return other.type == "CNAME"; });
    if (!is_stated && !takes_alias) text += "prereq nxrrset " + plan.name + ". " + record.type + "\n";
  }
  return text;
}

std::string updates(const NamePlan& plan) {
  std::string text;
  for (const Record& record : plan.removed)
    text += "update delete " + plan.name + ". " + record.type + " " + record.data + "\n";
  for (const Record& record : plan.added)
    text += "update add " + plan.name + ". " + kTtl + " " + record.type + " " + record.data + "\n";
  return text;
}

}  // namespace

Record txt_record(std::string_view text) {
  std::string data;
  do {
    data += (data.empty() ? "" : " ") + character_string(text.substr(0, kMaxString));
    text.remove_prefix(std::min(text.size(), kMaxString));
  } while (!text.empty());
  return {"TXT", data};
}

Record cname_record(const Domain& target) { return {"CNAME", name_data(target.text())}; }

NamePlan seen_record(const check::Facts& facts) {
  NamePlan plan{facts.domain.record_name()};
  const auto& chain = facts.record_alias.chain;
  plan.seen = chain.empty() ? texts_of(facts.record) : std::vector<Record>{{"CNAME", name_data(chain.front())}};
  return plan;
}

NamePlan seen_host(const check::Facts& facts) {
  NamePlan plan{facts.domain.policy_host()};
  const auto& chain = facts.host_alias.chain;
  if (!chain.empty()) {
    plan.seen.push_back({"CNAME", name_data(chain.front())});
    return plan;
  }
  for (const auto& text : facts.host_addresses.values) {
    const auto address = IpAddress::parse(text);
    if (address) plan.seen.push_back({address->is_ipv4() ? "A" : "AAAA", address->text()});
  }
  return plan;
}

NamePlan seen_tlsrpt(const check::Facts& facts) {
  NamePlan plan{"_smtp._tls." + facts.domain.text()};
  plan.seen = texts_of(facts.tlsrpt);
  return plan;
}

NamePlan with(NamePlan plan, std::vector<Record> wanted, const std::vector<Record>& replaced) {
  for (const Record& record : plan.seen)
    if (has(replaced, record) && !has(wanted, record)) plan.removed.push_back(record);
  for (Record& record : wanted)
    if (!has(plan.seen, record)) plan.added.push_back(std::move(record));
  return plan;
}

std::string describe(const NamePlan& plan) {
  if (plan.removed.empty()) return "publish " + plan.name + ". " + listed(plan.added);
  if (plan.added.empty()) return "remove " + plan.name + ". " + listed(plan.removed);
  return "replace " + plan.name + ". " + listed(plan.removed) + " by " + listed(plan.added);
}

std::string zone_lines(const ZonePlan& plan) {
  std::string text = "; MTA-STS for " + plan.domain.text() + ": lines for its zone, written by mtasts publish.\n";
  for (const NamePlan& name : plan.names) {
    for (const Record& record : after(name))
      text += name.name + ". " + kTtl + " IN " + record.type + " " + record.data + "\n";
    if (!name.waits_for.empty()) text += "; " + name.name + " follows: " + name.waits_for + "\n";
  }
  return text;
}

std::string nsupdate_script(const ZonePlan& plan) {
  std::string text =
      "; MTA-STS for " + plan.domain.text() + ": nsupdate -k KEYFILE THISFILE, written by mtasts publish.\n";
  std::string body;
  for (const NamePlan& name : plan.names)
    if (name.is_changed()) body += prerequisites(name);
  for (const NamePlan& name : plan.names)
    if (name.is_changed()) body += updates(name);
  return text + (body.empty() ? "; There is nothing to change.\n" : body + "send\n");
}

}  // namespace mtasts::publish
