#include "module/config/schema.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/ascii.h"
#include "core/ip_address.h"
#include "dns/resolver_address.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string shown(seconds value) { return std::to_string(value.count()); }

bool read_seconds(seconds& target, const ConfigValue& value, std::int64_t low, std::int64_t high) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < low || *number > high) return false;
  target = seconds(*number);
  return true;
}

bool read_count(unsigned& target, const ConfigValue& value, std::int64_t high) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < 1 || *number > high) return false;
  target = static_cast<unsigned>(*number);
  return true;
}

constexpr std::int64_t kMegabyte = 1024 * 1024;

// `unit`: how much of what `target` counts is one in the file.
bool read_number(std::int64_t& target, const ConfigValue& value, std::int64_t low, std::int64_t high,
                 std::int64_t unit) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < low || *number > high) return false;
  target = *number * unit;
  return true;
}

template <typename Enum>
struct Word {
  std::string_view word;
  Enum value;
};

template <typename Enum, std::size_t N>
bool read_word(Enum& target, const ConfigValue& value, const std::array<Word<Enum>, N>& words) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  for (const auto& word : words) {
    if (*text != word.word) continue;
    target = word.value;
    return true;
  }
  return false;
}

template <typename Enum, std::size_t N>
std::string show_word(Enum value, const std::array<Word<Enum>, N>& words) {
  for (const auto& word : words) {
    if (word.value == value) return toml_string(word.word);
  }
  return toml_string("");
}

bool read_path(std::string& target, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->empty() || text->front() != '/' || text->find('\0') != std::string::npos) return false;
  target = *text;
  return true;
}

bool read_path_or_none(std::string& target, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || !text->empty()) return read_path(target, value);
  target.clear();
  return true;
}

// What fits into a sockaddr_un.
bool read_socket(std::string& target, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr && text->size() <= 107 && read_path_or_none(target, value);
}

bool read_truth(bool& target, const ConfigValue& value) {
  const auto* truth = std::get_if<bool>(&value);
  if (truth != nullptr) target = *truth;
  return truth != nullptr;
}

std::string show_truth(bool value) { return value ? "true" : "false"; }

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool read_resolvers(Config& config, const ConfigValue& value) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr || list->size() > 16) return false;
  for (const auto& item : *list) {
    if (!parse_resolver_address(item)) return false;
  }
  config.network.dns.resolvers = *list;
  return true;
}

std::string show_list(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const auto& item : list) out += (out.size() > 1 ? ", " : "") + toml_string(item);
  return out + "]";
}

bool read_networks(Config& config, const ConfigValue& value) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr || list->size() > 64) return false;
  if (!std::ranges::all_of(*list, [](const auto& item) { return IpNetwork::parse(item).has_value(); })) return false;
  config.network.fetch.allow_private = *list;
  return true;
}

bool read_addresses(std::vector<ListenAddress>& setting, const ConfigValue& value) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr || list->size() > 16) return false;
  std::vector<ListenAddress> addresses;
  for (const auto& item : *list) {
    auto address = parse_listen_address(item);
    if (!address || std::ranges::find(addresses, *address) != addresses.end()) return false;
    addresses.push_back(std::move(*address));
  }
  setting = std::move(addresses);
  return true;
}

std::string show_addresses(const std::vector<ListenAddress>& addresses) {
  std::string out = "[";
  for (const auto& item : addresses) out += (out.size() > 1 ? ", " : "") + toml_string(item.text);
  return out + "]";
}

bool read_metrics(Config& config, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  auto address = text->empty() ? Result<ListenAddress>() : parse_listen_address(*text);
  if (!address) return false;
  config.metrics = text->empty() ? std::nullopt : std::optional(std::move(*address));
  return true;
}

bool read_account(std::string& target, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || !(text->empty() || is_user_name(*text))) return false;
  target = *text;
  return true;
}

// As chmod(1) takes it: in octal, for example "0660" or "660".
bool read_mode(mode_t& target, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->size() < 3 || text->size() > 4) return false;
  mode_t mode = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), mode, 8);
  if (error != std::errc{} || end != text->data() + text->size() || mode > 0777) return false;
  target = mode;
  return true;
}

std::string show_mode(mode_t mode) {
  std::string digits = "0000";
  for (std::size_t i = digits.size(); i-- > 0; mode >>= 3U) digits[i] = static_cast<char>('0' + (mode & 7U));
  return toml_string(digits);
}

bool read_proxy(Config& config, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  const bool http = text->starts_with("http://") || text->starts_with("socks5h://");
  if (!text->empty() && !http) return false;
  config.network.fetch.proxy = *text;
  return true;
}

