// Any bytes in the DNS of a domain: no line of the script for nsupdate or of the zone file is one that they wrote. The
// byte 0xff stands between two TXT records; the first is the target of an alias, too.
#include <algorithm>
#include <array>

#include "adapters/cli/publish/records.h"
#include "tests/fuzz/fuzz.h"

using mtasts::Domain;
using mtasts::fuzz::require;
namespace publish = mtasts::publish;
namespace check = mtasts::check;

namespace {

template <typename Test>
void for_each_line(std::string_view text, Test test) {
  require(text.ends_with('\n'), "the last line is whole");
  while (!text.empty()) {
    const auto end = text.find('\n');
    test(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

void look_at(const publish::ZonePlan& zone) {
  constexpr std::array<std::string_view, 4> kNames{"a.example. ", "_mta-sts.a.example. ", "mta-sts.a.example. ",
                                                   "_smtp._tls.a.example. "};
  const auto is_ours = [&](std::string_view line, std::string_view begin) {
    return std::ranges::any_of(kNames,
                               [&](auto name) { return line.starts_with(std::string(begin) + std::string(name)); });
  };
  for_each_line(publish::nsupdate_script(zone), [&](std::string_view line) {
    require(std::ranges::all_of(line, [](char c) { return c >= ' ' && c < 0x7f; }), "printable");
    const bool is_update = is_ours(line, "prereq nxdomain ") || is_ours(line, "prereq yxrrset ") ||
                           is_ours(line, "prereq nxrrset ") || is_ours(line, "update add ") ||
                           is_ours(line, "update delete ");
    require(is_update || line == "send" || line.starts_with(';') || line == "prereq nxdomain mta-sts.a.example.",
            "our line");
    require(std::ranges::count(line, '"') % 2 == 0 || line.find('\\') != std::string_view::npos, "strings are closed");
  });
  for_each_line(publish::zone_lines(zone),
                [&](std::string_view line) { require(is_ours(line, "") || line.starts_with(';'), "our line"); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto texts = mtasts::fuzz::records(mtasts::fuzz::text(data, size));
  check::Facts facts{*Domain::parse("a.example")};
  facts.record = facts.tlsrpt = {check::DnsFact::Outcome::kFound, texts};
  facts.host_addresses = facts.record;
  for (const bool has_alias : {false, true}) {
    if (has_alias && !texts.empty()) facts.record_alias.chain = facts.host_alias.chain = {texts.front()};
    const auto record = publish::seen_record(facts);
    const auto host = publish::seen_host(facts);
    const auto tlsrpt = publish::seen_tlsrpt(facts);
    look_at({facts.domain, {record, host, tlsrpt}});
    look_at({facts.domain,
             {publish::with(record, {publish::txt_record("v=STSv1; id=1;")}, record.seen),
              publish::with(host, {{"A", "192.0.2.1"}}, host.seen), publish::with(tlsrpt, {}, tlsrpt.seen)}});
  }
  return 0;
}
