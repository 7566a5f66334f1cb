// What each mail server on the machine is configured to ask, seen from its files.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "adapters/cli/setup/main_cf.h"
#include "adapters/cli/setup/server_files.h"
#include "adapters/cli/status/status.h"
#include "core/ascii.h"
#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts::cli {
namespace {

tl::unexpected<Error> unreadable(const std::string& path, const std::string& why) {
  return fail(ErrorCode::kLocalFault, path + " cannot be read (" + why + ")");
}

// It may ask mtasts, or not.
HostStatus unknown_host(const std::string& name, const Error& error) {
  HostStatus host{name, "", false};
  host.unread = error.detail;
  return host;
}

// The first line that holds all of `parts` and is no comment.
std::string line_with(const std::string& text, const std::vector<std::string>& parts) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#') continue;
    const bool has_all =
        std::ranges::all_of(parts, [&](const auto& part) { return line.find(part) != std::string::npos; });
    if (has_all) return line.substr(first);
  }
  return {};
}

// "smtp unix - - y - - smtp"; "-" is "n" since Postfix 3.0.
bool smtp_in_chroot(const std::string& master_cf) {
  std::istringstream lines(master_cf);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::array<std::string, 5> fields;
    for (std::string& field : fields) words >> field;
    if (fields[0] == "smtp" && fields[1] == "unix") return fields[4] == "y";
  }
  return false;
}

// Of "socketmap:inet:HOST:PORT:NAME" or "socketmap:unix:PATH:NAME". smtp(8) works in the queue directory, and in a
// chroot that is its root, too.
std::string postfix_socket(const std::string& map, const std::string& queue, bool in_chroot) {
  constexpr std::string_view kSocketmap = "socketmap:";
  constexpr std::string_view kUnix = "unix:";
  const std::string place = map.substr(kSocketmap.size(), map.rfind(':') - kSocketmap.size());
  if (!place.starts_with(kUnix)) return place;
  const std::string path = place.substr(kUnix.size());
  if (!path.starts_with('/')) return "unix:" + queue + "/" + path;
  return in_chroot ? "unix:" + queue + path : place;
}

std::optional<HostStatus> postfix(const std::string& root) {
  const auto text = read_text(root + "/etc/postfix/main.cf");
  if (!text) return unknown_host("postfix", text.error());
  if (!*text) return std::nullopt;
  const setup::MainCf main_cf(**text);
  const std::string queue = main_cf.value("queue_directory").value_or("/var/spool/postfix");
  const auto master_cf = read_text(root + "/etc/postfix/master.cf");
  const bool in_chroot = master_cf && smtp_in_chroot(master_cf->value_or(""));
  HostStatus host{"postfix", "", false};
  const auto maps = main_cf.value("smtp_tls_policy_maps");
  for (const std::string& map : setup::list_elements(maps.value_or(""))) {
    const bool is_ours = map.starts_with("socketmap:") &&
                         (map.find("mtasts") != std::string::npos || map.find(":8461:") != std::string::npos);
    if (is_ours) host = {"postfix", map, true, false, postfix_socket(map, queue, in_chroot)};
  }
  if (host.needs_daemon && !master_cf) host.unread = master_cf.error().detail;  // the socket may be another one
  return host;
}

// The last word of "socket -d30 -T<TMPF> inet:PORT@HOST", or "local:PATH".
std::string sendmail_socket(std::string_view map) {
  map = ascii::trimmed(map);
  const std::string place(map.substr(map.find_last_of(" \t") + 1));
  constexpr std::string_view kLocal = "local:";
  constexpr std::string_view kInet = "inet:";
  if (place.starts_with(kLocal)) return "unix:" + place.substr(kLocal.size());
  const std::size_t at = place.find('@');
  if (!place.starts_with(kInet) || at == std::string::npos) return place;
  return "inet:" + place.substr(at + 1) + ":" + place.substr(kInet.size(), at - kInet.size());
}

std::optional<HostStatus> sendmail(const std::string& root) {
  const auto read = read_text(root + setup::kSendmailCf);
  if (!read) return unknown_host("sendmail", read.error());
  if (!*read) return std::nullopt;
  const std::string& text = **read;
  const std::string map = text.starts_with("Ksts ") ? "Ksts " : "\nKsts ";  // FEATURE(`sts')
  const std::size_t at = text.find(map);
  if (at == std::string::npos) return HostStatus{"sendmail", "", false};
  const std::size_t begin = at + map.size();
  const std::string asks = text.substr(begin, text.find('\n', begin) - begin);
  return HostStatus{"sendmail", asks, true, false, sendmail_socket(asks)};
}

// The value of one of Exim's macros: the first definition, because the others are inside .ifndef, or the last one by
// "==", which replaces it.
std::string exim_macro(const std::string& text, const std::string& name) {
  std::string value;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string_view words = ascii::trimmed(line);
    if (!words.starts_with(name)) continue;
    const std::string_view rest = ascii::trimmed(words.substr(name.size()));
    if (rest.starts_with("=="))
      value = ascii::trimmed(rest.substr(2));
    else if (rest.starts_with('=') && value.empty())
      value = ascii::trimmed(rest.substr(1));
  }
  return value;
}

// "/run/mtasts/exim.sock" or "inet:127.0.0.1:8462".
HostStatus exim_by_socket(const std::string& text) {
  std::string place = exim_macro(text, "MTASTS_DAEMON");
  if (place.empty()) place = kEximSocketPath;
  HostStatus host{"exim", "mtastsd at " + place + " (readsocket)", true};
  host.socket = place.starts_with('/') ? "unix:" + place : place;
  return host;
}

HostStatus exim_with(const std::string& text) {
  if (!line_with(text, {"mta_sts_route"}).empty()) return HostStatus{"exim", "mtasts.so (dlfunc)", false, true};
  for (const char* at : {"MTASTS_AT", "MTASTS_DAEMON", "mtasts"}) {
    if (!line_with(text, {"readsocket", at}).empty()) return exim_by_socket(text);
  }
  return HostStatus{"exim", "", false};
}

// What is in force: a file of the administrator's, else Debian makes one of many. What cannot be read may be the one:
// a later file does not take its place.
std::optional<HostStatus> exim(const std::string& root) {
  for (const char* path :
       {"/etc/exim4/exim4.conf", setup::kEximGenerated, "/etc/exim/exim.conf", setup::kEximTemplate}) {
    const auto text = read_text(root + path);
    if (!text) return unknown_host("exim", text.error());
    if (*text) return exim_with(**text);
  }
  return std::nullopt;
}

std::optional<HostStatus> opensmtpd(const std::string& root) {
  const auto text = read_text(root + setup::kSmtpdConf);
  if (!text) return unknown_host("opensmtpd", text.error());
  if (!*text) return std::nullopt;
  return HostStatus{"opensmtpd", line_with(**text, {"table ", " mtasts:"}), false};
}

}  // namespace

Result<std::optional<std::string>> read_text(const std::string& path) {
  constexpr std::size_t kPart = 64 * 1024;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return unreadable(path, "it is not a regular file");
  std::string text;
  for (;;) {
    std::string part(kPart, '\0');
    if (!read_all(file.get(), part)) return unreadable(path, std::strerror(errno));
    text += part;
    if (part.size() < kPart) return text;
  }
}

std::vector<HostStatus> look_at_hosts(const std::string& root) {
  std::vector<HostStatus> hosts;
  for (const auto& look : {exim, opensmtpd, postfix, sendmail}) {
    if (auto host = look(root)) hosts.push_back(std::move(*host));
  }
  return hosts;
}

}  // namespace mtasts::cli
