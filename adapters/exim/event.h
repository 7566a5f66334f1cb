// Exim's transport events, watched for what a policy demands of a TLS session: refuses certificates that Exim itself
// would accept (R25), logs what enforce refused or testing would have refused (R26, R27) with the result types of
// RFC 8460 §4.3, and reports each connection once (R32).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decision.h"
#include "core/result.h"
#include "module/io/log.h"
#include "module/io/log_budget.h"
#include "module/tlsrpt/session.h"

namespace mtasts {

// What the transport tells about its session in the last argument of mta_sts_event: words `key=value`, in any order but
// for `san=`, which is the last because its value comes from the peer:
//   mode=enforce|testing  tlsa=$tls_out_tlsa_usage  cv=$tls_out_certificate_verified  ver=$tls_out_ver
//   src=$sending_ip_address  pid=$pid (where several processes ask one)  notafter=<seconds since the epoch>
//   san=<DNS names of the certificate, separated by ":">
bool is_process_number(std::string_view text);

struct SessionFacts {
  Mode mode = Mode::kNone;
  bool judged_by_dane = false;  // usable TLSA records were found (R29)
  bool dane_ta_only = false;    // all of them name an authority
  bool verified = false;
  std::string version;  // "TLS1.3"; empty: no TLS
  std::optional<WallTime> not_after;
  std::string process;      // digits; "": it does not say
  std::string own_address;  // "": it does not say
  std::string names;        // separated by ":"

  // Error kConfig: no usable `mode`.
  static Result<SessionFacts> read(std::string_view words);
};

struct Event {
  std::string_view name;     // $event_name
  std::string_view data;     // $event_data
  std::string_view domain;   // $domain
  std::string_view host;     // $host, the MX host name
  std::string_view address;  // $host_address
  std::string_view error;    // $event_defer_errno
  SessionFacts session;
};

// Follows the connections of one process, one after the other, as Exim makes them.
class EventWatcher {
 public:
  using PolicyOf = std::function<Decision(std::string_view domain)>;
  // A connection to an MX host of a domain under a policy, whatever the number of messages and recipients.
  using Report = std::function<void(const TlsSession&)>;

  // `log`, `report` and `lines` must outlive the watcher. What `report` points to may be empty, and change; it may be
  // nullptr. So may `lines`, which bounds what all watchers that have it write.
  EventWatcher(PolicyOf policy_of, Log& log, const Report* report, LogBudget* lines = nullptr)
      : policy_of_(std::move(policy_of)), log_(log), report_(report), lines_(lines) {}

  // The text that event_action is to expand to: empty, or the reason of a veto.
  std::string on(const Event& event, WallTime now);

 private:
  // Of each of a thousand processes (processes.h) one is kept: in the form that takes least.
  struct Certificate {
    std::string names;  // separated by ":"
    std::optional<WallTime> not_after;
  };
  struct Connection {
    std::string unlisted;  // testing: the id of a policy that does not name the host
    bool judged_by_dane = false;
    bool dane_ta_only = false;
    bool starttls_offered = false;
    bool secure = false;
    bool is_open = false;
    bool was_made = false;  // also when it is closed
    bool is_reported = false;
    std::string peer;  // host name and address
    std::string helo;
    std::optional<Certificate> certificate;
  };
  struct Verdict {
    TlsResult result;
    std::string detail{};
  };

  void connected(const Event& event);
  void report_unlisted(const Event& event);
  void greeted(const Event& event, WallTime now);
  std::string presented(const Event& event);
  void closed(const Event& event, WallTime now);
  void deferred(const Event& event, WallTime now);
  void dane_failed(const Event& event);
  // What Exim's library says of the chain of a certificate.
  enum class Chain { kVerified, kNotVerified, kNotKnown };
  [[nodiscard]] std::optional<Verdict> judge(std::string_view host, Chain chain, WallTime now) const;
  [[nodiscard]] bool is_for_dane_alone(const Event& event) const;
  [[nodiscard]] bool is_foreign_to_dane(const Event& event) const;
  void complain(const Event& event, const Verdict& verdict);
  void report(const Event& event, const Verdict& verdict);
  void write_once(LogLevel level, const LogLine& line);
  // True once for a text that was not among the last kMaxReported of `told`.
  static bool is_news(std::vector<std::size_t>& told, const std::string& text);

  PolicyOf policy_of_;
  Log& log_;
  const Report* report_;
  LogBudget* lines_;
  Connection connection_;
  std::vector<std::size_t> reported_;       // hashes of lines
  std::vector<std::size_t> unlisted_told_;  // hashes of domain and host
};

}  // namespace mtasts
