#include "module/server/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "module/io/listen_socket.h"
#include "tests/unit/sockets.h"

namespace mtasts::server {
namespace {

TEST(Peer, OfAUnixSocketIsTheUser) {
  const auto pair = test::socket_pair();
  EXPECT_EQ(peer_of(pair.ours), "uid " + std::to_string(::getuid()));
}

TEST(Peer, OfAUnixSocketTheProcessIsKnown) {
  const auto pair = test::socket_pair();
  const PeerProcess process = peer_process_of(pair.ours, "uid 0");
  EXPECT_EQ(process.peer, "uid 0");
  EXPECT_EQ(process.number, ::getpid());
}

// Our end of a connection to `host`, which is its own address.
Descriptor accepted_at(const std::string& host) {
  for (int port = 40'000 + ::getpid() % 10'000;; ++port) {
    const auto address = parse_listen_address("inet:" + host + ":" + std::to_string(port)).value();
    const auto listening = listen_on(address, {});
    if (!listening) continue;
    const auto client = connect_to(address, std::chrono::steady_clock::now() + std::chrono::seconds(2));
    Descriptor accepted;
    while (!accepted) accepted = Descriptor(::accept(listening->get(), nullptr, nullptr));
    return accepted;
  }
}

Peer peer_at(const std::string& host) { return peer_of(accepted_at(host)); }

TEST(Peer, OverTcpNoProcessIsKnown) { EXPECT_EQ(peer_process_of(accepted_at("127.0.0.1"), "127.0.0.1").number, 0); }

TEST(Peer, OverTcpIsTheAddress) {
  EXPECT_EQ(peer_at("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(peer_at("127.8.9.10"), "127.0.0.1") << "whoever is on this machine can come from any of them";
  if (std::filesystem::exists("/proc/net/if_inet6")) {
    EXPECT_EQ(peer_at("[::1]"), "::1");
  }
}

TEST(Peer, IsDescribedWithTheUsersName) {
  EXPECT_EQ(describe("uid 0"), "uid 0 (root)");
  EXPECT_EQ(describe("uid 4294967290"), "uid 4294967290");
  EXPECT_EQ(describe("192.0.2.1"), "192.0.2.1");
}

}  // namespace
}  // namespace mtasts::server
