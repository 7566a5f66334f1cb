#include "module/helper/settings.h"

#include <nlohmann/json.hpp>

namespace nlohmann {

template <>
struct adl_serializer<std::chrono::seconds> {
  static void to_json(json& to, std::chrono::seconds from) { to = from.count(); }
  static void from_json(const json& from, std::chrono::seconds& to) { to = std::chrono::seconds(from.get<long>()); }
};

}  // namespace nlohmann

namespace mtasts {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ResolverConfig, resolvers, transport, timeout, trust_ad, max_in_flight, deadline,
                                   client_deadline)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FetcherConfig, timeout, connect_timeout, ca_file, crl_file, proxy, port,
                                   max_in_flight, max_per_address, allow_private)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ProberConfig, connect_timeout, timeout, ca_file, crl_file, port, max_in_flight,
                                   max_per_address, allow_private)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ServerQuestionsConfig, timeout, port, max_in_flight, max_per_address, allow_private)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NetworkConfig, dns, fetch, probe, servers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LookupRules, min_ttl, max_ttl, retry, refresh, dns_retry, ask_dane)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(QuotaRules, entries, bytes, entries_per_domain, forget)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(HelperSettings, abi, network, lookup, tls, store, quota, engines, log, log_level,
                                   is_long_lived, tries_mx_hosts, warns, tlsrpt_socket)

HelperSettings helper_settings(const Config& config, LogTarget log) {
  HelperSettings settings;
  settings.network = config.network;
  settings.lookup = config.lookup;
  settings.tls = config.tls;
  settings.store = config.cache_directory;
  settings.quota = config.quota;
  settings.is_long_lived = config.is_long_lived;
  settings.tries_mx_hosts = config.tries_mx_hosts;
  settings.engines = config.engine_directory;
  settings.log = log;
  settings.log_level = config.log_level;
  settings.warns = !config.is_for_person;
  settings.tlsrpt_socket = config.tlsrpt_socket;
  return settings;
}

// A path may have octets that are no UTF-8.
std::string encode_settings(const HelperSettings& settings) {
  return nlohmann::json(settings).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<HelperSettings> decode_settings(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto abi = json.is_object() ? json.value("abi", "") : std::string();
  if (abi != kNetworkAbi)
    return fail(ErrorCode::kInternal,
                std::string("this lookup helper is \"") + kNetworkAbi + "\", wanted is \"" + escaped(abi) +
                    "\": install both from one build, and restart what was started before an upgrade");
  try {
    return json.get<HelperSettings>();
  } catch (const nlohmann::json::exception& trouble) {
    return fail(ErrorCode::kInternal, std::string("the settings cannot be read: ") + trouble.what());
  }
}

}  // namespace mtasts
