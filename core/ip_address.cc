#include "core/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <span>
#include <vector>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr unsigned kBitsOfOctet = 8;

std::vector<IpNetwork> networks(std::span<const std::string_view> texts) {
  std::vector<IpNetwork> parsed;
  for (const auto text : texts) parsed.push_back(IpNetwork::parse(text).value());
  return parsed;
}

bool is_in_any(const std::vector<IpNetwork>& networks, const IpAddress& address) {
  return std::ranges::any_of(networks, [&](const auto& network) { return network.contains(address); });
}

const std::vector<IpNetwork>& special_networks() {
  static constexpr auto kTexts = std::to_array<std::string_view>({
      "0.0.0.0/8",       // this network
      "10.0.0.0/8",      // private
      "100.64.0.0/10",   // shared by a carrier (CGNAT)
      "127.0.0.0/8",     // loopback
      "169.254.0.0/16",  // link-local
      "172.16.0.0/12",   // private
      "192.0.0.0/24",    // protocol assignments
      "192.168.0.0/16",  // private
      "198.18.0.0/15",   // benchmarking
      "224.0.0.0/4",     // multicast
      "240.0.0.0/4",     // reserved; broadcast
      "::/96",           // unspecified, loopback, IPv4-compatible
      "64:ff9b:1::/48",  // a network's own NAT64
      "100::/64",        // discarded
      "2001::/23",       // protocol assignments: Teredo, ORCHID
      "5f00::/16",       // segment routing
      "fc00::/7",        // unique local
      "fe80::/10",       // link-local
      "fec0::/10",       // site-local
      "ff00::/8",        // multicast
  });
  static const auto parsed = networks(kTexts);
  return parsed;
}

// Where an IPv6 address of this network has an IPv4 address.
struct Embedding {
  IpNetwork network;
  std::size_t first_octet;
};

const std::vector<Embedding>& embeddings() {
  static const std::vector<Embedding> all{
      {IpNetwork::parse("::ffff:0:0/96").value(), 12},
      {IpNetwork::parse("::ffff:0:0:0/96").value(), 12},
      {IpNetwork::parse("64:ff9b::/96").value(), 12},
      {IpNetwork::parse("2002::/16").value(), 2},
  };
  return all;
}

tl::unexpected<Error> no_network(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kConfig, "\"" + escaped(text) + "\" is not a network: " + std::string(why));
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, copy.c_str(), address.bytes_.data()) != 1) continue;
    address.size_ = family == AF_INET ? kIpv4Size : address.bytes_.size();
    return address;
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_octets(std::string_view octets) {
  IpAddress address;
  if (octets.size() != kIpv4Size && octets.size() != address.bytes_.size()) return std::nullopt;
  std::ranges::transform(octets, address.bytes_.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  address.size_ = octets.size();
  return address;
}

std::string_view IpAddress::octets() const { return {reinterpret_cast<const char*>(bytes_.data()), size_}; }

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_ipv4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

bool IpAddress::is_loopback() const { return is_ipv4() ? bytes_.front() == 127 : *this == parse("::1"); }

std::optional<IpAddress> IpAddress::embedded_ipv4() const {
  if (is_ipv4()) return std::nullopt;
  for (const auto& [network, first] : embeddings())
    if (network.contains(*this)) return from_octets(octets().substr(first, kIpv4Size));
  return std::nullopt;
}

bool IpAddress::is_special() const {
  if (is_in_any(special_networks(), *this)) return true;
  const auto inner = embedded_ipv4();
  return inner && is_in_any(special_networks(), *inner);
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return no_network(text, "it does not begin with an IP address");
  const auto most = static_cast<unsigned>(address->octets().size()) * kBitsOfOctet;
  if (slash == std::string_view::npos) return IpNetwork(*address, most);
  const auto digits = text.substr(slash + 1);
  const auto bits = ascii::number(digits, most);
  if (!bits) return no_network(text, "behind the slash a number from 0 to " + std::to_string(most) + " must stand");
  IpNetwork network = around(*address, static_cast<unsigned>(*bits));
  if (network.base_ != *address) return no_network(text, "its address has bits set behind the prefix");
  return network;
}

IpNetwork IpNetwork::around(const IpAddress& address, unsigned bits) {
  std::string octets(address.octets());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto first_bit = static_cast<unsigned>(i) * kBitsOfOctet;
    const unsigned kept = bits > first_bit ? std::min(bits - first_bit, kBitsOfOctet) : 0;
    octets[i] = static_cast<char>(static_cast<unsigned char>(octets[i]) & (0xff00U >> kept));
  }
  return {IpAddress::from_octets(octets).value(), bits};
}

bool IpNetwork::contains(const IpAddress& address) const {
  return address.is_ipv4() == base_.is_ipv4() && around(address, bits_).base_ == base_;
}

std::string IpNetwork::text() const { return base_.text() + "/" + std::to_string(bits_); }

}  // namespace mtasts
