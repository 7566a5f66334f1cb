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

struct Wanted {
  Speaks speaks;
  const std::vector<ListenAddress>& addresses;
  const SocketRights& rights;
  const char* unit;
};

void warn(Log& log, const ListenAddress& address, const std::string& detail, const std::string& action) {
  log.write(LogLevel::kWarning,
            LogLine("not-listening").field("address", address.text).text("detail", detail).text("action", action));
}

void warn_of_missing(const Wanted& wanted, const std::vector<Listening>& sockets, Log& log) {
  for (const ListenAddress& address : wanted.addresses) {
    const auto is_there = [&](const Listening& one) {
      return one.speaks == wanted.speaks && is_at(one.socket, address);
    };
    if (std::ranges::any_of(sockets, is_there)) continue;
    warn(log, address, "systemd handed over other sockets, which count alone",
         "name it in " + std::string(wanted.unit) + ", or disable that unit");
  }
}

}  // namespace

std::vector<Listening> handed_over_sockets() {
  constexpr std::string_view kForExim = "exim";
  std::vector<Listening> sockets;
  for (HandedOver& one : sockets_from_systemd())
    sockets.push_back({std::move(one.socket), one.name == kForExim ? Speaks::kExim : Speaks::kSocketmap});
  return sockets;
}

Result<void> add_configured_sockets(const Config& config, std::vector<Listening>& sockets, Log& log) {
  const bool is_activated = !sockets.empty();
  for (const Wanted& wanted :
       {Wanted{Speaks::kSocketmap, config.socketmap.listen, config.socketmap.rights, "mtastsd.socket"},
        Wanted{Speaks::kExim, config.exim.listen, config.exim.rights, "mtastsd-exim.socket"}}) {
    if (std::ranges::any_of(sockets, [&](const Listening& one) { return one.speaks == wanted.speaks; })) {
      warn_of_missing(wanted, sockets, log);
      continue;
    }
    for (const ListenAddress& address : wanted.addresses) {
      auto socket = listen_on(address, wanted.rights);
      if (socket)
        sockets.push_back({std::move(*socket), wanted.speaks});
      else if (is_activated)
        warn(log, address, socket.error().detail, "enable " + std::string(wanted.unit) + " where somebody asks there");
      else
        return tl::unexpected(socket.error());
    }
  }
  // To run deaf would look well to everybody but the mail servers.
  if (sockets.empty())
    return fail(ErrorCode::kConfig,
                "there is nothing to listen on: socketmap.listen and exim.listen are empty, and the service manager "
                "hands no socket over");
  return {};
}

}  // namespace mtasts::mtastsd
