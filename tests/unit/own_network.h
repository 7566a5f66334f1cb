// Networks of a process alone, in which it cannot connect.
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace mtasts::test {

// Loopback and nothing else. False: that takes root.
inline bool enter_own_network() {
  if (::unshare(CLONE_NEWNET) != 0) return false;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool is_up = ::ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
  ::close(fd);
  return is_up;
}

// With one local port for connections, which is taken for as long as the process lives.
inline bool enter_network_without_ports() {
  if (!enter_own_network()) return false;
  std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40000" << std::flush;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in any{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
}

// Where connect(2) has no address of its own for an IPv6 peer.
inline bool enter_network_without_ipv6() {
  if (!enter_own_network()) return false;
  std::ofstream("/proc/sys/net/ipv6/conf/lo/disable_ipv6") << "1" << std::flush;
  return true;
}

}  // namespace mtasts::test
