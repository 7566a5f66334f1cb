#include "adapters/mtastsd/listening.h"

#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "module/io/listen_socket.h"
#include "module/io/systemd.h"

namespace mtasts::mtastsd {
namespace {

bool is_at(const Descriptor& socket, const ListenAddress& address) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) return false;
  if (own.ss_family != address.address.ss_family) return false;
  if (address.is_unix()) return address.path() == reinterpret_cast<const sockaddr_un&>(own).sun_path;
  return length == address.length && std::memcmp(&own, &address.address, length) == 0;
}

Result<void> listen_at(const std::vector<ListenAddress>& addresses, const SocketRights& rights, Speaks speaks,
                       std::vector<Listening>& sockets) {
  for (const ListenAddress& address : addresses) {
    auto socket = listen_on(address, rights);
    if (!socket) return tl::unexpected(socket.error());
    sockets.push_back({std::move(*socket), speaks});
  }
  return {};
}

}  // namespace

std::vector<Listening> handed_over_sockets() {
  constexpr std::string_view kForExim = "exim";
  std::vector<Listening> sockets;
  for (HandedOver& one : sockets_from_systemd())
    sockets.push_back({std::move(one.socket), one.name == kForExim ? Speaks::kExim : Speaks::kSocketmap});
  return sockets;
}

Result<std::vector<Listening>> listen_as_configured(const Config& config) {
  // To run deaf would look well to everybody but the mail servers.
  if (config.socketmap.listen.empty() && config.exim.listen.empty())
    return fail(ErrorCode::kConfig,
                "there is nothing to listen on: socketmap.listen and exim.listen are empty, and the service manager "
                "hands no socket over");
  std::vector<Listening> sockets;
  if (auto done = listen_at(config.socketmap.listen, config.socketmap.rights, Speaks::kSocketmap, sockets); !done)
    return tl::unexpected(done.error());
  if (auto done = listen_at(config.exim.listen, config.exim.rights, Speaks::kExim, sockets); !done)
    return tl::unexpected(done.error());
  return sockets;
}

// Where only Exim's socket is handed over, socketmap.listen has nobody to ask there in vain: it is never empty by itself.
void warn_of_missing_sockets(const std::vector<Listening>& sockets, const Config& config, Log& log) {
  const auto warn = [&](const std::vector<ListenAddress>& addresses, Speaks speaks, const char* unit) {
    for (const ListenAddress& address : addresses) {
      const auto is_there = [&](const Listening& one) { return one.speaks == speaks && is_at(one.socket, address); };
      if (std::ranges::any_of(sockets, is_there)) continue;
      log.write(LogLevel::kWarning, "event=not-listening address=" + address.text +
                                        " detail=\"systemd handed over other sockets, which count alone\" "
                                        "action=\"name it in " +
                                        unit + ", or disable that unit\"");
    }
  };
  const auto is_for_postfix = [](const Listening& one) { return one.speaks == Speaks::kSocketmap; };
  if (std::ranges::any_of(sockets, is_for_postfix))
    warn(config.socketmap.listen, Speaks::kSocketmap, "mtastsd.socket");
  warn(config.exim.listen, Speaks::kExim, "mtastsd-exim.socket");
}

}  // namespace mtasts::mtastsd
