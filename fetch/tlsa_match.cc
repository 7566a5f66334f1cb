#include <algorithm>

#include "core/dane.h"
#include "fetch/certificates.h"

namespace mtasts {
namespace {

constexpr unsigned kDaneEe = 3;
constexpr unsigned kPublicKey = 1;  // selector; 0 is the whole certificate
constexpr unsigned kExact = 0;

bool is_association(const TlsaRecord& record, const std::string& certificate) {
  const std::string selected = record.selector == kPublicKey ? public_key_info(certificate) : certificate;
  if (selected.empty()) return false;
  return record.data == (record.matching == kExact ? selected : tlsa_digest(record.matching, selected));
}

// DANE-EE names the host's own key and nothing else counts; DANE-TA an authority, whose certificate the host must send
// (RFC 7672 §3.1.1, §3.1.2).
bool is_match(const TlsaRecord& record, const Chain& chain, const std::string& host) {
  if (record.usage == kDaneEe) return is_association(record, chain.front());
  for (std::size_t i = 0; i < chain.size(); ++i)
    if (is_association(record, chain[i]) && is_anchored(chain, i, host)) return true;
  return false;
}

}  // namespace

std::optional<bool> matches_tlsa(const std::vector<TlsaRecord>& records, const Chain& chain, const std::string& host) {
  if (!std::ranges::any_of(records, is_usable)) return std::nullopt;
  if (chain.empty()) return false;
  return std::ranges::any_of(records,
                             [&](const auto& record) { return is_usable(record) && is_match(record, chain, host); });
}

}  // namespace mtasts
