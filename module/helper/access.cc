#include "module/helper/access.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>

#include "core/endpoint.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;

// Libraries that are loaded late, what OpenSSL, GnuTLS and the C library read, also for the name of a proxy.
constexpr auto kSystemPaths = std::to_array<const char*>({"/lib",
                                                          "/lib64",
                                                          "/usr/lib",
                                                          "/usr/lib64",
                                                          "/usr/local/lib",
                                                          "/usr/share/zoneinfo",
                                                          "/usr/share/crypto-policies",
                                                          "/etc/ssl",
                                                          "/etc/pki",
                                                          "/etc/gnutls",
                                                          "/etc/crypto-policies",
                                                          "/etc/ld.so.cache",
                                                          "/etc/localtime",
                                                          "/etc/hosts",
                                                          "/etc/host.conf",
                                                          "/etc/gai.conf",
                                                          "/etc/nsswitch.conf",
                                                          kResolvConf,
                                                          "/dev/null",
                                                          "/dev/urandom",
                                                          "/proc/sys/crypto/fips_enabled"});

std::vector<std::string> named_files(const HelperSettings& settings) {
  std::vector<std::string> files;
  for (const auto& file : {settings.network.fetch.ca_file, settings.network.fetch.crl_file,
                           settings.network.probe.ca_file, settings.network.probe.crl_file})
    if (!file.empty() && std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  return files;
}

// Where the file is, with the links on the way followed; what is not there, as it was named.
fs::path target_of(const std::string& file) {
  std::error_code failed;
  fs::path target = fs::canonical(file, failed);
  return failed ? fs::path(file) : target;
}

// The directory, because a file is renewed by a new one in its place. Directories of the first level hold what has
// nothing to do with it.
std::string readable_for(const std::string& file) {
  const fs::path target = target_of(file);
  const fs::path directory = target.parent_path();
  return directory.parent_path() == directory.root_path() || directory.empty() ? target.string() : directory.string();
}

// "192.0.2.1", "2001:db8::1", "192.0.2.1:5353", "[::1]:5353"; the configuration takes nothing else.
std::uint16_t port_of(const std::string& resolver, std::uint16_t usual) {
  const auto parts = split_port(resolver);
  return (parts && parts->port ? parse_port(*parts->port) : std::nullopt).value_or(usual);
}

// None with a proxy, whose URL is libcurl's to read.
std::vector<std::uint16_t> ports(const HelperSettings& settings) {
  const NetworkConfig& network = settings.network;
  if (!network.fetch.proxy.empty()) return {};
  constexpr std::uint16_t kDns = 53;
  constexpr std::uint16_t kDnsOverTls = 853;
  const std::uint16_t usual = network.dns.transport == ResolverConfig::Transport::kTls ? kDnsOverTls : kDns;
  std::vector<std::uint16_t> ports{usual, network.fetch.port, network.servers.port};
  if (settings.tries_mx_hosts) ports.push_back(network.probe.port);
  for (const auto& resolver : network.dns.resolvers) ports.push_back(port_of(resolver, usual));
  return ports;
}

bool limit(decltype(RLIMIT_CORE) resource, rlim_t most) {
  struct rlimit old {};
  if (::getrlimit(resource, &old) != 0) return false;
  const rlim_t hard = std::min(old.rlim_max, most);
  const struct rlimit lower { std::min(old.rlim_cur, hard), hard };
  return ::setrlimit(resource, &lower) == 0;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr rlim_t kMemory = RLIM_INFINITY;  // terabytes of addresses are reserved
#else
constexpr auto kMemory = static_cast<rlim_t>(std::min<std::uint64_t>(std::uint64_t{4} << 30U, RLIM_INFINITY));
#endif
constexpr rlim_t kDescriptors = 4096;  // the greatest values of max_in_flight, two sockets each

}  // namespace

bool limit_resources() {
  return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, kDescriptors) && limit(RLIMIT_AS, kMemory);
}

bool forbid_processes(const HelperSettings& settings) {
  return !settings.network.fetch.proxy.empty() || limit(RLIMIT_NPROC, 0);
}

AccessRules helper_access(const HelperSettings& settings) {
  AccessRules rules{{settings.store}, {kSystemPaths.begin(), kSystemPaths.end()}, ports(settings)};
  for (const auto& file : named_files(settings)) rules.readable.push_back(readable_for(file));
  return rules;
}

AccessWatch::AccessWatch(const HelperSettings& settings)
    : store_(settings.store), named_files_(named_files(settings)), seen_(look()) {}

bool AccessWatch::is_outdated() const { return look() != seen_; }

std::vector<AccessWatch::Place> AccessWatch::look() const {
  std::vector<std::string> paths{store_};
  for (const auto& file : named_files_) paths.push_back(readable_for(file));
  std::vector<Place> places;
  for (const auto& path : paths) {
    struct stat status {};
    const bool there = ::stat(path.c_str(), &status) == 0;
    places.emplace_back(there ? status.st_dev : 0, there ? status.st_ino : 0);
  }
  return places;
}

}  // namespace mtasts
