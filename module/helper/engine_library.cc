#include "module/helper/engine_library.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
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

tl::unexpected<Error> with_remedy(Error error, TlsLibrary choice) {
  error.detail += choice == TlsLibrary::kOpenSsl  ? "; engine.tls asks for it: install mtasts-engine-openssl"
                  : choice == TlsLibrary::kGnuTls ? "; engine.tls asks for it: install mtasts-engine-gnutls"
                                                  : "; install mtasts-engine-openssl or mtasts-engine-gnutls";
  return tl::unexpected(std::move(error));
}

// libcurl gives no hold on the key exchanges of GnuTLS, GnuTLS itself does: it reads this file when it is loaded. The
// administrator's own one, if there is one, comes first. Where it cannot be given, fetch/ refuses such sessions.
constexpr const char* kGnuTlsConfiguration = "/etc/gnutls/config";
constexpr std::string_view kNoFiniteFieldGroups =
    "\n[overrides]\n"
    "tls-disabled-kx = dhe-rsa\n"
    "tls-disabled-kx = dhe-dss\n"
    "tls-disabled-group = group-ffdhe2048\n"
    "tls-disabled-group = group-ffdhe3072\n"
    "tls-disabled-group = group-ffdhe4096\n"
    "tls-disabled-group = group-ffdhe6144\n"
    "tls-disabled-group = group-ffdhe8192\n";

void restrict_gnutls() {
  std::ifstream own(kGnuTlsConfiguration);
  std::string text((std::istreambuf_iterator<char>(own)), std::istreambuf_iterator<char>());
  text += kNoFiniteFieldGroups;
  const int file = ::memfd_create("gnutls-config", 0);  // stays open: it is read again when it seems to have changed
  if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return;
  ::setenv("GNUTLS_SYSTEM_PRIORITY_FILE", ("/proc/self/fd/" + std::to_string(file)).c_str(), 1);
}

}  // namespace

Result<EngineLibrary> EngineLibrary::load(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return fail(ErrorCode::kLocalFault, "cannot load " + path + ": " + (why != nullptr ? why : "unknown error"));
  }
  const auto open = reinterpret_cast<NetworkOpen>(::dlsym(handle, kNetworkOpenSymbol));
  if (open == nullptr)
    return fail(ErrorCode::kLocalFault, path + " is not an engine library of mtasts; install the one of this version");
  return EngineLibrary(path, open);
}

Result<EngineLibrary> EngineLibrary::load(const HelperSettings& settings) {
  restrict_gnutls();
  const auto [first, second] = candidates(settings.tls);
  auto engine = load(settings.engines + "/" + first);
  if (engine) return engine;
  if (second == nullptr) return with_remedy(engine.error(), settings.tls);
  auto other = load(settings.engines + "/" + second);
  return other ? other : with_remedy(engine.error(), settings.tls);
}

Result<std::unique_ptr<Network>> EngineLibrary::open(const NetworkConfig& config) const {
  Error error{ErrorCode::kInternal, path_ + " gave no reason"};
  std::unique_ptr<Network> network(open_(kNetworkAbi, config, &error));
  if (!network) return tl::unexpected(error);
  return network;
}

}  // namespace mtasts
