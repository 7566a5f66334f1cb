// The one error type. Functions that can fail return Result<T>; what is merely absent ("no record", "no policy") is a
// value.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace mtasts {

enum class ErrorCode {
  kInvalidName,              // not a host or domain name
  kDnsFailure,               // the resolver answered SERVFAIL or another refusal
  kDnsTimeout,               // no answer in time
  kDnsUnreachable,           // the resolver cannot be reached or hung up
  kPolicyFetch,              // TLSRPT sts-policy-fetch-error
  kPolicyInvalid,            // TLSRPT sts-policy-invalid
  kWebPkiInvalid,            // TLSRPT sts-webpki-invalid
  kStartTlsNotSupported,     // TLSRPT starttls-not-supported: not offered, or refused
  kCertificateHostMismatch,  // TLSRPT certificate-host-mismatch
  kCertificateExpired,       // TLSRPT certificate-expired
  kCertificateNotTrusted,    // TLSRPT certificate-not-trusted: whatever else is wrong with a certificate
  kValidationFailure,        // TLSRPT validation-failure: TLS failed otherwise
  kUnreachable,              // no session with the MX host: no connection, no greeting, no mail taken now
  kStoreUnavailable,         // the store cannot be read or written
  kStoreDamaged,             // an entry of the store is not what we wrote
  kConfig,                   // configuration file
  kDeadline,                 // the caller's time is over
  kNotTried,                 // a queue or limit of ours was full, or the time was over before it was tried
  kLocalFault,               // this machine or installation: descriptors, memory, rights, a file or process missing
  kInternal,                 // a defect of ours: our own parts do not understand each other
};

// Closed code plus a detail for a person: one sentence without a line end; bytes from a peer are already escaped.
struct Error {
  ErrorCode code;
  std::string detail;

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string detail) {
  return tl::unexpected<Error>(Error{code, std::move(detail)});
}

// Stable lower-case name for logs, JSON and the store, e.g. "dns-timeout", "sts-webpki-invalid".
std::string_view error_name(ErrorCode code);

// Inverse of error_name. Also reads "engine", which older versions wrote for all three kinds of is_ours().
Result<ErrorCode> error_code(std::string_view name);

// Nothing was found out about the peer: the fault, or the lack of room, is here. Such an error never means "there is
// nothing", and replaces nothing that is cached.
bool is_ours(ErrorCode code);

// kDns*: the question has no answer (R20).
bool is_dns_failure(ErrorCode code);

// Makes foreign bytes harmless in a one-line log or message: printable ASCII (space, but not backslash) stays, any
// other byte becomes \xHH. Longer input is cut at `limit` bytes and "..." appended.
std::string escaped(std::string_view bytes, std::size_t limit = 200);

}  // namespace mtasts
