// Where publishing stands, read from what an audit saw. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/cli/check/report.h"

namespace mtasts::publish {

// Why nothing can be decided: DNS gave no answer for one of the names. Empty: it gave them all.
std::string dns_trouble(const check::Facts& facts);

// Is `body` served at every address of the policy host, so that a sender takes it from there? Addresses that this
// machine cannot try, having no IPv6 for example, count only when there is no other.
struct FileView {
  enum class Kind {
    kNoAddress,
    kUnreached,      // an address gives no TCP connection, or was not tried: nothing is known of it
    kNoCertificate,  // an address has no TLS or no certificate that senders accept
    kOther,          // an address serves something else
    kServed,
  };
  Kind kind = Kind::kNoAddress;
  std::string why{};  // a sentence without full stop, of the first address that is to blame; escaped
};
std::vector<std::string> untried_addresses(const check::Facts& facts);  // with the reason
FileView view_file(const check::Facts& facts, std::string_view body);

// Does every server of the zone that answers give the record with `id`, and nothing else?
struct RecordView {
  enum class Kind { kAbsent, kOther, kPublished };
  Kind kind = Kind::kAbsent;
  std::string why{};  // as in FileView
};
RecordView view_record(const check::Facts& facts, std::string_view id);

std::vector<std::string> live_mx(const check::Facts& facts);  // best first; empty: there is none, or a null MX

// The longest max_age of a policy that the host serves now.
std::chrono::seconds served_age(const check::Facts& facts);

// What of the findings is critical, or would be in mode enforce; but for hosts that the served policy does not list:
// the policy that is about to be published counts. One sentence each.
std::vector<std::string> obstacles_to_enforce(const check::Report& report);
std::vector<std::string> critical_findings(const check::Report& report);
std::vector<std::string> unknown_findings(const check::Report& report);

}  // namespace mtasts::publish
