#include "adapters/exim/event.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <utility>

#include "core/ascii.h"
#include "core/mx_match.h"
#include "module/store/delivery_events.h"

namespace mtasts {
namespace {

// $event_defer_errno of Exim: the TLS session failed; TLS is required, and was not offered or STARTTLS was refused.
constexpr std::string_view kTlsFailure = "-37";
constexpr std::string_view kTlsRequired = "-38";
// In the text of a kTlsFailure: "certificate verification failed" (GnuTLS), "certificate verify failed" (OpenSSL).
constexpr std::string_view kChainRefused = "certificate verif";

// Of $tls_out_tlsa_usage, which has a bit for each usage among the records. Those that begin with PKIX are not for
// SMTP.
constexpr unsigned kDaneTa = 1U << 2U;
constexpr unsigned kDaneEe = 1U << 3U;

constexpr std::string_view kNotSecured =
    "STARTTLS was offered, and the connection ended before the session was secured";
constexpr std::string_view kNameless = "the certificate has no DNS name in its subjectAltName";
constexpr std::string_view kNotStarted = "STARTTLS was offered, but TLS could not be started";
constexpr std::string_view kOnlyDane =
    "the policy does not list this MX, and Exim found no TLSA records that DNSSEC protects: it needs dns_dnssec_ok = "
    "1, "
    "and options trust-ad in /etc/resolv.conf";

constexpr std::size_t kMaxReported = 64;
constexpr std::size_t kMaxNamesShown = 4;

// Foreign bytes within a detail: escaped, and with quotes as the log has them in sentences, in reports as well.
std::string sentence(std::string_view text) {
  std::string out = escaped(text);
  std::ranges::replace(out, '"', '\'');
  return out;
}

std::vector<std::string> split(std::string_view list, char separator) {
  std::vector<std::string> items;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    if (end > 0) items.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return items;
}

std::optional<WallTime> read_time(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return from_epoch(seconds);
}

// The lines of an EHLO answer, `250-STARTTLS` or `250 STARTTLS`.
bool offers_starttls(std::string_view answer) {
  const auto is_starttls = [](std::string_view line) {
    constexpr std::size_t kCode = 4;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return ascii::equal_ignoring_case(line.substr(std::min(kCode, line.size())), "STARTTLS");
  };
  return std::ranges::any_of(split(answer, '\n'), is_starttls);
}

// The name in the first line of an EHLO answer, `250-mx.example.com Hello`.
std::string helo_in(std::string_view answer) {
  constexpr std::size_t kCode = 4;
  if (!answer.starts_with("250")) return {};
  answer.remove_prefix(std::min(kCode, answer.size()));
  return escaped(answer.substr(0, answer.find_first_of(" \r\n")));
}

// "TLS1", "TLS1.0", "TLS1.1", with a "v" in older releases, and everything named SSL (R25).
bool is_too_old(std::string_view version) {
  for (const std::string_view old : {"TLS1", "TLS1.0", "TLS1.1", "TLSv1", "TLSv1.0", "TLSv1.1"}) {
    if (version == old) return true;
  }
  return version.starts_with("SSL");
}

std::string shown(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kMaxNamesShown; ++i) out += (i > 0 ? ", " : "") + sentence(names[i]);
  return names.size() > kMaxNamesShown ? out + ", ..." : out;
}

// What a certificate is for; `names` are separated by ":".
std::string named(std::string_view names) {
  const auto list = split(names, ':');
  return list.empty() ? std::string(kNameless) : "the certificate is for " + shown(list);
}

std::string host_name(const Event& event) {
  std::string name = ascii::lower(event.host);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

// The router lets such a host pass because of its TLSA records, and only then. Which hosts have some is not asked here:
// by socket the decision is made anew, and that memory may have run out since (Decision::dane_hosts).
bool is_unlisted(const Decision& decision, const Event& event) {
  return decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kEnforce &&
         !mx_allowed(decision.mx, host_name(event));
}

std::string peer_of(const Event& event) { return host_name(event) + ' ' + std::string(event.address); }

LogLine line_of(std::string_view name, const Event& event) {
  return LogLine(name)
      .field("domain", escaped(event.domain))
      .field("mx", escaped(event.host))
      .field("ip", escaped(event.address));
}

}  // namespace

bool is_process_number(std::string_view text) {
  constexpr std::size_t kMaxDigits = 20;
  return !text.empty() && text.size() <= kMaxDigits && std::ranges::all_of(text, ascii::is_digit);
}

Result<SessionFacts> SessionFacts::read(std::string_view words) {
  constexpr std::string_view kNames = "san=";
  SessionFacts facts;
  std::string_view ours = words;
  if (const std::size_t san = words.find(kNames); san != std::string_view::npos) {
    const std::string_view names = words.substr(san + kNames.size());
    if (names.find_first_not_of(':') != std::string_view::npos) facts.names = names;
    ours = words.substr(0, san);
  }
  for (const std::string& word : split(ours, ' ')) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view key = std::string_view(word).substr(0, equals);
    const std::string_view value = std::string_view(word).substr(std::min(equals + 1, word.size()));
    if (key == "mode") facts.mode = mode_of(value).value_or(Mode::kNone);
    if (key == "tlsa") {
      facts.judged_by_dane = !value.empty() && value != "0";
      const auto usages = ascii::number(value, std::numeric_limits<unsigned>::max());
      facts.dane_ta_only = usages && (*usages & kDaneTa) != 0 && (*usages & kDaneEe) == 0;
    }
    if (key == "cv") facts.verified = value == "1";
    if (key == "ver") facts.version = value;
    if (key == "pid" && is_process_number(value)) facts.process = value;
    if (key == "src") facts.own_address = value;
    if (key == "notafter") facts.not_after = read_time(value);
  }
  if (facts.mode == Mode::kNone) {
    return fail(ErrorCode::kConfig, "the last argument must begin with mode=enforce or mode=testing");
  }
  return facts;
}

