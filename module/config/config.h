// The configuration file (TOML). Every key is optional and no file is needed; an unknown key or a bad value is an error
// that names file, line, key and what is allowed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/decision.h"
#include "core/lookup.h"
#include "core/result.h"
#include "core/sweep.h"
#include "module/config/network_config.h"
#include "module/io/listen_address.h"
#include "module/io/log.h"
#include "module/store/quota_rules.h"

namespace mtasts {

enum class TlsLibrary { kAuto, kOpenSsl, kGnuTls };

// What Postfix is told of a domain with a policy whose MX hosts are all judged by DANE (R29).
enum class DaneAnswer {
  kNotFound,  // nothing: main.cf decides, which protects at "dane" with DNSSEC only
  kDane,      // `OK dane`
  kDaneOnly,  // `OK dane-only`: whatever main.cf says, nothing goes out that DANE has not judged
};

struct SocketmapConfig {
  std::vector<ListenAddress> listen;  // empty: only what systemd hands over
  SocketRights rights;                // of the unix sockets
  unsigned max_connections = 2000;    // of all clients of mtastsd
  bool observe = false;               // nothing is enforced (ADR 20)
  DaneAnswer dane_answer = DaneAnswer::kDaneOnly;
};

// Exim asks mtastsd by lines.
struct EximConfig {
  std::vector<ListenAddress> listen;  // empty: only what systemd hands over
  SocketRights rights;                // of the unix sockets
  bool observe = false;               // nothing is enforced, whichever way Exim asks
};

struct OpenSmtpdConfig {
  std::chrono::seconds wait{2};  // how long smtpd may be held for an answer that is not cached
  bool probe = true;             // try the MX hosts before one is named
  bool observe = false;          // nothing is enforced
  std::string directory;         // its store: smtpd runs table processes as a user who may not write the shared one
};

struct Config {
  NetworkConfig network;   // [dns], [fetch]
  LookupRules lookup;      // [dns] *_ttl_s, [fetch] retry_s, [cache] refresh_s
  SweepRules sweep;        // [cache] refresh_s, forget_s
  QuotaRules quota;        // [cache] max_*, forget_s
  DecisionRules decision;  // [engine] on_*, [[policy.override]]
  bool dane = true;        // [policy] dane: may the network be asked for it
  TlsLibrary tls = TlsLibrary::kAuto;
  std::string user = "_mtasts";
  std::chrono::seconds deadline{20};
  std::string cache_directory;   // compiled in: /var/lib/mtasts
  std::string engine_directory;  // compiled in, not configurable: where engine-*.so lie
  std::string helper_program;    // compiled in: mtasts-lookup
  SocketmapConfig socketmap;     // as load_config gives it, it listens where mtasts.toml(5) says
  EximConfig exim;
  OpenSmtpdConfig opensmtpd;
  std::string tlsrpt_socket;             // [tlsrpt] socket; empty: no reports
  std::optional<ListenAddress> metrics;  // [metrics] listen
  LogLevel log_level = LogLevel::kInfo;
  bool is_long_lived = false;   // not of the file: the process lives on, and keeps in memory what cannot be saved
  bool tries_mx_hosts = false;  // not of the file: the process has trial sessions with MX hosts
  bool is_for_person = false;   // not of the file: an administrator asks, whose answer says itself what failed

  // How long one lookup of a refresh round may take: longer than a delivery would wait, as nobody waits for a round.
  std::chrono::milliseconds round_lookup_timeout() const { return network.fetch.timeout + 3 * network.dns.timeout; }
};

// Path used when nobody names one: <sysconfdir>/mtasts/mtasts.toml.
const char* default_config_path();

// Error kConfig. A missing file gives the defaults when `path` is the default one, an error otherwise.
Result<Config> load_config(const std::string& path);

// One line of `mtasts config`.
struct Setting {
  std::string key;     // "dns.timeout_s"
  std::string value;   // as TOML
  std::string origin;  // "default" or "<file>:<line>"
};

// The effective configuration, in the order of the documentation. Errors as load_config.
Result<std::vector<Setting>> describe_config(const std::string& path);

}  // namespace mtasts
