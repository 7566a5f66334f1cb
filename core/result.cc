#include "core/result.h"

#include <array>

#include "core/ascii.h"
#include "core/tls_result.h"

namespace mtasts {
namespace {

struct Name {
  ErrorCode code;
  std::string_view name;
};

constexpr std::array kNames{
    Name{ErrorCode::kInvalidName, "invalid-name"},
    Name{ErrorCode::kDnsFailure, "dns-failure"},
    Name{ErrorCode::kDnsTimeout, "dns-timeout"},
    Name{ErrorCode::kDnsUnreachable, "dns-unreachable"},
    Name{ErrorCode::kPolicyFetch, tls_result_name(TlsResult::kPolicyFetchError)},
    Name{ErrorCode::kPolicyInvalid, tls_result_name(TlsResult::kPolicyInvalid)},
    Name{ErrorCode::kWebPkiInvalid, tls_result_name(TlsResult::kWebPkiInvalid)},
    Name{ErrorCode::kStartTlsNotSupported, tls_result_name(TlsResult::kStartTlsNotSupported)},
    Name{ErrorCode::kCertificateHostMismatch, tls_result_name(TlsResult::kCertificateHostMismatch)},
    Name{ErrorCode::kCertificateExpired, tls_result_name(TlsResult::kCertificateExpired)},
    Name{ErrorCode::kCertificateNotTrusted, tls_result_name(TlsResult::kCertificateNotTrusted)},
    Name{ErrorCode::kValidationFailure, tls_result_name(TlsResult::kValidationFailure)},
    Name{ErrorCode::kUnreachable, "mx-unreachable"},
    Name{ErrorCode::kStoreUnavailable, "store-unavailable"},
    Name{ErrorCode::kStoreDamaged, "store-damaged"},
    Name{ErrorCode::kConfig, "config"},
    Name{ErrorCode::kDeadline, "deadline"},
    Name{ErrorCode::kNotTried, "not-tried"},
    Name{ErrorCode::kLocalFault, "local-fault"},
    Name{ErrorCode::kInternal, "internal"},
};

constexpr std::string_view kOldName = "engine";

}  // namespace

std::string_view error_name(ErrorCode code) {
  for (const Name& entry : kNames) {
    if (entry.code == code) return entry.name;
  }
  return "unknown";
}

Result<ErrorCode> error_code(std::string_view name) {
  for (const Name& entry : kNames) {
    if (entry.name == name) return entry.code;
  }
  if (name == kOldName) return ErrorCode::kLocalFault;
  return fail(ErrorCode::kStoreDamaged, "no error is called \"" + escaped(name) + '"');
}

bool is_ours(ErrorCode code) {
  return code == ErrorCode::kNotTried || code == ErrorCode::kLocalFault || code == ErrorCode::kInternal;
}

bool is_dns_failure(ErrorCode code) {
  return code == ErrorCode::kDnsFailure || code == ErrorCode::kDnsTimeout || code == ErrorCode::kDnsUnreachable;
}

std::string escaped(std::string_view bytes, std::size_t limit) {
  std::string result;
  for (const char c : bytes.substr(0, limit)) {
    if (ascii::is_printable(c) && c != '\\') {
      result += c;
    } else {
      result += "\\x" + ascii::hex({&c, 1});
    }
  }
  if (bytes.size() > limit) result += "...";
  return result;
}

}  // namespace mtasts