std::string EventWatcher::on(const Event& event, WallTime now) {
  if (event.name == "tcp:connect") connected(event);
  if (event.name == "smtp:ehlo") greeted(event, now);
  if (event.name == "tls:cert") return presented(event);
  if (event.name == "tcp:close") closed(event, now);
  if (event.name == "msg:host:defer") deferred(event, now);
  if (event.name == "dane:fail") dane_failed(event);
  return {};
}

void EventWatcher::connected(const Event& event) {
  connection_ = {};
  connection_.is_open = connection_.was_made = true;
  connection_.peer = peer_of(event);
  if (event.session.mode != Mode::kTesting) return;  // enforce: the router has removed such hosts
  const Decision decision = policy_of_(event.domain);
  if (decision.kind != Decision::Kind::kPolicy || mx_allowed(decision.mx, event.host)) return;
  connection_.unlisted = decision.id;
}

// When it is known that DANE does not judge the host.
void EventWatcher::report_unlisted(const Event& event) {
  if (connection_.unlisted.empty()) return;
  complain(event,
           {TlsResult::kValidationFailure, "the policy (id " + connection_.unlisted + ") does not list this MX"});
}

// R29: enforce, and the router has let the host pass because of its TLSA records.
bool EventWatcher::is_for_dane_alone(const Event& event) const {
  return event.session.mode == Mode::kEnforce && is_unlisted(policy_of_(event.domain), event);
}

// Exim linked with GnuTLS: where TLSA records vouch for a certificate's authority and its name is another one, it goes
// on to the public authorities and compares no name there. A certificate of an authority that is both would be good for
// any host. Beside a record for a certificate (usage 3), whose name does not count, it cannot be told from that one.
bool EventWatcher::is_foreign_to_dane(const Event& event) const {
  if (!connection_.certificate || !connection_.dane_ta_only) return false;
  const auto names = split(connection_.certificate->names, ':');
  return std::ranges::none_of(
      names, [&](const std::string& name) { return mx_matches(name, event.host) || mx_matches(name, event.domain); });
}

