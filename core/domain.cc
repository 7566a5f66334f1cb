#include "core/domain.h"

#include <idn2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/ascii.h"
#include "core/endpoint.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxText = 1024;  // no name of 253 octets in A-labels has a longer UTF-8 form worth converting
constexpr std::string_view kRecordPrefix = "_mta-sts.";

tl::unexpected<Error> invalid(std::string_view text, std::string_view what) {
  return fail(ErrorCode::kInvalidName, '"' + escaped(text) + "\" " + std::string(what));
}

// What people write where a domain is meant.
Result<void> check_notation(std::string_view text) {
  constexpr std::string_view kScheme = "://";
  const auto meant = [&](std::string_view what, std::string_view domain) {
    return invalid(text, std::string(what) + "; only the domain is meant" +
                             (domain.empty() ? "" : ": " + escaped(domain.substr(0, domain.find_first_of("/:?#")))));
  };
  if (const std::size_t scheme = text.find(kScheme); scheme != std::string_view::npos)
    return meant("is a URL", text.substr(scheme + kScheme.size()));
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos)
    return meant("is an e-mail address", text.substr(at + 1));
  if (text.starts_with("*.")) return meant("is a pattern for many names", text.substr(2));
  return {};
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_host_byte(char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; }

// As libidn2 writes it for a DNS question, where it takes it for an internationalized name; `code` says why not.
std::optional<std::string> idna(const std::string& text, int flags, int& code) {
  std::uint8_t* raw = nullptr;
  code = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(text.c_str()), &raw, flags | IDN2_NFC_INPUT);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(raw, idn2_free);
  return code == IDN2_OK ? std::optional<std::string>(reinterpret_cast<const char*>(raw)) : std::nullopt;
}

// The characters of which the variants of IDNA make different names: sharp s (also the capital one), final sigma, zero
// width non-joiner and joiner (UTS 46 §7).
bool has_deviation(std::string_view label) {
  constexpr std::array<std::string_view, 5> kDeviations{"\xc3\x9f", "\xe1\xba\x9e", "\xcf\x82", "\xe2\x80\x8c",
                                                        "\xe2\x80\x8d"};
  return std::ranges::any_of(kDeviations, [&](std::string_view c) { return label.find(c) != std::string_view::npos; });
}

// A label that IDNA2008 refuses, of emoji for example, is mapped by UTS 46 alone, as an MTA with ICU does: in libidn2
// the transitional processing is the one that leaves the check out, and without deviation characters both processings
// map alike.
std::optional<std::string> to_a_label(const std::string& label, int& code) {
  if (is_ascii(label)) return label;
  if (auto strict = idna(label, IDN2_NONTRANSITIONAL, code)) return strict;
  if (has_deviation(label)) return std::nullopt;
  auto lenient = idna(label, IDN2_TRANSITIONAL, code);
  return lenient && lenient->starts_with("xn--") && lenient->find('.') == std::string::npos ? lenient : std::nullopt;
}

// Also the full stops of East Asian scripts (UTS 46 §2.3).
std::string with_ascii_dots(std::string text) {
  for (const std::string_view dot : {"\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1"}) {
    for (std::size_t at = 0; (at = text.find(dot, at)) != std::string::npos; ++at) text.replace(at, dot.size(), ".");
  }
  return text;
}

// The whole name as libidn2 takes it; label by label where it refuses one.
Result<std::string> to_a_labels(const std::string& text) {
  int code = IDN2_OK;
  if (auto name = idna(text, IDN2_NONTRANSITIONAL, code)) return std::move(*name);
  std::string name;
  const std::string dotted = with_ascii_dots(text);
  for (std::size_t begin = 0;;) {
    const std::size_t dot = dotted.find('.', begin);
    const auto label = to_a_label(dotted.substr(begin, dot - begin), code);
    if (!label) {
      return invalid(text, "is not an internationalized domain name (" + std::string(idn2_strerror_name(code)) +
                               "); check its spelling");
    }
    name += *label;
    if (dot == std::string::npos) return name;
    name += '.';
    begin = dot + 1;
  }
}

Result<void> check_labels(std::string_view name, std::string_view text) {
  if (name.empty()) return invalid(text, "has no label; give a name such as example.com");
  if (name.size() > kMaxName) return invalid(text, "is longer than 253 octets; no domain name is");
  for (std::string_view rest = name;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (label.empty()) return invalid(text, "has an empty label; remove the superfluous dot");
    if (label.size() > kMaxLabel) return invalid(text, "has a label of more than 63 octets; no domain name has");
    if (dot == std::string_view::npos) return {};
    rest.remove_prefix(dot + 1);
  }
}

