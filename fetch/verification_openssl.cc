#include "fetch/verification_openssl.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace mtasts {

const unsigned kHostFlags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

bool is_ignorable_crl_error(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_CRL_HAS_EXPIRED ||
         error == X509_V_ERR_CRL_NOT_YET_VALID;
}

bool is_expired(const x509_st* certificate) { return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0; }

bool is_not_yet_valid(const x509_st* certificate) {
  return X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0;
}

}  // namespace mtasts
