#include "adapters/cli/publish/list.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "adapters/cli/publish/policy_file.h"
#include "core/ascii.h"
#include "core/tlsrpt_record.h"
#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts::publish {
namespace {

constexpr std::size_t kMaxListBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxNameSize = 253 - std::string_view("_smtp._tls.").size();
constexpr std::int64_t kMinAge = 86'400;  // under a day, senders cannot even refresh it daily
constexpr std::size_t kMaxRua = 1'000;

// What one table says; whatever it leaves out is empty.
struct Draft {
  std::optional<Domain> name{};
  std::optional<std::vector<std::string>> mx{};  // empty: "auto"
  std::optional<Mode> mode{};
  std::optional<std::chrono::seconds> max_age{};
  std::optional<std::string> rua{};
  std::vector<Domain> aliases{};
  std::optional<Domain> host{};
  std::vector<IpAddress> addresses{};
};

unsigned line_of(const toml::node& node) { return node.source().begin.line; }

tl::unexpected<Error> list_error(const std::string& path, unsigned line, const std::string& what) {
  return fail(ErrorCode::kConfig, path + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what);
}

tl::unexpected<Error> wrong(std::string what) { return fail(ErrorCode::kConfig, std::move(what)); }

std::optional<std::string> text_of(const toml::node& node) {
  const auto* text = node.as_string();
  return text != nullptr ? std::optional(text->get()) : std::nullopt;
}

// nullopt: no array of strings.
std::optional<std::vector<std::string>> texts_of(const toml::node& node) {
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& item : *list) {
    auto text = text_of(item);
    if (!text) return std::nullopt;
    texts.push_back(std::move(*text));
  }
  return texts;
}

// The domain that somebody meant who wrote an URL, an address or the name of a record.
std::string meant(std::string_view words) {
  if (const auto scheme = words.find("://"); scheme != std::string_view::npos) words.remove_prefix(scheme + 3);
  if (const auto at = words.find('@'); at != std::string_view::npos) words.remove_prefix(at + 1);
  words = words.substr(0, words.find_first_of("/:?#"));
  for (const std::string_view prefix : {"_mta-sts.", "mta-sts."}) {
    if (words.starts_with(prefix)) words.remove_prefix(prefix.size());
  }
  const auto domain = Domain::parse(words);
  return domain ? domain->text() : std::string();
}

Result<Domain> read_domain(const std::string& words) {
  auto domain = Domain::parse(words);
  const std::string better = meant(words);
  if (domain && domain->text().size() > kMaxNameSize) return wrong("a domain name of at most 242 octets");
  if (domain && (better == domain->text() || better.empty())) return domain;
  return wrong("a domain name" +
               (better.empty() ? ": " + (domain ? "" : domain.error().detail) : "; did you mean \"" + better + "\"?"));
}

// Each completes "must be ...".
Result<void> read_name(Draft& draft, const toml::node& node) {
  auto name = read_domain(text_of(node).value_or(""));
  if (!name) return tl::unexpected(name.error());
  draft.name = std::move(*name);
  return {};
}

Result<void> read_mx(Draft& draft, const toml::node& node) {
  constexpr const char* kAllowed =
      R"(a list of MX host names like ["mx1.example.com", "*.mail.example.com"], or "auto")";
  if (text_of(node) == "auto") {
    draft.mx.emplace();
    return {};
  }
  const auto texts = texts_of(node);
  if (!texts || texts->empty()) return wrong(kAllowed);
  std::vector<std::string> patterns;
  for (const std::string& text : *texts) {
    const bool is_wildcard = text.starts_with("*.");
    const auto host = Domain::parse(std::string_view(text).substr(is_wildcard ? 2 : 0));
    if (!host) return wrong(kAllowed + (": \"" + escaped(text)) + "\" is none");
    patterns.push_back((is_wildcard ? "*." : "") + host->text());
    if (!parse_policy(policy_file(Mode::kEnforce, kMaxPolicyAge, {patterns.back()})))
      return wrong(kAllowed + (": \"" + escaped(text)) + "\" is none");
    if (std::ranges::count(patterns, patterns.back()) > 1) return wrong("a list that names no host twice");
  }
  if (policy_file(Mode::kEnforce, kMaxPolicyAge, patterns).size() > kMaxPolicyBytes / 2)
    return wrong("a list that fits into half of a policy file's 64 KiB");
  draft.mx = std::move(patterns);
  return {};
}

Result<void> read_mode(Draft& draft, const toml::node& node) {
  const auto mode = mode_of(text_of(node).value_or(""));
  if (!mode) return wrong(R"("enforce", "testing" or "none")");
  draft.mode = *mode;
  return {};
}

Result<void> read_max_age(Draft& draft, const toml::node& node) {
  const auto* number = node.as_integer();
  if (number == nullptr || number->get() < kMinAge || number->get() > kMaxPolicyAge.count())
    return wrong("a whole number of seconds from 86400 (a day) to 31557600 (a year)");
  draft.max_age = std::chrono::seconds(number->get());
  return {};
}