using Transport = ResolverConfig::Transport;
using TrustAd = ResolverConfig::TrustAd;
constexpr std::array<Word<Transport>, 2> kTransports{{{"tcp", Transport::kTcp}, {"tls", Transport::kTls}}};
constexpr std::array<Word<TrustAd>, 3> kTrust{
    {{"loopback", TrustAd::kLoopback}, {"always", TrustAd::kAlways}, {"never", TrustAd::kNever}}};
constexpr std::array<Word<TlsLibrary>, 3> kTls{
    {{"auto", TlsLibrary::kAuto}, {"openssl", TlsLibrary::kOpenSsl}, {"gnutls", TlsLibrary::kGnuTls}}};
constexpr std::array<Word<WhenUnknown>, 2> kUnknown{
    {{"defer", WhenUnknown::kDefer}, {"no-policy", WhenUnknown::kNoPolicy}}};
constexpr std::array<Word<DaneAnswer>, 3> kDaneAnswers{
    {{"notfound", DaneAnswer::kNotFound}, {"dane", DaneAnswer::kDane}, {"dane-only", DaneAnswer::kDaneOnly}}};
constexpr std::array<Word<bool>, 2> kDane{{{"auto", true}, {"off", false}}};
constexpr std::array<Word<LogLevel>, 4> kLevels{{{"error", LogLevel::kError},
                                                 {"warning", LogLevel::kWarning},
                                                 {"info", LogLevel::kInfo},
                                                 {"debug", LogLevel::kDebug}}};