// Once before STARTTLS and once after it.
void EventWatcher::greeted(const Event& event, WallTime now) {
  const SessionFacts& session = event.session;
  if (session.version.empty()) {
    connection_.helo = helo_in(event.data);
    connection_.starttls_offered = offers_starttls(event.data);
    if (!connection_.starttls_offered && session.mode == Mode::kTesting) {
      report_unlisted(event);
      complain(event, {TlsResult::kStartTlsNotSupported, "the MX does not offer STARTTLS"});
    }
    return;
  }
  connection_.secure = true;
  connection_.judged_by_dane = session.judged_by_dane;
  if (session.judged_by_dane && is_for_dane_alone(event)) {
    write_once(LogLevel::kInfo,
               line_of("dane-decides", event)
                   .text("detail", "the policy does not list this MX; its TLSA records do not need it to"));
  }
  if (session.mode != Mode::kTesting || session.judged_by_dane) return report(event, {TlsResult::kSuccess});
  report_unlisted(event);
  if (is_too_old(session.version)) {
    complain(event, {TlsResult::kValidationFailure, session.version + " is older than TLS 1.2"});
  }
  if (const auto verdict = judge(event.host, session.verified ? Chain::kVerified : Chain::kNotVerified, now))
    complain(event, *verdict);
  report(event, {TlsResult::kSuccess});  // unless there was a complaint
}

// One certificate of the chain; $event_data is its depth, 0 the MX's own. Exim itself accepts a certificate that names
// the MX in its Common Name only, and where it is linked with OpenSSL those that the system's authorities vouch for,
// whatever tls_verify_certificates says.
std::string EventWatcher::presented(const Event& event) {
  if (event.data != "0") return {};
  connection_.judged_by_dane = event.session.judged_by_dane;
  connection_.dane_ta_only = event.session.dane_ta_only;
  connection_.certificate = Certificate{event.session.names, event.session.not_after};
  if (event.session.mode != Mode::kEnforce) return {};
  if (is_foreign_to_dane(event)) return named(event.session.names) + " (DANE, RFC 7672 section 3.2.3)";
  if (event.session.judged_by_dane) return {};
  if (event.session.names.empty()) return std::string(kNameless) + " (MTA-STS, RFC 8461 section 4.2)";
  const Decision decision = policy_of_(event.domain);
  if (decision.kind == Decision::Kind::kDefer)
    return "whether the policy lists this MX is not known: " + decision.reason;
  return is_unlisted(decision, event) ? std::string(kOnlyDane) : "";
}

// In testing mode a session that could not be secured goes on, or is begun again, in the clear. A certificate that no
// authority vouches for is none of the reasons: Exim goes on with those.
void EventWatcher::closed(const Event& event, WallTime now) {
  connection_.is_open = false;
  if (event.session.mode != Mode::kTesting || !connection_.starttls_offered || connection_.secure) return;
  if (!connection_.judged_by_dane) report_unlisted(event);
  const auto verdict =
      connection_.certificate && !connection_.judged_by_dane ? judge(event.host, Chain::kNotKnown, now) : std::nullopt;
  complain(event, verdict.value_or(Verdict{TlsResult::kValidationFailure, std::string(kNotStarted)}));
}

// Exim has a number for what its TLS library refused and one for a host without STARTTLS. Whoever cuts the connection
// at STARTTLS, as an attacker on the path can, leaves any other one.
void EventWatcher::deferred(const Event& event, WallTime now) {
  if (event.session.mode != Mode::kEnforce) return;
  if (event.error == kTlsRequired) {
    const TlsResult result =
        connection_.starttls_offered ? TlsResult::kValidationFailure : TlsResult::kStartTlsNotSupported;
    return complain(event, {result, sentence(event.data)});
  }
  if (event.error != kTlsFailure) {
    const bool was_cut = connection_.peer == peer_of(event) && connection_.starttls_offered && !connection_.secure;
    if (was_cut)
      complain(event, {TlsResult::kValidationFailure, std::string(kNotSecured) + ": " + sentence(event.data)});
    return;
  }
  std::optional<Verdict> verdict;
  if (is_foreign_to_dane(event))
    verdict = Verdict{TlsResult::kCertificateHostMismatch, named(connection_.certificate->names)};
  const bool judged_by_certificate = connection_.certificate && !connection_.judged_by_dane;
  if (judged_by_certificate && is_for_dane_alone(event)) {
    verdict = Verdict{TlsResult::kValidationFailure, std::string(kOnlyDane)};
  } else if (judged_by_certificate) {
    const bool is_refused = event.data.find(kChainRefused) != std::string_view::npos;
    verdict = judge(event.host, is_refused ? Chain::kNotVerified : Chain::kNotKnown, now);
  }
  complain(event, verdict.value_or(Verdict{TlsResult::kValidationFailure, sentence(event.data)}));
}

