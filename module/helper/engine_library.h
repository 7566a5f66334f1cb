// Loads engine-openssl.so or engine-gnutls.so the first time that a lookup needs the network
// (docs/adr/0003-engine-libraries.md).
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/result.h"
#include "module/engine/network.h"
#include "module/helper/settings.h"

namespace mtasts {

// Of the administrator, for all programs that use GnuTLS.
inline constexpr const char* kGnuTlsConfiguration = "/etc/gnutls/config";

// One engine library, loaded for good.
class EngineLibrary {
 public:
  // `auto` takes the first that is installed, OpenSSL's before GnuTLS's. Error kLocalFault says what is missing, or why
  // GnuTLS cannot be given its restrictions: the administrator's of `gnutls_configuration`, which may be missing, and
  // ours.
  static Result<EngineLibrary> load(const HelperSettings& settings,
                                    const std::string& gnutls_configuration = kGnuTlsConfiguration);
  // Error kLocalFault: the configuration names what cannot be used.
  Result<std::unique_ptr<Network>> open(const NetworkConfig& config) const;

 private:
  EngineLibrary(std::string path, NetworkOpen open) : path_(std::move(path)), open_(open) {}
  static Result<EngineLibrary> load(const std::string& path);

  std::string path_;
  NetworkOpen open_;
};

}  // namespace mtasts
