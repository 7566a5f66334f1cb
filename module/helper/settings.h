// What a helper is told when it starts: the part of a configuration that lookups need.
#pragma once

#include <string>
#include <string_view>

#include "core/lookup.h"
#include "core/result.h"
#include "module/config/config.h"
#include "module/engine/network.h"
#include "module/io/log.h"

namespace mtasts {

struct HelperSettings {
  std::string abi = kNetworkAbi;
  NetworkConfig network;
  LookupRules lookup;
  TlsLibrary tls = TlsLibrary::kAuto;
  std::string store;
  std::string engines;
  LogTarget log = LogTarget::kSyslog;
  LogLevel log_level = LogLevel::kInfo;
  QuotaRules quota;
  bool is_long_lived = false;
  bool tries_mx_hosts = false;
  bool warns = true;          // of lookups that failed, in the log
  std::string tlsrpt_socket;  // empty: no reports
};

HelperSettings helper_settings(const Config& config, LogTarget log);

std::string encode_settings(const HelperSettings& settings);
// What encode_settings() wrote; error kInternal for anything else, also for the settings of another build.
Result<HelperSettings> decode_settings(std::string_view text);

}  // namespace mtasts
