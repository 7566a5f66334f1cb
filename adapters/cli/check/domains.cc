#include "adapters/cli/check/domains.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "core/ascii.h"
#include "core/ip_address.h"

namespace mtasts::check {
namespace {

constexpr std::size_t kMaxLine = 1024;

tl::unexpected<Error> meant(std::string_view text, const std::string& what, std::string_view domain) {
  const auto guess = policy_domain(domain);
  const std::string hint = guess && *guess ? "; did you mean " + (*guess)->text() + "?" : "; name a domain";
  return fail(ErrorCode::kInvalidName, '"' + escaped(text, kMaxLine) + "\" is " + what + hint);
}

// An address as it is, and as a domain literal: [192.0.2.1], [IPv6:2001:db8::1].
bool is_address(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "IPv6:";
  if (ascii::equal_ignoring_case(text.substr(0, kTag.size()), kTag)) text.remove_prefix(kTag.size());
  return IpAddress::parse(text).has_value();
}

// Of "https://user@host:443/path" the host, without the prefix of a policy host.
std::string_view host_of_url(std::string_view text) {
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find_first_of("/?#"));
  if (const auto at = text.rfind('@'); at != std::string_view::npos) text.remove_prefix(at + 1);
  text = text.substr(0, text.find(':'));
  constexpr std::string_view kPolicyHost = "mta-sts.";
  return text.starts_with(kPolicyHost) ? text.substr(kPolicyHost.size()) : text;
}

std::optional<std::string_view> below(std::string_view text, std::string_view prefix) {
  if (text.size() <= prefix.size() || !ascii::equal_ignoring_case(text.substr(0, prefix.size()), prefix))
    return std::nullopt;
  return text.substr(prefix.size());
}

}  // namespace

Result<Domain> domain_argument(std::string_view text) {
  if (is_address(text))
    return fail(ErrorCode::kInvalidName, '"' + escaped(text) +
                                             "\" is an address, and MTA-STS is published by domains; name the domain "
                                             "of the mail addresses, what follows their @");
  if (text.find("://") != std::string_view::npos) return meant(text, "a URL", host_of_url(text));
  if (const auto at = text.rfind('@'); at != std::string_view::npos)
    return meant(text, "a mail address", text.substr(at + 1));
  if (text.find('/') != std::string_view::npos) return meant(text, "a URL", host_of_url(text));
  if (text.find(':') != std::string_view::npos) return meant(text, "a host with a port", host_of_url(text));
  for (const std::string_view prefix : {"_mta-sts.", "_smtp._tls."})
    if (const auto domain = below(text, prefix)) return meant(text, "the name of a record", *domain);
  if (text.starts_with("*.")) return meant(text, "a pattern", text.substr(2));
  auto domain = policy_domain(text);
  if (!domain) return fail(ErrorCode::kInvalidName, domain.error().detail);
  if (!*domain)
    return fail(ErrorCode::kInvalidName,
                '"' + escaped(text) + "\" has no dot or is too long; name a domain such as example.com");
  return std::move(**domain);
}

Result<std::vector<Domain>> read_domains(std::istream& list, const std::string& name) {
  std::vector<Domain> domains;
  std::array<char, kMaxLine + 1> line{};
  for (std::size_t number = 1; list.getline(line.data(), line.size()) || list.gcount() > 0; ++number) {
    const std::string where = escaped(name, kMaxLine) + ":" + std::to_string(number) + ": ";
    if (list.fail()) return fail(ErrorCode::kConfig, where + "the line is too long for a domain");
    // getline() counts the line end; a last line may lack it.
    const auto size = static_cast<std::size_t>(list.gcount()) - (list.eof() ? 0 : 1);
    const std::string_view whole(line.data(), size);
    const std::string_view text = ascii::trimmed(whole.substr(0, whole.find('#')), " \t\r");
    if (text.empty()) continue;
    auto domain = domain_argument(text);
    if (!domain) return fail(ErrorCode::kInvalidName, where + domain.error().detail);
    domains.push_back(std::move(*domain));
    if (domains.size() > kMaxListedDomains)
      return fail(ErrorCode::kConfig, where + "a list may have " + std::to_string(kMaxListedDomains) + " domains");
  }
  if (list.bad()) return fail(ErrorCode::kConfig, escaped(name, kMaxLine) + " cannot be read to its end");
  if (domains.empty()) return fail(ErrorCode::kConfig, escaped(name, kMaxLine) + " names no domain");
  return domains;
}

Result<std::vector<Domain>> read_domains_file(const std::string& path, std::istream& input) {
  if (path == "-") return read_domains(input, "standard input");
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return fail(ErrorCode::kConfig, escaped(path, kMaxLine) + " cannot be read: " + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return fail(ErrorCode::kConfig, escaped(path, kMaxLine) + " is a folder, not a list");
  std::ifstream file(path);
  if (!file) return fail(ErrorCode::kConfig, escaped(path, kMaxLine) + " cannot be read: " + std::strerror(errno));
  return read_domains(file, path);
}

}  // namespace mtasts::check
