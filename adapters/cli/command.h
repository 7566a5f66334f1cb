// What the subcommands of `mtasts` have in common: where they write, whom they become, how they end.
#pragma once

#include <chrono>
#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <span>
#include <string>

#include "adapters/cli/check/check.h"
#include "core/domain.h"
#include "core/result.h"
#include "module/client.h"
#include "module/io/exit_status.h"

namespace mtasts::cli {

// Exit codes that scripts and monitoring rely on (module/io/exit_status.h where there is one).
enum ExitCode : int {
  kApplies = 0,  // a policy applies; done; allowed
  kNone = 1,     // no policy applies; nothing cached; not allowed
  kUsage = kExitUsage,
  kTemporary = kExitTemporary,
  kConfiguration = kExitConfiguration,
};

// Where mtastsd-exim.socket listens, and Exim asks unless it is told otherwise.
inline constexpr const char* kEximSocketPath = "/run/mtasts/exim.sock";

struct Environment {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;
  std::function<Result<void>(const std::string& user)> become_user;
  std::function<std::unique_ptr<Log>()> make_log;
  std::istream* in = nullptr;        // for lists; nullptr: there is none
  std::size_t width = 80;            // columns of the terminal
  bool shows_progress = false;       // standard error is a terminal
  check::Observe observe = nullptr;  // in the place of the network
};

// The whole program. `args` are the command line without the program's name. Returns the exit code.
int run(std::span<const std::string> args, const Environment& environment);

// One sentence on stderr; returns `code`.
int complain(const Environment& environment, const std::string& sentence, ExitCode code);

// The policy domain that `text` names (core/domain.h); otherwise the exit code to end with is in `code`.
std::optional<Domain> domain_of(const std::string& text, const Environment& environment, int& code);

// Each opens the client as the user that lookups belong to. Declared here, written in a file of its own.
struct QueryOptions {
  std::string domain;
  bool json = false;
  bool refresh = false;
};
int query(Client& client, const QueryOptions& options, const Environment& environment);
struct MatchOptions {
  std::string domain;
  std::string mx_host;
  bool json = false;
};
int match(Client& client, const MatchOptions& options, const Environment& environment);
struct CacheOptions {
  std::string domain;  // "": none was named
  bool json = false;   // one object a line; of refresh and purge, one
  bool all = false;    // of purge
};
int cache_list(Client& client, const CacheOptions& options, const Environment& environment);
int cache_show(Client& client, const CacheOptions& options, const Environment& environment);
int cache_refresh(Client& client, const CacheOptions& options, const Environment& environment);
int cache_purge(Client& client, const CacheOptions& options, const Environment& environment);
enum class PingLanguage { kSocketmap, kExim };
struct PingOptions {
  PingLanguage language = PingLanguage::kSocketmap;
  std::string socket;  // as a ListenAddress is written; "": the first one of the configuration
  std::chrono::seconds timeout{5};
  bool json = false;
};
struct PingOutcome {
  std::string socket;   // where it was asked
  std::string version;  // of the mtastsd that answered
  std::string fault;    // one sentence; "": it is in service
};
PingOutcome ping_at(const ListenAddress& address, PingLanguage language, std::chrono::seconds timeout);
int ping(const std::string& config_path, const PingOptions& options, const Environment& environment);
struct ConfigOptions {
  bool json = false;
  std::string root{};                                          // of tests: where the mail servers' files lie
  std::vector<std::string> exim_users{"Debian-exim", "exim"};  // as distributions name the user; the first that exists
};
int show_config(const std::string& path, const ConfigOptions& options, const Environment& environment);

}  // namespace mtasts::cli
