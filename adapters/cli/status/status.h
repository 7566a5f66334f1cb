// `mtasts status`: whether everything works that protects this machine's mail, on one screen and for monitoring.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/cli/command.h"
#include "adapters/cli/setup/dnssec.h"
#include "module/config/observe.h"
#include "module/store/delivery_events.h"

namespace mtasts::cli {

// As monitoring plugins end.
enum StatusExit : int { kStatusOk = 0, kStatusWarning = 1, kStatusCritical = 2 };

// One mail server that is installed here.
struct HostStatus {
  std::string host;            // "postfix"
  std::string asks;            // what its configuration asks, in the host's words; "": nothing of ours
  bool needs_daemon = false;   // mail waits where mtastsd does not answer
  bool is_in_process = false;  // no process of ours could count what happens to its mail
  std::string socket{};        // where it asks, as listen addresses are written, or with the name of a host
  std::string fault{};         // why mtastsd does not answer there; "": it does, or was not asked
  std::string unread{};        // why not all of its configuration is known; "": it is
};

struct FailingDomain {
  std::string domain;
  Error error;
  WallTime retry_at{};
  std::optional<WallTime> in_force_until;  // of the cached policy
};

struct StoreStatus {
  std::string directory;
  std::string fault;     // it cannot be read, or not all of it; "": all was read
  std::string unseen{};  // why this user may not look; "": he may
  std::size_t domains = 0;
  std::size_t bytes = 0;
  std::map<Mode, std::size_t> policies{{Mode::kEnforce, 0}, {Mode::kTesting, 0}, {Mode::kNone, 0}};  // in force
  std::size_t expired = 0;
  std::size_t due = 0;  // for a refresh, now
  std::vector<FailingDomain> failing;
  std::optional<WallTime> last_round;  // of the hourly refresh
};

// As text, for another process of this program.
std::string store_to_wire(const StoreStatus& status);
// Inverse; what it cannot read is told as the fault. Whoever wrote it may have been taken over by what he read.
StoreStatus store_from_wire(const std::string& directory, const std::string& text);

// What happened to the deliveries of one mail server in some time.
struct DeliveryCounts {
  std::map<std::string_view, std::size_t> events{};  // of kDeliveryEvents
  std::map<std::string, std::size_t> observed{};     // domain → events of observe mode
  [[nodiscard]] std::size_t of(std::string_view event) const;
  [[nodiscard]] std::size_t deferrals() const;  // mail that waits, or an MX host that got none
};
using ServerCounts = std::map<std::string, DeliveryCounts>;  // by mail server

struct DeliveryStatus {
  std::string fault;  // why not all is known; "": it is
  ServerCounts last_hour;
  ServerCounts last_day;
};

struct Problem {
  bool is_critical = false;
  std::string text;  // one sentence
};

struct Status {
  PingOutcome daemon;            // of several sockets one that does not answer; socket "": none is configured
  bool names_resolvers = false;  // mtasts.toml does; else /etc/resolv.conf
  std::optional<setup::ResolverState> resolver;  // nullopt: not asked, because TLS is wanted, or
  std::string resolver_fault{};                  // because this machine's resolver is not known
  StoreStatus store;
  std::optional<StoreStatus> table_store{};  // of table-mtasts; nullopt: smtpd asks nothing of ours
  std::vector<HostStatus> hosts;
  DeliveryStatus deliveries{};
  std::vector<Observing> observing{};
  bool has_old_exim_parts = false;  // "mtasts setup exim" of another version made what Exim uses
  std::vector<Problem> problems{};  // judge() finds them
};

// A file of the machine, whole; nullopt: there is none. Error kLocalFault: there may be one, and it cannot be read.
Result<std::optional<std::string>> read_text(const std::string& path);

// The mail servers whose configuration lies below `root` ("" for this machine), also where it cannot be read. Runs no
// program.
std::vector<HostStatus> look_at_hosts(const std::string& root);

StoreStatus look_at_store(FileStore& store, const Config& config, WallTime now);

// That of table-mtasts, with the rights of whose it is: what lies there, strangers wrote.
StoreStatus look_at_table_store(const Config& config, const Environment& environment);

// Those of the last `period`.
ServerCounts count_deliveries(const std::vector<PastEvent>& events, std::chrono::seconds period, WallTime now);

std::vector<Problem> judge(const Status& status, WallTime now);

std::string status_text(const Status& status, WallTime now, bool colour);
// One line: schema (1), status (ok, warning, critical), problems[], daemon{}, resolver{}, store{}, failing[], hosts[],
// deliveries{}, observing[], table_store{} (with failing[]) or null.
std::string status_json(const Status& status);
StatusExit status_exit(const Status& status);

struct StatusOptions {
  bool json = false;
  std::string root{};                                // of tests
  std::string data_folder{};                         // of tests; "": where the package's files are
  std::function<setup::ResolverState()> resolver{};  // of tests: asks this machine's resolver
};
int show_status(const std::string& config_path, const StatusOptions& options, const Environment& environment);

}  // namespace mtasts::cli
