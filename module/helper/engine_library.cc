#include "module/helper/engine_library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts {
namespace {

constexpr const char* kOpenSslEngine = "engine-openssl.so";
constexpr const char* kGnuTlsEngine = "engine-gnutls.so";

std::vector<std::string> candidates(TlsLibrary choice) {
  if (choice == TlsLibrary::kOpenSsl) return {kOpenSslEngine};
  if (choice == TlsLibrary::kGnuTls) return {kGnuTlsEngine};
  return {kOpenSslEngine, kGnuTlsEngine};
}

tl::unexpected<Error> with_remedy(Error error, TlsLibrary choice) {
  error.detail += choice == TlsLibrary::kOpenSsl  ? "; engine.tls asks for it: install mtasts-engine-openssl"
                  : choice == TlsLibrary::kGnuTls ? "; engine.tls asks for it: install mtasts-engine-gnutls"
                                                  : "; install mtasts-engine-openssl or mtasts-engine-gnutls";
  return tl::unexpected(std::move(error));
}

// libcurl gives no hold on the key exchanges of GnuTLS, GnuTLS itself does: it reads this file when it is loaded. The
// administrator's own one, if there is one, comes first.
constexpr std::string_view kNoFiniteFieldGroups =
    "\n[overrides]\n"
    "tls-disabled-kx = dhe-rsa\n"
    "tls-disabled-kx = dhe-dss\n"
    "tls-disabled-group = group-ffdhe2048\n"
    "tls-disabled-group = group-ffdhe3072\n"
    "tls-disabled-group = group-ffdhe4096\n"
    "tls-disabled-group = group-ffdhe6144\n"
    "tls-disabled-group = group-ffdhe8192\n";

tl::unexpected<Error> unrestricted(const std::string& why) {
  return fail(ErrorCode::kLocalFault, "GnuTLS is not used without its restrictions: " + why);
}

// By number: the helper may not be able to read /etc/passwd.
tl::unexpected<Error> without_own(const std::string& path, const std::string& why) {
  return unrestricted(path + " cannot be read by uid " + std::to_string(::geteuid()) + " (" + why +
                      "): make the file and its folder readable for all users, such as with chmod 0644, or install "
                      "mtasts-engine-openssl");
}

// "": the administrator has none. One that cannot be read is not taken for that: it may forbid what ours allows.
Result<std::string> own_configuration(const std::string& path) {
  constexpr std::size_t kMaxBytes = 256 * 1024;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::string();
  if (!file) return without_own(path, std::strerror(errno));
  std::string text(kMaxBytes + 1, '\0');
  if (!read_all(file.get(), text)) return without_own(path, std::strerror(errno));
  if (text.size() > kMaxBytes) return without_own(path, "it is larger than 256 KiB");
  return text;
}

Result<void> restrict_gnutls(const std::string& configuration) {
  const auto own = own_configuration(configuration);
  if (!own) return tl::unexpected(own.error());
  Descriptor file(::memfd_create("gnutls-config", 0));
  const bool is_given =
      file && write_all(file.get(), *own + std::string(kNoFiniteFieldGroups)) &&
      ::setenv("GNUTLS_SYSTEM_PRIORITY_FILE", ("/proc/self/fd/" + std::to_string(file.get())).c_str(), 1) == 0;
  if (!is_given) return unrestricted(std::string("they cannot be written to memory: ") + std::strerror(errno));
  static_cast<void>(file.release());  // stays open: it is read again when it seems to have changed
  return {};
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

// The restrictions come first: whichever library brings GnuTLS along, it is loaded once. What went wrong with them
// matters where the engine is GnuTLS's.
Result<EngineLibrary> EngineLibrary::load(const HelperSettings& settings, const std::string& gnutls_configuration) {
  const auto restricted = restrict_gnutls(gnutls_configuration);
  Error missing{ErrorCode::kLocalFault, {}};
  for (const std::string& name : candidates(settings.tls)) {
    auto engine = load(settings.engines + "/" + name);
    if (engine && !restricted && name == kGnuTlsEngine) return tl::unexpected(restricted.error());
    if (engine) return engine;
    if (missing.detail.empty()) missing = engine.error();
  }
  return with_remedy(missing, settings.tls);
}

Result<std::unique_ptr<Network>> EngineLibrary::open(const NetworkConfig& config) const {
  Error error{ErrorCode::kInternal, path_ + " gave no reason"};
  std::unique_ptr<Network> network(open_(kNetworkAbi, config, &error));
  if (!network) return tl::unexpected(error);
  return network;
}

}  // namespace mtasts
