#include "module/io/listen_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint16_t kUsualPort = 8461;  // in all examples of mtastsd

const sockaddr* raw(const ListenAddress& address) { return reinterpret_cast<const sockaddr*>(&address.address); }

tl::unexpected<Error> cannot_listen(const ListenAddress& address, const std::string& why) {
  return fail(ErrorCode::kLocalFault, "cannot listen on " + escaped(address.text) + ": " + why);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Whom to look for at a taken address.
std::string likely_owner(const ListenAddress& address) {
  const auto endpoint = address.endpoint();
  if (!endpoint) return "";
  return "; \"ss -ltnp sport = :" + std::to_string(endpoint->port) + "\" shows which" +
         (endpoint->port == kUsualPort ? " (postfix-mta-sts-resolver uses this port, too: \"systemctl disable --now "
                                         "postfix-mta-sts-resolver\" once no server asks it)"
                                       : "");
}

// What the administrator can do about a bind(2) or listen(2) that failed.
std::string advice(const ListenAddress& address, int error) {
  const std::string folder = address.is_unix() ? escaped(folder_of(address.path())) : std::string();
  switch (error) {
    case EADDRINUSE:
      return "another process listens there already; stop it, or configure another address" + likely_owner(address);
    case EADDRNOTAVAIL:
      return "this machine has no such address";
    case ENOENT:
    case ENOTDIR:
      return "there is no folder " + folder + "; create it for the user of this process";
    case EROFS:
      return folder + " cannot be written; where systemd keeps it so, name it in ReadWritePaths of the unit";
    case EACCES:
    case EPERM:
      return address.is_unix() ? "this user may not create files in " + folder + "; make it the owner of that folder"
                               : "this user may not take that port; configure one above 1023";
    default:
      return std::strerror(error);
  }
}

// Why connect(2) to a socket file fails; 0: somebody listens there. ECONNREFUSED: the file is what a process left
// behind that was killed.
int probe(const ListenAddress& address) {
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno;
  return ::connect(socket.get(), raw(address), address.length) == 0 ? 0 : errno;
}

Result<void> bind_to(const Descriptor& socket, const ListenAddress& address) {
  if (::bind(socket.get(), raw(address), address.length) == 0) return {};
  int error = errno;
  if (error == EADDRINUSE && address.is_unix()) {
    struct stat status {};
    const bool there = ::lstat(address.path().c_str(), &status) == 0;
    if (there && !S_ISSOCK(status.st_mode))
      return cannot_listen(address, "a file that is no socket has that name; remove it, or configure another address");
    const int why = there ? probe(address) : 0;
    if (why == EACCES)
      return cannot_listen(address, "a socket of another user has that name; remove it if nobody listens there");
    if (why == ECONNREFUSED && ::unlink(address.path().c_str()) == 0) {
      if (::bind(socket.get(), raw(address), address.length) == 0) return {};
      error = errno;
    }
  }
  return cannot_listen(address, advice(address, error));
}

// The number of the user or group `name`; -1, which chown(2) takes as "leave it", for "". `lookup` is getpwnam_r or
// getgrnam_r.
template <typename Entry, typename Lookup, typename Number>
Result<Number> number_of(const std::string& kind, const std::string& name, const ListenAddress& address, Lookup lookup,
                         Number Entry::*member) {
  if (name.empty()) return static_cast<Number>(-1);
  Entry entry{};
  Entry* found = nullptr;
  std::vector<char> buffer(1024);
  while (lookup(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE) buffer.resize(buffer.size() * 2);
  if (found != nullptr) return entry.*member;
  return cannot_listen(address, "there is no " + kind + " \"" + escaped(name) + "\" to give the socket to");
}

Result<void> give_rights(const ListenAddress& address, const SocketRights& rights) {
  const auto owner = number_of<passwd>("user", rights.owner, address, ::getpwnam_r, &passwd::pw_uid);
  if (!owner) return tl::unexpected(owner.error());
  const auto group = number_of<::group>("group", rights.group, address, ::getgrnam_r, &::group::gr_gid);
  if (!group) return tl::unexpected(group.error());
  const std::string path = address.path();
  const bool change = !rights.owner.empty() || !rights.group.empty();
  if (change && ::lchown(path.c_str(), *owner, *group) != 0) {
    return cannot_listen(address, std::string("the socket cannot be given to its owner and group: ") +
                                      std::strerror(errno) +
                                      "; only root can give it to any, others to a group that they are in");
  }
  if (::fchmodat(AT_FDCWD, path.c_str(), rights.mode, AT_SYMLINK_NOFOLLOW) != 0)
    return cannot_listen(address, std::string("the mode of the socket cannot be set: ") + std::strerror(errno));
  return {};
}

void set(const Descriptor& socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket.get(), level, option, &on, sizeof on);
}

// Accepted sockets inherit TCP_NODELAY: an answer is one small write that must not wait for anything.
void prepare(const Descriptor& socket, const ListenAddress& address) {
  if (address.is_unix()) return;
  set(socket, SOL_SOCKET, SO_REUSEADDR);
  set(socket, IPPROTO_TCP, TCP_NODELAY);
  if (address.address.ss_family == AF_INET6) set(socket, IPPROTO_IPV6, IPV6_V6ONLY);
}

milliseconds left_until(SteadyTime deadline) {
  return std::max(milliseconds{0}, std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()));
}

// These bound a blocking connect(2), too, also one that waits for room in a unix socket's queue.
void limit_to(const Descriptor& socket, milliseconds left) {
  const auto ms = std::max(milliseconds{1}, left).count();  // 0 would be no limit
  const timeval time{.tv_sec = static_cast<time_t>(ms / 1000), .tv_usec = static_cast<suseconds_t>(ms % 1000 * 1000)};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

tl::unexpected<Error> cannot_connect(const ListenAddress& address, int error) {
  const std::string where = escaped(address.text) + ": ";
  switch (error) {
    case EAGAIN:
    case EINPROGRESS:
      return fail(ErrorCode::kDeadline, where + "nobody takes the connection in time");
    case ENOENT:
      return fail(ErrorCode::kLocalFault, where + "there is no such socket; is mtastsd running?");
    case ECONNREFUSED:
      return fail(ErrorCode::kLocalFault, where + "nobody listens there; is mtastsd running?");
    case EACCES:
    case EPERM:
      return fail(ErrorCode::kLocalFault, where + "this user may not connect; see socketmap.socket_mode");
    default:
      return fail(ErrorCode::kLocalFault, where + std::strerror(error));
  }
}

}  // namespace

Result<Descriptor> listen_on(const ListenAddress& address, const SocketRights& rights) {
  Descriptor socket(::socket(address.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return cannot_listen(address, std::strerror(errno));
  prepare(socket, address);
  if (auto bound = bind_to(socket, address); !bound) return tl::unexpected(bound.error());
  // Nobody can connect before listen(2): the file has its rights by then.
  auto ready = address.is_unix() ? give_rights(address, rights) : Result<void>();
  if (ready && ::listen(socket.get(), SOMAXCONN) != 0) ready = cannot_listen(address, advice(address, errno));
  if (ready) return socket;
  if (address.is_unix()) ::unlink(address.path().c_str());
  return tl::unexpected(ready.error());
}

Result<Descriptor> connect_to(const ListenAddress& address, SteadyTime deadline) {
  Descriptor socket(::socket(address.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return cannot_connect(address, errno);
  limit_to(socket, left_until(deadline));
  if (::connect(socket.get(), raw(address), address.length) != 0) return cannot_connect(address, errno);
  limit_to(socket, left_until(deadline));
  return socket;
}

}  // namespace mtasts