// $event_data is a result type of RFC 8460. Where TLSA records could not be looked up there was no connection.
void EventWatcher::dane_failed(const Event& event) {
  if (!connection_.is_open) connection_ = {};
  connection_.judged_by_dane = true;
  report(event, {tls_result(event.data).value_or(TlsResult::kValidationFailure), "DANE: " + sentence(event.data)});
}

std::optional<EventWatcher::Verdict> EventWatcher::judge(std::string_view host, Chain chain, WallTime now) const {
  if (!connection_.certificate) return Verdict{TlsResult::kCertificateNotTrusted, "the MX presented no certificate"};
  const auto& not_after = connection_.certificate->not_after;
  if (not_after && now > *not_after) return Verdict{TlsResult::kCertificateExpired, "the certificate has expired"};
  const auto matches = [host](const std::string& name) { return mx_matches(name, host); };
  if (std::ranges::none_of(split(connection_.certificate->names, ':'), matches))
    return Verdict{TlsResult::kCertificateHostMismatch, named(connection_.certificate->names)};
  if (chain == Chain::kNotVerified)
    return Verdict{TlsResult::kCertificateNotTrusted, "the certificate does not chain to a trusted root"};
  return std::nullopt;
}

void EventWatcher::complain(const Event& event, const Verdict& verdict) {
  report(event, verdict);
  const bool is_enforced = event.session.mode == Mode::kEnforce;
  const bool is_observed = !is_enforced && policy_of_(event.domain).observed;
  LogLine line = line_of(is_enforced ? kEnforceFailure : is_observed ? kObservedFailure : kTestingFailure, event);
  line.field("result", tls_result_name(verdict.result)).field("by", connection_.judged_by_dane ? "dane" : "mta-sts");
  write_once(LogLevel::kWarning, line.text("detail", verdict.detail));
}

// The first that is said of a connection counts. An MX that the policy does not list would not have been connected to:
// it is told by its name, once for a message, whatever the number of its addresses and of attempts.
void EventWatcher::report(const Event& event, const Verdict& verdict) {
  if (report_ == nullptr || !*report_ || std::exchange(connection_.is_reported, true)) return;
  const Decision decision = policy_of_(event.domain);
  const auto domain = Domain::parse(decision.domain);
  if (decision.kind != Decision::Kind::kPolicy || !domain) return;
  const std::string host = host_name(event);
  const bool is_by_name = !connection_.unlisted.empty() && !connection_.judged_by_dane;
  if (is_by_name && !is_news(unlisted_told_, decision.domain + ' ' + host)) return;
  TlsSession session = sts_session(*domain, decision.body, decision.mx);
  if (connection_.judged_by_dane)
    session = {.domain = *domain, .type = TlsSession::PolicyType::kTlsa, .policy_domain = host};
  session.result = verdict.result;
  session.mx_host = escaped(host);
  session.reason = verdict.detail;
  if (!is_by_name && connection_.was_made) {
    session.own_address = event.session.own_address;
    session.mx_helo = connection_.helo;
    session.mx_address = event.address;
  }
  (*report_)(session);
}

// Once a host address and result, however often this process connects.
void EventWatcher::write_once(LogLevel level, const LogLine& line) {
  if (!is_news(reported_, line.line())) return;
  if (lines_ == nullptr || lines_->take(std::chrono::steady_clock::now())) log_.write(level, line);
}

bool EventWatcher::is_news(std::vector<std::size_t>& told, const std::string& text) {
  const std::size_t hash = std::hash<std::string>{}(text);
  if (std::ranges::find(told, hash) != told.end()) return false;
  if (told.size() == kMaxReported) told.erase(told.begin());
  told.push_back(hash);
  return true;
}

}  // namespace mtasts
