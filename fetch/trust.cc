#include "fetch/trust.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "fetch/san_rule.h"

namespace mtasts {
namespace {

// Why a file cannot be read by this user, or empty.
std::string file_fault(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0)
    return std::strerror(errno);
  return S_ISDIR(status.st_mode) ? "it is a directory" : "";
}

// GnuTLS takes a file without any certificate for a list of nobody. One certificate, at the file's beginning as a rule,
// is enough to know that it is a file of that kind.
std::string authorities_fault(const std::string& path) {
  if (std::string fault = file_fault(path); !fault.empty()) return fault;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("-----BEGIN ") && line.find("CERTIFICATE-----") != std::string::npos) return {};
  }
  return "no certificate is in it";
}

}  // namespace

Result<void> check_trust(const std::string& ca_file, const std::string& crl_file) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const char* backend = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (initialised != CURLE_OK) return fail(ErrorCode::kLocalFault, "libcurl cannot be initialised");
  if (backend == nullptr || !is_backend_of_curl(backend))
    return fail(ErrorCode::kLocalFault, std::string("this engine needs a libcurl with ") + tls_library() +
                                            ", the one here has " + (backend != nullptr ? escaped(backend) : "no TLS"));
  if (const std::string fault = authorities_fault(ca_file); !fault.empty())
    return fail(ErrorCode::kLocalFault, "the trusted authorities in " + ca_file + " cannot be read (" + fault +
                                            "): install ca-certificates or set fetch.ca_file in mtasts.toml");
  if (const std::string fault = crl_file.empty() ? "" : file_fault(crl_file); !fault.empty())
    return fail(ErrorCode::kLocalFault, "the revoked certificates in " + crl_file + " cannot be read (" + fault +
                                            "): fix or clear fetch.crl_file in mtasts.toml");
  return {};
}

}  // namespace mtasts
