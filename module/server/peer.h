// Who is at the other end of a connection, as far as the system tells.
#pragma once

#include <string>

#include "module/io/descriptor.h"

namespace mtasts::server {

// "uid 1000" of a unix socket, "192.0.2.1" or "2001:db8:0:1::/64" of a TCP one: whoever has one IPv6 address has its
// whole network. Over TCP on loopback all local users are the same peer.
using Peer = std::string;

Peer peer_of(const Descriptor& socket);

// For the log: a user with the name that /etc/passwd has for it. Directories on the network are not asked: they could
// hold up the loop.
std::string describe(const Peer& peer);

}  // namespace mtasts::server
