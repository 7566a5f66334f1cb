#include "adapters/socketmap/listening.h"

#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "module/io/listen_socket.h"

namespace mtasts::socketmap {
namespace {

bool is_at(const Descriptor& socket, const ListenAddress& address) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) return false;
  if (own.ss_family != address.address.ss_family) return false;
  if (address.is_unix()) return address.path() == reinterpret_cast<const sockaddr_un&>(own).sun_path;
  return length == address.length && std::memcmp(&own, &address.address, length) == 0;
}

}  // namespace

Result<std::vector<Descriptor>> listen_as_configured(const Config& config) {
  // To run deaf would look well to everybody but the mail servers.
  if (config.socketmap.listen.empty())
    return fail(
        ErrorCode::kConfig,
        "there is nothing to listen on: socketmap.listen is empty, and the service manager hands no socket over");
  std::vector<Descriptor> sockets;
  for (const ListenAddress& address : config.socketmap.listen) {
    auto socket = listen_on(address, config.socketmap.rights);
    if (!socket) return tl::unexpected(socket.error());
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

void warn_of_missing_sockets(const std::vector<Descriptor>& sockets, const Config& config, Log& log) {
  for (const ListenAddress& address : config.socketmap.listen) {
    const auto is_there = [&](const Descriptor& socket) { return is_at(socket, address); };
    if (std::ranges::any_of(sockets, is_there)) continue;
    log.write(LogLevel::kWarning, "event=not-listening address=" + address.text +
                                      " detail=\"systemd handed over other sockets, which count alone\" "
                                      "action=\"name it in mtastsd.socket, or disable that unit\"");
  }
}

}  // namespace mtasts::socketmap
