#include "adapters/cli/publish/snippets.h"

#include <algorithm>

#include "core/ascii.h"

namespace mtasts::publish {
namespace {

constexpr const char* kCertbot = "/etc/letsencrypt/live";

// No space, quote or other character that one of the three languages gives a meaning.
bool is_plain(const std::string& path) {
  return std::ranges::all_of(path, [](char c) {
    return ascii::is_alnum(c) || c == '/' || c == '.' || c == '-' || c == '_' || c == '+' || c == ',' || c == '@' ||
           c == ':';
  });
}

std::string names(const Site& site, const std::string& separator) {
  std::string text = site.domain.policy_host();
  for (const Domain& alias : site.aliases) text += separator + alias.policy_host();
  return text;
}

std::string certificate(const Site& site, const Paths& paths, const std::string& file) {
  return (paths.certificates.empty() ? kCertbot : paths.certificates) + "/" + site.domain.policy_host() + "/" + file;
}

std::string folder(const Site& site, const Paths& paths) { return paths.root + "/" + site.domain.policy_host(); }

std::string nginx(const Site& site, const Paths& paths) {
  return "server {\n"
         "    listen 443 ssl;\n"
         "    listen [::]:443 ssl;\n"
         "    server_name " +
         names(site, " ") +
         ";\n"
         "    ssl_certificate " +
         certificate(site, paths, "fullchain.pem") +
         ";\n"
         "    ssl_certificate_key " +
         certificate(site, paths, "privkey.pem") +
         ";\n"
         "    ssl_protocols TLSv1.2 TLSv1.3;\n"
         "    root " +
         folder(site, paths) +
         ";\n"
         "    location = /.well-known/mta-sts.txt {\n"
         "        types { }\n"
         "        default_type text/plain;\n"
         "    }\n"
         "    location / {\n"
         "        return 404;\n"
         "    }\n"
         "}\n";
}

std::string caddy(const Site& site, const Paths& paths) {
  const std::string own =
      "    tls " + certificate(site, paths, "fullchain.pem") + " " + certificate(site, paths, "privkey.pem") + "\n";
  return names(site, ", ") + " {\n" + (paths.certificates.empty() ? "" : own) +
         "    handle /.well-known/mta-sts.txt {\n"
         "        root * " +
         folder(site, paths) +
         "\n"
         "        header Content-Type text/plain\n"
         "        file_server\n"
         "    }\n"
         "    handle {\n"
         "        respond 404\n"
         "    }\n"
         "}\n";
}

std::string apache(const Site& site, const Paths& paths) {
  const std::string aliases = site.aliases.empty() ? "" : names(site, " ").substr(site.domain.policy_host().size());
  return "<VirtualHost *:443>\n"
         "    ServerName " +
         site.domain.policy_host() + "\n" + (aliases.empty() ? "" : "    ServerAlias" + aliases + "\n") +
         "    SSLEngine on\n"
         "    SSLProtocol -all +TLSv1.2 +TLSv1.3\n"
         "    SSLCertificateFile " +
         certificate(site, paths, "fullchain.pem") +
         "\n"
         "    SSLCertificateKeyFile " +
         certificate(site, paths, "privkey.pem") +
         "\n"
         "    DocumentRoot " +
         folder(site, paths) +
         "\n"
         "    <Directory " +
         folder(site, paths) +
         ">\n"
         "        Options None\n"
         "        AllowOverride None\n"
         "        Require all denied\n"
         "    </Directory>\n"
         "    <Location /.well-known/mta-sts.txt>\n"
         "        Require all granted\n"
         "        ForceType text/plain\n"
         "    </Location>\n"
         "</VirtualHost>\n";
}

}  // namespace

std::string Snippet::text() const {
  std::string all = preamble;
  for (const std::string& block : blocks) all += "\n" + block;
  return all;
}

Result<void> check_paths(const Paths& paths) {
  if (is_plain(paths.root) && is_plain(paths.certificates)) return {};
  return fail(
      ErrorCode::kConfig,
      "--root and --certificates must be paths of letters, digits and /.-_+,@: so that nginx, Caddy and Apache all "
      "take them as they are");
}

std::vector<Snippet> snippets(const std::vector<Site>& sites, const Paths& paths) {
  const std::string written = "# The policy hosts of MTA-STS, written by mtasts publish: it writes this file anew.\n";
  std::vector<Snippet> all{
      {"nginx.conf", written + "# In http { }: include THIS FILE. Reload nginx after a change.\n"},
      {"Caddyfile", written + "# In a Caddyfile: import THIS FILE. Reload Caddy after a change.\n"},
      {"apache.conf",
       written + "# Needs mod_ssl and \"Listen 443\"; IncludeOptional THIS FILE. Reload Apache after a change.\n"},
  };
  for (const Site& site : sites) {
    all[0].blocks.push_back(nginx(site, paths));
    all[1].blocks.push_back(caddy(site, paths));
    all[2].blocks.push_back(apache(site, paths));
  }
  return all;
}

}  // namespace mtasts::publish
