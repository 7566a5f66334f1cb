#include "module/config/config.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "core/ascii.h"
#include "module/config/schema.h"
#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxConfigBytes = 1024 * 1024;

using Lines = std::map<std::string, unsigned>;  // key → line of its value, for `mtasts config`

tl::unexpected<Error> config_error(const std::string& path, unsigned line, const std::string& what) {
  return fail(ErrorCode::kConfig, path + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what);
}

unsigned line_of(const toml::node& node) { return node.source().begin.line; }

std::string why_not_readable() {
  const passwd* user = ::getpwuid(::geteuid());
  const std::string number = "uid " + std::to_string(::geteuid());
  return "cannot be read by user " + (user != nullptr ? std::string(user->pw_name) + " (" + number + ")" : number) +
         ": make the file and its folder readable for that user, such as with chmod 0644; it holds no secrets";
}

// nullopt: the default file is missing. A part of the file is no configuration: what it says after that would be
// taken for not configured.
Result<std::optional<std::string>> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    if (errno == ENOENT && path == default_config_path()) return std::nullopt;
    return config_error(
        path, 0, errno == EACCES ? why_not_readable() : std::string("cannot be opened: ") + std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return config_error(path, 0, "is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxConfigBytes) return config_error(path, 0, "is larger than 1 MiB");
  std::string text(size + 1, '\0');  // one more: it may have grown
  if (!read_all(file.get(), text)) return config_error(path, 0, std::string("cannot be read: ") + std::strerror(errno));
  if (text.size() != size) return config_error(path, 0, "was changed while it was read");
  return text;
}

ConfigValue value_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  if (const auto* list = node.as_array()) {
    std::vector<std::string> texts;
    for (const auto& item : *list) {
      const auto* text = item.as_string();
      if (text == nullptr) return std::monostate{};
      texts.push_back(text->get());
    }
    return texts;
  }
  return std::monostate{};
}

std::string known_names(std::string_view section) {
  std::string names;
  for (const auto& key : config_keys()) {
    const std::string_view name = section.empty() ? key.section : key.name;
    if (!section.empty() && key.section != section) continue;
    if (names.ends_with(name)) continue;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  if (section == "policy") names += ", override";
  return names;
}

Result<Override> read_override(const toml::node& node, const std::string& path) {
  const auto* table = node.as_table();
  if (table == nullptr)
    return config_error(path, line_of(node), "policy.override must be written as [[policy.override]]");
  std::optional<Domain> domain;
  std::optional<Mode> mode;
  for (const auto& [key, value] : *table) {
    const auto* text = value.as_string();
    const std::string words = text != nullptr ? text->get() : std::string();
    if (key == "domain") {
      const auto parsed = Domain::parse(words);
      if (!parsed)
        return config_error(path, line_of(value),
                            "policy.override.domain must be a domain name: " + parsed.error().detail);
      domain = *parsed;
    } else if (key == "mode") {
      const auto parsed = mode_of(words);
      if (!parsed)
        return config_error(path, line_of(value), R"(policy.override.mode must be "enforce", "testing" or "none")");
      mode = *parsed;
    } else {
      return config_error(path, line_of(value),
                          "unknown key policy.override." + escaped(key.str()) + "; known here: domain, mode");
    }
  }
  if (!domain || !mode) return config_error(path, line_of(node), "[[policy.override]] needs both domain and mode");
  return Override{*domain, *mode};
}

Result<void> read_overrides(Config& config, const toml::node& node, const std::string& path) {
  const auto* list = node.as_array();
  if (list == nullptr)
    return config_error(path, line_of(node), "policy.override must be written as [[policy.override]]");
  for (const auto& item : *list) {
    auto entry = read_override(item, path);
    if (!entry) return tl::unexpected(entry.error());
    config.decision.overrides.push_back(std::move(*entry));
  }
  return {};
}

Result<void> read_section(Config& config, std::string_view section, const toml::table& table, const std::string& path,
                          Lines& lines) {
  for (const auto& [name, node] : table) {
    if (section == "policy" && name == "override") {
      lines["policy.override"] = line_of(node);
      if (auto done = read_overrides(config, node, path); !done) return done;
      continue;
    }
    const ConfigKey* key = nullptr;
    for (const auto& candidate : config_keys()) {
      if (candidate.section == section && candidate.name == name.str()) key = &candidate;
    }
    const std::string full = std::string(section) + "." + escaped(name.str());
    if (key == nullptr)
      return config_error(path, line_of(node), "unknown key " + full + "; known here: " + known_names(section));
    if (!key->read(config, value_of(node)))
      return config_error(path, line_of(node), full + " must be " + std::string(key->allowed));
    lines[full] = line_of(node);
  }
  return {};
}

// The engine checks the files again, as the user that fetches; here the line is known.
Result<void> check_readable(const std::string& file, const std::string& key, const std::string& path,
                            const Lines& lines) {
  const auto set = lines.find(key);
  if (set == lines.end() || file.empty()) return {};
  struct stat status {};
  const bool readable =
      ::stat(file.c_str(), &status) == 0 && ::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) == 0;
  if (readable && !S_ISDIR(status.st_mode)) return {};
  return config_error(
      path, set->second,
      key + " must be a file that can be read: " + (readable ? "it is a directory" : std::strerror(errno)));
}

