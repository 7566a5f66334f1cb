#include "adapters/cli/setup/policy_maps.h"

#include <algorithm>
#include <array>

#include "adapters/cli/setup/marks.h"

namespace mtasts::setup {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string in_quotes(const std::string& text) { return '"' + text + '"'; }

// postfix-mta-sts-resolver asks at port 8461 or a socket of its name, postfix-tlspol at 8642 or below
// /run/postfix-tlspol.
std::string other_software(std::string_view map) {
  if (!map.starts_with("socketmap:")) return {};
  if (contains(map, ":8642:") || contains(map, "tlspol")) return "postfix-tlspol";
  if (contains(map, ":8461:") || contains(map, "mta-sts"))
    return "postfix-mta-sts-resolver, or a map for mtastsd that was added by hand";
  return {};
}

class Lines {
 public:
  Lines(const MainCf& main_cf, const PostfixFacts& facts, OtherMaps others)
      : main_cf_(main_cf), facts_(facts), others_(others) {}

  PostfixLines make() {
    maps();
    if (!result_.refused.empty()) return std::move(result_);
    if (facts_.dnssec_is_set_up && !facts_.validating_resolver)
      note(
          "no validating resolver answers at a loopback address of /etc/resolv.conf now; DANE stays switched on, as an "
          "earlier run set it up, and counts again when one answers; only --undo switches it off");
    level();
    dns_support();
    authorities();
    protocols();
    refusals();
    if (!main_cf_.value("smtp_tls_loglevel")) set("smtp_tls_loglevel", "1");
    return std::move(result_);
  }

 private:
  void set(const std::string& name, const std::string& value) {
    if (main_cf_.value(name) != value) result_.settings.emplace_back(name, value);
  }
  void note(std::string text) { result_.notes.push_back(std::move(text)); }

  // Tables of the administrator's come first: what they say of a destination is not overruled.
  void maps() {
    if (!main_cf_.value("smtp_tls_per_site").value_or("").empty()) {
      result_.refused =
          "smtp_tls_per_site is set, and Postfix does not look at it once there is an smtp_tls_policy_maps: convert it "
          "to smtp_tls_policy_maps first (see TLS_README of Postfix)";
      return;
    }
    const bool has_tlsrpt = facts_.major > 3 || facts_.minor >= 10;
    const std::string ours = facts_.map + (has_tlsrpt ? ":postfix-tlsrpt" : ":postfix");
    std::string value;
    for (const std::string& map : list_elements(main_cf_.value("smtp_tls_policy_maps").value_or(""))) {
      if (map == ours) continue;
      if (map.starts_with(facts_.map + ":")) {
        note(in_quotes(map) + " in smtp_tls_policy_maps asks mtastsd already; " + in_quotes(ours) + " takes its place");
        continue;
      }
      if (const std::string who = other_software(map); !who.empty()) {
        if (others_ == OtherMaps::kKept) return refuse(map, who);
        note("\"" + map +
             "\" is left out of smtp_tls_policy_maps; if other software than mtastsd answers there, stop it when mail "
             "flows");
        continue;
      }
      value += map + ", ";
    }
    set("smtp_tls_policy_maps", value + ours);
  }

  void refuse(const std::string& map, const std::string& who) {
    result_.refused =
        "smtp_tls_policy_maps asks \"" + map + "\" already (" + who +
        "), and the first answer counts: \"mtasts setup postfix --replace\" puts mtastsd in its place (see "
        "/usr/share/doc/mtasts/migration.md)";
  }

  // Never lower than it is.
  void level() {
    const std::string level = main_cf_.value("smtp_tls_security_level").value_or("");
    if (level == "may" || (level.empty() && !is_enforced_by_old_name())) {
      if (has_dnssec()) return set("smtp_tls_security_level", "dane");
      set("smtp_tls_security_level", "may");
      note(
          "no validating resolver answers at a loopback address of /etc/resolv.conf, so DANE is not switched on; \"apt "
          "install unbound\" and run this again to have it");
    }
  }

