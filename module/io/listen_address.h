// Where a server listens, as configurations write it: "unix:/run/mtasts/socketmap.sock", "inet:127.0.0.1:8461" or
// "inet:[::1]:8461". Addresses in numbers only: no name is looked up before a server can start.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.h"
#include "core/result.h"

namespace mtasts {

struct ListenAddress {
  std::string text;            // in the one way of writing it: two addresses are the same when their texts are
  sockaddr_storage address{};  // for bind(2) and connect(2)
  socklen_t length = 0;

  [[nodiscard]] bool is_unix() const { return address.ss_family == AF_UNIX; }
  [[nodiscard]] std::string path() const { return is_unix() ? text.substr(text.find(':') + 1) : std::string(); }
  // nullopt: a unix socket.
  [[nodiscard]] std::optional<Endpoint> endpoint() const {
    return is_unix() ? std::nullopt : Endpoint::parse(std::string_view(text).substr(text.find(':') + 1));
  }
  friend bool operator==(const ListenAddress& a, const ListenAddress& b) { return a.text == b.text; }
};

// Who may connect to a unix socket. An empty name leaves what the process has.
struct SocketRights {
  std::string owner{};
  std::string group{};
  mode_t mode = 0666;

  friend bool operator==(const SocketRights&, const SocketRights&) = default;
};

// Error kConfig says what is allowed.
Result<ListenAddress> parse_listen_address(std::string_view words);

}  // namespace mtasts