bool is_report_address(std::string_view uri) {
  const auto is_plain = [](char c) { return ascii::is_printable(c) && c != ' ' && c != ';' && c != '"' && c != '\\'; };
  const bool is_mail = uri.starts_with("mailto:") && uri.find('@') != std::string_view::npos;
  return std::ranges::all_of(uri, is_plain) && (is_mail || uri.starts_with("https://"));
}

Result<void> read_rua(Draft& draft, const toml::node& node) {
  const auto text = text_of(node);
  bool is_good = text && text->size() <= kMaxRua && (text->empty() || tlsrpt_record({"v=TLSRPTv1; rua=" + *text}));
  for (std::string_view rest = is_good ? *text : std::string_view(); is_good && !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    is_good = is_report_address(rest.substr(0, comma)) && comma + 1 != rest.size();
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (!is_good) return wrong(R"("" or an address like "mailto:tls@example.com", several with "," between them)");
  draft.rua = *text;
  return {};
}

Result<void> read_aliases(Draft& draft, const toml::node& node) {
  const auto texts = texts_of(node);
  if (!texts) return wrong(R"(a list of domain names like ["example.net"])");
  for (const std::string& text : *texts) {
    auto alias = read_domain(text);
    if (!alias) return wrong("a list of names, each " + alias.error().detail);
    draft.aliases.push_back(std::move(*alias));
  }
  return {};
}

Result<void> read_host(Draft& draft, const toml::node& node) {
  const std::string text = text_of(node).value_or("");
  if (IpAddress::parse(text)) return wrong("a host name; addresses belong into the key \"address\"");
  auto host = Domain::parse(text);
  if (!host) return wrong("a host name: " + host.error().detail);
  draft.host = std::move(*host);
  return {};
}

Result<void> read_address(Draft& draft, const toml::node& node) {
  const auto texts = texts_of(node);
  if (!texts || texts->empty() || texts->size() > 16)
    return wrong(R"(a list of at most 16 addresses like ["192.0.2.1", "2001:db8::1"])");
  for (const std::string& text : *texts) {
    const auto address = IpAddress::parse(text);
    if (!address) return wrong("a list of addresses: \"" + escaped(text) + "\" is none");
    if (std::ranges::find(draft.addresses, *address) != draft.addresses.end())
      return wrong("a list that names no address twice");
    draft.addresses.push_back(*address);
  }
  return {};
}

struct Key {
  std::string_view name;
  bool is_default;  // may stand in [defaults]
  Result<void> (*read)(Draft&, const toml::node&);
};

constexpr std::array kKeys{
    Key{"name", false, read_name},      Key{"mx", true, read_mx},           Key{"mode", true, read_mode},
    Key{"max_age", true, read_max_age}, Key{"rua", true, read_rua},         Key{"aliases", false, read_aliases},
    Key{"host", true, read_host},       Key{"address", true, read_address},
};

std::string known_keys(bool in_defaults) {
  std::string names;
  for (const Key& key : kKeys) {
    if (in_defaults && !key.is_default) continue;
    names += (names.empty() ? "" : ", ") + std::string(key.name);
  }
  return names;
}

Result<Draft> read_table(const toml::table& table, const std::string& section, const std::string& path) {
  const bool in_defaults = section == "defaults";
  Draft draft;
  for (const auto& [name, node] : table) {
    const auto* key = std::ranges::find(kKeys, name.str(), &Key::name);
    const std::string full = section + "." + escaped(name.str());
    if (key == kKeys.end() || (in_defaults && !key->is_default))
      return list_error(path, line_of(node), "unknown key " + full + "; known here: " + known_keys(in_defaults));
    if (const auto read = key->read(draft, node); !read)
      return list_error(path, line_of(node), full + " must be " + read.error().detail);
  }
  if (draft.host && !draft.addresses.empty())
    return list_error(path, line_of(*table.get("address")),
                      section + ".address contradicts " + section + ".host: mta-sts is a CNAME or has addresses");
  return draft;
}

// The domain's own keys, and those of [defaults] that it leaves out.
Result<ListedDomain> complete(Draft draft, const Draft& defaults, const toml::table& table, const std::string& path) {
  if (!draft.name) return list_error(path, line_of(table), "[[domain]] needs the key name");
  if (!draft.host && draft.addresses.empty()) {
    draft.host = defaults.host;
    draft.addresses = defaults.addresses;
  }
  ListedDomain domain{*draft.name};
  domain.mode = draft.mode.value_or(defaults.mode.value_or(domain.mode));
  domain.max_age = draft.max_age.value_or(defaults.max_age.value_or(domain.max_age));
  domain.rua = draft.rua ? draft.rua : defaults.rua;
  const auto& mx = draft.mx ? draft.mx : defaults.mx;
  if (!mx && domain.mode != Mode::kNone)
    return list_error(path, line_of(table), "[[domain]] " + domain.name.text() + " needs the key mx");
  domain.mx = mx.value_or(std::vector<std::string>{});
  domain.is_mx_auto = mx && mx->empty() && domain.mode != Mode::kNone;
  domain.aliases = std::move(draft.aliases);
  domain.host = std::move(draft.host);
  domain.addresses = std::move(draft.addresses);
  if (domain.host && domain.host->text() == domain.name.policy_host())
    return list_error(path, line_of(table), "domain.host must be another name than " + domain.name.policy_host());
  return domain;
}

using Lines = std::map<std::string, unsigned>;  // name of a domain or alias → where it stands

Result<void> note_name(Lines& lines, const Domain& name, const char* key, unsigned line, const std::string& path) {
  const auto [other, is_new] = lines.emplace(name.text(), line);
  if (is_new) return {};
  return list_error(path, line,
                    "domain." + std::string(key) + " names " + name.text() + " again, which line " +
                        std::to_string(other->second) + " has");
}

Result<void> note_names(Lines& lines, const ListedDomain& domain, const toml::table& table, const std::string& path) {
  if (auto noted = note_name(lines, domain.name, "name", line_of(*table.get("name")), path); !noted) return noted;
  for (const Domain& alias : domain.aliases) {
    if (auto noted = note_name(lines, alias, "aliases", line_of(*table.get("aliases")), path); !noted) return noted;
  }
  return {};
}

// The CNAMEs that the list asks for: nobody can resolve a circle of them.
Result<void> check_circles(const std::vector<ListedDomain>& domains, const Lines& lines, const std::string& path) {
  std::map<std::string, std::string> targets;
  for (const ListedDomain& domain : domains) {
    if (domain.host) targets.emplace(domain.name.policy_host(), domain.host->text());
    for (const Domain& alias : domain.aliases) targets.emplace(alias.policy_host(), domain.name.policy_host());
  }
  for (const ListedDomain& domain : domains) {
    const std::string begin = domain.name.policy_host();
    std::string chain = begin;
    std::size_t steps = 0;
    for (auto next = targets.find(begin); next != targets.end() && steps < targets.size(); ++steps) {
      chain += " -> " + next->second;
      if (next->second == begin)
        return list_error(path, lines.at(domain.name.text()), "domain.host leads back to itself by CNAME: " + chain);
      next = targets.find(next->second);
    }
  }
  return {};
}

Result<std::vector<ListedDomain>> read_document(const toml::table& document, const std::string& path) {
  for (const auto& [name, node] : document) {
    if (name != "defaults" && name != "domain")
      return list_error(path, line_of(node), "unknown key " + escaped(name.str()) + "; known: [defaults], [[domain]]");
  }
  Draft defaults;
  if (const toml::node* node = document.get("defaults")) {
    const auto* table = node->as_table();
    if (table == nullptr) return list_error(path, line_of(*node), "defaults must be written as a section [defaults]");
    auto read = read_table(*table, "defaults", path);
    if (!read) return tl::unexpected(read.error());
    defaults = std::move(*read);
  }
  const toml::node* node = document.get("domain");
  const auto* tables = node != nullptr ? node->as_array() : nullptr;
  if (tables == nullptr || tables->empty())
    return list_error(path, node != nullptr ? line_of(*node) : 0,
                      "each domain must be written as [[domain]]; there is none");
  std::vector<ListedDomain> domains;
  Lines lines;
  for (const auto& item : *tables) {
    const auto* table = item.as_table();
    if (table == nullptr) return list_error(path, line_of(item), "domain must be written as [[domain]]");
    auto draft = read_table(*table, "domain", path);
    if (!draft) return tl::unexpected(draft.error());
    auto domain = complete(std::move(*draft), defaults, *table, path);
    if (!domain) return tl::unexpected(domain.error());
    if (auto noted = note_names(lines, *domain, *table, path); !noted) return tl::unexpected(noted.error());
    domains.push_back(std::move(*domain));
  }
  if (auto checked = check_circles(domains, lines, path); !checked) return tl::unexpected(checked.error());
  return domains;
}

}  // namespace

Result<std::vector<ListedDomain>> parse_list(std::string_view text, const std::string& path) {
  const toml::parse_result parsed = toml::parse(text, std::string_view(path));
  if (parsed) return read_document(parsed.table(), path);
  const auto& error = parsed.error();
  return list_error(path, error.source().begin.line, "not valid TOML: " + escaped(error.description()));
}

Result<std::vector<ListedDomain>> load_list(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0)
    return list_error(path, 0, std::string("the list cannot be opened: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return list_error(path, 0, "the list is not a regular file");
  if (static_cast<std::size_t>(status.st_size) > kMaxListBytes) return list_error(path, 0, "is larger than 16 MiB");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (!read_all(file.get(), text))
    return list_error(path, 0, std::string("the list cannot be read: ") + std::strerror(errno));
  return parse_list(text, path);
}

}  // namespace mtasts::publish