  // mtastsd answers "dane-only" where DANE judges, whatever the level is; without DNSSEC Postfix defers such mail.
  void dns_support() {
    const std::string support = main_cf_.value("smtp_dns_support_level").value_or("");
    if (!has_dnssec() || support == "dnssec") return;
    if (support.empty() || support == "enabled") return set("smtp_dns_support_level", "dnssec");
    note("smtp_dns_support_level stays " + support +
         "; mail to domains that enforce a policy and are judged by DANE waits unless it is dnssec");
  }

  // A resolver that is being started again must not lower the level.
  [[nodiscard]] bool has_dnssec() const { return facts_.validating_resolver || facts_.dnssec_is_set_up; }

  bool is_enforced_by_old_name() {
    if (main_cf_.value("smtp_enforce_tls") != "yes") return false;
    note("smtp_enforce_tls stays as it is; smtp_tls_security_level would overrule it");
    return true;
  }

  void authorities() {
    const std::string file = main_cf_.value("smtp_tls_CAfile").value_or("");
    const std::string folder = main_cf_.value("smtp_tls_CApath").value_or("");
    if (file.empty() && !folder.empty() && folder != "/etc/ssl/certs")
      return note("smtp_tls_CApath stays " + folder +
                  "; mail to domains that enforce a policy waits unless it has the public authorities");
    if (file.empty()) return set("smtp_tls_CAfile", facts_.ca_file);
    if (file != facts_.ca_file)
      note("smtp_tls_CAfile stays " + file +
           "; mail to domains that enforce a policy waits unless it has the public authorities");
  }

  // RFC 8461 wants TLS 1.2 or newer.
  void protocols() {
    const auto value = main_cf_.value("smtp_tls_mandatory_protocols");
    if (!value) return set("smtp_tls_mandatory_protocols", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1");
    const bool is_enough = contains(*value, "!TLSv1.1") || contains(*value, ">=TLSv1.2") ||
                           contains(*value, ">=TLSv1.3") || *value == "TLSv1.2" || *value == "TLSv1.3";
    if (!is_enough)
      note("smtp_tls_mandatory_protocols stays as it is and seems to allow TLS before 1.2, which RFC 8461 does not");
  }

  // Where TLS is a must and a host refuses STARTTLS for good, Postfix returns the mail at once (R26). Tables can be
  // written in main.cf from 3.7 on.
  void refusals() {
    const bool takes_inline = facts_.major > 3 || facts_.minor >= 7;
    auto filter = main_cf_.value("smtp_delivery_status_filter");
    if (!filter) filter = main_cf_.value("default_delivery_status_filter");
    if (contains(filter.value_or(""), "refused to start TLS")) return;
    if (!filter && takes_inline)
      return set("smtp_delivery_status_filter",
                 "regexp:{{/^5(\\.[0-9]+\\.[0-9]+ TLS is required, but host .* refused to start TLS: .*)/ 4$$1}}");
    note(
        "mail is returned at once where a host refuses STARTTLS with 5xx, unless smtp_delivery_status_filter makes it "
        "wait: /usr/share/doc/mtasts/examples/postfix/" +
        std::string(takes_inline ? "main.cf" : "main.cf.before-3.10") + " shows how");
  }

  const MainCf& main_cf_;
  const PostfixFacts& facts_;
  OtherMaps others_;
  PostfixLines result_;
};

}  // namespace

bool relies_on_dnssec(const std::string& main_cf) {
  const std::vector<std::string> ours = blocks(main_cf);
  return std::any_of(ours.begin(), ours.end(), [](const std::string& block) {
    const MainCf lines(block);
    return lines.value("smtp_tls_security_level") == "dane" || lines.value("smtp_dns_support_level") == "dnssec";
  });
}

PostfixLines postfix_lines(const MainCf& main_cf, const PostfixFacts& facts, OtherMaps others) {
  return Lines(main_cf, facts, others).make();
}

}  // namespace mtasts::setup
