#include "module/engine_library.h"

#include <dlfcn.h>

#include <string>

namespace mtasts {
namespace {

std::pair<const char*, const char*> candidates(TlsLibrary choice) {
  constexpr const char* kOpenSsl = "engine-openssl.so";
  constexpr const char* kGnuTls = "engine-gnutls.so";
  if (choice == TlsLibrary::kOpenSsl) return {kOpenSsl, nullptr};
  if (choice == TlsLibrary::kGnuTls) return {kGnuTls, nullptr};
  return {kOpenSsl, kGnuTls};
}

Result<std::unique_ptr<Network>> open_one(const std::string& path, const NetworkConfig& config) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorCode::kLocalFault, "cannot load " + path + " (install the mtasts engine library): " +
                                            (why != nullptr ? why : "unknown error"));
  }
  const auto open = reinterpret_cast<NetworkOpen>(::dlsym(handle, kNetworkOpenSymbol));
  if (open == nullptr)
    return fail(ErrorCode::kLocalFault, path + " is not an engine library of mtasts; install the one of this version");
  Error error{ErrorCode::kInternal, path + " gave no reason"};
  std::unique_ptr<Network> network(open(kNetworkAbi, config, &error));
  if (!network) return tl::unexpected(error);
  return network;
}

}  // namespace

Result<std::unique_ptr<Network>> open_network(const HelperSettings& settings) {
  const auto [first, second] = candidates(settings.tls);
  auto network = open_one(settings.engines + "/" + first, settings.network);
  if (network || second == nullptr) return network;
  auto other = open_one(settings.engines + "/" + second, settings.network);
  if (other) return other;
  return network;
}

}  // namespace mtasts
