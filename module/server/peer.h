// Who is at the other end of a connection, as far as the system tells.
#pragma once

#include <sys/types.h>

#include <string>

#include "module/io/descriptor.h"

namespace mtasts::server {

// "uid 1000" of a unix socket, "192.0.2.1" or "2001:db8:0:1::/64" of a TCP one: whoever has one IPv6 address has its
// whole network. Over TCP on loopback all local users are the same peer.
using Peer = std::string;

Peer peer_of(const Descriptor& socket);

// One process of a peer: two containers that share a unix socket are one peer, and each numbers its own from 1.
struct PeerProcess {
  Peer peer;
  pid_t number = 0;  // as this process sees it; 0: over TCP, or out of a container that cannot be seen into from here
};

PeerProcess peer_process_of(const Descriptor& socket, Peer peer);

// For the log: a user with the name that /etc/passwd has for it. Directories on the network are not asked: they could
// hold up the loop.
std::string describe(const Peer& peer);

}  // namespace mtasts::server
