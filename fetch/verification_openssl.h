// What SanRule and the audit's verdicts have in common where OpenSSL is the TLS library.
#pragma once

struct x509_st;

namespace mtasts {

// X509_CHECK_FLAG_*: no Common Name, "*" as the whole left-most label only.
extern const unsigned kHostFlags;

// A list of revoked certificates revokes what is on it and no more: libcurl would demand one of every authority, and
// none out of date, which only breaks the hosts of all other authorities.
bool is_ignorable_crl_error(int error);

bool is_expired(const x509_st* certificate);
bool is_not_yet_valid(const x509_st* certificate);

}  // namespace mtasts
