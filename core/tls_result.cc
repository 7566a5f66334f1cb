#include "core/tls_result.h"

#include <algorithm>

namespace mtasts {

std::optional<TlsResult> tls_result(std::string_view name) {
  const auto* const found = std::ranges::find(kTlsResultTypes, name, &TlsResultType::name);
  return found == kTlsResultTypes.end() ? std::nullopt : std::optional(found->result);
}

// Nothing else that error_name() says is a name of RFC 8460.
std::optional<TlsResult> tls_result(ErrorCode code) { return tls_result(error_name(code)); }

bool is_tls_result(int number) {
  const auto result = static_cast<TlsResult>(number);
  return result == TlsResult::kSuccess || !tls_result_name(result).empty();
}

}  // namespace mtasts
