#include "core/domain.h"

#include <idn2.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxWords = 1024;  // no name of 253 octets in A-labels has a longer UTF-8 form worth converting
constexpr std::string_view kRecordPrefix = "_mta-sts.";

tl::unexpected<Error> invalid(std::string_view words, std::string_view what) {
  return fail(ErrorCode::kInvalidName, '"' + escaped(words) + "\" " + std::string(what));
}

bool is_ascii(std::string_view words) {
  return std::ranges::all_of(words, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_host_byte(char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; }

// The name as libidn2 writes it for a DNS question.
Result<std::string> to_a_labels(const std::string& words) {
  std::uint8_t* raw = nullptr;
  const int code =
      idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(words.c_str()), &raw, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(raw, idn2_free);
  if (code != IDN2_OK) {
    return invalid(words, "is not an internationalized domain name (" + std::string(idn2_strerror_name(code)) +
                              "); check its spelling");
  }
  return std::string(reinterpret_cast<const char*>(raw));
}

Result<void> check_labels(std::string_view name, std::string_view words) {
  if (name.empty()) return invalid(words, "has no label; give a name such as example.com");
  if (name.size() > kMaxName) return invalid(words, "is longer than 253 octets; no domain name is");
  for (std::string_view rest = name;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (label.empty()) return invalid(words, "has an empty label; remove the superfluous dot");
    if (label.size() > kMaxLabel) return invalid(words, "has a label of more than 63 octets; no domain name has");
    if (dot == std::string_view::npos) return {};
    rest.remove_prefix(dot + 1);
  }
}

// Lower case A-labels without the trailing dot; as yet of any number of labels.
Result<std::string> canonical(std::string_view words) {
  if (words.empty()) return fail(ErrorCode::kInvalidName, "the domain name is empty; give a name such as example.com");
  if (words.size() > kMaxWords) return invalid(words, "is longer than 253 octets; no domain name is");
  if (words.find('\0') != std::string_view::npos) return invalid(words, "contains a NUL byte; give the bare name");
  std::string name = ascii::lower(words);
  // ASCII is what DNS and the MTA use already; a name that IDNA2008 would not have made (of emoji, say) gets mail too.
  if (!is_ascii(name)) {
    Result<std::string> converted = to_a_labels(name);
    if (!converted) return converted;
    name = std::move(*converted);
  }
  if (!std::ranges::all_of(name, is_host_byte)) {
    return invalid(words, "contains something other than letters, digits, hyphens and dots; give the bare name");
  }
  if (name.ends_with('.')) name.pop_back();
  if (const Result<void> checked = check_labels(name, words); !checked) return tl::unexpected(checked.error());
  return name;
}

bool has_dot(std::string_view name) { return name.find('.') != std::string_view::npos; }

bool ends_in_a_number(std::string_view name) {
  return std::ranges::all_of(name.substr(name.rfind('.') + 1), ascii::is_digit);
}

bool looks_like_ipv4(std::string_view words) {
  return has_dot(words) && std::ranges::any_of(words, ascii::is_digit) &&
         std::ranges::all_of(words, [](char c) { return ascii::is_digit(c) || c == '.'; });
}

// Which IPv6 address does not matter here, only that no host name is meant.
bool looks_like_ipv6(std::string_view words) {
  const std::string_view address = words.substr(0, words.find('%'));  // without a zone
  return std::ranges::count(address, ':') >= 2 &&
         std::ranges::all_of(address, [](char c) { return ascii::is_hex(c) || c == ':' || c == '.'; });
}

bool looks_like_address(std::string_view words) {
  constexpr std::string_view kTag = "ipv6:";
  if (ascii::equal_ignoring_case(words.substr(0, kTag.size()), kTag)) words.remove_prefix(kTag.size());
  return looks_like_ipv4(words) || looks_like_ipv6(words);
}

// A number or the name of a service (RFC 6335 §5.1).
bool is_port(std::string_view port) {
  if (port.empty() || port.size() > 15) return false;
  if (std::ranges::all_of(port, ascii::is_digit)) return ascii::number(port, 65535).value_or(0) > 0;
  return std::ranges::all_of(port, [](char c) { return ascii::is_alnum(c) || c == '-'; });
}

// The host of `host`, `host:port`, `[host]`, `[host]:port`.
Result<std::string_view> host_of(std::string_view next_hop) {
  constexpr std::string_view kHint = "is not a next hop; write example.com, host:port, [host] or [host]:port";
  if (!next_hop.starts_with('[')) {
    if (looks_like_ipv6(next_hop)) return next_hop;
    const std::size_t colon = next_hop.find(':');
    if (colon == std::string_view::npos) return next_hop;
    if (!is_port(next_hop.substr(colon + 1))) return invalid(next_hop, kHint);
    return next_hop.substr(0, colon);
  }
  const std::size_t close = next_hop.find(']');
  if (close == std::string_view::npos) return invalid(next_hop, kHint);
  const std::string_view after = next_hop.substr(close + 1);
  if (!after.empty() && (after.front() != ':' || !is_port(after.substr(1)))) return invalid(next_hop, kHint);
  return next_hop.substr(1, close - 1);
}

}  // namespace

Result<Domain> Domain::parse(std::string_view words) {
  Result<std::string> name = canonical(words);
  if (!name) return tl::unexpected(std::move(name).error());
  if (!has_dot(*name)) return invalid(words, "has no dot; give the full name, such as host.example.com");
  if (ends_in_a_number(*name)) return invalid(words, "looks like an address; give a domain name");
  return Domain(std::move(*name));
}

bool Domain::is_within(const Domain& suffix) const {
  const std::string_view name = text_;
  if (!name.ends_with(suffix.text_)) return false;
  const std::size_t above = name.size() - suffix.text_.size();
  return above == 0 || name[above - 1] == '.';
}

Result<std::optional<Domain>> policy_domain(std::string_view next_hop) {
  const Result<std::string_view> host = host_of(next_hop);
  if (!host) return tl::unexpected(host.error());
  if (looks_like_address(*host)) return std::nullopt;
  const Result<std::string> name = canonical(*host);
  if (!name) return tl::unexpected(name.error());
  if (!has_dot(*name) || looks_like_ipv4(*name) || kRecordPrefix.size() + name->size() > kMaxName) return std::nullopt;
  Result<Domain> domain = Domain::parse(*name);
  if (!domain) return tl::unexpected(std::move(domain).error());
  return std::optional<Domain>(std::move(*domain));
}

}  // namespace mtasts