// Lower case A-labels without the trailing dot; as yet of any number of labels.
Result<std::string> canonical(std::string_view text) {
  if (text.empty()) return fail(ErrorCode::kInvalidName, "the domain name is empty; give a name such as example.com");
  if (text.size() > kMaxText) return invalid(text, "is longer than 253 octets; no domain name is");
  if (text.find('\0') != std::string_view::npos) return invalid(text, "contains a NUL byte; give the bare name");
  if (const auto checked = check_notation(text); !checked) return tl::unexpected(checked.error());
  std::string name = ascii::lower(text);
  // ASCII is what DNS and the MTA use already; a name that IDNA2008 would not have made (of emoji, say) gets mail too.
  if (!is_ascii(name)) {
    Result<std::string> converted = to_a_labels(name);
    if (!converted) return converted;
    name = std::move(*converted);
  }
  if (!std::ranges::all_of(name, is_host_byte)) {
    return invalid(text, "contains something other than letters, digits, hyphens and dots; give the bare name");
  }
  if (name.ends_with('.')) name.pop_back();
  if (const Result<void> checked = check_labels(name, text); !checked) return tl::unexpected(checked.error());
  return name;
}

bool has_dot(std::string_view name) { return name.find('.') != std::string_view::npos; }

bool ends_in_a_number(std::string_view name) {
  return std::ranges::all_of(name.substr(name.rfind('.') + 1), ascii::is_digit);
}

bool looks_like_ipv4(std::string_view text) {
  return has_dot(text) && std::ranges::any_of(text, ascii::is_digit) &&
         std::ranges::all_of(text, [](char c) { return ascii::is_digit(c) || c == '.'; });
}

// Which IPv6 address does not matter here, only that no host name is meant.
bool looks_like_ipv6(std::string_view text) {
  const std::string_view address = text.substr(0, text.find('%'));  // without a zone
  return std::ranges::count(address, ':') >= 2 &&
         std::ranges::all_of(address, [](char c) { return ascii::is_hex(c) || c == ':' || c == '.'; });
}

bool looks_like_address(std::string_view text) {
  constexpr std::string_view kTag = "ipv6:";
  if (ascii::equal_ignoring_case(text.substr(0, kTag.size()), kTag)) text.remove_prefix(kTag.size());
  return looks_like_ipv4(text) || looks_like_ipv6(text);
}

// A number or the name of a service (RFC 6335 §5.1).
bool is_port(std::string_view port) {
  if (port.empty() || port.size() > 15) return false;
  if (std::ranges::all_of(port, ascii::is_digit)) return parse_port(port).has_value();
  return std::ranges::all_of(port, [](char c) { return ascii::is_alnum(c) || c == '-'; });
}

// The host of `host`, `host:port`, `[host]`, `[host]:port`.
Result<std::string_view> host_of(std::string_view next_hop) {
  constexpr std::string_view kHint = "is not a next hop; write example.com, host:port, [host] or [host]:port";
  if (looks_like_ipv6(next_hop)) return next_hop;
  const auto parts = split_port(next_hop);
  if (!parts || (parts->port && !is_port(*parts->port))) return invalid(next_hop, kHint);
  if (!parts->in_brackets && parts->host.find(':') != std::string_view::npos) return invalid(next_hop, kHint);
  return parts->host;
}

}  // namespace

Result<Domain> Domain::parse(std::string_view text) {
  Result<std::string> name = canonical(text);
  if (!name) return tl::unexpected(std::move(name).error());
  if (!has_dot(*name)) return invalid(text, "has no dot; give the full name, such as host.example.com");
  if (ends_in_a_number(*name)) return invalid(text, "looks like an address; give a domain name");
  return Domain(std::move(*name));
}

bool Domain::is_within(const Domain& suffix) const {
  const std::string_view name = text_;
  if (!name.ends_with(suffix.text_)) return false;
  const std::size_t above = name.size() - suffix.text_.size();
  return above == 0 || name[above - 1] == '.';
}

Result<std::optional<Domain>> policy_domain(std::string_view next_hop) {
  if (const auto checked = check_notation(next_hop); !checked) return tl::unexpected(checked.error());
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