// R15 asks for at least five minutes between attempts, hence the lower bound of retry_s.
constexpr auto kKeys = std::to_array<ConfigKey>({
    {"dns", "resolvers", R"(a list of at most 16 addresses like ["127.0.0.1", "[::1]:5353"])", read_resolvers,
     [](const Config& c) { return show_list(c.network.dns.resolvers); }},
    {"dns", "transport", R"("tcp" or "tls")",
     [](Config& c, const ConfigValue& v) { return read_word(c.network.dns.transport, v, kTransports); },
     [](const Config& c) { return show_word(c.network.dns.transport, kTransports); }},
    {"dns", "timeout_s", "a whole number of seconds from 1 to 60",
     [](Config& c, const ConfigValue& v) { return read_seconds(c.network.dns.timeout, v, 1, 60); },
     [](const Config& c) { return shown(c.network.dns.timeout); }},
    {"dns", "min_ttl_s", "a whole number of seconds from 0 to 86400",
     [](Config& c, const ConfigValue& v) { return read_seconds(c.lookup.min_ttl, v, 0, 86'400); },
     [](const Config& c) { return shown(c.lookup.min_ttl); }},
    {"dns", "max_ttl_s", "a whole number of seconds from 0 to 604800",
     [](Config& c, const ConfigValue& v) { return read_seconds(c.lookup.max_ttl, v, 0, 604'800); },
     [](const Config& c) { return shown(c.lookup.max_ttl); }},
    {"dns", "trust_ad", R"("loopback", "always" or "never")",
     [](Config& c, const ConfigValue& v) { return read_word(c.network.dns.trust_ad, v, kTrust); },
     [](const Config& c) { return show_word(c.network.dns.trust_ad, kTrust); }},
    {"dns", "max_in_flight", "a whole number from 1 to 400",
     [](Config& c, const ConfigValue& v) { return read_count(c.network.dns.max_in_flight, v, 400); },
     [](const Config& c) { return std::to_string(c.network.dns.max_in_flight); }},
    {"fetch", "timeout_s", "a whole number of seconds from 1 to 300",
     [](Config& c, const ConfigValue& v) { return read_seconds(c.network.fetch.timeout, v, 1, 300); },
     [](const Config& c) { return shown(c.network.fetch.timeout); }},
    {"fetch", "retry_s", "a whole number of seconds from 300 to 3600 (RFC 8461 section 3.3)",
     [](Config& c, const ConfigValue& v) { return read_seconds(c.lookup.retry, v, 300, 3'600); },
     [](const Config& c) { return shown(c.lookup.retry); }},
    {"fetch", "ca_file", "an absolute path",
     [](Config& c, const ConfigValue& v) { return read_path(c.network.fetch.ca_file, v); },
     [](const Config& c) { return toml_string(c.network.fetch.ca_file); }},
    {"fetch", "crl_file", R"("" or an absolute path)",
     [](Config& c, const ConfigValue& v) { return read_path_or_none(c.network.fetch.crl_file, v); },
     [](const Config& c) { return toml_string(c.network.fetch.crl_file); }},
    {"fetch", "max_in_flight", "a whole number from 1 to 1000",
     [](Config& c, const ConfigValue& v) { return read_count(c.network.fetch.max_in_flight, v, 1000); },
     [](const Config& c) { return std::to_string(c.network.fetch.max_in_flight); }},
    {"fetch", "max_per_address", "a whole number from 1 to 1000",
     [](Config& c, const ConfigValue& v) { return read_count(c.network.fetch.max_per_address, v, 1000); },
     [](const Config& c) { return std::to_string(c.network.fetch.max_per_address); }},
    {"fetch", "allow_private", R"(a list of at most 64 networks like ["10.0.0.0/8", "fd00::/8"])", read_networks,
     [](const Config& c) { return show_list(c.network.fetch.allow_private); }},
    {"fetch", "proxy", R"("" or a URL that begins with http:// or socks5h://)", read_proxy,
     [](const Config& c) { return toml_string(c.network.fetch.proxy); }},
    {"engine", "tls", R"("auto", "openssl" or "gnutls")",
     [](Config& c, const ConfigValue& v) { return read_word(c.tls, v, kTls); },
     [](const Config& c) { return show_word(c.tls, kTls); }},
    {"engine", "user", "the name of a system user",
     [](Config& c, const ConfigValue& v) {
       const auto* text = std::get_if<std::string>(&v);
       if (text == nullptr || !is_user_name(*text)) return false;
       c.user = *text;
       return true;
     },
     [](const Config& c) { return toml_string(c.user); }},
    {"engine", "deadline_s", "a whole number of seconds from 1 to 300",
     [](Config& c, const ConfigValue& v) { return read_seconds(c.deadline, v, 1, 300); },
     [](const Config& c) { return shown(c.deadline); }},
    {"engine", "on_deadline", R"("defer" or "no-policy")",
     [](Config& c, const ConfigValue& v) { return read_word(c.decision.on_deadline, v, kUnknown); },
     [](const Config& c) { return show_word(c.decision.on_deadline, kUnknown); }},
    {"engine", "on_dns_failure", R"("no-policy" or "defer")",
     [](Config& c, const ConfigValue& v) { return read_word(c.decision.on_dns_failure, v, kUnknown); },
     [](const Config& c) { return show_word(c.decision.on_dns_failure, kUnknown); }},
    {"cache", "directory", "an absolute path",
     [](Config& c, const ConfigValue& v) { return read_path(c.cache_directory, v); },
     [](const Config& c) { return toml_string(c.cache_directory); }},
    {"cache", "refresh_s", "a whole number of seconds from 3600 to 2592000",
     [](Config& c, const ConfigValue& v) {
       if (!read_seconds(c.lookup.refresh, v, 3'600, 2'592'000)) return false;
       c.sweep.refresh = c.lookup.refresh;
       return true;
     },
     [](const Config& c) { return shown(c.lookup.refresh); }},
    {"cache", "forget_s", "a whole number of seconds from 86400 to 31557600",
     [](Config& c, const ConfigValue& v) {
       if (!read_seconds(c.sweep.forget, v, 86'400, 31'557'600)) return false;
       c.quota.forget = c.sweep.forget;
       return true;
     },
     [](const Config& c) { return shown(c.sweep.forget); }},
    {"cache", "max_entries", "a whole number from 1000 to 100000000",
     [](Config& c, const ConfigValue& v) { return read_number(c.quota.entries, v, 1'000, 100'000'000, 1); },
     [](const Config& c) { return std::to_string(c.quota.entries); }},
    {"cache", "max_mb", "a whole number from 16 to 1000000",
     [](Config& c, const ConfigValue& v) { return read_number(c.quota.bytes, v, 16, 1'000'000, kMegabyte); },
     [](const Config& c) { return std::to_string(c.quota.bytes / kMegabyte); }},
    {"cache", "max_per_domain", "a whole number from 10 to 100000000",
     [](Config& c, const ConfigValue& v) { return read_number(c.quota.entries_per_domain, v, 10, 100'000'000, 1); },
     [](const Config& c) { return std::to_string(c.quota.entries_per_domain); }},
    {"policy", "dane", R"("auto" or "off")",
     [](Config& c, const ConfigValue& v) { return read_word(c.dane, v, kDane); },
     [](const Config& c) { return show_word(c.dane, kDane); }},
    {"socketmap", "listen",
     R"(a list of at most 16 different addresses like ["unix:/run/mtasts/socketmap.sock", "inet:127.0.0.1:8461"])",
     [](Config& c, const ConfigValue& v) { return read_addresses(c.socketmap.listen, v); },
     [](const Config& c) { return show_addresses(c.socketmap.listen); }},
    {"socketmap", "socket_owner", R"("" or the name of a system user)",
     [](Config& c, const ConfigValue& v) { return read_account(c.socketmap.rights.owner, v); },
     [](const Config& c) { return toml_string(c.socketmap.rights.owner); }},
    {"socketmap", "socket_group", R"("" or the name of a system group)",
     [](Config& c, const ConfigValue& v) { return read_account(c.socketmap.rights.group, v); },
     [](const Config& c) { return toml_string(c.socketmap.rights.group); }},
    {"socketmap", "socket_mode", R"(a mode in octal like "0660")",
     [](Config& c, const ConfigValue& v) { return read_mode(c.socketmap.rights.mode, v); },
     [](const Config& c) { return show_mode(c.socketmap.rights.mode); }},
    {"socketmap", "max_connections", "a whole number from 1 to 100000",
     [](Config& c, const ConfigValue& v) { return read_count(c.socketmap.max_connections, v, 100'000); },
     [](const Config& c) { return std::to_string(c.socketmap.max_connections); }},
    {"socketmap", "dane_answer", R"("notfound", "dane" or "dane-only")",
     [](Config& c, const ConfigValue& v) { return read_word(c.socketmap.dane_answer, v, kDaneAnswers); },
     [](const Config& c) { return show_word(c.socketmap.dane_answer, kDaneAnswers); }},
    {"socketmap", "observe", "true or false",
     [](Config& c, const ConfigValue& v) { return read_truth(c.socketmap.observe, v); },
     [](const Config& c) { return show_truth(c.socketmap.observe); }},
    {"exim", "listen",
     R"(a list of at most 16 different addresses like ["unix:/run/mtasts/exim.sock", "inet:127.0.0.1:8462"])",
     [](Config& c, const ConfigValue& v) { return read_addresses(c.exim.listen, v); },
     [](const Config& c) { return show_addresses(c.exim.listen); }},
    {"exim", "socket_owner", R"("" or the name of a system user)",
     [](Config& c, const ConfigValue& v) { return read_account(c.exim.rights.owner, v); },
     [](const Config& c) { return toml_string(c.exim.rights.owner); }},
    {"exim", "socket_group", R"("" or the name of a system group)",
     [](Config& c, const ConfigValue& v) { return read_account(c.exim.rights.group, v); },
     [](const Config& c) { return toml_string(c.exim.rights.group); }},
    {"exim", "socket_mode", R"(a mode in octal like "0660")",
     [](Config& c, const ConfigValue& v) { return read_mode(c.exim.rights.mode, v); },
     [](const Config& c) { return show_mode(c.exim.rights.mode); }},
    {"exim", "observe", "true or false", [](Config& c, const ConfigValue& v) { return read_truth(c.exim.observe, v); },
     [](const Config& c) { return show_truth(c.exim.observe); }},
    {"opensmtpd", "wait_s", "a whole number of seconds from 1 to 30",
     [](Config& c, const ConfigValue& v) { return read_seconds(c.opensmtpd.wait, v, 1, 30); },
     [](const Config& c) { return shown(c.opensmtpd.wait); }},
    {"opensmtpd", "probe", "true or false",
     [](Config& c, const ConfigValue& v) { return read_truth(c.opensmtpd.probe, v); },
     [](const Config& c) { return show_truth(c.opensmtpd.probe); }},
    {"opensmtpd", "observe", "true or false",
     [](Config& c, const ConfigValue& v) { return read_truth(c.opensmtpd.observe, v); },
     [](const Config& c) { return show_truth(c.opensmtpd.observe); }},
    {"opensmtpd", "directory", "an absolute path",
     [](Config& c, const ConfigValue& v) { return read_path(c.opensmtpd.directory, v); },
     [](const Config& c) { return toml_string(c.opensmtpd.directory); }},
    {"tlsrpt", "socket", R"("" or the absolute path of a socket, of at most 107 characters)",
     [](Config& c, const ConfigValue& v) { return read_socket(c.tlsrpt_socket, v); },
     [](const Config& c) { return toml_string(c.tlsrpt_socket); }},
    {"metrics", "listen", R"("" or an address like "inet:127.0.0.1:9461")", read_metrics,
     [](const Config& c) { return toml_string(c.metrics ? c.metrics->text : std::string()); }},
    {"log", "level", R"("error", "warning", "info" or "debug")",
     [](Config& c, const ConfigValue& v) { return read_word(c.log_level, v, kLevels); },
     [](const Config& c) { return show_word(c.log_level, kLevels); }},
});

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

}  // namespace mtasts