// What a single value does not show.
Result<void> check_values(const Config& config, const std::string& path, const Lines& lines) {
  if (config.lookup.min_ttl > config.lookup.max_ttl) {
    const auto set = lines.contains("dns.min_ttl_s") ? lines.find("dns.min_ttl_s") : lines.find("dns.max_ttl_s");
    return config_error(path, set->second, "dns.min_ttl_s must not be greater than dns.max_ttl_s");
  }
  auto readable = check_readable(config.network.fetch.ca_file, "fetch.ca_file", path, lines);
  if (readable) readable = check_readable(config.network.fetch.crl_file, "fetch.crl_file", path, lines);
  return readable;
}

Result<void> read_document(Config& config, const toml::table& document, const std::string& path, Lines& lines) {
  for (const auto& [name, node] : document) {
    const auto* table = node.as_table();
    const bool known = !known_names(name.str()).empty();
    if (!known)
      return config_error(path, line_of(node),
                          "unknown section [" + escaped(name.str()) + "]; known: " + known_names(""));
    if (table == nullptr)
      return config_error(path, line_of(node),
                          std::string(name.str()) + " must be written as a section [" + std::string(name.str()) + "]");
    if (auto done = read_section(config, name.str(), *table, path, lines); !done) return done;
  }
  return check_values(config, path, lines);
}

Config defaults() {
  Config config;
  config.cache_directory = MTASTS_STORE_DIR;
  config.opensmtpd.directory = MTASTS_STORE_DIR "-opensmtpd";
  config.engine_directory = MTASTS_ENGINE_DIR;
  config.helper_program = MTASTS_HELPER;
  // No TCP: every local user may connect to it, and nobody can tell them apart.
  config.socketmap.listen.push_back(parse_listen_address("unix:/run/mtasts/socketmap.sock").value());
  config.socketmap.rights = {.owner = "", .group = config.user, .mode = 0660};
  config.exim.rights = {.owner = "", .group = MTASTS_EXIM_GROUP, .mode = 0660};
  return config;
}

// An MX host is trusted as a policy host is, and not waited for longer.
void derive_probe(NetworkConfig& network) {
  network.probe.ca_file = network.fetch.ca_file;
  network.probe.crl_file = network.fetch.crl_file;
  network.probe.max_per_address = network.fetch.max_per_address;
  network.probe.allow_private = network.fetch.allow_private;
  network.probe.timeout = std::min(network.probe.timeout, network.fetch.timeout);
  network.probe.connect_timeout = std::min(network.probe.connect_timeout, network.fetch.timeout);
}

constexpr std::string_view kBlanks = " \t\r";

// `key = text` without quotes is the mistake that people make most, and TOML's own words for it do not say so.
std::string mistake_in_line(std::string_view text, unsigned number) {
  for (unsigned i = 1; i < number && !text.empty(); ++i)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string_view setting = line.substr(0, line.find('#'));
  const std::size_t equals = setting.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string_view key = ascii::trimmed(setting.substr(0, equals), kBlanks);
  const std::string_view value = ascii::trimmed(setting.substr(equals + 1), kBlanks);
  const bool is_bare = !value.empty() &&
                       (ascii::is_alpha(value.front()) || value.front() == '/' || value.front() == '*') &&
                       value.find('"') == std::string_view::npos;
  if (!is_bare) return {};
  return "text needs quotes: " + escaped(key, 60) + " = \"" + escaped(value, 100) + "\"";
}

Result<Config> load(const std::string& path, Lines& lines) {
  Config config = defaults();
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  const std::string source = text->value_or("");
  const toml::parse_result parsed = toml::parse(source, std::string_view(path));
  if (!parsed) {
    const auto& error = parsed.error();
    const std::string mistake = mistake_in_line(source, error.source().begin.line);
    return config_error(path, error.source().begin.line,
                        mistake.empty() ? "not valid TOML: " + escaped(error.description()) : mistake);
  }
  if (auto done = read_document(config, parsed.table(), path, lines); !done) return tl::unexpected(done.error());
  derive_probe(config.network);
  config.network.servers.timeout = config.network.dns.timeout;
  config.network.servers.allow_private = config.network.fetch.allow_private;
  config.network.dns.deadline = config.deadline;
  config.network.dns.client_deadline = config.deadline;
  return config;
}

std::string show_overrides(const Config& config) {
  std::string out = "[";
  for (const auto& entry : config.decision.overrides) {
    out += (out.size() > 1 ? ", " : "") + ("{ domain = \"" + entry.domain.text()) + "\", mode = \"" +
           std::string(mode_name(entry.mode)) + "\" }";
  }
  return out + "]";
}

}  // namespace

const char* default_config_path() { return MTASTS_CONFIG_FILE; }

Result<Config> load_config(const std::string& path) {
  Lines lines;
  return load(path, lines);
}

Result<std::vector<Setting>> describe_config(const std::string& path) {
  Lines lines;
  const auto config = load(path, lines);
  if (!config) return tl::unexpected(config.error());
  const auto origin = [&](const std::string& key) {
    const auto line = lines.find(key);
    return line == lines.end() ? std::string("default") : path + ":" + std::to_string(line->second);
  };
  std::vector<Setting> settings;
  for (const auto& key : config_keys()) {
    const std::string full = std::string(key.section) + "." + std::string(key.name);
    settings.push_back({full, key.show(*config), origin(full)});
  }
  settings.push_back({"policy.override", show_overrides(*config), origin("policy.override")});
  return settings;
}

}  // namespace mtasts
