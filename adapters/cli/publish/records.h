// The DNS records of a domain's policy: what is there, what should be, and how to get from one to the other. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/cli/check/facts.h"

namespace mtasts::publish {

// One record of a name, in presentation form: {"TXT", "\"v=STSv1; id=1;\""}, {"CNAME", "policy.example.com."}.
struct Record {
  std::string type;
  std::string data;

  friend bool operator==(const Record&, const Record&) = default;
};

Record txt_record(std::string_view text);
Record cname_record(const Domain& target);

// One owner name: the records that were seen there and those that should take the place of `removed`.
struct NamePlan {
  std::string name;               // without trailing dot
  std::vector<Record> seen{};     // all that is known of it
  std::vector<Record> removed{};  // of `seen`
  std::vector<Record> added{};
  std::string waits_for{};  // why nothing is added yet, a comment for the zone file

  [[nodiscard]] bool is_changed() const { return !removed.empty() || !added.empty(); }
};

// The names of one domain, or of an alias of it.
struct ZonePlan {
  Domain domain;
  std::vector<NamePlan> names{};
};

// What is there.
NamePlan seen_record(const check::Facts& facts);  // _mta-sts
NamePlan seen_host(const check::Facts& facts);    // mta-sts
NamePlan seen_tlsrpt(const check::Facts& facts);  // _smtp._tls

// `plan` with a change: `wanted` takes the place of those of `replaced` that are there.
NamePlan with(NamePlan plan, std::vector<Record> wanted, const std::vector<Record>& replaced);

// For a person: "publish NAME TYPE DATA", "replace ... by ...", "remove ...".
std::string describe(const NamePlan& plan);

// Lines for the zone file: what there will be.
std::string zone_lines(const ZonePlan& plan);
// A script for nsupdate(1), which the server carries out whole or refuses (RFC 2136): its prerequisites are what was
// seen.
std::string nsupdate_script(const ZonePlan& plan);

}  // namespace mtasts::publish
